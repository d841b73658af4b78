#include "persistence/migrations.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "persistence/journal_file.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// The real schema and one step more, as a later regent would have it.
std::vector<migration> with_next(std::string sql) {
  auto steps = journal_migrations();
  steps.push_back({steps.back().version + 1, std::move(sql)});
  return steps;
}

/// The kept databases are to be small.
step brief_step(int n) {
  auto row = full_step(n);
  row.output = "brief";
  return row;
}

void fill_once(file_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  must_commit(*open, {{full_resource(3), full_job(7), full_step(7), full_lease(7), full_report(3), full_event(3)}});
}

std::string next_copy(const file_place& place) {
  return fmt::format("{}.before-{}", place.path(), journal_migrations().back().version + 1);
}

}  // namespace

TEST_CASE("a migration keeps a copy of what was, and everything in the journal") {
  file_place place;
  fill_once(place);
  const auto steps = with_next("ALTER TABLE host ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'");
  place.options.steps = steps;
  {
    auto open = must_open(place);
    const auto found = must_begin(*open);
    CHECK(found.epoch == 2);
    CHECK(found.jobs.size() == 1);
    must_commit(*open, {{host_seen{host_id("kvm-1"), "boot", {}}}});
  }
  CHECK(ask_sql(place.path(), "PRAGMA user_version") == steps.back().version);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM host WHERE colour = 'red'") == 1);

  const auto copy = next_copy(place);
  REQUIRE(std::filesystem::exists(copy));
  CHECK_FALSE(std::filesystem::exists(copy + ".part"));
  CHECK(ask_sql(copy, "PRAGMA user_version") == steps.back().version - 1);
  // The copy is a journal, which the regent before opens as it was.
  auto old = open_sqlite_journal(copy);
  REQUIRE(old.has_value());
  CHECK(must_begin(**old).jobs.size() == 1);
}

TEST_CASE("a migration that fails leaves the journal as it was, for the regent before") {
  file_place place;
  fill_once(place);
  const auto steps = with_next("ALTER TABLE host ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1)");
  place.options.steps = steps;
  CHECK_FALSE(place.open().has_value());
  CHECK_FALSE(place.open().has_value());
  place.options.steps = journal_migrations();
  CHECK(reopen(place).jobs.size() == 1);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM pragma_table_info('host') WHERE name = 'colour'") == 0);
}

TEST_CASE("a migration that leaves rows without what they refer to is taken back") {
  file_place place;
  fill_once(place);
  const auto steps = with_next("DELETE FROM job");
  place.options.steps = steps;
  const auto refused = place.open();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "journal_constraint");
  place.options.steps = journal_migrations();
  CHECK(reopen(place).jobs.size() == 1);
}

TEST_CASE("a copy that an earlier migration did not finish is made again") {
  file_place place;
  fill_once(place);
  const auto steps = with_next("ALTER TABLE host ADD COLUMN colour TEXT");
  place.options.steps = steps;
  run_sql(next_copy(place) + ".part", "CREATE TABLE half (a)");
  must_open(place);
  CHECK(ask_sql(next_copy(place), "SELECT count(*) FROM job") == 1);
  CHECK_FALSE(std::filesystem::exists(next_copy(place) + ".part"));
}

TEST_CASE("a journal of a later regent is refused and left as it is") {
  file_place place;
  fill_once(place);
  const auto later = journal_migrations().back().version + 1;
  run_sql(place.path(), fmt::format("PRAGMA user_version = {}", later));
  const auto refused = place.open();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == error_kind::permanent);
  CHECK(refused.error().code == "journal_newer");
  CHECK(refused.error().message.find(std::to_string(later)) != std::string::npos);
  const auto reader = open_sqlite_reader(place.path());
  REQUIRE_FALSE(reader.has_value());
  CHECK(reader.error().code == "journal_newer");
  CHECK_FALSE(std::filesystem::exists(next_copy(place)));
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM job") == 1);
}

TEST_CASE("the kept journal of every released schema is opened, migrated and understood") {
  // Some migrations were released together: then there is one journal of the last of them.
  std::vector<std::string> released;
  for (const auto& one : std::filesystem::directory_iterator("test/data/journal")) released.push_back(one.path());
  const auto newest = fmt::format("test/data/journal/schema-{}.db", journal_migrations().back().version);
  REQUIRE(std::find(released.begin(), released.end(), newest) != released.end());
  REQUIRE(released.size() >= 2);
  const auto kept = GENERATE_COPY(from_range(released));
  INFO(kept);
  file_place place;
  std::filesystem::copy_file(kept, place.path());
  auto open = must_open(place);
  const auto found = must_begin(*open);
  CHECK(found.journal_id == "0badcafe");
  CHECK(found.epoch == 2);
  CHECK(found.last_job == 9);
  auto bare = full_resource(3);
  bare.document.clear();
  CHECK(all_text(found.resources) == all_text(std::vector{bare}));
  CHECK(all_text(found.jobs) == all_text(std::vector{full_job(7)}));
  auto step = brief_step(7);
  if (kept < "test/data/journal/schema-5") step.undo.clear();
  CHECK(all_text(found.steps) == all_text(std::vector{step}));
  CHECK(all_text(found.leases) == all_text(std::vector{full_lease(7)}));
  REQUIRE(found.reports.size() == 1);
  CHECK(found.reports[0].resource.id == "3");
  CHECK(place.look().jobs.size() == 2);
  CHECK(place.look().resources.at(0).document == full_resource(3).document);
  must_commit(*open, {{full_resource(4), full_job(10), full_step(10), full_event(4)}});
}

TEST_CASE("what had failed for good before schema 2 is a dead letter after it, and what had not is none") {
  file_place place;
  const auto all = journal_migrations();
  const std::vector<migration> before(all.begin(), all.begin() + 1);
  place.options.steps = before;
  {
    auto db = open_journal_file(place.path(), place.options);
    REQUIRE(db.has_value());
    REQUIRE(db->run("INSERT INTO resource VALUES ('r','1','unresourced','','','','',0,0,NULL,0),"
                    "('r','2','running','','','','given up',1,0,NULL,0), ('r','3','running','','','','',0,0,NULL,0)",
                    "fill")
                .has_value());
    const auto job = [&](int id, int of, const char* state) {
      REQUIRE(
          db->run(fmt::format("INSERT INTO job VALUES ({},NULL,{},'r','{}','build','building','{}','user','',0,'',1,"
                              "NULL,'','',NULL,1,2,3,0,0,'','')",
                              id, id, of, state),
                  "fill")
              .has_value());
    };
    job(1, 1, "failed");
    job(2, 1, "failed");
    job(3, 2, "failed");
    job(4, 3, "failed");
    job(5, 3, "succeeded");
  }
  place.options.steps = all;
  const auto found = reopen(place).dead_letters;
  REQUIRE(found.size() == 2);
  CHECK(found[0].job == job_id(2));
  CHECK(found[0].since == wall_time(milliseconds(3)));
  CHECK(found[1].job == job_id(3));
}

// Hidden: writes the database above for the newest schema, once, when that schema is released.
// test_persistence "write the newest schema's journal for test/data"
TEST_CASE("write the newest schema's journal for test/data", "[.write]") {
  file_place place;
  {
    auto open = must_open(place);
    must_begin(*open);
    must_commit(*open, {{full_resource(3), full_job(7), brief_step(7), full_lease(7), full_report(3), full_event(3)},
                        {full_job(9, job_state::failed), brief_step(9)}});
  }
  run_sql(place.path(), "UPDATE meta SET journal_id = '0badcafe'; PRAGMA journal_mode = DELETE; VACUUM");
  const auto kept = fmt::format("test/data/journal/schema-{}.db", journal_migrations().back().version);
  std::filesystem::create_directories("test/data/journal");
  std::filesystem::copy_file(place.path(), kept);
}
