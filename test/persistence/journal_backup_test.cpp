#include "persistence/journal_backup.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/persistence/small_disk.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

transaction all_of(int n) {
  return {full_resource(n), full_job(n), full_step(n), full_lease(n), full_report(n), full_event(n)};
}

void fill_with_jobs(file_place& place, int jobs = 60, const char* output = nullptr) {
  auto open = must_open(place);
  must_begin(*open);
  std::vector<transaction> group;
  for (int n = 1; n <= jobs; ++n) {
    group.push_back(all_of(n));
    if (output != nullptr) std::get<step>(group.back()[2]).output = output;
  }
  must_commit(*open, std::move(group));
}

journal_backup must_back_up(const std::string& from, const std::string& to, const backup_options& options = {}) {
  auto made = back_up_journal(from, to, options);
  INFO((made ? "" : made.error().text()));
  REQUIRE(made.has_value());
  return std::move(*made);
}

std::string refusal(const std::string& from, const std::string& to, const backup_options& options = {}) {
  const auto made = back_up_journal(from, to, options);
  REQUIRE_FALSE(made.has_value());
  return made.error().code;
}

std::string bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::size_t files_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("a backup beside a writer that commits all the time is what the journal was at one moment") {
  file_place place;
  fill_with_jobs(place);
  auto open = must_open(place);
  must_begin(*open);
  const auto to = place.folder / "backup.db";
  int committed = 60, looks = 0;
  backup_options options;
  options.progress = [&](int done, int total) {
    if (done == total) return true;
    ++looks;
    must_commit(*open, {all_of(++committed)});  // and is not held up
    return true;
  };
  const auto made = must_back_up(place.path(), to, options);
  REQUIRE(looks > 0);
  CHECK(made.findings.empty());
  CHECK(made.epoch == 2);
  CHECK(made.last_job == 60);
  CHECK(made.bytes == size_of(to));
  CHECK(ask_sql(to, "SELECT count(*) FROM job") == 60);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM job") == committed);
  CHECK(check_journal(to)->empty());
}

TEST_CASE("a backup is one file by itself, its owner's alone, and can be begun on as it is") {
  file_place place;
  fill_with_jobs(place, 3);
  temp_folder elsewhere;
  const auto to = elsewhere / "backup.db";
  must_back_up(place.path(), to);
  struct stat about {};
  REQUIRE(::stat(to.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK(files_in(elsewhere.path()) == 1);
  CHECK(bytes_of(to).substr(18, 2) == "\x01\x01");  // no log belongs to it
  auto again = open_sqlite_journal(to);
  REQUIRE(again.has_value());
  CHECK(must_begin(**again).jobs.size() == 3);
}

TEST_CASE("a backup replaces nothing unless it is told to, and never the journal itself") {
  file_place place;
  fill_with_jobs(place, 3);
  const auto to = place.folder / "backup.db";
  must_back_up(place.path(), to);
  const auto first = bytes_of(to);
  fill_with_jobs(place, 5);
  CHECK(refusal(place.path(), to) == "backup_exists");
  CHECK(bytes_of(to) == first);
  backup_options force;
  force.overwrite = true;
  must_back_up(place.path(), to, force);
  CHECK(ask_sql(to, "SELECT count(*) FROM job") == 5);
  std::filesystem::create_symlink(place.path(), place.folder / "link");
  for (const auto* name : {"journal.db", "journal.db-wal", "journal.db.lock", "link"})
    CHECK(refusal(place.path(), place.folder / name, force) == "backup_exists");
  file_place other;
  fill_with_jobs(other, 1);
  CHECK(refusal(place.path(), other.path(), force) == "backup_exists");
  CHECK(ask_sql(other.path(), "SELECT count(*) FROM job") == 1);
}

TEST_CASE("a backup that is ended or cannot be leaves nothing behind") {
  file_place place;
  fill_with_jobs(place);
  temp_folder elsewhere;
  const auto to = elsewhere / "backup.db";
  SECTION("it is told to stop") {
    backup_options options;
    options.progress = [](int, int) { return false; };
    CHECK(refusal(place.path(), to, options) == "journal_interrupted");
  }
  SECTION("it is told to stop while the copy is checked") {
    fill_with_jobs(place, 2000, "brief");
    backup_options options;
    options.progress = [](int done, int total) { return done < total; };
    CHECK(refusal(place.path(), to, options) == "journal_interrupted");
  }
  SECTION("the journal is damaged") {
    overwrite_page(place.path(), 6);
    CHECK(refusal(place.path(), to) == "journal_corrupt");
  }
  SECTION("there is no journal") { CHECK(refusal(place.folder / "none.db", to) == "journal_missing"); }
  CHECK(files_in(elsewhere.path()) == 0);
  CHECK(refusal(place.path(), elsewhere / "no/such/folder.db") == "journal_io");
}

TEST_CASE("a journal that says what cannot be true is backed up as it is, and that is told") {
  file_place place;
  fill_with_jobs(place, 3);
  run_sql(place.path(), "UPDATE job SET state = 'failed' WHERE id = 2");
  const auto to = place.folder / "backup.db";
  CHECK(must_back_up(place.path(), to).findings.size() == 1);
  CHECK(ask_sql(to, "SELECT count(*) FROM job") == 3);
}

TEST_CASE("a full disk ends a backup and leaves nothing of it") {
  temp_folder folder;
  small_disk disk(folder / "disk");
  if (!disk.mounted()) {
    WARN("skipped: needs to mount a small tmpfs: " << disk.why_not());
    return;
  }
  file_place place;
  fill_with_jobs(place);
  REQUIRE(size_of(place.path()) > (4 << 20));
  CHECK(refusal(place.path(), disk / "backup.db") == "journal_full");
  CHECK(files_in(folder / "disk") == 0);
}

TEST_CASE("a backup that was killed leaves no file of that name, and the next one clears up after it") {
  file_place place;
  fill_with_jobs(place);
  temp_folder elsewhere;
  const auto to = elsewhere / "backup.db";
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    backup_options options;
    options.progress = [](int, int) {
      ::raise(SIGKILL);
      return true;
    };
    static_cast<void>(back_up_journal(place.path(), to, options));
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK_FALSE(std::filesystem::exists(to));
  REQUIRE(std::filesystem::exists(fmt::format("{}.part-{}", to, child)));
  // That of a process which lives may be at work.
  const auto of_another = fmt::format("{}.part-{}", to, ::getppid());
  std::ofstream(of_another) << "at work";
  must_back_up(place.path(), to);
  CHECK(std::filesystem::exists(of_another));
  CHECK(files_in(elsewhere.path()) == 2);
}
