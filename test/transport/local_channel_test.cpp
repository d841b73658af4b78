#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "runner_files.hpp"
#include "test/contract/command_channel_suite.hpp"
#include "test/support/catch.hpp"
#include "transport/local_channel.hpp"
#include "transport/runner_protocol.hpp"

using namespace regent;
using namespace regent::test;

namespace {

channel_world local_world(const scratch_directory& directory) {
  channel_world world;
  world.directory = directory.path();
  world.endpoint.host = host_id("host");
  world.endpoint.local = true;
  world.endpoint.state_directory = directory / "state";
  return world;
}

/// A file system of a few pages that can be filled to the last; skipped where it cannot be mounted.
class small_disk {
 public:
  explicit small_disk(std::string path) : path_(std::move(path)) {
    ::mkdir(path_.c_str(), 0755);
    mounted_ = ::mount("regent-test", path_.c_str(), "tmpfs", 0, "size=256k") == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void fill() {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    while (file << std::string(512, 'x') << std::flush) {
    }
  }
  void empty() { ::unlink((path_ + "/filler").c_str()); }

 private:
  std::string path_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("the local channel keeps the contract of a command channel") {
  const scratch_directory directory;
  check_command_channel(local_world(directory));
}

TEST_CASE("of several runners that take a host over at the same moment one is left, of the highest epoch") {
  const scratch_directory directory;
  std::string program;
  for (const embedded_file& part : runner_files()) program += part.text;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::unique_ptr<host_stream>> streams;
    for (int i = 0; i < 6; ++i) {
      auto started = start_local_stream(runner::start_command(program.size(), false));
      REQUIRE(started);
      streams.push_back(std::move(*started));
      REQUIRE(streams.back()->write(program));
    }
    const epoch_number newest = 10 * (round + 1) + 1;
    for (int i = 0; i < 6; ++i) {
      const epoch_number epoch = i == 2 ? newest : newest - 1;
      REQUIRE(streams[static_cast<std::size_t>(i)]->write(
          *runner::hello("r1", host_id("host"), epoch, directory / "state")));
    }
    // Each says that it is ready, says why not, or is killed; who is left of those goes on to answer.
    std::vector<std::string> said(streams.size());
    std::vector<bool> ended(streams.size());
    std::size_t left = 0;
    const bool settled = eventually([&] {
      left = 0;
      for (std::size_t i = 0; i < streams.size(); ++i) {
        if (!ended[i] && !streams[i]->read(said[i])) ended[i] = true;
        if (!ended[i]) ++left;
      }
      return left <= 1;
    });
    INFO(fmt::format("round {}: {} are left", round, left));
    REQUIRE(settled);
    REQUIRE(left == 1);
    REQUIRE_FALSE(ended[2]);
    CHECK(eventually([&] { return streams[2]->read(said[2]) && said[2].find("\nready ") != said[2].npos; }));
  }
}

TEST_CASE("a state directory that cannot be written is told, and taken up when it can") {
  const scratch_directory directory;
  channel_world world = local_world(directory);
  write_file(directory / "file", "");
  world.endpoint.state_directory = directory / "file/below";
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(world.endpoint, record.sink());
  const error why = record.await_disconnected();
  CHECK(why.code == "state_unwritable");
  CHECK(why.message.find("Not a directory") != std::string::npos);
  ::unlink((directory / "file").c_str());
  record.await_connected();
}

TEST_CASE("a full disk on the host refuses runs with its reason and loses no outcome") {
  const scratch_directory directory;
  small_disk disk(directory / "disk");
  if (!disk.mounted()) {
    WARN("skipped: a tmpfs cannot be mounted here (needs root)");
    return;
  }
  channel_world world = local_world(directory);
  world.endpoint.state_directory = directory / "disk/state";
  const auto script = make_script(
      "fine() { :; }\nlong_one() { : >\"$begun\"; while [ ! -e \"$gate\" ]; do sleep 0.02; done; printf '%05000d' 0; "
      "}\n");
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(world.endpoint, record.sink());
  record.await_connected();
  channel->send(make_run("before", script, "long_one", {{"begun", directory / "begun"}, {"gate", directory / "gate"}}));
  REQUIRE(eventually([&] { return ::access((directory / "begun").c_str(), F_OK) == 0; }));
  disk.fill();
  channel->send(make_run("during", script, "fine"));
  CHECK(record.await(run_id("during"), run_status::refused).errors.find("No space left") != std::string::npos);
  write_file(directory / "gate", "");
  CHECK(record.await(run_id("before"), run_status::finished).output == std::string(5000, '0'));
  disk.empty();
  channel->ask(run_id("before"));
  CHECK(record.await(run_id("before"), run_status::finished).output.size() == 5000);
  channel->ask(run_id("during"));
  record.await(run_id("during"), run_status::never_seen);
}

TEST_CASE("an endpoint or a region that cannot be is told once, and not tried again") {
  host_endpoint endpoint;
  endpoint.host = host_id("host");
  std::string region = "r1";
  SECTION("no address") { endpoint.state_directory = "/tmp/x"; }
  SECTION("a relative state directory") {
    endpoint.local = true;
    endpoint.state_directory = "tmp/x";
  }
  SECTION("a region with a slash") {
    endpoint.local = true;
    endpoint.state_directory = "/tmp/x";
    region = "../r1";
  }
  channel_record record;
  const auto carrier = make_transport(1, region, 7);
  const auto channel = carrier->open(endpoint, record.sink());
  CHECK(record.await_disconnected().kind == error_kind::permanent);
}

TEST_CASE("a channel may be closed from within its own sink") {
  const scratch_directory directory;
  const auto carrier = make_transport(1, "r1", 7);
  std::unique_ptr<command_channel> channel;
  channel_record record;
  channel_sink sink = record.sink();
  std::mutex guard;
  sink.connected = [&, told = sink.connected](const std::string& boot, milliseconds latency) {
    {
      std::lock_guard lock(guard);
      channel.reset();
    }
    told(boot, latency);
  };
  {
    std::lock_guard lock(guard);
    channel = carrier->open(local_world(directory).endpoint, sink);
  }
  record.await_connected();
  CHECK(channel == nullptr);
}
