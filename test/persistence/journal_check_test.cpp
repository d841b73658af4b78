#include "persistence/journal_check.hpp"

#include <filesystem>

#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

void fill_rows(file_place& place, int jobs = 3) {
  auto open = must_open(place);
  must_begin(*open);
  for (int n = 1; n <= jobs; ++n)
    must_commit(*open, {{full_resource(n), full_job(n), full_step(n), full_lease(n), full_report(n), full_event(n)}});
}

std::vector<journal_finding> must_check(const std::string& path) {
  auto found = check_journal(path);
  INFO((found ? "" : found.error().text()));
  REQUIRE(found.has_value());
  return std::move(*found);
}

struct untruth {
  const char* sql;   ///< makes it
  const char* said;  ///< part of what is found
  bool damage = false;
};

}  // namespace

TEST_CASE("a journal as its writer leaves it has nothing to be found, also while the writer has it open") {
  file_place place;
  fill_rows(place);
  CHECK(must_check(place.path()).empty());
  auto open = must_open(place);
  must_begin(*open);
  must_commit(*open, {{full_job(9, job_state::waiting), full_step(9)}});
  CHECK(must_check(place.path()).empty());
  CHECK(std::filesystem::exists(place.path() + "-wal"));
}

TEST_CASE("a claim that waits for the cloud and a repair that waits for its host are as they should be") {
  file_place place;
  auto claim = full_job(1, job_state::waiting), repair = full_job(2, job_state::waiting), at_work = full_job(3);
  claim.repair = false;
  claim.started.reset();
  repair.resource = at_work.resource = claim.resource = {"virtual_router", "1"};
  repair.started.reset();
  at_work.state = job_state::succeeded;
  {
    auto open = must_open(place);
    must_commit(*open, {{claim, repair, full_step(2), at_work, full_step(3)}});
  }
  CHECK(must_check(place.path()).empty());
}

TEST_CASE("what cannot be true is found, each with its rows and with what it means") {
  const auto wrong = GENERATE(
      untruth{"UPDATE job SET state = 'failed' WHERE id = 2",
              "job 2 holds virtual_router/2 on podnet-a, and has ended: failed"},
      untruth{"DELETE FROM step WHERE job = 3", "job 3 (scrub_prep of virtual_router/3) is active and has no steps"},
      untruth{"UPDATE step SET state = 'sent', run = '' WHERE job = 1", "step 1 of job 1 was sent without a run id"},
      untruth{"DELETE FROM lease; UPDATE step SET state = 'sent'; UPDATE job SET state = 'cancelled' WHERE id = 1",
              "step 1 of job 1 is sent, and the job has ended: cancelled"},
      untruth{"UPDATE step SET run = 'same'", "3 steps have the run id same"},
      untruth{"UPDATE job SET resource = '1'", "virtual_router/1 has 3 jobs at work: 1, 2, 3"},
      untruth{"UPDATE resource_count SET total = 7",
              "3 resources of kind virtual_router are scrub_queue and degraded, and counted as 7"},
      untruth{"DELETE FROM resource_count",
              "3 resources of kind virtual_router are scrub_queue and degraded, and counted as 0"},
      untruth{"INSERT INTO job_count VALUES ('failed', 2)", "0 jobs are failed, and counted as 2"},
      untruth{"DELETE FROM event WHERE sequence = 2", "2 events have the numbers 1 to 3"},
      untruth{"INSERT INTO document VALUES ('virtual_router', '9', '{}')", "there is a document of virtual_router/9",
              true},
      untruth{"DELETE FROM job WHERE id = 2", "1 rows of lease refer to rows of job that are not there", true},
      untruth{"DELETE FROM meta", "the table meta has 0 rows", true},
      untruth{"UPDATE meta SET last_job = 1", "job 3 is there, and the highest number given out is 1"});
  file_place place;
  fill_rows(place);
  run_sql(place.path(), wrong.sql);
  const auto found = must_check(place.path());
  INFO(wrong.sql);
  bool told = false;
  for (const auto& one : found) {
    UNSCOPED_INFO(one.what);
    CHECK_FALSE(one.means.empty());
    told = told || (one.what.find(wrong.said) != std::string::npos && one.damage == wrong.damage);
  }
  CHECK(told);
  CHECK(is_damaged(found) == wrong.damage);
}

TEST_CASE("of one kind of finding there are not more than can be read") {
  file_place place;
  fill_rows(place, limits::findings_most + 5);
  run_sql(place.path(), "UPDATE job SET state = 'failed'");
  const auto found = must_check(place.path());
  REQUIRE(found.size() == limits::findings_most + 1);
  CHECK(found.back().what == "and 5 more of these");
}

TEST_CASE("damaged pages are findings where the file can be read, and an error where it cannot") {
  file_place place;
  fill_rows(place, 40);
  SECTION("a page of a table") {
    overwrite_page(place.path(), 6);
    CHECK(is_damaged(must_check(place.path())));
  }
  SECTION("the first page") {
    overwrite(place.path(), 0, std::string(200, 'x'));
    const auto found = check_journal(place.path());
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == "journal_corrupt");
  }
  SECTION("no file") {
    const auto found = check_journal(place.folder / "none.db");
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().code == "journal_missing");
    CHECK_FALSE(std::filesystem::exists(place.folder / "none.db"));
  }
}
