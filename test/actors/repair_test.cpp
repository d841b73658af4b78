// What a standby missed, or a reboot has undone: repairs, their attempts and their end.
#include "test/actors/region_fixture.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

TEST_CASE("with the standby down the build succeeds degraded, and its repair is done when the standby returns") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.row()->degraded);
  const auto waiting = region.open_jobs();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].only_host == "b");
  CHECK(waiting[0].waits_for.find("b to return") != std::string::npos);
  region.host_up("b");
  region.pass(1s);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
  CHECK(region.open_jobs().empty());
  CHECK(region.cloud_side.reports.size() == 2);
}

TEST_CASE("a repair that waits survives a crash of the daemon") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  region.crash();
  region.hosts["b"].reachable = false;
  region.start();
  region.pass(5s);
  CHECK(region.row()->degraded);
  region.host_up("b");
  region.pass(2s);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a later operation that reaches both nodes makes the waiting repair void") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  REQUIRE(region.open_jobs().size() == 1);
  region.hosts["b"].hangs = {"net"};
  region.cloud_side.ask(region.router, running_update);
  region.pass(5s);
  region.host_up("b");
  region.pass(1s);
  region.host_finishes("b");
  region.pass(5s);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
  CHECK(region.jobs(job_state::superseded).size() == 1);
}

TEST_CASE("a repair that fails on a host that answers is tried again later and later, and at last left to people") {
  region_fixture region;
  int calls = 0;
  region.hosts["b"].behaves = [&](const run_request& run) { return *run.script == "fw" ? ++calls, 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(10s);
  CHECK(region.state_in_cloud() == running);
  REQUIRE(calls == 1);
  REQUIRE(region.open_jobs().size() == 1);
  CHECK(region.open_jobs()[0].not_before.has_value());
  SECTION("mended, the next attempt is the last") {
    region.hosts["b"].behaves = {};
    region.pass(1min);
    CHECK_FALSE(region.row()->degraded);
    CHECK(region.open_jobs().empty());
  }
  SECTION("never mended, it is given up, and the resource says so") {
    region.pass(5min);
    CHECK(calls <= 5);
    region.pass(6h);
    CHECK(calls == 1 + limits::repair_attempts_most);
    CHECK(region.row()->degraded);
    CHECK(region.row()->reason.find("given up after 8 attempts") != std::string::npos);
    CHECK(region.open_jobs().empty());
    SECTION("and a user's change tries again") {
      region.hosts["b"].behaves = {};
      region.cloud_side.ask(region.router, running_update);
      region.pass(6s);
      CHECK_FALSE(region.row()->degraded);
    }
  }
  SECTION("meanwhile a user is served at once") {
    region.hosts["b"].behaves = {};
    region.cloud_side.ask(region.router, quiesce);
    region.pass(6s);
    CHECK(region.state_in_cloud() == quiesced);
    CHECK(region.open_jobs().empty());
  }
}

TEST_CASE("a repair whose host goes away in the middle is a new job when it returns: no run id is ever used twice") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  for (int round = 0; round < 3; ++round) {
    region.hosts["b"].hangs = {"fw"};
    region.host_up("b");
    region.pass(1s);
    region.host_down("b");
    region.pass(11min);  // longer than wait_for_host
    region.host_finishes("b");
  }
  region.host_up("b");
  region.pass(5min);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
  for (const auto& [run, times] : region.hosts["b"].executions) CHECK(times == 1);
}

TEST_CASE("what stood on the enabled node and cannot be built again after its reboot is degraded, and tried again") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  region.host_reboots("a");
  region.pass(5s);
  CHECK(region.row()->degraded);
  CHECK(region.row()->reason.find("repair of a failed") != std::string::npos);
  region.hosts["a"].behaves = {};
  region.pass(5min);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a reboot is not forgotten while the cloud is away, nor while somebody reads the record") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.cloud_side.away = true;
  SECTION("the rebuild cannot read it") {}
  SECTION("somebody else is reading it") {
    region.cloud_side.away = false;
    region.cloud_side.news.insert(region.router);
    region.pass(4750ms);
    region.cloud_side.away = true;
  }
  region.host_reboots("b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.size() == 2);
  region.cloud_side.away = false;
  region.pass(1min);
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a rebuild that cannot be, for its record makes no sense now, leaves the resource degraded with the reason") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.cloud_side.records[region.router].malformed = true;
  region.host_reboots("b");
  region.pass(5s);
  CHECK(region.row()->degraded);
  CHECK(region.row()->reason.find("b has rebooted, and its record cannot be read") != std::string::npos);
}

TEST_CASE("a repair under way whose host goes away is taken up by the next reign with its lease") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  region.hosts["b"].hangs = {"fw"};
  region.host_up("b");
  region.pass(1s);
  region.host_down("b");
  region.pass(1s);
  region.crash();
  region.hosts["b"].reachable = false;
  region.start();
  region.pass(15min);
  region.host_up("b");
  region.host_finishes("b");
  region.pass(5min);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
  CHECK(region.store->leases.empty());
}

TEST_CASE("a repair is void once an operation has failed") {
  region_fixture region;
  region.hosts["b"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(5s);
  REQUIRE(region.open_jobs().size() == 1);
  region.hosts["a"].behaves = [](const run_request&) { return 2; };
  region.cloud_side.ask(region.router, running_update);
  region.pass(2min);
  const auto runs = region.hosts["b"].log.size();
  region.pass(2h);
  CHECK(region.open_jobs().empty());
  CHECK(region.hosts["b"].log.size() == runs);
}

TEST_CASE(
    "after a restore every resource is made anew on each host by its record, and what is in progress is taken up") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.crash();
  // What persistence/journal_restore leaves of what was known.
  for (auto& [key, row] : region.store->resources) row.state = ignore;
  for (auto& [name, seen] : region.store->hosts) seen.boot_id = restored_boot_id;
  SECTION("it stands") {
    region.start();
    region.pass(1min);
    CHECK(region.cloud_side.reports.size() == 2);  // the cloud is told nothing
    CHECK(region.row()->state == running);
  }
  SECTION("the cloud has it in progress, and a listing comes before the hosts") {
    region.cloud_side.records[region.router].state = running_updating;
    for (auto& [name, host] : region.hosts) host.reachable = false;
    region.start();
    region.pass(10s);
    CHECK(region.state_in_cloud() == running_updating);  // not what an old state would have had it be
    for (auto& [name, host] : region.hosts) region.host_up(name);
    region.pass(1min);
    CHECK(region.state_in_cloud() == running);
  }
  for (auto& [name, host] : region.hosts) {
    INFO(name);
    CHECK(host.log.size() >= 4);
    CHECK(region.store->hosts.at(name).boot_id == host.boot_id);
  }
  CHECK(region.open_jobs().empty());
}

TEST_CASE("an attempt that is due while its host is away waits for the host, and holds up nobody") {
  region_fixture region;
  region.hosts["b"].behaves = [](const run_request&) { return 1; };
  build(region);
  REQUIRE(region.open_jobs().size() == 1);
  REQUIRE(region.open_jobs()[0].not_before.has_value());
  region.host_down("b");
  region.hosts["b"].behaves = nullptr;
  region.pass(2h);
  CHECK(region.open_jobs().size() == 1);
  region.cloud_side.records[{"virtual_router", "2"}].state = requested;
  region.pass(2min);
  CHECK(region.state_in_cloud("2") == running);
  region.host_up("b");
  region.pass(1min);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("what a scrub left on a standby is scrubbed once more when an operator says so") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(10s);
  region.host_down("b");
  region.pass(2h);
  REQUIRE(region.state_in_cloud() == closed);
  REQUIRE(region.row()->degraded);
  const operator_command retry{operator_verb::retry, {}, region.router, {}, {}};
  CHECK(region.tell(retry) == "nothing_to_retry");  // its repair waits for the host
  REQUIRE(region.open_jobs().size() == 1);
  const auto said = region.tell({operator_verb::cancel, region.open_jobs()[0].id, region.router, {}, {}});
  CHECK(said.find("is cancelled") != std::string::npos);
  region.hosts["b"].log.clear();
  region.host_up("b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.empty());
  CHECK(region.tell(retry).find("scrubbed once more on b") != std::string::npos);
  region.pass(10s);
  CHECK(region.hosts["b"].log == strings{"net.scrub", "fw.scrub"});
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
  CHECK(region.tell(retry) == "nothing_to_retry");
}

TEST_CASE("a quiesce of what is not known to stand whole builds it, quiesced") {
  const strings built{"net.build", "fw.build"};
  region_fixture region;
  SECTION("a repair of its standby waits") {
    region.hosts["b"].reachable = false;
    asks_for_build(region);
    region.start();
    region.pass(30s);
    REQUIRE(region.row()->degraded);
    region.cloud_side.ask(region.router, quiesce);
    region.pass(1min);
    region.host_up("b");
    region.pass(5s);
    CHECK(region.hosts["b"].log == built);
  }
  SECTION("its host has rebooted, and the rebuild finds that a user wants it quiesced") {
    build(region);
    region.pass(5s);
    region.hosts["b"].log.clear();
    region.cloud_side.ask(region.router, quiesce);
    region.host_reboots("b");
    region.pass(10s);
    CHECK(region.hosts["b"].log == built);
  }
  SECTION("its last job has failed") {
    build(region);
    region.pass(5s);
    region.hosts["a"].behaves = [](const run_request&) { return 2; };
    region.cloud_side.ask(region.router, running_update);
    region.pass(1min);
    REQUIRE(region.row()->state == unresourced);
    region.hosts["a"].behaves = {};
    region.hosts["b"].log.clear();
    region.cloud_side.ask(region.router, quiesce);
    region.pass(10s);
    CHECK(region.hosts["b"].log == built);
  }
  CHECK(region.state_in_cloud() == quiesced);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a host that reboots under a quiesce, also while the daemon is away, has what stood there built again") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.hosts["b"].log.clear();
  region.hosts["b"].hangs = {"net"};
  region.cloud_side.ask(region.router, quiesce);
  region.pass(6s);
  REQUIRE(region.hosts["b"].log == strings{"net.quiesce"});
  region.hosts["b"].hangs = {};
  SECTION("the daemon sees it") { region.host_reboots("b"); }
  SECTION("the daemon does not") {
    region.crash();
    region.host_reboots("b");
    region.start();
  }
  region.pass(1min);
  CHECK(region.state_in_cloud() == quiesced);
  const auto& log = region.hosts["b"].log;
  REQUIRE(log.size() >= 2);
  CHECK(strings(log.end() - 2, log.end()) == strings{"net.build", "fw.build"});
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a quiesce that builds undoes nothing when it fails: what stood before goes on standing") {
  region_fixture region;
  region.cloud_side.records[region.router].document = R"({"v":1,"undo":true})";
  build(region);
  region.pass(5s);
  region.hosts["a"].log.clear();
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  region.cloud_side.ask(region.router, quiesce);
  region.host_reboots("a");
  region.pass(1min);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
}

TEST_CASE("a rebuild whose actor dies before its job is made is not forgotten") {
  region_fixture region;
  build(region);
  region.pass(5s);
  region.hosts["b"].log.clear();
  region.cloud_side.records[region.router].document = R"({"v":1,"throws":true})";
  region.host_reboots("b");
  region.pass(5s);
  CHECK(region.hosts["b"].log.empty());
  region.cloud_side.records[region.router].document = R"({"v":1})";
  region.pass(5s);
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
  CHECK(region.open_jobs().empty());
}
