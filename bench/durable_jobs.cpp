// Durable one-step jobs through the production actors and the real journal, with hosts and a cloud that answer at once: what
// regent itself costs.
//   durable_jobs FOLDER JOBS [ALONE [RATE]]
// First JOBS resources are asked for at once, and are built; then ALONE of them are changed, one every 20 ms, so that each has all to
// itself, counted from the poll's answer that tells of it to the report that it is done; then RATE are changed each second, for five
// seconds, counted from the change. At the end 1,000 jobs are open, and it dies.
//   durable_jobs FOLDER JOBS again
// Begins again on the journal that is left, and rests.
//   durable_jobs FOLDER JOBS audit
// The same, and then all are mended in the lane of audits while a user changes 20 a second for 20 s, and a dashboard reads all the time.
//   durable_jobs FOLDER JOBS on HOSTS.json HOSTS COMMAND
// JOBS resources are changed at once on real hosts, with the production transport: COMMAND is what their one step runs.
// One line of JSON each.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <caf/actor_system.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unordered_map>

#include "actors/central_actors.hpp"
#include "actors/journal_lookup.hpp"
#include "bench/hosts_file.hpp"
#include "persistence/sqlite_journal.hpp"
#include "primitives/sha256.hpp"
#include "transport/transport.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

using bench::give_up;

constexpr std::size_t host_count = 1000;

/// The cloud's records, and when each came to rest.
class instant_cloud {
 public:
  struct entry {
    lifecycle_state state = requested;
    std::int64_t stamp = 0;
  };
  explicit instant_cloud(std::size_t count) : entries_(count) {}

  void ask(std::size_t number, lifecycle_state wish) {
    const std::lock_guard lock(guard_);
    auto& at = entries_[number];
    at.state = wish;
    at.stamp = ++stamps_;
    news_.push_back(id_of(number));
  }
  void set_all(lifecycle_state state) {
    for (auto& at : entries_) at.state = state;
  }
  /// Until so many reports of `running` have come since the last call.
  void await_running(std::size_t count, const char* what) {
    std::unique_lock lock(guard_);
    if (!changed_.wait_for(lock, 600s, [&] { return running_ >= count; }))
      give_up(fmt::format("{}: {} of {} after 600 s", what, running_, count));
    running_ -= count;
  }
  std::vector<std::chrono::steady_clock::time_point> ends(std::size_t count) {
    const std::lock_guard lock(guard_);
    ends_.resize(std::max(ends_.size(), count));
    return ends_;
  }
  /// When a poll's answer last told of anything.
  std::chrono::steady_clock::time_point told() {
    const std::lock_guard lock(guard_);
    return told_;
  }
  static resource_id id_of(std::size_t number) { return {"virtual_router", std::to_string(number)}; }

  std::unique_ptr<cloud> open();

 private:
  friend class instant_client;
  record_head head(std::size_t number) const {
    return {id_of(number), entries_[number].state, std::to_string(entries_[number].stamp),
            std::to_string(number % 100)};
  }
  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<entry> entries_;
  std::vector<resource_id> news_;
  std::vector<std::chrono::steady_clock::time_point> ends_;
  std::chrono::steady_clock::time_point told_;
  std::int64_t stamps_ = 0;
  std::size_t running_ = 0;
};

class instant_client final : public cloud {
 public:
  explicit instant_client(instant_cloud& all) : all_(all) {}
  result<std::vector<resource_id>> changes() override {
    const std::lock_guard lock(all_.guard_);
    if (!all_.news_.empty()) all_.told_ = std::chrono::steady_clock::now();
    return std::exchange(all_.news_, {});
  }
  result<void> acknowledge_changes() override { return {}; }
  result<cloud_listing> list(const std::string&, const std::vector<lifecycle_state>& states) override {
    const std::lock_guard lock(all_.guard_);
    cloud_listing found;
    for (std::size_t n = 0; n < all_.entries_.size(); ++n)
      if (std::find(states.begin(), states.end(), all_.entries_[n].state) != states.end())
        found.heads.push_back(all_.head(n));
    return found;
  }
  result<record> read(const resource_id& id) override {
    const std::lock_guard lock(all_.guard_);
    record whole;
    whole.head = all_.head(std::stoul(id.id));
    whole.name = id.text();
    whole.document = *parse_json(fmt::format(R"({{"id":{},"v":{}}})", id.id, whole.head.updated));
    return whole;
  }
  result<void> ask(const resource_id& id, lifecycle_state wish) override {
    all_.ask(std::stoul(id.id), wish);
    return {};
  }
  result<void> report(const resource_id& id, lifecycle_state state) override {
    const std::lock_guard lock(all_.guard_);
    const auto number = std::stoul(id.id);
    all_.entries_[number].state = state;
    if (state != running) return {};
    all_.ends_.resize(std::max(all_.ends_.size(), number + 1));
    all_.ends_[number] = std::chrono::steady_clock::now();
    ++all_.running_;
    all_.changed_.notify_all();
    return {};
  }

 private:
  instant_cloud& all_;
};

std::unique_ptr<cloud> instant_cloud::open() { return std::make_unique<instant_client>(*this); }

/// Each run is at its end when it is sent, or, if it hangs, never.
class instant_channel final : public command_channel {
 public:
  instant_channel(channel_sink sink, const std::atomic<bool>& hangs) : sink_(std::move(sink)), hangs_(hangs) {
    sink_.connected("boot", 0ms);
  }
  void send(run_request request) override { say(request.run, hangs_ ? run_status::running : run_status::finished); }
  void ask(const run_id& run) override { say(run, hangs_ ? run_status::running : run_status::finished); }
  void cancel(const run_id&) override {}
  void forget(std::vector<run_id>) override {}

 private:
  void say(const run_id& run, run_status status) {
    run_report said;
    said.run = run;
    said.status = status;
    said.exit_code = 0;
    said.boot_id = "boot";
    sink_.reported(said);
  }
  channel_sink sink_;
  const std::atomic<bool>& hangs_;
};

/// Every operation is one step on one host.
class one_step final : public catalogue {
 public:
  explicit one_step(const std::string& command) {
    auto text = fmt::format("set -eu\nbuild() {{\n{}\n}}\nupdate() {{ build; }}\n", command);
    auto hash = sha256_hex(text);
    script_ = {"no_op", std::make_shared<const std::string>(std::move(text)), std::move(hash)};
  }
  const primitive_script* find_script(const std::string&) const override { return &script_; }
  std::vector<std::string> kinds() const override { return {"virtual_router"}; }
  bool has_scrub_queue(const std::string&) const override { return false; }
  result<plan> make_plan(operation what, const record& from, const region_config& region, bool) const override {
    plan made;
    made.resource = from.head.id;
    made.what = what;
    made.lease_scope = from.head.id.text();
    made.steps.push_back({region.hosts[std::stoul(from.head.id.id) % region.hosts.size()].name,
                          "no_op",
                          std::string(name(what)),
                          {{"v", from.head.updated, false}},
                          step_role::sole,
                          30s,
                          "nothing"});
    return made;
  }

 private:
  primitive_script script_;
};

std::vector<host_config> hosts_at_once() {
  std::vector<host_config> all(host_count);
  for (std::size_t n = 0; n < host_count; ++n) all[n].name = host_id(fmt::format("host-{}", n));
  return all;
}

struct reign {
  using channel_opener = decltype(region_context::open_channel);
  reign(const std::string& path, instant_cloud& records, milliseconds poll,
        std::vector<host_config> hosts = hosts_at_once(), const std::string& command = ":",
        const std::function<channel_opener(epoch_number)>& opener = {}) {
    const auto began = std::chrono::steady_clock::now();
    auto config = std::make_shared<region_config>();
    config->name = "bench";
    config->cloud.poll_interval = poll;
    config->cloud.listing_interval = std::chrono::hours(1);
    config->hosts = std::move(hosts);
    auto store = open_sqlite_journal(path);
    if (!store) give_up(store.error().text());
    auto found = (*store)->begin_reign();
    if (!found) give_up(found.error().text());
    auto open = std::make_shared<const journal_contents>(std::move(*found));
    context = std::make_shared<region_context>(time, facts, config);
    context->kinds = std::make_shared<const one_step>(command);
    context->journal_id = open->journal_id;
    context->epoch = open->epoch;
    context->last_job = open->last_job;
    context->open_channel = [this](const host_config&, channel_sink sink) {
      return std::make_unique<instant_channel>(std::move(sink), hangs);
    };
    if (opener) context->open_channel = opener(open->epoch);
    context->open_cloud = [&records](const auto&) -> result<std::unique_ptr<cloud>> { return records.open(); };
    look_into(*context, path);
    spawn_central_actors<caf::detached>(system, context, directory, std::shared_ptr<journal>(std::move(*store)), open);
    while (!facts.ready) std::this_thread::sleep_for(1ms);
    ready_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }

  system_clock time;
  daemon_facts facts;
  std::atomic<bool> hangs{false};
  actor_config settings{facts.probes};
  caf::actor_system system{settings};
  context_ptr context;
  directory_ptr directory = std::make_shared<actor_directory>();
  double ready_s = 0;
};

double rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmRSS:") {
      double kb = 0;
      status >> kb;
      return kb / 1024;
    }
  return 0;
}

double cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& at) {
    return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_usec) / 1e6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

double percentile(std::vector<double> of, double part) {
  if (of.empty()) return 0;
  std::sort(of.begin(), of.end());
  return of[std::min(of.size() - 1, static_cast<std::size_t>(part * static_cast<double>(of.size())))];
}

double seconds_since(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

/// Until nothing has been committed for three seconds: its first listing is over, and what was built has been
/// confirmed.
void await_rest(const reign& here) {
  const auto began = std::chrono::steady_clock::now();
  for (auto last = here.facts.commits.load(), since = last * 0; since < 30;) {
    std::this_thread::sleep_for(100ms);
    const auto now = here.facts.commits.load();
    since = now == last ? since + 1 : 0;
    last = now;
    if (seconds_since(began) > 300) give_up("it does not come to rest");
  }
}

void measure(const std::string& path, std::size_t jobs, std::size_t alone, std::size_t rate) {
  instant_cloud records(jobs);
  const auto began = std::chrono::steady_clock::now();
  auto& here = *new reign(path, records, 1ms);  // never taken down: what follows is a crash
  records.await_running(jobs, "the builds");
  const auto all_s = seconds_since(began);
  await_rest(here);

  std::vector<double> each_ms;
  for (std::size_t n = 0; n < alone; ++n) {
    std::this_thread::sleep_for(20ms);
    records.ask(n % jobs, running_update);
    records.await_running(1, "a change alone");
    each_ms.push_back(std::chrono::duration<double, std::milli>(records.ends(jobs)[n % jobs] - records.told()).count());
  }

  std::vector<double> paced_ms;
  const auto count = std::min(rate * 5, jobs);
  if (rate > 0) {
    std::vector<std::chrono::steady_clock::time_point> asked(count);
    const auto first = std::chrono::steady_clock::now();
    for (std::size_t n = 0; n < count; ++n) {
      std::this_thread::sleep_until(first + n * std::chrono::microseconds(1'000'000 / rate));
      asked[n] = std::chrono::steady_clock::now();
      records.ask(n, running_update);
    }
    records.await_running(count, "the changes at a rate");
    const auto ends = records.ends(count);
    for (std::size_t n = 0; n < count; ++n)
      paced_ms.push_back(std::chrono::duration<double, std::milli>(ends[n] - asked[n]).count());
  }

  here.hangs = true;
  const auto open = std::min<std::size_t>(1000, jobs);
  for (std::size_t n = 0; n < open; ++n) records.ask(n, running_update);
  const auto sent = here.facts.runs_sent.load();
  for (int i = 0;
       i < 600 && here.facts.runs_sent.load() < sent + static_cast<std::int64_t>(std::min(open, host_count * 8)); ++i)
    std::this_thread::sleep_for(50ms);
  std::this_thread::sleep_for(1s);
  fmt::print(
      R"({{"jobs":{},"jobs_per_s":{:.0f},"alone_ms_p50":{:.2f},"alone_ms_p99":{:.2f},"paced_ms_p50":{:.2f},"paced_ms_p99":{:.2f},"wal_mb":{:.0f}}})"
      "\n",
      jobs, static_cast<double>(jobs) / all_s, percentile(each_ms, 0.5), percentile(each_ms, 0.99),
      percentile(paced_ms, 0.5), percentile(paced_ms, 0.99),
      static_cast<double>(std::filesystem::file_size(path + "-wal")) / 1e6);
  std::fflush(stdout);
  std::_Exit(0);
}

/// What a page that is open all the time does: looks at everything, over and over.
class dashboard {
 public:
  explicit dashboard(const region_context& of)
      : reader_([&of](const std::stop_token& over) {
          auto opened = of.open_reader();
          if (!opened) give_up(opened.error().text());
          std::string at;
          while (!over.stop_requested()) {
            const auto resources = (*opened)->resources({}, at, 200);
            const auto jobs = (*opened)->jobs({}, {}, 200);
            const auto events = (*opened)->events({}, {}, 200);
            if (!resources || !jobs || !events) give_up("the dashboard cannot read");
            at = resources->next;
            std::this_thread::sleep_for(20ms);
          }
        }) {}

 private:
  std::jthread reader_;
};

void audit(const std::string& path, std::size_t jobs) {
  instant_cloud records(jobs);
  records.set_all(running);
  auto& here = *new reign(path, records, 1ms);
  await_rest(here);
  auto& page = *new dashboard(*here.context);
  static_cast<void>(page);
  const auto before = here.facts.runs_ended.load();
  bulk_asked order;
  order.what.what = bulk_verb::mend;
  order.in = lane::audit;
  order.cause = order.by = "audit";
  order.answer = [](const result<std::string>& said) {
    if (!said) give_up(said.error().text());
  };
  caf::anon_send(here.directory->region, std::move(order));
  const auto under_way = before + static_cast<std::int64_t>(std::min<std::size_t>(1000, jobs / 2));
  for (int i = 0; here.facts.runs_ended.load() < under_way; ++i) {
    if (i == 6000) give_up("the audit does not begin");
    std::this_thread::sleep_for(10ms);
  }
  const auto changes = std::min<std::size_t>(400, jobs);
  std::vector<std::chrono::steady_clock::time_point> asked(changes);
  const auto first = std::chrono::steady_clock::now();
  const auto audited = here.facts.runs_ended.load();
  std::uintmax_t log = 0;
  for (std::size_t n = 0; n < changes; ++n) {
    std::this_thread::sleep_until(first + n * 50ms);
    asked[n] = std::chrono::steady_clock::now();
    records.ask(jobs - 1 - n, running_update);
    log = std::max(log, std::filesystem::file_size(path + "-wal"));
  }
  const auto audits_s = static_cast<double>(here.facts.runs_ended.load() - audited) / seconds_since(first);
  records.await_running(changes, "a user's changes");
  const auto ends = records.ends(jobs);
  std::vector<double> each_ms;
  for (std::size_t n = 0; n < changes; ++n)
    each_ms.push_back(std::chrono::duration<double, std::milli>(ends[jobs - 1 - n] - asked[n]).count());
  fmt::print(
      R"({{"resources":{},"audits_per_s":{:.0f},"change_ms_p50":{:.2f},"change_ms_p99":{:.2f},"wal_mb_most":{:.0f}}})"
      "\n",
      jobs, audits_s, percentile(each_ms, 0.5), percentile(each_ms, 0.99), static_cast<double>(log) / 1e6);
  std::fflush(stdout);
  std::_Exit(0);
}

void on_hosts(const std::string& path, std::size_t jobs, const std::string& file, std::size_t count,
              const std::string& command) {
  instant_cloud records(jobs);
  records.set_all(running);
  std::vector<host_config> hosts;
  std::map<host_id, host_endpoint> endpoints;
  for (const auto& one : bench::read_hosts(file, count)) {
    hosts.emplace_back().name = host_id(one.name);
    endpoints[host_id(one.name)] = bench::endpoint_of(one);
  }
  std::unique_ptr<transport> way;
  auto& here = *new reign(path, records, 1ms, hosts, command, [&](epoch_number epoch) -> reign::channel_opener {
    way = make_transport(2, "bench-durable", epoch);
    return
        [&](const host_config& host, channel_sink sink) { return way->open(endpoints.at(host.name), std::move(sink)); };
  });
  const auto all_up = [&] {
    const auto all = here.facts.hosts.list();
    return std::all_of(all.begin(), all.end(), [](const auto& one) { return one.state == "up"; });
  };
  for (int i = 0; !all_up(); ++i) {
    if (i == 600) give_up("not all hosts are up after 60 s");
    std::this_thread::sleep_for(100ms);
  }
  await_rest(here);
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t n = 0; n < jobs; ++n) records.ask(n, running_update);
  records.await_running(jobs, "the changes on hosts");
  const auto all_s = seconds_since(began);
  fmt::print(R"({{"hosts":{},"jobs":{},"jobs_per_s":{:.1f}}})"
             "\n",
             count, jobs, static_cast<double>(jobs) / all_s);
  std::fflush(stdout);
  std::_Exit(0);
}

void begin_again(const std::string& path, std::size_t jobs) {
  instant_cloud records(jobs);
  records.set_all(running);
  auto& here = *new reign(path, records, 5s);
  await_rest(here);
  const auto used = cpu_s();
  std::this_thread::sleep_for(10s);
  fmt::print(R"({{"resources":{},"ready_s":{:.2f},"rss_mb":{:.0f},"cpu_at_rest_percent":{:.2f}}})"
             "\n",
             jobs, here.ready_s, rss_mb(), (cpu_s() - used) * 10);
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) give_up("durable_jobs FOLDER JOBS [ALONE [RATE]], then durable_jobs FOLDER JOBS again, and audit");
  spdlog::set_level(spdlog::level::err);
  const std::string path = std::string(words[1]) + "/regent.db";
  const auto jobs = std::stoul(words[2]);
  const std::string mode = count > 3 ? words[3] : "";
  if (mode == "again") begin_again(path, jobs);
  if (mode == "audit") audit(path, jobs);
  if (mode == "on" && count == 7) on_hosts(path, jobs, words[4], std::stoul(words[5]), words[6]);
  measure(path, jobs, count > 3 ? std::stoul(words[3]) : 0, count > 4 ? std::stoul(words[4]) : 0);
}
