// regent's transport by itself, doing what bench/ssh_exec_peer.cpp does: every run remembered on its host by id, with
// its own process group, deadline and output files, and forgotten once its outcome is known.
//   regent_runs HOSTS.json HOSTS RUNS_PER_HOST IN_FLIGHT COMMAND [LIBRARY]
// With one host, connecting and a first run are timed apart; with many, each goes straight on once it is connected.
// COMMAND is the body of the primitive's verb; LIBRARY a bash file to put before it, as the planner does.
#include <fmt/format.h>
#include <openssl/sha.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>

#include "bench/hosts_file.hpp"
#include "transport/transport.hpp"

namespace {
using regent::bench::give_up;
using steady = std::chrono::steady_clock;

std::string sha256(const std::string& text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const auto byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) give_up("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Counts down what is under way; the main thread waits for zero.
class countdown {
 public:
  void await(std::size_t count, const char* what) {
    std::unique_lock lock(guard_);
    if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return seen_ >= count; }))
      give_up(fmt::format("waited 60 s for {}: {} of {}", what, seen_, count));
    seen_ -= count;
  }
  void one() {
    const std::lock_guard lock(guard_);
    ++seen_;
    changed_.notify_one();
  }

 private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::size_t seen_ = 0;
};

/// One host's share: keeps IN_FLIGHT runs on the way until all are done.
struct share {
  std::unique_ptr<regent::command_channel> channel;
  std::mutex guard;
  std::size_t sent = 0, wanted = 0;
  std::string name;
};

struct bench {
  std::shared_ptr<const std::string> script;
  std::string hash;
  regent::epoch_number epoch = static_cast<regent::epoch_number>(steady::now().time_since_epoch().count());
  countdown connected, ended;
  std::atomic<bool> over{false};

  void send_next(share& to) {
    const std::lock_guard lock(to.guard);
    if (to.sent == to.wanted) return;
    regent::run_request request;
    request.run = regent::run_id(fmt::format("bench-{}-{}-{}", epoch, to.name, ++to.sent));
    request.epoch = epoch;
    request.script = script;
    request.script_hash = hash;
    request.verb = "build";
    to.channel->send(std::move(request));
  }
  void take(share& from, const regent::run_report& report) {
    if (report.status == regent::run_status::running) return;
    if (report.status != regent::run_status::finished || report.exit_code != 0)
      give_up(fmt::format("{}: a run was {} with exit code {}: {}", from.name, regent::name(report.status),
                          report.exit_code, report.errors));
    from.channel->forget({report.run});
    ended.one();
    send_next(from);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) give_up("regent_runs HOSTS.json HOSTS RUNS_PER_HOST IN_FLIGHT COMMAND [LIBRARY]");
  const auto hosts = regent::bench::read_hosts(argv[1], std::stoul(argv[2]));
  const auto runs = std::stoul(argv[3]), in_flight = std::stoul(argv[4]);
  const bool warm = hosts.size() == 1;
  bench all;
  const auto text = (argc == 7 ? read_text(argv[6]) : "set -eu\n") + "\nbuild() {\n" + argv[5] + "\n}\n";
  all.script = std::make_shared<const std::string>(text);
  all.hash = sha256(text);

  const auto start = steady::now();
  auto seconds = [&](steady::time_point since) { return std::chrono::duration<double>(steady::now() - since).count(); };
  std::vector<share> shares(hosts.size());
  const auto transport = regent::make_transport(2, "bench-runs", all.epoch);
  const auto go = [&](share& each, std::size_t count) {
    {
      const std::lock_guard lock(each.guard);
      each.wanted += count;
    }
    for (std::size_t i = 0; i < in_flight; ++i) all.send_next(each);
  };
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    auto& mine = shares[i];
    mine.name = hosts[i].name;
    regent::channel_sink sink;
    sink.connected = [&](const std::string&, regent::milliseconds) {
      if (!warm) go(mine, runs);
      all.connected.one();
    };
    sink.disconnected = [&](const regent::error& why) {
      if (!all.over) give_up(why.text());
    };
    sink.reported = [&all, &mine](const regent::run_report& report) { all.take(mine, report); };
    sink.alive = [](regent::milliseconds, std::optional<std::int64_t>) {};
    const std::lock_guard lock(mine.guard);
    mine.channel = transport->open(regent::bench::endpoint_of(hosts[i]), sink);
  }
  all.connected.await(hosts.size(), "the connections");
  if (warm) {
    go(shares[0], 1);
    all.ended.await(1, "the first run");
  }
  const auto connect_s = seconds(start);
  const auto running = steady::now();
  if (warm) go(shares[0], runs);
  all.ended.await(runs * hosts.size(), "the runs");
  regent::bench::print_measured(hosts.size(), runs * hosts.size(), connect_s, seconds(running));
  std::fflush(stdout);
  all.over = true;
  for (auto& each : shares) each.channel.reset();
}
