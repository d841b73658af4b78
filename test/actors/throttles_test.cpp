// Throttles: how much may be at work at once, and begin within a span. And hosts that decline new jobs.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

throttle_config one_at_once() {
  throttle_config made;
  made.name = "few";
  made.at_once = 1;
  return made;
}

void throttle(region_fixture& region, std::vector<throttle_config> throttles) {
  auto next = std::make_shared<region_config>(*region.config);
  next->throttles = std::move(throttles);
  region.running() ? region.reload(next) : void(region.config = next);
}

void asks_for(region_fixture& region, const std::string& id) {
  region.cloud_side.ask({"virtual_router", id}, requested);
  region.pass(6s);
}

/// Router 1 is at work, with a run that does not end.
void one_works(region_fixture& region) {
  throttle(region, {one_at_once()});
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.open_jobs().size() == 1);
}

const job& job_of(const std::vector<job>& all, const std::string& id) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const job& one) { return one.resource.id == id; });
  REQUIRE(found != all.end());
  return *found;
}

}  // namespace

TEST_CASE("a job that the throttles have no room for waits, says for what, and begins when there is room") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  const auto open = region.open_jobs();
  REQUIRE(open.size() == 2);
  const auto& waits = job_of(open, "2");
  CHECK(waits.state == job_state::waiting);
  CHECK(waits.waits_for == "throttle few: 1 of 1 at work");
  CHECK(waits.wait_deadline.has_value());
  const auto all = region.facts->throttles.list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].working == 1);
  CHECK(all[0].waiting == 1);
  region.host_finishes("a");
  region.pass(2s);
  CHECK(region.state_in_cloud("1") == running);
  CHECK(region.state_in_cloud("2") == running);
  CHECK(region.open_jobs().empty());
  CHECK(region.facts->throttles.list()[0].working == 0);
}

TEST_CASE("a job that waits for a permit is cancelled like any other, and its place is free") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  const auto waits = job_of(region.open_jobs(), "2");
  CHECK(has(region.tell({operator_verb::cancel, waits.id, waits.resource, {}, {}}), "is cancelled"));
  region.pass(1s);
  CHECK(region.jobs(job_state::cancelled).size() == 1);
  CHECK(region.facts->throttles.list()[0].waiting == 0);
}

TEST_CASE("a host that is cordoned while a job waits for a permit is waited for without a lease in hand") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  region.tell({operator_verb::cordon, {}, {}, host_id("a"), {}});
  region.host_finishes("a");
  region.pass(3s);
  REQUIRE(region.state_in_cloud("1") == running);
  CHECK(has(job_of(region.open_jobs(), "2").waits_for, "a to be uncordoned"));
  CHECK(region.store->leases.empty());
  CHECK(region.facts->hosts.leases(host_id("b"))->held.empty());
  CHECK(region.facts->throttles.list()[0].working == 0);
  region.tell({operator_verb::uncordon, {}, {}, host_id("a"), {}});
  region.pass(3s);
  CHECK(region.state_in_cloud("2") == running);
}

TEST_CASE("jobs behind a cordoned host begin one by one when it is open again") {
  region_fixture region;
  throttle(region, {one_at_once()});
  region.start();
  region.pass(1s);
  region.tell({operator_verb::cordon, {}, {}, host_id("a"), {}});
  for (const auto* id : {"1", "2", "3"}) asks_for(region, id);
  for (const auto& one : region.open_jobs()) CHECK(has(one.waits_for, "a to be uncordoned"));
  CHECK(region.facts->throttles.list()[0].waiting == 0);
  region.hosts["a"].hangs = {"fw"};
  region.tell({operator_verb::uncordon, {}, {}, host_id("a"), {}});
  region.pass(3s);
  CHECK(region.facts->throttles.list()[0].working == 1);
  CHECK(region.facts->throttles.list()[0].waiting == 2);
  region.host_finishes("a");
  region.pass(5s);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a job that has seen a region file before the region has is not left waiting") {
  region_fixture region;
  region.start();
  region.pass(1s);
  region.see(std::make_shared<region_config>([&] {
    auto next = *region.config;
    next.throttles = {one_at_once()};
    return next;
  }()));
  asks_for(region, "1");
  CHECK(region.state_in_cloud("1") == running);
}

TEST_CASE("what a job waits for is told anew when it has become something else") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  CHECK(job_of(region.open_jobs(), "2").waits_for == "throttle few: 1 of 1 at work");
  const auto deadline = job_of(region.open_jobs(), "2").wait_deadline;
  region.host_down("a");  // what is under way there rests, and takes no room
  region.pass(3s);
  CHECK(job_of(region.open_jobs(), "2").waits_for == "a to be up");
  CHECK(job_of(region.open_jobs(), "2").wait_deadline == deadline);
}

TEST_CASE("other throttles hold at once, also for what waits already") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  auto two = one_at_once();
  two.at_once = 2;
  SECTION("more") { throttle(region, {two}); }
  SECTION("none") { throttle(region, {}); }
  region.pass(1s);
  CHECK(region.state_in_cloud("2") == building);
  region.host_finishes("a");
  region.pass(2s);
  CHECK(region.state_in_cloud("2") == running);
}

TEST_CASE("a throttle that comes later counts who is at work") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  throttle(region, {one_at_once()});
  asks_for(region, "2");
  CHECK(job_of(region.open_jobs(), "2").waits_for == "throttle few: 1 of 1 at work");
}

TEST_CASE("who waits for a host takes no room, and goes on with it") {
  region_fixture region;
  throttle(region, {one_at_once()});
  region.hosts["a"].hangs = {"net"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_down("a");
  region.pass(2s);
  CHECK(region.facts->throttles.list()[0].working == 0);
  region.cloud_side.ask({"virtual_router", "2"}, requested);
  region.pass(6s);
  CHECK(job_of(region.open_jobs(), "2").waits_for == "a to be up");
  region.host_up("a");
  region.host_finishes("a");
  region.pass(40s);
  CHECK(region.state_in_cloud("1") == running);
  CHECK(region.state_in_cloud("2") == running);
  CHECK(region.facts->throttles.list()[0].working == 0);
}

TEST_CASE("jobs whose host is away do not all begin with it") {
  region_fixture region;
  throttle(region, {one_at_once()});
  region.hosts["a"].reachable = false;
  region.hosts["a"].hangs = {"fw"};
  for (const auto* id : {"1", "2", "3"}) region.cloud_side.ask({"virtual_router", id}, requested);
  region.start();
  region.pass(10s);
  REQUIRE(region.open_jobs().size() == 3);
  for (const auto& one : region.open_jobs()) CHECK(one.waits_for == "a to be up");
  region.host_up("a");
  region.pass(5s);
  CHECK(region.facts->throttles.list()[0].working == 1);
  CHECK(region.facts->throttles.list()[0].waiting == 2);
  region.host_finishes("a");
  region.pass(5s);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("no more begin within the span than the throttle says") {
  region_fixture region;
  throttle_config slow;
  slow.name = "slow";
  slow.begin = 2;
  slow.within = 60s;
  throttle(region, {slow});
  region.start();
  for (const auto* id : {"1", "2", "3"}) region.cloud_side.ask({"virtual_router", id}, requested);
  region.pass(20s);
  const auto open = region.open_jobs();
  REQUIRE(open.size() == 1);
  CHECK(open[0].waits_for == "throttle slow: 2 of 2 begun within 1m 0s");
  region.pass(60s);
  CHECK(region.open_jobs().empty());
  CHECK(region.jobs(job_state::succeeded).size() == 3);
}

TEST_CASE("after a crash what had begun goes on, what waited waits, and all come to their end") {
  region_fixture region;
  one_works(region);
  asks_for(region, "2");
  region.restart();
  CHECK(region.open_jobs().size() == 2);
  CHECK(job_of(region.open_jobs(), "2").waits_for == "throttle few: 1 of 1 at work");
  region.host_finishes("a");
  region.pass(3s);
  CHECK(region.open_jobs().empty());
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
}

TEST_CASE("a crash at any message while jobs wait for permits leaves nobody without") {
  for (std::size_t most = 1; most < 160; most += 3) {
    INFO("crash after " << most << " messages");
    region_fixture region;
    throttle(region, {one_at_once()});
    for (const auto* id : {"1", "2", "3"}) region.cloud_side.ask({"virtual_router", id}, requested);
    region.start();
    region.pass_but_handle(1s, most);
    region.restart();
    region.pass(20s);
    CHECK(region.open_jobs().empty());
    for (const auto* id : {"1", "2", "3"}) CHECK(region.state_in_cloud(id) == running);
    CHECK(region.facts->throttles.list()[0].working == 0);
  }
}

TEST_CASE("a host whose load is too high takes no new jobs, and says so; what has begun goes on") {
  region_fixture region;
  auto next = std::make_shared<region_config>(*region.config);
  for (auto& host : next->hosts)
    if (host.name == host_id("a")) host.load_most = 4;
  region.config = next;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_load("a", 450);
  asks_for(region, "2");
  CHECK(job_of(region.open_jobs(), "2").waits_for ==
        "a to take new jobs (its load is 4.50, and it takes jobs up to 4)");
  CHECK(region.facts->hosts.find(host_id("a"))->declines == "its load is 4.50, and it takes jobs up to 4");
  CHECK(region.told("host.declines") == 1);
  region.host_finishes("a");
  region.pass(3s);
  CHECK(region.state_in_cloud("1") == running);
  CHECK(region.state_in_cloud("2") == building);
  region.host_load("a", 460);
  CHECK(region.told("host.declines") == 1);
  SECTION("until it has fallen by a tenth") {
    region.host_load("a", 361);
    region.pass(3s);
    CHECK(region.facts->hosts.find(host_id("a"))->declines == "its load is 3.61, and it takes jobs again at 3.60");
    CHECK(region.state_in_cloud("2") == building);
    region.host_load("a", 360);
  }
  SECTION("until the region file allows more") {
    auto more = std::make_shared<region_config>(*region.config);
    for (auto& host : more->hosts) host.load_most = 0;
    region.reload(more);
  }
  region.pass(3s);
  CHECK(region.state_in_cloud("2") == running);
  CHECK(region.told("host.accepts") == 1);
}

TEST_CASE("a standby that declines is left out, and gets its share when it takes jobs again") {
  region_fixture region;
  auto next = std::make_shared<region_config>(*region.config);
  for (auto& host : next->hosts) host.load_most = 4;
  region.config = next;
  region.start();
  region.pass(1s);
  region.host_load("b", 500);
  asks_for(region, "1");
  CHECK(region.state_in_cloud("1") == running);
  CHECK(has(region.row()->reason, "b declines new jobs"));
  region.host_down("b");
  region.host_up("b");
  region.pass(2s);
  CHECK(region.hosts["b"].log.empty());  // its first heartbeat decides
  region.host_load("b", 100);
  region.pass(2min);
  CHECK_FALSE(region.row()->degraded);
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
}
