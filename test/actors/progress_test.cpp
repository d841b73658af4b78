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
