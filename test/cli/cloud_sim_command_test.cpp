// `regent cloud-sim` as a command: it listens, says where, plays the cloud, and ends when it is told to.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "test/cli/regent_process.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

/// A simulator on a free port, which it has told.
class playing {
 public:
  playing() : process_({"cloud-sim", "--records", "test/data/sim/three_projects.yaml", "--port-file", port_file()}) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!std::filesystem::exists(port_file()) && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(5ms);
    port_ = read_text(port_file());
    REQUIRE(port_.size() > 1);
    port_.pop_back();
  }
  std::string port_file() const { return directory_.file("port"); }
  std::string file(const std::string& name) const { return directory_.file(name); }
  std::string address() const { return "127.0.0.1:" + port_; }
  regent_said end() {
    process_.signal(SIGTERM);
    return process_.wait();
  }

 private:
  scratch_directory directory_;
  regent_process process_;
  std::string port_;
};

}  // namespace

TEST_CASE("cloud-sim says where it listens and as whom to log in, and SIGTERM ends it well") {
  playing sim;
  const auto said = sim.end();
  CHECK(said.exit == 0);
  CHECK(said.err.empty());
  CHECK(said.out == "cloud-sim: http://" + sim.address() + "/  login as robot@sim.test  see http://" + sim.address() +
                        "/sim/state\n");
  CHECK_FALSE(std::filesystem::exists(sim.port_file()));
}

TEST_CASE("plan asks cloud-sim for the record, and a record that is not there is exit 1") {
  playing sim;
  ::setenv("P", "robot-password", 1);
  ::setenv("K", "robot-key", 1);
  auto region = region_text("tenant: {type: none}");
  const auto put = [&](const std::string& what, const std::string& instead) {
    REQUIRE(region.find(what) != std::string::npos);
    region.replace(region.find(what), what.size(), instead);
  };
  put("127.0.0.1:1/", sim.address() + "/");
  put("robot@example.com", "robot@sim.test");
  write_text(sim.file("region.yaml"), region);
  const auto plan = run_regent({"plan", "virtual_router/1", "build", "-c", sim.file("region.yaml")});
  CHECK(plan.err.empty());
  CHECK(plan.exit == 0);
  CHECK(plan.out.starts_with("virtual_router/1 build: "));
  const auto none = run_regent({"plan", "virtual_router/999999", "build", "-c", sim.file("region.yaml")});
  CHECK(none.exit == 1);
  CHECK(has(none.err, "cloud_not_found"));
}

TEST_CASE("a port that is taken is exit 1; wrong addresses and bad records are exit 2, and named") {
  playing sim;
  const auto taken = run_regent({"cloud-sim", "--listen", sim.address()});
  CHECK(taken.exit == 1);
  CHECK(has(taken.err, "cannot listen on 127.0.0.1 port "));
  for (const auto* listen : {"x", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"}) {
    const auto said = run_regent({"cloud-sim", "--listen", listen});
    INFO(listen);
    CHECK(said.exit == 2);
    CHECK(has(said.err, fmt::format("'{}' is not ADDRESS:PORT", listen)));
  }
  write_text(sim.file("records.yaml"), "projects:\n  - name: shop\n    ruoter: {}\n");
  const auto bad = run_regent({"cloud-sim", "--records", sim.file("records.yaml")});
  CHECK(bad.exit == 2);
  CHECK(has(bad.err, "records.yaml:3"));
  CHECK(has(bad.err, "ruoter"));
  CHECK(run_regent({"cloud-sim", "--records", "/no/such/records.yaml"}).exit == 2);
  CHECK(run_regent({"cloud-sim", "--port-file", "/no/such/folder/port"}).exit == 2);
  CHECK(run_regent({"cloud-sim", "--colour", "red"}).exit == 2);
}
