// Steps that are undone when their job has failed.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

void asks_for_what_is_undone(region_fixture& region) {
  asks_for_build(region);
  region.cloud_side.records[region.router].document = R"({"v":1,"undo":true})";
}

/// The firewall cannot be built, and can be scrubbed.
int fails_to_build_fw(const run_request& run) { return *run.script == "fw" && run.verb == "build" ? 1 : 0; }

}  // namespace

TEST_CASE("a job that fails for good undoes what had begun, the last first, and says so") {
  region_fixture region;
  region.hosts["a"].behaves = fails_to_build_fw;
  asks_for_what_is_undone(region);
  region.start();
  region.pass(2s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.scrub", "net.scrub"});
  CHECK(region.hosts["b"].log.empty());
  CHECK(region.state_in_cloud() == unresourced);
  const auto failed = region.jobs(job_state::failed).at(0);
  CHECK(failed.error_code == "step_failed");
  CHECK(failed.error_message ==
        "step 2 of 4 (fw of virtual_router/1) on a: step_failed: as told; undone: 2 of 2 steps");
  CHECK(region.row()->reason == failed.error_message);
  CHECK(region.store->leases.empty());
  SECTION("nothing goes on from its middle") {
    operator_command word{operator_verb::retry, {}, region.router, {}, {}};
    word.step = 2;
    CHECK(region.tell(word) == "not_from_there");
  }
  SECTION("a retry does all of it") {
    region.hosts["a"].behaves = {};
    region.tell({operator_verb::retry, {}, region.router, {}, {}});
    region.pass(5s);
    CHECK(region.state_in_cloud() == running);
  }
}

TEST_CASE("what cannot be undone is told, and the rest is undone all the same") {
  region_fixture region;
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 1 : 0; };
  asks_for_what_is_undone(region);
  region.start();
  region.pass(2s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.scrub", "net.scrub"});
  CHECK(
      has(region.row()->reason, "; undone: 1 of 2 steps; not undo: fw of virtual_router/1 on a: step_failed: as told"));
}

TEST_CASE("a crash at any message leaves nothing that was to be undone, and undoes nothing twice") {
  std::size_t handled = 0;
  for (std::size_t at = 1; handled + 1 >= at && at < 400; ++at) {
    region_fixture region;
    region.hosts["a"].behaves = fails_to_build_fw;
    asks_for_what_is_undone(region);
    region.start();
    handled = region.pass_but_handle(250ms, at);
    region.restart();
    region.pass(10s);
    INFO("crash after message " << at);
    CHECK(region.open_jobs().empty());
    CHECK(region.state_in_cloud() == unresourced);
    CHECK(has(region.row()->reason, "; undone: 2 of 2 steps"));
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.scrub", "net.scrub"});
    CHECK(region.hosts["a"].secrets.size() == 4);
    for (const auto& [run, times] : region.hosts["a"].executions) CHECK(times == 1);
  }
  CHECK(handled > 20);
}

TEST_CASE("a cancel, and what only degrades, undo nothing") {
  region_fixture region;
  asks_for_what_is_undone(region);
  SECTION("a cancel") {
    region.hosts["a"].hangs = {"fw"};
    region.start();
    region.pass(1s);
    region.hosts["a"].hangs.clear();
    const auto open = region.open_jobs().at(0);
    region.tell({operator_verb::cancel, open.id, open.resource, {}, {}});
    region.pass(2s);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.read"});
  }
  SECTION("a standby that fails") {
    region.hosts["b"].behaves = fails_to_build_fw;
    region.start();
    region.pass(2s);
    CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
    CHECK(region.row()->degraded);
  }
}

TEST_CASE("a cancel while steps are undone ends that: the job has failed, and says what is left") {
  region_fixture region;
  region.hosts["a"].behaves = [&](const run_request& run) {
    if (*run.script != "fw" || run.verb != "build") return 0;
    region.hosts["a"].hangs = {"fw"};  // its undoing
    return 1;
  };
  asks_for_what_is_undone(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.scrub"});
  const auto open = region.open_jobs().at(0);
  region.tell({operator_verb::cancel, open.id, open.resource, {}, "eve"});
  SECTION("in one life") {}
  SECTION("through a crash") { region.restart(); }
  region.hosts["a"].hangs.clear();
  region.pass(2min);
  CHECK(region.open_jobs().empty());
  CHECK(region.hosts["a"].cancels >= 1);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.store->leases.empty());
  const auto& log = region.hosts["a"].log;
  CHECK(std::find(log.begin(), log.end(), "net.scrub") == log.end());
  const auto failed = region.jobs(job_state::failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].error_code == "step_failed");
  INFO(failed[0].error_message);
  CHECK(has(failed[0].error_message, "; undone: 0 of 2 steps"));
}
