#include "persistence/sqlite_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

std::vector<transaction> many_events(int count) {
  std::vector<transaction> group(1);
  for (int i = 0; i < count; ++i) group[0].emplace_back(full_event(i));
  return group;
}

/// A journal with some rows in it, closed.
void fill_forty(file_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  for (int n = 1; n <= 40; ++n) must_commit(*open, {{full_resource(n), full_job(n), full_step(n), full_event(n)}});
}

error refusal_to_open(file_place& place) {
  auto opened = place.open();
  REQUIRE_FALSE(opened.has_value());
  return opened.error();
}

/// Whether the schema takes `value` where a table's row has a state.
bool takes(const std::string& path, const std::string& table, const std::string& column, std::string_view value) {
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE, milliseconds(1000));
  REQUIRE(db.has_value());
  auto update = db->prepare(fmt::format("UPDATE {} SET {} = ?", table, column));
  REQUIRE(update.has_value());
  return update->bind(value).run().has_value();
}

template <class Names>
void agree(const std::string& path, const std::string& table, const std::string& column, const Names& names) {
  for (const std::string_view name : names) {
    INFO(table << "." << column << " = " << name);
    CHECK(takes(path, table, column, name));
    CHECK_FALSE(takes(path, table, column, std::string(name) + "s"));
  }
  CHECK_FALSE(takes(path, table, column, ""));
}

}  // namespace

TEST_CASE("the schema takes exactly the names that the tables in C++ have") {
  file_place place;
  {
    auto open = must_open(place);
    must_commit(*open, {{full_resource(1), full_job(1), full_step(1), full_report(1)},
                        {host_cordoned{host_id("a"), "why", {}}, resource_held{{"r", "1"}, hold::pause, "why", {}}}});
  }
  std::vector<std::string_view> states;
  for (const auto& row : lifecycle_table) states.push_back(row.name);
  agree(place.path(), "resource", "state", states);
  agree(place.path(), "report", "state", states);
  agree(place.path(), "job", "what", operation_names);
  agree(place.path(), "job", "state", job_state_names);
  agree(place.path(), "job", "lane", lane_names);
  agree(place.path(), "step", "state", step_state_names);
  agree(place.path(), "cordon", "how", closure_names);
  agree(place.path(), "hold", "what", hold_names);
}

TEST_CASE("every placeholder of the schema is filled in") {
  REQUIRE_FALSE(journal_migrations().empty());
  std::int64_t before = 0;
  for (const auto& one : journal_migrations()) {
    CHECK(one.version == before + 1);
    before = one.version;
    // The head comment speaks of {{names}}; no other is left.
    CHECK(one.sql.find("{{", one.sql.find("CREATE")) == std::string::npos);
  }
  CHECK(journal_migrations()[0].sql.find("'scrub_queue'") != std::string::npos);
  CHECK(journal_migrations()[1].sql.find("'maintenance'") != std::string::npos);
}

TEST_CASE("the journal's files are its owner's alone") {
  file_place place;
  auto open = must_open(place);
  must_begin(*open);
  for (const auto* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat about {};
    INFO(suffix);
    REQUIRE(::stat((place.path() + suffix).c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
  }
}

TEST_CASE("commits are synchronised to the disk, in write-ahead mode") {
  file_place place;
  auto open = must_open(place);
  CHECK(ask_sql(place.path(), "SELECT journal_mode = 'wal' FROM pragma_journal_mode") == 1);
}

TEST_CASE("a second writer is refused while the first is open, and told who holds the journal") {
  file_place place;
  auto first = must_open(place);
  auto why = refusal_to_open(place);
  CHECK(why.kind == error_kind::permanent);
  CHECK(why.code == "journal_locked");
  CHECK(why.message.find(std::to_string(::getpid())) != std::string::npos);
  first.reset();
  CHECK(place.open().has_value());
}

TEST_CASE("a second writer is refused under another name of the same file too") {
  file_place place;
  auto first = must_open(place);
  const auto link = place.folder / "link";
  std::filesystem::create_symlink(place.path(), link);
  auto second = open_sqlite_journal(link);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == "journal_locked");
}

TEST_CASE("a journal whose process has died is nobody's") {
  file_place place;
  fill_forty(place);
  // What a process that was killed leaves behind: the lock's file, with a number in it, and no lock.
  overwrite(place.path() + ".lock", 0, "1");
  CHECK(reopen(place).resources.size() == 40);
}

TEST_CASE("a folder in the place of the file is an I/O error that names it") {
  file_place place;
  std::filesystem::create_directory(place.path());
  const auto why = refusal_to_open(place);
  CHECK(why.kind == error_kind::permanent);
  CHECK(why.code == "journal_io");
  CHECK(why.message.find(place.path()) != std::string::npos);
}

TEST_CASE("a missing folder is an I/O error that names the file") {
  file_place place;
  auto opened = open_sqlite_journal(place.folder / "nowhere/journal.db");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == "journal_io");
  CHECK(opened.error().message.find("nowhere/journal.db") != std::string::npos);
}

TEST_CASE("a file that is no database is corrupt, and left as it is") {
  file_place place;
  fill_forty(place);
  overwrite(place.path(), 0, std::string(200, 'x'));
  const auto size = size_of(place.path());
  const auto why = refusal_to_open(place);
  CHECK(why.kind == error_kind::permanent);
  CHECK(why.code == "journal_corrupt");
  CHECK(size_of(place.path()) == size);
}

TEST_CASE("another program's database is not taken for a journal") {
  file_place place;
  run_sql(place.path(), "CREATE TABLE theirs (a)");
  const auto why = refusal_to_open(place);
  CHECK(why.code == "journal_corrupt");
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM sqlite_schema") == 1);
}

TEST_CASE("damaged pages are found when the journal is opened, whichever they are") {
  file_place place;
  fill_forty(place);
  const auto pages = size_of(place.path()) / page_bytes(place.path());
  REQUIRE(pages > 30);
  // Pages of the 70 kB outputs hold text only: what is damaged there reads as another text.
  const auto structural = GENERATE(2, 3, 4, 5, 6, 7, 8, 9, 10);
  overwrite_page(place.path(), structural);
  const auto why = refusal_to_open(place);
  CHECK(why.kind == error_kind::permanent);
  CHECK(why.code == "journal_corrupt");
  CHECK(why.message.find(place.path()) != std::string::npos);
}

TEST_CASE("a file that was cut off is corrupt") {
  file_place place;
  fill_forty(place);
  cut_in_half(place.path());
  CHECK(refusal_to_open(place).code == "journal_corrupt");
}

TEST_CASE("a journal that takes too long to check opens all the same") {
  file_place place;
  fill_forty(place);
  place.options.check_budget = milliseconds(0);
  CHECK(reopen(place).resources.size() == 40);
}

TEST_CASE("only the newest events are kept, and their numbers go on without gaps") {
  file_place place;
  place.options.events_kept = 100;
  auto open = must_open(place);
  for (int i = 0; i < 30; ++i) must_commit(*open, many_events(7));
  const auto kept = place.look().events;
  REQUIRE(kept.size() == 100);
  CHECK(kept.front().sequence == 111);
  CHECK(kept.back().sequence == 210);
  SECTION("also after a restart") {
    open.reset();
    open = must_open(place);
    must_commit(*open, many_events(7));
    CHECK(place.look().events.back().sequence == 217);
    CHECK(place.look().events.size() == 100);
  }
  SECTION("and a refused group neither counts nor costs any") {
    auto group = many_events(50);
    group[0].emplace_back(full_step(404));
    CHECK_FALSE(open->commit(group).has_value());
    CHECK(all_text(place.look().events) == all_text(kept));
    must_commit(*open, many_events(1));
    CHECK(place.look().events.size() == 100);
    CHECK(place.look().events.front().sequence == 112);
  }
}

TEST_CASE("only the newest ended jobs are kept, with their steps, and every open one") {
  file_place place;
  place.options.jobs_kept = 10;
  auto open = must_open(place);
  must_commit(*open, {{full_job(1, job_state::waiting), full_step(1)}});
  must_commit(*open, {{full_job(2, job_state::failed), full_step(2), full_lease(2)}});  // its lease has not ended
  const auto dead = full_job(3, job_state::failed);                                     // nobody has decided about it
  must_commit(*open, {{dead, full_step(3), dead_letter{dead.resource, dead.id, {}}}});
  for (int i = 4; i < 40; ++i) must_commit(*open, {{full_job(i, job_state::succeeded), full_step(i)}});
  const auto kept = place.look();
  CHECK(kept.jobs.size() == 1 + 10);
  CHECK(kept.jobs.at(0).id == job_id(1));
  CHECK(kept.jobs.at(1).id == job_id(2));
  CHECK(kept.jobs.at(2).id == job_id(3));
  CHECK(kept.jobs.at(3).id == job_id(32));
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM step") == 11);
  CHECK(must_begin(*open).last_job == 39);
}

TEST_CASE("a journal far above its bound of events shrinks a little with every commit") {
  file_place place;
  must_commit(*must_open(place), many_events(1000));
  place.options.events_kept = 100;
  auto open = must_open(place);
  must_commit(*open, many_events(1));
  CHECK(place.look().events.size() == 1001 - 64);
  for (int i = 0; i < 20; ++i) must_commit(*open, many_events(1));
  CHECK(place.look().events.size() == 100);
}

TEST_CASE("the log does not grow with the number of commits") {
  file_place place;
  auto open = must_open(place);
  must_commit(*open, {{full_job(1)}});
  std::int64_t most = 0;
  for (int i = 0; i < 400; ++i) {
    must_commit(*open, {{full_step(1, i % 10)}});  // 70 kB each: 28 MB in all
    most = std::max(most, size_of(place.path() + "-wal"));
  }
  CHECK(most < 24 << 20);
}

TEST_CASE("a reader that does not end its look makes the log grow, and holds up no commit") {
  file_place place;
  auto open = must_open(place);
  must_commit(*open, {{full_job(1)}});
  auto look = sqlite::connection::open(place.path(), SQLITE_OPEN_READONLY, milliseconds(0));
  REQUIRE(look.has_value());
  REQUIRE(look->run("BEGIN", "begin").has_value());
  REQUIRE(look->number("SELECT count(*) FROM job").value() == 1);
  for (int i = 0; i < 200; ++i) must_commit(*open, {{full_job(i + 2), full_step(1, i % 10)}});
  CHECK(look->number("SELECT count(*) FROM job").value() == 1);
  REQUIRE(look->run("COMMIT", "end").has_value());
  CHECK(look->number("SELECT count(*) FROM job").value() == 201);
}
