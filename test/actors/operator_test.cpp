// What operators ask of a region: cancel, retry, cordon.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

std::string cancel(region_fixture& region, job_id id) {
  return region.tell({operator_verb::cancel, id, region.router, {}, {}});
}
std::string retry(region_fixture& region) { return region.tell({operator_verb::retry, {}, region.router, {}, {}}); }
std::string cordon(region_fixture& region, const std::string& host) {
  return region.tell({operator_verb::cordon, {}, {}, host_id(host), {}});
}
std::string uncordon(region_fixture& region, const std::string& host) {
  return region.tell({operator_verb::uncordon, {}, {}, host_id(host), {}});
}

job only_open(region_fixture& region) {
  const auto open = region.open_jobs();
  REQUIRE(open.size() == 1);
  return open[0];
}

void at_rest_and_cancelled(region_fixture& region) {
  CHECK(region.open_jobs().empty());
  CHECK(region.jobs(job_state::cancelled).size() == 1);
  CHECK(region.store->leases.empty());
  CHECK(region.store->reports.empty());
}

}  // namespace

TEST_CASE("cancelling a job that runs ends the run, reads back what it left, and says which it was") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.hosts["a"].hangs.clear();  // nor does the read
  CHECK(cancel(region, only_open(region).id).find("it was: step 2 of 4") != std::string::npos);
  region.pass(1s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.read"});
  CHECK(region.hosts["b"].log.empty());
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.row()->reason.find("operator: as the test wants: 1 of 4 steps were done; step 2") != std::string::npos);
  at_rest_and_cancelled(region);
  const auto done = region.jobs(job_state::cancelled)[0];
  CHECK(cancel(region, done.id) == "job_not_open");
}

TEST_CASE("a host that does not say that a cancelled run has ended is not waited for without end") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  SECTION("it answers, but not about that") { region.hosts["a"].deaf = true; }
  SECTION("it is away") { region.host_down("a"); }
  CHECK(cancel(region, only_open(region).id).find("is cancelled") != std::string::npos);
  region.pass(1min);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.row()->reason.find("its end is unknown") != std::string::npos);
  at_rest_and_cancelled(region);
}

TEST_CASE("a job is cancelled while it waits for a lease") {
  region_fixture region;
  const resource_id other{"virtual_router", "2"};
  asks_for_build(region);
  region.cloud_side.records[other].state = requested;
  for (auto& host : region.config->hosts) host.concurrency = 1;
  region.hosts["a"].hangs = {"net"};
  region.start();
  region.pass(2s);
  const auto open = region.open_jobs();
  const auto waiting = std::find_if(open.begin(), open.end(),
                                    [](const job& one) { return one.waits_for.find("lease") != std::string::npos; });
  REQUIRE(waiting != open.end());
  const auto said = region.tell({operator_verb::cancel, waiting->id, waiting->resource, {}, {}});
  CHECK(said.find("is cancelled") != std::string::npos);
  region.pass(1s);
  CHECK(region.state_in_cloud(waiting->resource.id) == unresourced);
  CHECK(region.jobs(job_state::cancelled).size() == 1);
  CHECK(region.open_jobs().size() == 1);
}

TEST_CASE("a job is cancelled while it waits for its next attempt or for its host") {
  region_fixture region;
  asks_for_build(region);
  SECTION("the next attempt") {
    region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 75 : 0; };
    region.start();
    region.pass(1s);
    REQUIRE(only_open(region).state == job_state::waiting);
    REQUIRE(only_open(region).waits_for.find("the next attempt") != std::string::npos);
    REQUIRE(only_open(region).wait_deadline.has_value());
  }
  SECTION("its host") {
    region.hosts["a"].reachable = false;
    region.start();
    region.pass(10s);
    REQUIRE(only_open(region).waits_for.find("a is down") != std::string::npos);
  }
  cancel(region, only_open(region).id);
  region.pass(1s);
  CHECK(region.state_in_cloud() == unresourced);
  at_rest_and_cancelled(region);
}

TEST_CASE("a claim is cancelled, and not claimed again before its wait is over") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  region.cloud_side.refuses_scrubbing = "iaas_virtual_router_update_003";
  region.pass(65min);
  const auto id = only_open(region).id;
  SECTION("while the cloud refuses it") { cancel(region, id); }
  SECTION("while the cloud is away") {
    region.cloud_side.away = true;
    region.pass(1min);
    cancel(region, id);
    region.cloud_side.away = false;
  }
  SECTION("and the daemon dies when that is acknowledged") {
    region.tell_without_settling({operator_verb::cancel, id, region.router, {}, "operator: test"},
                                 [](const result<std::string>&) {});
    while (region.store->jobs.at(id.value()).cancel.empty()) REQUIRE(region.settle(1) == 1);
    region.crash();
    region.start();
  }
  region.cloud_side.refuses_scrubbing.reset();
  region.pass(2h);
  CHECK(region.state_in_cloud() == scrub_queue);
  CHECK(region.jobs(job_state::cancelled).size() == 1);
  CHECK(region.open_jobs().empty());
  region.cloud_side.news.insert(region.router);  // a hint without a change
  region.pass(1min);
  CHECK(region.state_in_cloud() == scrub_queue);
  region.pass(25h);
  CHECK(region.state_in_cloud() == closed);
}

TEST_CASE("a repair is cancelled while it waits for its host") {
  region_fixture region;
  asks_for_build(region);
  region.hosts["b"].reachable = false;
  region.start();
  region.pass(30s);
  cancel(region, only_open(region).id);
  region.pass(1s);
  CHECK(region.row()->degraded);
  CHECK(region.row()->reason.find("was cancelled") != std::string::npos);
  at_rest_and_cancelled(region);
}

TEST_CASE("a cancel survives a crash after any message: what was acknowledged is done, and nothing runs twice") {
  for (std::size_t messages = 1;; ++messages) {
    region_fixture region;
    region.hosts["a"].hangs = {"fw"};
    asks_for_build(region);
    region.start();
    region.pass(1s);
    const auto id = only_open(region).id;
    auto acknowledged = std::make_shared<bool>(false);
    region.tell_without_settling({operator_verb::cancel, id, region.router, {}, "operator: test"},
                                 [acknowledged](const result<std::string>& said) { *acknowledged = said.has_value(); });
    const auto handled = region.settle(messages);
    INFO("crash after " << handled << " messages");
    const bool promised = *acknowledged;
    region.crash();
    region.hosts["a"].hangs.clear();
    region.start();
    region.host_finishes("a");
    region.pass(1min);
    REQUIRE(region.open_jobs().empty());
    REQUIRE(region.store->leases.empty());
    const auto ended = region.store->jobs.at(id.value());
    if (promised) REQUIRE((ended.state == job_state::cancelled || ended.cancel == "operator: test"));
    for (auto& [name, host] : region.hosts)
      for (const auto& [run, times] : host.executions) REQUIRE(times == 1);
    if (handled < messages) break;
  }
}

TEST_CASE("what has failed is tried again when an operator says so: the cloud is asked for it as before") {
  region_fixture region;
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.state_in_cloud() == unresourced);
  region.hosts["a"].behaves = {};
  CHECK(retry(region) == "virtual_router/1 is asked for again: requested");
  region.pass(6s);
  CHECK(region.state_in_cloud() == running);
  CHECK(retry(region) == "nothing_to_retry");
  CHECK(region.tell({operator_verb::retry, {}, {"virtual_router", "404"}, {}, {}}) == "not_found");
}

TEST_CASE("a quiesced router whose update has failed is quiesced again after a retry") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, quiesce);
  region.pass(6s);
  region.hosts["a"].behaves = [](const run_request&) { return 2; };
  region.cloud_side.ask(region.router, quiesced_update);
  region.pass(6s);
  REQUIRE(region.state_in_cloud() == unresourced);
  region.hosts["a"].behaves = {};
  CHECK(retry(region) == "virtual_router/1 is asked for again: quiesced_update");
  region.pass(6s);
  CHECK(region.state_in_cloud() == quiesced);
}

TEST_CASE("what is degraded is mended at an operator's word, also after its repair was given up") {
  region_fixture region;
  region.hosts["b"].behaves = [](const run_request&) { return 2; };
  asks_for_build(region);
  region.start();
  region.pass(6h);
  REQUIRE(region.row()->degraded);
  REQUIRE(region.open_jobs().empty());
  region.hosts["b"].behaves = {};
  CHECK(retry(region).find("is made what its record says") != std::string::npos);
  region.pass(1s);
  CHECK_FALSE(region.row()->degraded);
}

TEST_CASE("on a cordoned host no job begins, what has begun goes on, and all of it survives a crash") {
  region_fixture region;
  asks_for_build(region);
  SECTION("the enabled node: the build waits with its cause, until it is open again") {
    region.start();
    CHECK(cordon(region, "a") == "a is cordoned: no new job begins there");
    region.pass(5s);
    CHECK(region.hosts["a"].log.empty());
    CHECK(only_open(region).waits_for == "a to be uncordoned (operator: as the test wants)");
    region.crash();
    region.start();
    region.pass(5s);
    CHECK(region.hosts["a"].log.empty());
    CHECK(uncordon(region, "a") == "a is open again");
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
  }
  SECTION("the standby delays nobody, and gets its share later") {
    region.start();
    cordon(region, "b");
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.row()->degraded);
    CHECK(region.hosts["b"].log.empty());
    region.pass(10min);
    CHECK(region.hosts["b"].log.empty());
    uncordon(region, "b");
    region.pass(5s);
    CHECK_FALSE(region.row()->degraded);
    CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
  }
  SECTION("the enabled node, where it comes second: nothing is held on the first meanwhile") {
    region.config->podnet.enabled = host_id("b");
    region.config->podnet.a = host_id("b");
    region.start();
    cordon(region, "b");
    region.pass(5s);
    CHECK(region.facts->hosts.leases(host_id("a"))->held.empty());
    CHECK(only_open(region).waits_for == "b to be uncordoned (operator: as the test wants)");
    CHECK(region.hosts["a"].log.empty());
    uncordon(region, "b");
    region.pass(5s);
    CHECK(region.state_in_cloud() == running);
  }
  SECTION("a host that is cordoned while its lease is waited for is waited for with that cause") {
    const resource_id other{"virtual_router", "2"};
    region.cloud_side.records[other].state = requested;
    for (auto& host : region.config->hosts) host.concurrency = 1;
    region.hosts["a"].hangs = {"net"};
    region.start();
    region.pass(2s);
    cordon(region, "a");
    region.pass(2s);
    region.host_finishes("a");
    region.pass(2h);
    CHECK(only_open(region).waits_for == "a to be uncordoned (operator: as the test wants)");
    uncordon(region, "a");
    region.pass(5s);
    CHECK(region.open_jobs().empty());
  }
  SECTION("a host that reboots while it is cordoned is built again when it is open") {
    region.start();
    region.pass(5s);
    cordon(region, "b");
    region.host_reboots("b");
    region.pass(5s);
    CHECK(region.open_jobs().empty());
    CHECK(region.hosts["b"].log.size() == 2);
    uncordon(region, "b");
    region.pass(5s);
    CHECK(region.hosts["b"].log.size() == 4);
  }
  SECTION("a job under way is not stopped") {
    region.hosts["a"].hangs = {"net"};
    region.start();
    region.pass(1s);
    cordon(region, "a");
    cordon(region, "b");
    region.host_finishes("a");
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
    CHECK_FALSE(region.row()->degraded);
  }
  CHECK(cordon(region, "nobody") == "not_found");
  CHECK(uncordon(region, "a") == (region.store->cordons.contains("a") ? "a is open again" : "not_cordoned"));
}
