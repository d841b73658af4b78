// How far runs are, from the hosts to who looks; and what takes too long.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

std::string lifecycle_says(const region_fixture& region) {
  const auto seen = region.facts->probes.list(region.time.steady(), 0, 10, "lifecycle", region.router.text());
  return seen.empty() ? "" : seen.back().state;
}

run_id run_under_way(const region_fixture& region) {
  for (const auto& [key, step] : region.store->steps)
    if (step.state == step_state::sent) return step.run;
  return {};
}

}  // namespace

TEST_CASE("how far a run is stands on the board and in its actor, in no journal, and goes with the run") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  const auto run = run_under_way(region);
  REQUIRE_FALSE(run.empty());
  region.host_beats("a");
  region.pass(3s);
  CHECK(region.facts->runs.find(run, region.time.steady())->age == 3s);
  CHECK(lifecycle_says(region) == "step 2 of 4 on a: fw of virtual_router/1");

  const auto commits = region.facts->commits.load();
  for (int percent = 0; percent <= 40; ++percent) region.host_beats("a", run_progress{percent, "copying blocks", 12s});
  CHECK(region.facts->commits == commits);
  region.pass(2s);
  const auto sign = region.facts->runs.find(run, region.time.steady());
  CHECK(progress_text(sign.value().progress.value()) == "40 %: copying blocks, 14s ago");
  CHECK(lifecycle_says(region) == "step 2 of 4 on a: fw of virtual_router/1, 40 %: copying blocks, 12s ago");
  CHECK(region.facts->runs.size() == 1);

  SECTION("the daemon dies: it is asked for again") {
    region.crash();
    region.start();
    region.pass(1s);
    CHECK(region.facts->runs.find(run, region.time.steady()).value().progress.value().percent == 40);
  }
  SECTION("its host is away for a while: what was last known stands, with its age") {
    region.host_down("a");
    region.pass(5s);
    CHECK(region.facts->runs.find(run, region.time.steady()).value().age == 7s);
    region.host_up("a");
    region.settle();
    CHECK(region.facts->runs.find(run, region.time.steady()).value().age == 0s);
  }
  SECTION("its host leaves the region file") {
    auto next = std::make_shared<region_config>(*region.config);
    next->hosts.erase(next->hosts.begin());
    region.reload(next);
    region.pass(1s);
  }
  region.host_finishes("a");
  region.pass(1s);
  CHECK(region.facts->runs.size() == 0);
  region.host_beats("a", run_progress{99, "late", 0s});
  CHECK(region.facts->runs.size() == 0);
}

TEST_CASE(
    "a step that its host has ended for want of progress says so in the job's error, and a read back may take its "
    "time") {
  region_fixture region;
  auto stalls = std::make_shared<std::multiset<std::pair<std::string, milliseconds>>>();
  region.hosts["a"].hangs = {"fw"};
  region.hosts["a"].behaves = [stalls](const run_request& run) {
    stalls->emplace(run.verb, run.stall);
    return 0;
  };
  region.config->policies.step_attempts = 2;
  asks_for_build(region);
  region.start();
  region.pass(1s);
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (auto& [run, said] : region.hosts["a"].known)
      if (said.status == run_status::running && run.value().back() != 'r') said.timed_out = time_limit::stall;
    region.host_finishes("a");
    region.hosts["a"].hangs = {"fw"};
    region.pass(1s);
  }
  const auto failed = region.jobs(job_state::failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].error_message.find("step_stalled: stopped: no progress for 5s (stall)") != std::string::npos);
  CHECK(stalls->count({"build", 5s}) == 3);
  CHECK(stalls->count({"read", 0s}) == 1);
  CHECK(stalls->size() == 4);
}

namespace {

void asks_for_build_within(region_fixture& region, int seconds) {
  region.cloud_side.records[region.router].document = fmt::format(R"({{"v":1,"deadline_s":{}}})", seconds);
  asks_for_build(region);
}

void failed_by_its_deadline(region_fixture& region, const std::string& how_far) {
  CHECK(region.open_jobs().empty());
  CHECK(region.store->leases.empty());
  const auto failed = region.jobs(job_state::failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].error_code == "operation_deadline");
  INFO(failed[0].error_message);
  CHECK(failed[0].error_message.find("stopped: deadline of 1m 0s for build: " + how_far) == 0);
  CHECK(region.row(failed[0].resource.id)->reason == failed[0].error_message);
  CHECK(region.state_in_cloud(failed[0].resource.id) == unresourced);
  for (const auto* name : {"a", "b"}) CHECK(region.facts->hosts.leases(host_id(name))->held.empty());
}

}  // namespace

TEST_CASE("an operation over its deadline ends its run, reads back what that left, and fails with how far it got") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build_within(region, 60);
  region.start();
  region.pass(59s);
  CHECK(region.hosts["a"].cancels == 0);
  REQUIRE(region.open_jobs().size() == 1);
  region.hosts["a"].hangs.clear();  // nor does the read
  region.pass(2s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.read"});
  CHECK(region.hosts["b"].log.empty());
  failed_by_its_deadline(region,
                         "1 of 4 steps were done; step 2 (fw of virtual_router/1) on a: operation_deadline: its "
                         "processes were ended");
}

TEST_CASE("an operation's deadline holds while it waits, whatever for") {
  region_fixture region;
  asks_for_build_within(region, 60);
  SECTION("the next attempt") {
    region.config->policies.step_attempts = 100;
    region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 75 : 0; };
    region.start();
    region.pass(62s);
    failed_by_its_deadline(region, "1 of 4");
  }
  SECTION("its host") {
    region.hosts["a"].hangs = {"fw"};
    region.start();
    region.pass(1s);
    region.host_down("a");
    region.pass(58s);
    CHECK(region.open_jobs().size() == 1);
    region.pass(15s);  // it cannot say that the run has ended
    failed_by_its_deadline(region, "1 of 4");
  }
  SECTION("a cordon") {
    region.start();
    region.tell({operator_verb::cordon, {}, {}, host_id("a"), {}});
    region.pass(62s);
    failed_by_its_deadline(region, "0 of 4");
    CHECK(region.hosts["a"].log.empty());
  }
  SECTION("a lease") {
    const resource_id other{"virtual_router", "0"};
    region.cloud_side.records[other].state = requested;
    for (auto& host : region.config->hosts) host.concurrency = 1;
    region.hosts["a"].hangs = {"net"};
    region.start();
    region.pass(62s);
    const auto failed = region.jobs(job_state::failed);
    REQUIRE(failed.size() == 1);
    CHECK(failed[0].error_code == "operation_deadline");
    CHECK(region.open_jobs().size() == 1);
    region.host_finishes("a");
    region.pass(5s);
    CHECK(region.open_jobs().empty());
    CHECK(region.store->leases.empty());
  }
}

TEST_CASE("an operation's deadline counts from the start of its job, across a crash") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build_within(region, 60);
  region.start();
  region.pass(40s);
  region.crash();
  SECTION("it comes in the next life") {
    region.start();
    region.pass(19s);
    CHECK(region.hosts["a"].cancels == 0);
  }
  SECTION("it has come in between") {
    region.time.pass(25h);
    region.start();
  }
  region.pass(3s);
  region.hosts["a"].hangs.clear();
  CHECK(region.hosts["a"].cancels > 0);
  region.pass(15s);
  CHECK(region.hosts["b"].log.empty());
  failed_by_its_deadline(region, "1 of 4");
  for (const auto& [run, times] : region.hosts["a"].executions) CHECK(times == 1);
}

TEST_CASE("an operation's deadline survives a crash after any message: the job ends, and nothing runs twice") {
  for (std::size_t messages = 1;; ++messages) {
    region_fixture region;
    region.hosts["a"].hangs = {"fw"};
    asks_for_build_within(region, 60);
    region.start();
    region.pass(59s);
    REQUIRE(region.open_jobs().size() == 1);
    const auto handled = region.pass_but_handle(2s, messages);
    INFO("crash after " << handled << " messages");
    region.crash();
    region.hosts["a"].hangs.clear();
    region.start();
    region.pass(1min);
    REQUIRE(region.open_jobs().empty());
    REQUIRE(region.store->leases.empty());
    REQUIRE(region.jobs(job_state::failed).size() == 1);
    REQUIRE(region.jobs(job_state::failed)[0].error_code == "operation_deadline");
    for (auto& [name, host] : region.hosts)
      for (const auto& [run, times] : host.executions) REQUIRE(times == 1);
    if (handled < messages) break;
  }
}

TEST_CASE(
    "an operation that is done in time does not hear of its deadline, nor does one whose last step is over by then") {
  region_fixture region;
  asks_for_build_within(region, 60);
  region.start();
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  region.pass(2min);
  CHECK(region.facts->probes.list(region.time.steady(), 0, 10, "lifecycle", {}).empty());
  CHECK(region.state_in_cloud() == running);
  CHECK(region.jobs(job_state::succeeded).size() == 1);
  CHECK(region.jobs(job_state::succeeded)[0].deadline == 60s);
}

TEST_CASE("a wall clock that is set does not end an operation before its time, nor keep it longer across a restart") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build_within(region, 60);
  region.start();
  region.pass(10s);
  SECTION("forward, in one life") {
    region.time.set_wall(24h);
    region.pass(48s);
    CHECK(region.hosts["a"].cancels == 0);
    REQUIRE(region.open_jobs().size() == 1);
  }
  SECTION("back, and then a restart: it has at most all of its time again") {
    region.time.set_wall(-24h);
    region.crash();
    region.start();
    region.pass(58s);
    CHECK(region.hosts["a"].cancels == 0);
  }
  region.hosts["a"].hangs.clear();
  region.pass(5s);
  failed_by_its_deadline(region, "1 of 4");
}

TEST_CASE("a repair has its operation's deadline, from its own start, and is tried again") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build_within(region, 60);
  region.start();
  region.pass(10min);
  REQUIRE(region.row()->degraded);
  region.hosts["b"].hangs = {"fw"};
  region.host_up("b");
  region.pass(58s);
  CHECK(region.hosts["b"].cancels == 0);
  region.pass(15s);
  const auto failed = region.jobs(job_state::failed);
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].repair);
  CHECK(failed[0].error_code == "operation_deadline");
  const auto open = region.open_jobs();
  REQUIRE(open.size() == 1);
  CHECK(open[0].attempt == 2);
  CHECK(open[0].deadline == 60s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.store->leases.empty());
}

TEST_CASE(
    "a job that is to end before it has begun does so in the next life as well, whatever it would have to wait for") {
  region_fixture region;
  asks_for_build_within(region, 60);
  region.start();
  region.tell({operator_verb::cordon, {}, {}, host_id("a"), {}});
  region.pass(5s);
  const auto open = region.open_jobs();
  REQUIRE(open.size() == 1);
  SECTION("its deadline is over") {
    region.crash();
    region.time.pass(2min);
    region.start();
    region.pass(1s);
    failed_by_its_deadline(region, "0 of 4");
  }
  SECTION("it was cancelled") {
    region.tell_without_settling({operator_verb::cancel, open[0].id, region.router, {}, "operator: test"},
                                 [](const result<std::string>&) {});
    while (region.store->jobs.at(open[0].id.value()).cancel.empty()) REQUIRE(region.settle(1) == 1);
    region.crash();
    region.start();
    region.pass(1s);
    CHECK(region.jobs(job_state::cancelled).size() == 1);
  }
  CHECK(region.open_jobs().empty());
  CHECK(region.hosts["a"].log.empty());
}
