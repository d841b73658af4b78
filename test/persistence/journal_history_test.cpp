#include "persistence/journal_history.hpp"

#include "persistence/journal_check.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

const wall_time that_noon = *parse_iso("2026-11-20T12:00:00Z");

/// Of virtual_router/ID, ended so many days before that_noon.
job ended_job(int n, int days, milliseconds took, const std::string& id, job_state how = job_state::succeeded) {
  auto row = full_job(n, how);
  row.resource.id = id;
  row.what = operation::build;
  row.repair = false;
  row.ended = that_noon - std::chrono::hours(24) * days;
  row.started = *row.ended - took;
  return row;
}

std::string text(const std::vector<history_row>& rows) {
  std::string all;
  for (const auto& one : rows)
    all += fmt::format("{} {} {} {}: {} in {}, longest {}\n", iso_text(one.day).substr(0, 10), one.kind, one.operation,
                       one.outcome, one.count, one.total.count(), one.longest.count());
  return all;
}

std::string history_of(const std::string& path) {
  const auto rows = read_history(path);
  INFO((rows ? "" : rows.error().text()));
  REQUIRE(rows.has_value());
  return text(*rows);
}

compact_result must_compact(const std::string& path, int days) {
  const auto made = compact_journal(path, that_noon - std::chrono::hours(24) * days, that_noon);
  INFO((made ? "" : made.error().text()));
  REQUIRE(made.has_value());
  return *made;
}

constexpr const char* three_days =
    "2026-11-20 virtual_router build succeeded: 1 in 50, longest 50\n"
    "2026-11-18 virtual_router build failed: 1 in 7, longest 7\n"
    "2026-11-18 virtual_router build succeeded: 2 in 300, longest 200\n";

void end_four_jobs(journal& open) {
  must_begin(open);
  must_commit(open, {{ended_job(1, 2, 100ms, "1"), full_step(1)},
                     {ended_job(2, 2, 200ms, "1"), full_step(2)},
                     {ended_job(3, 2, 7ms, "1", job_state::failed), full_step(3)},
                     {ended_job(4, 0, 50ms, "1"), full_step(4)}});
}

}  // namespace

TEST_CASE("the history counts every job that has ended, by day and outcome, also when it is deleted") {
  file_place place;
  end_four_jobs(*must_open(place));
  CHECK(history_of(place.path()) == three_days);
  CHECK(must_compact(place.path(), 1).jobs == 3);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM job") == 1);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM step") == 1);
  CHECK(ask_sql(place.path(), "SELECT sum(total) FROM job_summary") == 3);
  CHECK(history_of(place.path()) == three_days);
  CHECK(must_compact(place.path(), 1).jobs == 0);
  CHECK(history_of(place.path()) == three_days);
  CHECK(check_journal(place.path())->empty());
}

TEST_CASE("what the daemon trims leaves its sum as well") {
  file_place place;
  place.options.jobs_kept = 1;
  auto open = must_open(place);
  end_four_jobs(*open);
  must_commit(*open, {{ended_job(4, 0, 50ms, "1")}});
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM job") == 1);
  CHECK(history_of(place.path()) == three_days);
}

TEST_CASE("compacting leaves what is open, what holds a lease, what waits for a decision and what a retry asks about") {
  file_place place;
  {
    auto open = must_open(place);
    must_begin(*open);
    auto at_work = full_job(1);
    at_work.ended = that_noon - 24h * 300;  // not to be trusted: its state says that it is open
    auto repair = ended_job(4, 290, 1ms, "2");
    repair.repair = true;
    const auto dead = ended_job(6, 300, 1ms, "4");
    must_commit(*open, {{at_work, full_step(1)},
                        {ended_job(2, 300, 1ms, "2"), full_step(2)},  // the last that a user asked for there
                        {ended_job(3, 300, 1ms, "3"), full_step(3), full_lease(3)},
                        {repair, full_step(4)},
                        {ended_job(5, 1, 1ms, "3"), full_step(5)},
                        {dead, full_step(6), dead_letter{dead.resource, dead.id, that_noon}},
                        {ended_job(7, 1, 1ms, "4"), full_step(7)}});
  }
  CHECK(must_compact(place.path(), 90).jobs == 1);
  const auto kept = place.look().jobs;
  REQUIRE(kept.size() == 6);
  CHECK(kept[0].id == job_id(1));
  CHECK(kept[1].id == job_id(2));
  CHECK(kept[2].id == job_id(3));
  CHECK(kept[3].id == job_id(5));
  CHECK(kept[4].id == job_id(6));
}

TEST_CASE("without a daemon the freed pages are given back, and beside one it commits on") {
  file_place place;
  auto open = must_open(place);
  must_begin(*open);
  for (int n = 1; n <= 100; ++n) must_commit(*open, {{ended_job(n, 100, 1ms, "1"), full_step(n)}});
  const auto live = must_compact(place.path(), 90);
  CHECK(live.live);
  CHECK(live.jobs == 99);
  must_commit(*open, {{full_job(200), full_step(200)}});
  open.reset();
  const auto alone = must_compact(place.path(), 90);
  CHECK_FALSE(alone.live);
  CHECK(alone.jobs == 0);
  CHECK(alone.bytes_after < alone.bytes_before / 10);
  CHECK(alone.bytes_after == size_of(place.path()));
  CHECK(check_journal(place.path())->empty());
  CHECK(reopen(place).last_job == 200);
}

TEST_CASE("sums are not kept for ever") {
  file_place place;
  end_four_jobs(*must_open(place));
  must_compact(place.path(), 1);
  REQUIRE(compact_journal(place.path(), that_noon, that_noon + limits::summaries_age).has_value());
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM job_summary") == 0);
}

TEST_CASE("neither history nor compacting makes a journal where there is none") {
  temp_folder folder;
  const auto path = folder / "none.db";
  CHECK(read_history(path).error().code == "journal_missing");
  CHECK(compact_journal(path, that_noon, that_noon).error().code == "journal_missing");
  CHECK(size_of(path) == 0);
  CHECK(size_of(path + ".lock") == 0);
}
