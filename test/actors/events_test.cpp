// Which events the region's changes leave in the journal.
#include "region/event_topic.hpp"
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
strings topics_about(const region_fixture& region, const std::string& subject) {
  strings found;
  for (const auto& one : region.store->events)
    if (!one.resource.empty() && one.resource.text() == subject) found.push_back(one.topic);
  return found;
}

/// These, in this order, with whatever between them.
bool happened(const strings& all, const strings& wanted) {
  auto next = wanted.begin();
  for (const auto& one : all)
    if (next != wanted.end() && one == *next) ++next;
  return next == wanted.end();
}
}  // namespace

TEST_CASE("a build is told from its beginning to its end, each event with the job and its root") {
  region_fixture region;
  build(region);
  CHECK(topics_about(region, "virtual_router/1") ==
        strings{"resource.state", "job.started", "job.succeeded", "resource.state"});
  std::int64_t sequence = 0;
  for (const auto& one : region.store->events) {
    CHECK(one.sequence == ++sequence);
    CHECK(std::any_of(event_topic_table.begin(), event_topic_table.end(),
                      [&](const auto& each) { return each.name == one.topic; }));
    if (one.resource != region.router) continue;
    CHECK(one.job == job_id(1));
    CHECK(one.root == job_id(1));
  }
  CHECK(region.store->events.front().topic == "daemon.started");
  CHECK(topics_about(region, "host/a") == strings{"host.up"});
  CHECK(region.facts->events_committed == static_cast<std::int64_t>(region.store->events.size()));
}

TEST_CASE("a host that goes and comes back is told once each, with its new boot id") {
  region_fixture region;
  build(region);
  region.host_down("a");
  region.pass(5s);
  region.host_up("a");
  region.pass(5s);
  CHECK(topics_about(region, "host/a") == strings{"host.up", "host.down", "host.up"});
  region.host_reboots("a");
  region.pass(5s);
  CHECK(happened(topics_about(region, "host/a"), {"host.rebooted"}));
}

TEST_CASE("what a standby misses is told: skipped, degraded, waited for, mended") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  const auto before = topics_about(region, "virtual_router/1");
  CHECK(happened(before, {"job.started", "step.failed", "job.waiting", "job.succeeded", "resource.degraded"}));
  CHECK(happened(before, {"step.skipped"}));
  CHECK_FALSE(happened(before, {"resource.mended"}));
  region.host_up("b");
  region.pass(1s);
  CHECK(happened(topics_about(region, "virtual_router/1"), {"resource.degraded", "job.succeeded", "resource.mended"}));
  const auto& last = region.store->events.back();
  CHECK(last.root == job_id(1));
  CHECK(last.job == job_id(2));
}

TEST_CASE("a step that fails is told with what it said, and so are its job and its resource") {
  region_fixture region;
  region.hosts["a"].behaves = [](const run_request&) { return 1; };
  asks_for_build(region);
  region.start();
  region.pass(10s);
  CHECK(topics_about(region, "virtual_router/1") ==
        strings{"resource.state", "job.started", "step.failed", "job.failed", "resource.state", "resource.dead"});
}

TEST_CASE("a state that only the cloud has changed is told, but not what has always been so") {
  region_fixture region;
  region.cloud_side.records[region.router].state = running;
  region.start();
  region.pass(10s);
  REQUIRE(region.row() != nullptr);
  CHECK(topics_about(region, "virtual_router/1").empty());
}

TEST_CASE("a reload is told") {
  region_fixture region;
  build(region);
  region.reload(std::make_shared<region_config>(*region.config));
  region.settle();
  CHECK(region.store->events.back().topic == "config.reloaded");
}
