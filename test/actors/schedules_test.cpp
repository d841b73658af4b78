// What the region file's schedules begin, and when.
#include "region/schedule.hpp"
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

/// A region whose clock begins at a full hour, with one router and one schedule: every ten minutes. What that begins waits for a
/// host, until it is let go on.
class schedule_fixture : public region_fixture {
 public:
  explicit schedule_fixture(catch_up policy = catch_up::skip, milliseconds jitter = {}) {
    config->schedules.push_back(every_ten_minutes(policy, jitter));
    config->policies.wait_for_host = 24h;
    cloud_side.records[router].state = lifecycle_state::running;
    resource known;
    known.id = router;
    known.state = lifecycle_state::running;
    store->resources[{router.kind, router.id}] = known;
    hosts["a"].reachable = false;
  }

  static schedule_config every_ten_minutes(catch_up policy = catch_up::skip, milliseconds jitter = {}) {
    schedule_config made;
    made.name = "nightly";
    made.when = cron_expression::parse("*/10 * * * *").value();
    made.missed = policy;
    made.jitter = jitter;
    made.what = {bulk_verb::mend, "virtual_router", "", "", {}};
    return made;
  }

  /// What was begun, oldest first.
  std::vector<job> begun() const {
    std::vector<job> roots;
    for (const auto& [number, one] : store->jobs)
      if (one.cause.starts_with("schedule nightly") && one.root == one.id) roots.push_back(one);
    return roots;
  }
  void end_what_was_begun() {
    host_up("a");
    pass(1s);
    host_down("a");
    for (const auto& root : begun()) CHECK(root.state == job_state::succeeded);
  }

  std::size_t told(const std::string& topic) const {
    return static_cast<std::size_t>(std::count_if(store->events.begin(), store->events.end(), [&](const event& one) {
      return one.topic == "schedule." + topic && one.resource == resource_id{"schedule", "nightly"};
    }));
  }
  std::string last_told(const std::string& topic) const {
    for (auto one = store->events.rbegin(); one != store->events.rend(); ++one)
      if (one->topic == "schedule." + topic) return one->text;
    return {};
  }

  const schedule_mark& mark() const { return store->schedules.at("nightly"); }
  /// As minutes since the clock began.
  std::int64_t fired() const { return mark().fired ? (*mark().fired - began).count() / 60'000 : -1; }

  std::string say(operator_verb verb, const std::string& schedule = "nightly") {
    operator_command what;
    what.what = verb;
    what.schedule = schedule;
    return tell(what);
  }
  std::string problem() const {
    for (const auto& [about, text] : facts->problems())
      if (about == "schedule nightly") return text;
    return {};
  }

  /// Nobody is there for so long.
  void away(milliseconds span) {
    crash();
    time.pass(span);
    hosts["a"].reachable = false;
    start();
    pass(3s);
  }

  const wall_time began = time.wall();
};

}  // namespace

TEST_CASE("a firing begins its work once, at its time, and is marked with it") {
  schedule_fixture region;
  region.start();
  region.pass(2s);
  REQUIRE(region.mark().dealt);
  CHECK(*region.mark().dealt - region.began < 1s);  // from now on
  CHECK(region.mark().rule == "*/10 * * * * UTC");
  region.pass(9min + 57s);
  CHECK(region.begun().empty());
  region.pass(2s);
  REQUIRE(region.begun().size() == 1);
  CHECK(region.begun()[0].in == lane::audit);
  CHECK(region.fired() == 10);
  CHECK(region.mark().dealt == region.mark().fired);
  CHECK(region.mark().job == region.begun()[0].id);
  CHECK(region.told("fired") == 1);
  CHECK(region.begun()[0].cause == "schedule nightly");
  CHECK(region.hosts["b"].log.empty());
  region.end_what_was_begun();
  CHECK_FALSE(region.hosts["b"].log.empty());
  region.pass(10min);
  CHECK(region.begun().size() == 2);
  CHECK(region.fired() == 20);
  CHECK(region.told("skipped") + region.told("missed") == 0);
}

TEST_CASE("a firing whose predecessor's work has not ended is skipped, and told") {
  schedule_fixture region;
  region.start();
  region.pass(21min);
  CHECK(region.begun().size() == 1);
  CHECK(region.told("skipped") == 1);
  CHECK(region.fired() == 10);
  CHECK(region.mark().job == region.begun()[0].id);  // still the one that is not over
  CHECK(region.mark().dealt == region.began + 20min);
  region.end_what_was_begun();
  region.pass(10min);
  CHECK(region.begun().size() == 2);
  CHECK(region.told("skipped") == 1);
}

TEST_CASE("a firing that finds nothing to do has been dealt with all the same") {
  schedule_fixture region;
  region.config->schedules[0].what.kind = "bridge";
  region.start();
  region.pass(11min);
  CHECK(region.begun().empty());
  CHECK(region.fired() == 10);
  CHECK(region.mark().job.empty());
  CHECK(region.told("fired") == 1);
  CHECK(region.last_told("fired").find("there was nothing to do") != std::string::npos);
  CHECK(region.problem().empty());
  CHECK(region.say(operator_verb::schedule_run) == "nothing_meant");
  CHECK(region.fired() == 10);
  region.pass(10min);
  CHECK(region.fired() == 20);
}

TEST_CASE("a daemon that is killed at any message around a firing begins its work once") {
  std::size_t in_between = 0;
  for (std::size_t messages = 0; messages < 12; ++messages) {
    schedule_fixture region(catch_up::once);
    region.start();
    region.pass(9min + 59s);
    REQUIRE(region.begun().empty());
    region.pass_but_handle(2s, messages);
    in_between += region.begun().empty() ? 0 : 1;
    region.crash();
    region.start();
    region.pass(5s);
    INFO(messages);
    CHECK(region.begun().size() == 1);
    CHECK(region.told("fired") == 1);
    CHECK(region.fired() == 10);
  }
  CHECK(in_between > 0);
  CHECK(in_between < 12);
}

TEST_CASE("firings that nobody was there for are made up for as the schedule says") {
  SECTION("not at all") {
    schedule_fixture region(catch_up::skip);
    region.start();
    region.pass(1s);
    region.away(35min);
    CHECK(region.begun().empty());
    CHECK(region.last_told("missed").find("3 firings") != std::string::npos);
    region.away(1min);
    CHECK(region.told("missed") == 1);
    region.pass(5min);
    CHECK(region.fired() == 40);
  }
  SECTION("once for all") {
    schedule_fixture region(catch_up::once);
    region.start();
    region.pass(1s);
    region.away(35min);
    CHECK(region.begun().size() == 1);
    CHECK(region.fired() == 30);
    CHECK(region.last_told("missed").find("2 firings") != std::string::npos);
    region.away(1min);
    CHECK(region.begun().size() == 1);
    CHECK(region.told("missed") == 1);
  }
  SECTION("each, one after the other") {
    schedule_fixture region(catch_up::all);
    region.start();
    region.pass(1s);
    region.away(35min);
    std::vector<std::int64_t> times;
    for (int i = 0; i < 5; ++i) {
      times.push_back(region.fired());
      region.end_what_was_begun();
      region.pass(2s);
    }
    CHECK(times == std::vector<std::int64_t>{10, 20, 30, 30, 30});
    CHECK(region.begun().size() == 3);
    CHECK(region.told("missed") == 0);
  }
  SECTION("each, but no more than the last ten") {
    schedule_fixture region(catch_up::all);
    region.start();
    region.pass(1s);
    region.away(185min);  // 18 firings
    for (int i = 0; i < 15; ++i) {
      region.end_what_was_begun();
      region.pass(2s);
    }
    CHECK(region.begun().size() == 10);
    CHECK(region.fired() == 180);
    CHECK(region.told("missed") == 1);
    CHECK(region.last_told("missed").find("8 firings") != std::string::npos);
  }
  SECTION("what is owed waits for the work that the last reign left open") {
    schedule_fixture region(catch_up::once);
    region.start();
    region.pass(11min);
    region.away(35min);
    CHECK(region.begun().size() == 1);
    CHECK(region.facts->schedules.list().at(0).waits_for.find("to end") != std::string::npos);
    region.end_what_was_begun();
    region.pass(2s);
    CHECK(region.begun().size() == 2);
    CHECK(region.fired() == 40);
  }
}

TEST_CASE("a clock that is put forward has missed firings, one that is put back repeats none") {
  SECTION("forward") {
    schedule_fixture region(catch_up::once);
    region.start();
    region.pass(1s);
    region.time.set_wall(35min);
    region.pass(2s);
    CHECK(region.begun().size() == 1);
    CHECK(region.fired() == 30);
    region.end_what_was_begun();
    region.time.set_wall(-35min);
    region.pass(25min);
    CHECK(region.begun().size() == 1);
    CHECK(region.problem().find("put back") != std::string::npos);
    region.pass(16min);
    CHECK(region.begun().size() == 2);
    CHECK(region.fired() == 40);
    CHECK(region.problem().empty());
  }
  SECTION("back") {
    schedule_fixture region(catch_up::all);
    region.start();
    region.pass(11min);
    CHECK(region.begun().size() == 1);
    region.end_what_was_begun();
    region.time.set_wall(-10min);
    region.away(1min);
    region.pass(15min);
    CHECK(region.begun().size() == 1);
    region.pass(5min);
    CHECK(region.begun().size() == 2);
    CHECK(region.fired() == 20);
  }
  SECTION("far ahead and back: an operator lets it begin from now") {
    schedule_fixture region(catch_up::once);
    region.start();
    region.pass(1s);
    region.time.set_wall(24h * 3650);
    region.pass(2s);
    region.end_what_was_begun();
    region.time.set_wall(-24h * 3650);
    region.pass(11min);
    CHECK(region.begun().size() == 1);
    CHECK(region.say(operator_verb::schedule_resume).find("goes on") != std::string::npos);
    region.pass(10min);
    CHECK(region.begun().size() == 2);
    CHECK(region.fired() == 20);
  }
}

TEST_CASE("with jitter a schedule fires when the preview says") {
  schedule_fixture region(catch_up::skip, 8min);
  const auto ahead = next_firings(region.config->schedules[0], region.config->name, region.began, 4);
  CHECK(ahead[0].due > ahead[0].at);
  region.start();
  std::size_t count = 0;
  for (const auto& next : ahead) {
    region.pass(next.due - region.time.wall() - 1s);
    CHECK(region.begun().size() == count);
    region.pass(2250ms);
    CHECK(region.begun().size() == ++count);
    CHECK(region.mark().fired == next.at);
    region.end_what_was_begun();
  }
}

TEST_CASE("an operator pauses a schedule, which lasts until it is taken back, and nothing is made up for") {
  schedule_fixture region(catch_up::all);
  region.start();
  region.pass(1s);
  CHECK(region.say(operator_verb::schedule_pause).find("is paused") != std::string::npos);
  CHECK(region.mark().paused == "operator: as the test wants");
  CHECK(region.mark().paused_since == region.began + 1s);
  CHECK(region.told("paused") == 1);
  region.pass(15min);
  region.away(10min);
  CHECK(region.begun().empty());
  CHECK(region.facts->schedules.list().at(0).paused == "operator: as the test wants");
  CHECK(region.say(operator_verb::schedule_resume).find("goes on") != std::string::npos);
  CHECK(region.mark().paused.empty());
  CHECK(region.told("resumed") == 1);
  region.pass(2s);
  CHECK(region.begun().empty());
  region.pass(5min);
  CHECK(region.begun().size() == 1);
  CHECK(region.fired() == 30);
  CHECK(region.told("missed") == 0);
  CHECK(region.say(operator_verb::schedule_resume) == "not_paused");
  CHECK(region.say(operator_verb::schedule_pause, "weekly") == "not_found");
}

TEST_CASE("an operator runs a schedule at once, which moves none of its times") {
  schedule_fixture region;
  region.start();
  region.pass(5min);
  region.say(operator_verb::schedule_run);
  REQUIRE(region.begun().size() == 1);
  CHECK(region.fired() == 5);
  CHECK(region.mark().job == region.begun()[0].id);
  CHECK(region.last_told("fired").find("operator: as the test wants") != std::string::npos);
  CHECK(region.say(operator_verb::schedule_run) == "at_work");
  region.end_what_was_begun();
  region.pass(5min + 1s);
  CHECK(region.begun().size() == 2);
  CHECK(region.fired() == 10);
  region.end_what_was_begun();
  region.say(operator_verb::schedule_pause);
  region.say(operator_verb::schedule_run);
  CHECK(region.begun().size() == 3);
  CHECK(region.mark().paused == "operator: as the test wants");
}

TEST_CASE("a reload begins, changes, switches off and forgets schedules") {
  schedule_fixture region(catch_up::all);
  region.start();
  region.pass(5min);
  const auto reload = [&](std::vector<schedule_config> schedules) {
    auto next = std::make_shared<region_config>(*region.config);
    next->schedules = std::move(schedules);
    region.reload(next);
    region.pass(1s);
  };
  SECTION("taken out, it is forgotten; put in again, it begins anew") {
    reload({});
    CHECK(region.store->schedules.empty());
    CHECK(region.facts->schedules.list().empty());
    region.pass(10min);
    reload({region.every_ten_minutes(catch_up::all)});
    region.pass(2s);
    CHECK(region.begun().empty());
    region.pass(5min);
    CHECK(region.fired() == 20);
  }
  SECTION("taken out while no daemon ran, too") {
    region.crash();
    region.config->schedules.clear();
    region.start();
    region.pass(1s);
    CHECK(region.store->schedules.empty());
  }
  SECTION("with other times it begins anew, with other jitter it goes on") {
    auto other = region.every_ten_minutes(catch_up::all);
    other.when = cron_expression::parse("* * * * *").value();
    reload({other});
    CHECK(region.begun().empty());
    CHECK(region.mark().rule == "* * * * * UTC");
    auto again = other;
    again.missed = catch_up::once;
    const auto dealt = region.mark().dealt;
    reload({again});
    CHECK(region.mark().dealt == dealt);
    region.pass(1min);
    CHECK(region.begun().size() == 1);
    CHECK(region.fired() == 6);
  }
  SECTION("switched off, it does not fire; on again, it begins anew") {
    auto off = region.every_ten_minutes(catch_up::all);
    off.enabled = false;
    reload({off});
    CHECK_FALSE(region.mark().dealt);
    region.pass(10min);
    region.away(1min);
    CHECK(region.begun().empty());
    reload({region.every_ten_minutes(catch_up::all)});
    CHECK(region.begun().empty());
    region.pass(5min);
    CHECK(region.fired() == 20);
  }
}
