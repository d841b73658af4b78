// What operators say of hosts: drain, maintenance, evacuate, force-detach, attach.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

std::string tell_host(region_fixture& region, operator_verb verb, const std::string& host) {
  return region.tell({verb, {}, {}, host_id(host), {}});
}

std::string service(region_fixture& region, const std::string& host) {
  return std::string(service_of(*region.facts->hosts.find(host_id(host))));
}

bool alarms(region_fixture& region, const std::string& host) {
  const auto problems = region.facts->problems();
  return std::any_of(problems.begin(), problems.end(),
                     [&](const auto& one) { return one.first == "host " + host && !one.second.empty(); });
}

void builds_and_hangs(region_fixture& region, const std::string& host) {
  region.hosts[host].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.open_jobs().size() == 1);
}

void asks_for_another(region_fixture& region) {
  region.cloud_side.ask({"virtual_router", "2"}, requested);
  region.pass(6s);
}

}  // namespace

TEST_CASE("a host drains until what has begun there is at its end, and nothing begins there then") {
  region_fixture region;
  builds_and_hangs(region, "a");
  CHECK(tell_host(region, operator_verb::drain, "a") ==
        "a is draining: no new job begins there; job 1 (virtual_router/1) goes on to its end");
  asks_for_another(region);
  CHECK(service(region, "a") == "draining");
  SECTION("in one life") {}
  SECTION("across a crash") {
    region.restart();
    CHECK(service(region, "a") == "draining");
  }
  region.host_finishes("a");
  region.pass(3s);
  CHECK(region.state_in_cloud() == running);
  CHECK(service(region, "a") == "drained");
  CHECK(region.told("host.drained") == 1);
  CHECK(region.store->cordons.at("a").drained.has_value());
  region.restart();
  CHECK(service(region, "a") == "drained");
  CHECK(region.told("host.drained") == 1);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
  CHECK(tell_host(region, operator_verb::attach, "a") == "not_detached");
  CHECK(tell_host(region, operator_verb::uncordon, "a") == "a is open again");
  region.pass(10s);
  CHECK(region.state_in_cloud("2") == running);
  CHECK(region.store->cordons.empty());
}

TEST_CASE("a repair of what began before a drain may still begin, and is waited for; one of what began later may not") {
  region_fixture region;
  region.hosts["b"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(5s);
  REQUIRE(region.open_jobs().size() == 1);  // its next attempt is in half a minute
  const bool drains = GENERATE(true, false);
  tell_host(region, drains ? operator_verb::drain : operator_verb::cordon, "b");
  region.hosts["b"].behaves = {};
  region.pass(5s);
  CHECK(service(region, "b") == (drains ? "draining" : "cordoned"));
  asks_for_another(region);
  CHECK(region.row("2")->degraded);
  region.pass(2min);
  CHECK(region.row()->degraded != drains);
  CHECK(region.row("2")->degraded);
  CHECK(service(region, "b") == (drains ? "drained" : "cordoned"));
  tell_host(region, operator_verb::uncordon, "b");
  region.pass(2min);
  CHECK_FALSE(region.row()->degraded);
  CHECK_FALSE(region.row("2")->degraded);
}

TEST_CASE("a repair whose host is away is not waited for by its drain") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  REQUIRE(region.open_jobs().size() == 1);
  tell_host(region, operator_verb::drain, "b");
  region.pass(3s);
  CHECK(service(region, "b") == "drained");
  region.host_up("b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.empty());
  tell_host(region, operator_verb::uncordon, "b");
  region.pass(5s);
  CHECK_FALSE(region.row()->degraded);
}

TEST_CASE("a host in maintenance may be off without alarm, and gets its share when it is open again") {
  region_fixture region;
  build(region);
  region.pass(5s);
  tell_host(region, operator_verb::maintenance, "b");
  region.pass(3s);
  REQUIRE(service(region, "b") == "maintenance");
  region.host_down("b");
  region.pass(1min);
  CHECK_FALSE(alarms(region, "b"));
  CHECK(region.told("host.down") == 0);
  CHECK(region.told("host.off") == 1);
  region.cloud_side.ask(region.router, running_update);
  region.pass(30s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.row()->degraded);
  region.restart();
  region.host_down("b");
  region.pass(3s);
  CHECK_FALSE(alarms(region, "b"));
  SECTION("it is on again") {
    region.host_reboots("b");
    region.pass(3s);
    tell_host(region, operator_verb::uncordon, "b");
  }
  SECTION("it is still off, and that is an alarm now") {
    tell_host(region, operator_verb::uncordon, "b");
    region.pass(1s);
    CHECK(alarms(region, "b"));
    region.host_reboots("b");
  }
  region.pass(1min);
  CHECK_FALSE(alarms(region, "b"));
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a host that is away before it is drained is an alarm, in maintenance as well") {
  region_fixture region;
  builds_and_hangs(region, "a");
  tell_host(region, operator_verb::maintenance, "a");
  region.host_down("a");
  region.pass(3s);
  CHECK(alarms(region, "a"));
  CHECK(service(region, "a") == "draining");
}

TEST_CASE("a host cannot be evacuated, and why not is said for each resource") {
  region_fixture region;
  build(region);
  region.pass(5s);
  std::string why;
  region.tell_without_settling({operator_verb::evacuate, {}, {}, host_id("a"), "operator: test"},
                               [&](const result<std::string>& said) {
                                 if (!said) why = said.error().text();
                               });
  region.settle();
  CHECK(has(why, "evacuate_not_yet"));
  CHECK(has(why,
            "virtual_router/1: its kind is placed by the region file, on a (enabled), b (standby), and on no other"));
  CHECK(tell_host(region, operator_verb::evacuate, "nobody") == "not_found");
  CHECK(region.store->cordons.empty());
}

TEST_CASE("a host that is given up: what runs there is lost, its job ends with that, and other hosts go on") {
  region_fixture region;
  builds_and_hangs(region, "a");
  region.host_down("a");
  region.pass(1s);
  CHECK(
      has(tell_host(region, operator_verb::force_detach, "a"), "job 1 (virtual_router/1) ends or goes on without it"));
  region.pass(1s);
  CHECK(region.state_in_cloud() == unresourced);
  const auto dead = region.jobs(job_state::failed).at(0);
  CHECK(dead.error_code == "host_detached");
  CHECK(has(dead.error_message, "a is detached: operator: as the test wants; its outcome is not known"));
  CHECK(region.store->dead_letters.size() == 1);
  CHECK(region.store->leases.empty());
  CHECK(region.open_jobs().empty());
  CHECK_FALSE(alarms(region, "a"));
  CHECK(service(region, "a") == "detached");
  const auto words = GENERATE(operator_verb::cordon, operator_verb::drain, operator_verb::force_detach);
  CHECK(tell_host(region, words, "a") == "detached");
  const auto runs = region.hosts["a"].log.size();
  region.hosts["a"].hangs.clear();
  region.host_up("a");  // it stands there, and is not spoken to
  region.pass(1min);
  CHECK(region.hosts["a"].log.size() == runs);
  region.restart();
  CHECK(service(region, "a") == "detached");
  CHECK(region.tell({operator_verb::retry, {}, region.router, {}, {}}) ==
        "virtual_router/1 is asked for again: requested");
  region.pass(10s);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.hosts["a"].log.size() == runs);
  CHECK(has(tell_host(region, operator_verb::attach, "a"), "is attached"));
  region.pass(3s);
  region.tell({operator_verb::retry, {}, region.router, {}, {}});
  region.pass(10s);
  CHECK(region.state_in_cloud() == running);
}

TEST_CASE(
    "without a standby that is given up an operation goes on, and the standby is looked after once it is attached") {
  region_fixture region;
  SECTION("what runs there is lost") {
    region.hosts["b"].hangs = {"fw"};
    asks_for_build(region);
    region.start();
    region.pass(1s);
    tell_host(region, operator_verb::force_detach, "b");
    region.hosts["b"].hangs.clear();
  }
  SECTION("what would begin there does not") {
    region.start();
    tell_host(region, operator_verb::force_detach, "b");
    region.cloud_side.ask(region.router, requested);
    region.pass(6s);
  }
  SECTION("what waits for its lease there does not wait any more") {
    for (auto& host : region.config->hosts) host.concurrency = 1;
    region.hosts["b"].hangs = {"net"};
    asks_for_build(region);
    region.cloud_side.records[{"virtual_router", "2"}].state = requested;
    region.start();
    region.pass(3s);
    tell_host(region, operator_verb::force_detach, "b");
    region.hosts["b"].hangs.clear();
    region.pass(3s);
    CHECK(region.state_in_cloud("2") == running);
  }
  SECTION("a repair that waits for it ends") {
    region.hosts["b"].reachable = false;
    asks_for_build(region);
    region.start();
    region.pass(30s);
    REQUIRE(region.open_jobs().size() == 1);
    CHECK(has(tell_host(region, operator_verb::force_detach, "b"),
              "the repairs of virtual_router/1 that wait for it end"));
  }
  region.pass(3s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.row()->degraded);
  CHECK(region.open_jobs().empty());
  CHECK(region.store->leases.empty());
  CHECK(region.store->dead_letters.empty());
  region.restart();
  const auto runs = region.hosts["b"].log.size();
  region.pass(1min);
  CHECK(region.hosts["b"].log.size() == runs);
  tell_host(region, operator_verb::attach, "b");
  region.host_up("b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.size() >= runs + 2);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.store->hosts.at("b").boot_id == region.hosts["b"].boot_id);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("what a scrub owes to a host that is given up is done once that is attached") {
  region_fixture region;
  build(region);
  region.pass(5s);
  tell_host(region, operator_verb::force_detach, "b");
  region.cloud_side.ask(region.router, scrub);
  region.pass(2h);
  REQUIRE(region.state_in_cloud() == closed);
  CHECK(region.row()->degraded);
  const auto runs = region.hosts["b"].log.size();
  region.restart();
  tell_host(region, operator_verb::attach, "b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.size() == runs + 2);
  CHECK(region.hosts["b"].log.back() == "fw.scrub");
  CHECK_FALSE(region.row()->degraded);
}

TEST_CASE("force-detach survives a crash after any message: the host stays given up, and nothing waits for it") {
  for (std::size_t messages = 1;; ++messages) {
    region_fixture region;
    builds_and_hangs(region, "b");
    auto acknowledged = std::make_shared<bool>(false);
    region.tell_without_settling({operator_verb::force_detach, {}, {}, host_id("b"), "operator: test"},
                                 [acknowledged](const result<std::string>& said) { *acknowledged = said.has_value(); });
    const auto handled = region.settle(messages);
    INFO("crash after " << handled << " messages");
    const bool promised = *acknowledged;
    region.crash();
    region.start();
    if (!promised) region.host_finishes("b");
    region.pass(1min);
    REQUIRE(region.open_jobs().empty());
    REQUIRE(region.store->leases.empty());
    REQUIRE(region.state_in_cloud() == running);
    if (promised) REQUIRE(service(region, "b") == "detached");
    if (handled < messages) break;
  }
}
