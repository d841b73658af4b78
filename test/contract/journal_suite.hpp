// What every journal promises (persistence/journal.hpp), checked against the one in a file and the one in memory alike.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/limits.hpp"
#include "persistence/journal.hpp"
#include "test/support/catch.hpp"
#include "test/support/journal_rows.hpp"

namespace regent::test {

/// Everything that is kept, history included; resources with their documents.
struct journal_snapshot {
  std::vector<resource> resources;
  std::vector<job> jobs;
  std::vector<step> steps;
  std::vector<event> events;  ///< oldest first
};

/// A place where a journal is kept, and which outlives it.
class journal_place {
 public:
  virtual ~journal_place() = default;
  virtual result<std::unique_ptr<journal>> open() = 0;
  virtual journal_snapshot look() = 0;  ///< also while a journal is open
};

inline std::unique_ptr<journal> must_open(journal_place& place) {
  auto opened = place.open();
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

inline journal_contents must_begin(journal& of) {
  auto begun = of.begin_reign();
  INFO((begun ? "" : begun.error().text()));
  REQUIRE(begun.has_value());
  return std::move(*begun);
}

inline journal_contents reopen(journal_place& place) {
  auto again = must_open(place);
  return must_begin(*again);
}

inline std::vector<transaction> must_commit(journal& to, std::vector<transaction> group) {
  auto done = to.commit(group);
  INFO((done ? "" : done.error().text()));
  REQUIRE(done.has_value());
  return group;
}

inline void reigns_suite(journal_place& place) {
  SECTION("a new journal is empty, has an identity and begins with the first epoch") {
    auto made = must_open(place);
    const auto found = must_begin(*made);
    CHECK(found.epoch == 1);
    CHECK(found.journal_id.size() == 8);
    CHECK(found.journal_id.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(found.last_job == 0);
    CHECK(found.resources.size() + found.jobs.size() + found.steps.size() + found.leases.size() +
              found.reports.size() ==
          0);
  }
  SECTION("every reign has a higher epoch and the same identity") {
    const auto first = reopen(place);
    const auto second = reopen(place);
    auto third = must_open(place);
    CHECK(second.epoch == first.epoch + 1);
    CHECK(must_begin(*third).epoch == first.epoch + 2);
    CHECK(must_begin(*third).epoch == first.epoch + 3);
    CHECK(second.journal_id == first.journal_id);
  }
  SECTION("what was open is found again with every field") {
    auto open = must_open(place);
    must_begin(*open);
    const host_seen seen{host_id("podnet-a"), "boot-1", wall_time(milliseconds(5))};
    const auto group = must_commit(*open, {{full_resource(3), full_job(7), full_step(7, 0), full_step(7, 1)},
                                           {full_lease(7), full_report(3), full_event(3), seen}});
    open.reset();
    const auto found = reopen(place);
    auto bare = full_resource(3);
    bare.document.clear();
    CHECK(all_text(found.resources) == all_text(std::vector{bare}));
    CHECK(all_text(found.jobs) == all_text(std::vector{full_job(7)}));
    CHECK(all_text(found.steps) == all_text(std::vector{full_step(7, 0), full_step(7, 1)}));
    CHECK(all_text(found.leases) == all_text(std::vector{full_lease(7)}));
    CHECK(all_text(found.reports) == all_text(std::vector{std::get<report>(group[1][1])}));
    CHECK(all_text(found.hosts) == all_text(std::vector{seen}));
    const auto kept = place.look();
    CHECK(all_text(kept.resources) == all_text(std::vector{full_resource(3)}));
    CHECK(all_text(kept.events) == all_text(std::vector{std::get<event>(group[1][2])}));
  }
  SECTION("trees of open roots come back with all their branches, and with the changes made to them") {
    auto open = must_open(place);
    must_commit(*open, {{full_job(7), full_tree(7), full_branch(7, 0), full_branch(7, 1)},
                        {full_job(8, job_state::succeeded), full_tree(8), full_branch(8, 0)}});
    auto changed = full_branch(7, 0);
    changed.state = branch_state::skipped;
    changed.job = {};
    must_commit(*open, {{changed}});
    open.reset();
    const auto found = reopen(place);
    CHECK(all_text(found.trees) == all_text(std::vector{full_tree(7)}));
    CHECK(all_text(found.branches) == all_text(std::vector{changed, full_branch(7, 1)}));
  }
  SECTION("fields that are empty come back empty") {
    auto open = must_open(place);
    job plain;
    plain.id = plain.root = job_id(1);
    plain.resource = {"virtual_router", "1"};
    step bare;
    bare.job = job_id(1);
    resource thin;
    thin.id = plain.resource;
    must_commit(*open, {{thin, plain, bare}});
    open.reset();
    const auto found = reopen(place);
    CHECK(all_text(found.resources) == all_text(std::vector{thin}));
    CHECK(all_text(found.jobs) == all_text(std::vector{plain}));
    CHECK(all_text(found.steps) == all_text(std::vector{bare}));
  }
  SECTION("every state, operation and lane comes back as it was") {
    auto open = must_open(place);
    std::vector<resource> resources;
    for (const auto& row : lifecycle_table) {
      resources.push_back(full_resource(static_cast<int>(resources.size()) + 100));
      resources.back().state = row.state;
    }
    std::vector<job> jobs;
    for (std::size_t i = 0; i < operation_names.size(); ++i) {
      jobs.push_back(full_job(static_cast<int>(i) + 1, static_cast<job_state>(i % 3)));
      jobs.back().what = static_cast<operation>(i);
      jobs.back().in = static_cast<lane>(i % lane_names.size());
    }
    std::vector<step> steps;
    for (std::size_t i = 0; i < step_state_names.size(); ++i) {
      steps.push_back(full_step(1, static_cast<int>(i)));
      steps.back().state = static_cast<step_state>(i);
    }
    transaction all(resources.begin(), resources.end());
    all.insert(all.end(), jobs.begin(), jobs.end());
    all.insert(all.end(), steps.begin(), steps.end());
    must_commit(*open, {all});
    const auto found = must_begin(*open);
    for (auto& row : resources) row.document.clear();
    CHECK(all_text(found.resources) == all_text(resources));
    CHECK(all_text(found.jobs) == all_text(jobs));
    CHECK(all_text(found.steps) == all_text(steps));
  }
}

inline void rows_suite(journal_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  SECTION("an ended job and its steps are history: kept, but no longer open, and its number is not given out again") {
    for (const auto state : {job_state::succeeded, job_state::failed, job_state::superseded}) {
      const int n = 7 + static_cast<int>(state);
      must_commit(*open, {{full_job(n), full_step(n)}});
      must_commit(*open, {{full_job(n, state)}});
    }
    const auto found = must_begin(*open);
    CHECK(found.jobs.empty());
    CHECK(found.steps.empty());
    CHECK(found.last_job == 7 + static_cast<int>(job_state::superseded));
    CHECK(place.look().jobs.size() == 3);
    CHECK(place.look().steps.size() == 3);
  }
  SECTION("a row replaces the one of the same key, in one transaction, in one group and in the next") {
    auto changed = full_job(7, job_state::queued);
    changed.waits_for = "something else";
    auto moved = full_step(7);
    moved.state = step_state::done;
    auto taken = full_lease(7);
    taken.epoch = 99;
    must_commit(*open, {{full_job(7), full_step(7), full_lease(7), full_step(7)}, {moved, taken}});
    must_commit(*open, {{changed}});
    const auto found = must_begin(*open);
    CHECK(all_text(found.jobs) == all_text(std::vector{changed}));
    CHECK(all_text(found.steps) == all_text(std::vector{moved}));
    CHECK(all_text(found.leases) == all_text(std::vector{taken}));
  }
  SECTION("a resource without its document keeps the one it has") {
    must_commit(*open, {{full_resource(3)}});
    auto bare = full_resource(3);
    bare.document.clear();
    bare.state = lifecycle_state::scrubbing;
    must_commit(*open, {{bare}});
    auto expected = bare;
    expected.document = full_resource(3).document;
    CHECK(all_text(place.look().resources) == all_text(std::vector{expected}));
    expected.document = "{\"newer\":true}";
    must_commit(*open, {{expected}});
    CHECK(all_text(place.look().resources) == all_text(std::vector{expected}));
  }
  SECTION("a forgotten resource is gone with its document, and its history stays") {
    must_commit(*open, {{full_resource(3), full_job(3), full_report(3), full_event(3)}});
    must_commit(*open, {{forget_resource{full_resource(3).id}}});
    auto again = full_resource(3);
    again.document.clear();
    CHECK(place.look().resources.empty());
    CHECK(must_begin(*open).jobs.size() == 1);
    CHECK(must_begin(*open).reports.size() == 1);
    must_commit(*open, {{again}});
    CHECK(all_text(place.look().resources) == all_text(std::vector{again}));
  }
  SECTION("only its holder ends a lease") {
    must_commit(*open, {{full_job(7), full_job(8), full_lease(7)}});
    const auto held = full_lease(7);
    must_commit(*open, {{end_lease{held.host, held.scope, job_id(8)}}});
    CHECK(must_begin(*open).leases.size() == 1);
    must_commit(*open, {{end_lease{held.host, held.scope, job_id(7)}}});
    CHECK(must_begin(*open).leases.empty());
  }
  SECTION("a host is known by what was seen of it last") {
    const host_seen first{host_id("kvm-1"), "boot-1", wall_time(milliseconds(1))};
    const host_seen second{host_id("kvm-1"), "boot-2", wall_time(milliseconds(2))};
    must_commit(*open, {{first}, {second}});
    CHECK(all_text(must_begin(*open).hosts) == all_text(std::vector{second}));
  }
  SECTION("a sink's cursor is kept as it was last, until the sink is forgotten") {
    must_commit(*open, {{sink_cursor{"one", 7}, sink_cursor{"two", 0}}, {sink_cursor{"one", 9}}});
    CHECK(all_text(must_begin(*open).sinks) == all_text(std::vector{sink_cursor{"one", 9}, sink_cursor{"two", 0}}));
    must_commit(*open, {{sink_cursor{"one", {}}, sink_cursor{"nobody", {}}}});
    CHECK(all_text(must_begin(*open).sinks) == all_text(std::vector{sink_cursor{"two", 0}}));
  }
  SECTION("a schedule is known as it was marked last, and keeps the job of its last firing") {
    const schedule_mark begun{"nightly", "0 2 * * * UTC", wall_time(milliseconds(7)), {}, {}, "", {}};
    must_commit(*open, {{begun}});
    CHECK(all_text(must_begin(*open).schedules) == all_text(std::vector{begun}));
    auto fired = begun;
    fired.dealt = fired.fired = wall_time(milliseconds(9));
    fired.job = job_id(4);
    const schedule_mark other{"hourly", "@hourly UTC", {}, {}, {}, "bo: \' a disk", wall_time(milliseconds(3))};
    must_commit(*open, {{fired}, {other}});
    CHECK(all_text(must_begin(*open).schedules) == all_text(std::vector{other, fired}));
    auto paused = fired;  // by somebody who does not know the job
    paused.job = {};
    paused.paused = "bo";
    paused.paused_since = wall_time(milliseconds(11));
    must_commit(*open, {{paused}});
    paused.job = job_id(4);
    CHECK(all_text(must_begin(*open).schedules) == all_text(std::vector{other, paused}));
    paused.fired = wall_time(milliseconds(12));  // and that one began no job
    paused.job = {};
    must_commit(*open, {{paused}});
    CHECK(all_text(must_begin(*open).schedules) == all_text(std::vector{other, paused}));
    must_commit(*open, {{forget_schedule{"nightly"}, forget_schedule{"nobody's"}}});
    CHECK(all_text(must_begin(*open).schedules) == all_text(std::vector{other}));
  }
  SECTION("a host is cordoned with the last reason given, until that is taken back") {
    const host_cordoned first{host_id("kvm-1"), "a disk", wall_time(milliseconds(1))};
    const host_cordoned second{host_id("kvm-1"), "two disks", wall_time(milliseconds(2))};
    const host_cordoned other{host_id("kvm-2"), "a fan", wall_time(milliseconds(3))};
    must_commit(*open, {{first, other}, {second}});
    CHECK(all_text(must_begin(*open).cordons) == all_text(std::vector{second, other}));
    must_commit(*open, {{host_cordoned{host_id("kvm-1"), "", {}}, host_cordoned{host_id("nobody"), "", {}}}});
    CHECK(all_text(must_begin(*open).cordons) == all_text(std::vector{other}));
  }
  SECTION("how a host is closed, up to which job, and since when it is empty, is kept") {
    host_cordoned drained{host_id("kvm-1"), "a disk", wall_time(milliseconds(1)), closure::drain, job_id(7), {}};
    const host_cordoned gone{host_id("kvm-2"), "fire", wall_time(milliseconds(2)), closure::detached, {}, {}};
    must_commit(*open, {{drained, gone}});
    drained.how = closure::maintenance;
    drained.drained = wall_time(milliseconds(9));
    must_commit(*open, {{drained}});
    CHECK(all_text(must_begin(*open).cordons) == all_text(std::vector{drained, gone}));
  }
  SECTION("what an operator has said of a resource is kept as it was said last, until it is taken back") {
    const resource_id one{"virtual_router", "1"}, two{"virtual_router", "2"};
    const resource_held paused{one, hold::pause, "eve: wait", wall_time(milliseconds(1))};
    const resource_held released{one, hold::release, "eve: mine", wall_time(milliseconds(2))};
    const resource_held adopted{two, hold::adopt, "eve: ours", wall_time(milliseconds(3))};
    must_commit(*open, {{paused, adopted}, {released}});
    CHECK(all_text(must_begin(*open).holds) == all_text(std::vector{released, adopted}));
    must_commit(*open, {{resource_held{one, {}, "", {}}, resource_held{{"virtual_router", "404"}, {}, "", {}}}});
    CHECK(all_text(must_begin(*open).holds) == all_text(std::vector{adopted}));
  }
  SECTION("a resource has one dead letter, its last, until it is decided; and what an operator said of the job stays") {
    auto decided = full_job(7, job_state::failed);
    decided.decided = "done: eve: seen by hand";
    const dead_letter first{decided.resource, job_id(7), wall_time(milliseconds(1)), 0, ""};
    const dead_letter last{decided.resource, job_id(8), wall_time(milliseconds(2)), 3, "eve: from there"};
    auto again = full_job(8, job_state::failed);
    again.resource = decided.resource;
    must_commit(*open, {{decided, again, first}, {last}});
    CHECK(all_text(must_begin(*open).dead_letters) == all_text(std::vector{last}));
    CHECK(place.look().jobs.at(0).decided == "done: eve: seen by hand");
    must_commit(*open, {{dead_letter{decided.resource, {}, {}}, dead_letter{{"virtual_router", "404"}, {}, {}}}});
    CHECK(must_begin(*open).dead_letters.empty());
  }
  SECTION("a rebuild that is owed is owed once, until it is done") {
    const rebuild_owed one{{"virtual_router", "1"}, host_id("a")}, other{{"virtual_router", "1"}, host_id("b")};
    must_commit(*open, {{one, other}, {one}});
    CHECK(all_text(must_begin(*open).rebuilds_owed) == all_text(std::vector{one, other}));
    must_commit(*open,
                {{rebuild_owed{one.resource, one.host, false}, rebuild_owed{one.resource, host_id("c"), false}}});
    CHECK(all_text(must_begin(*open).rebuilds_owed) == all_text(std::vector{other}));
  }
  SECTION("ending what is not there changes nothing") {
    must_commit(*open, {{full_job(7), full_lease(7), full_report(7)}});
    must_commit(*open, {{end_lease{host_id("nobody"), "nothing", job_id(7)}, end_report{12345},
                         forget_resource{{"virtual_router", "404"}}}});
    CHECK(must_begin(*open).leases.size() == 1);
    CHECK(must_begin(*open).reports.size() == 1);
  }
  SECTION("an empty group and empty transactions are committed") {
    must_commit(*open, {});
    must_commit(*open, {{}, {full_event(1)}, {}});
    CHECK(place.look().events.size() == 1);
  }
}

inline void numbers_suite(journal_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  SECTION("reports and events are numbered in order, and told their numbers") {
    const auto group = must_commit(*open, {{full_report(1), full_event(1)}, {full_report(2), full_event(2)}});
    const auto first = std::get<report>(group[0][0]).sequence;
    CHECK(first > 0);
    CHECK(std::get<report>(group[1][0]).sequence == first + 1);
    CHECK(std::get<event>(group[1][1]).sequence == std::get<event>(group[0][1]).sequence + 1);
    const auto found = must_begin(*open).reports;
    REQUIRE(found.size() == 2);
    CHECK(found[0].sequence == first);
    CHECK(found[1].resource.id == "2");
  }
  SECTION("a delivered report's number is never given out again, not even after a restart") {
    auto group = must_commit(*open, {{full_report(1)}});
    const auto old = std::get<report>(group[0][0]).sequence;
    must_commit(*open, {{end_report{old}}});
    CHECK(must_begin(*open).reports.empty());
    open.reset();
    open = must_open(place);
    group = must_commit(*open, {{full_report(2)}});
    CHECK(std::get<report>(group[0][0]).sequence > old);
    must_commit(*open, {{end_report{old}}});
    CHECK(must_begin(*open).reports.size() == 1);
  }
  SECTION("a refused group gives out no numbers") {
    std::vector<transaction> group{{full_report(1), full_event(1), full_step(404)}};
    CHECK_FALSE(open->commit(group).has_value());
    CHECK(std::get<report>(group[0][0]).sequence == 0);
    CHECK(std::get<event>(group[0][1]).sequence == 0);
  }
}

/// Rows that a journal refuses, each with what is wrong with it.
inline std::vector<std::pair<std::string, mutation>> refused_rows() {
  std::vector<std::pair<std::string, mutation>> all;
  auto add = [&](std::string why, auto row, auto spoil) {
    spoil(row);
    all.emplace_back(std::move(why), mutation(row));
  };
  add("resource without a kind", full_resource(1), [](resource& r) { r.id.kind.clear(); });
  add("resource without an id", full_resource(1), [](resource& r) { r.id.id.clear(); });
  add("resource id that is not plain", full_resource(1), [](resource& r) { r.id.id = "1/2"; });
  add("resource kind that is not plain", full_resource(1), [](resource& r) { r.id.kind = "router'"; });
  add("state beyond the table", full_resource(1), [](resource& r) { r.state = static_cast<lifecycle_state>(77); });
  add("negative state", full_resource(1), [](resource& r) { r.state = static_cast<lifecycle_state>(-1); });
  add("document too large", full_resource(1), [](resource& r) { r.document.assign(limits::document_bytes + 1, ' '); });
  add("job without a number", full_job(1), [](job& j) { j.id = {}; });
  add("job with a negative number", full_job(1), [](job& j) { j.id = job_id(-1); });
  add("job without a root", full_job(1), [](job& j) { j.root = {}; });
  add("job without a resource", full_job(1), [](job& j) { j.resource = {}; });
  add("operation beyond the table", full_job(1), [](job& j) { j.what = static_cast<operation>(77); });
  add("job state beyond the table", full_job(1), [](job& j) { j.state = static_cast<job_state>(77); });
  add("lane beyond the table", full_job(1), [](job& j) { j.in = static_cast<lane>(77); });
  add("job that changes its resource", full_job(50), [](job& j) { j.resource.id = "51"; });
  add("step without its job", full_step(404), [](step&) {});
  add("step before the first", full_step(50), [](step& s) { s.index = -1; });
  add("negative deadline", full_step(50), [](step& s) { s.deadline = milliseconds(-1); });
  add("negative stall", full_step(50), [](step& s) { s.stall = milliseconds(-1); });
  add("step state beyond the table", full_step(50), [](step& s) { s.state = static_cast<step_state>(77); });
  add("run id with other characters", full_step(50), [](step& s) { s.run = run_id("../../etc"); });
  add("run id that is too long", full_step(50), [](step& s) { s.run = run_id(std::string(65, 'a')); });
  add("lease without its job", full_lease(404), [](lease&) {});
  add("lease without a host", full_lease(50), [](lease& l) { l.host = {}; });
  add("report without a resource", full_report(1), [](report& r) { r.resource = {}; });
  add("report state beyond the table", full_report(1), [](report& r) { r.state = static_cast<lifecycle_state>(77); });
  add("event without a topic", full_event(1), [](event& e) { e.topic.clear(); });
  add("host without a name", host_seen{}, [](host_seen&) {});
  add("cursor of a sink without a name", sink_cursor{"", 1}, [](sink_cursor&) {});
  add("cursor of a sink below any event", sink_cursor{"x", -1}, [](sink_cursor&) {});
  add("schedule without a name", schedule_mark{}, [](schedule_mark&) {});
  add("schedule with a job that there cannot be", schedule_mark{"a", "r", {}, {}, job_id(-1), "", {}},
      [](schedule_mark&) {});
  add("schedule that is paused since no time", schedule_mark{"a", "r", {}, {}, {}, "bo", {}}, [](schedule_mark&) {});
  add("cordon of a host without a name", host_cordoned{{}, "why", {}}, [](host_cordoned&) {});
  add("closure beyond the table", host_cordoned{host_id("a"), "why", {}},
      [](host_cordoned& c) { c.how = static_cast<closure>(77); });
  add("hold beyond the table", resource_held{{"virtual_router", "1"}, hold::pause, "why", {}},
      [](resource_held& h) { h.what = static_cast<hold>(77); });
  add("hold without a resource", resource_held{{}, hold::pause, "why", {}}, [](resource_held&) {});
  add("dead letter without its job", dead_letter{{"virtual_router", "404"}, job_id(404), {}}, [](dead_letter&) {});
  add("dead letter from before the first step", dead_letter{{"virtual_router", "50"}, job_id(50), {}},
      [](dead_letter& l) { l.from_step = -1; });
  add("rebuild that is owed nowhere", rebuild_owed{{"virtual_router", "1"}, {}}, [](rebuild_owed&) {});
  return all;
}

inline void refusals_suite(journal_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  must_commit(*open, {{full_job(50), full_resource(50), full_lease(50), full_report(50)}});
  for (const auto& [why, row] : refused_rows()) {
    SECTION("refused, with nothing of its group committed: " + why) {
      const auto before = must_begin(*open);
      auto moved = full_resource(50);
      moved.reason = "this must not be kept";
      std::vector<transaction> group{{full_resource(1), full_job(2)},
                                     {moved, end_report{before.reports.at(0).sequence},
                                      end_lease{full_lease(50).host, full_lease(50).scope, job_id(50)}, full_event(2),
                                      forget_resource{{"virtual_router", "50"}}, full_job(51), row},
                                     {full_event(3)}};
      const auto done = open->commit(group);
      REQUIRE_FALSE(done.has_value());
      CHECK(done.error().kind == error_kind::bug);
      CHECK(done.error().code == "journal_constraint");
      CHECK(done.error().message.find("transaction 1, row 6") != std::string::npos);

      const auto after = must_begin(*open);
      CHECK(all_text(after.resources) == all_text(before.resources));
      CHECK(all_text(after.jobs) == all_text(before.jobs));
      CHECK(all_text(after.leases) == all_text(before.leases));
      CHECK(all_text(after.reports) == all_text(before.reports));
      CHECK(after.last_job == 50);
      CHECK(place.look().events.empty());

      must_commit(*open, {{full_event(4), full_job(52)}});
      CHECK(place.look().events.size() == 1);
      CHECK(must_begin(*open).last_job == 52);
    }
  }
}

}  // namespace regent::test
