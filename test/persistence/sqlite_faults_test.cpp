// Faults of the disk under an open journal, made for real: a full file system, a write that fails, a file that another
// holds.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "persistence/journal_check.hpp"
#include "persistence/journal_replay.hpp"
#include "test/persistence/small_disk.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// Writes until there is no space left.
void fill_up(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  const std::string block(4096, 'f');
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  CHECK(errno == ENOSPC);
  ::close(fd);
}

/// Every write beyond `bytes` in a file fails with EFBIG, which is no lack of space, until this ends.
class failing_writes {
 public:
  explicit failing_writes(std::int64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(bytes);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~failing_writes() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  failing_writes(const failing_writes&) = delete;
  failing_writes& operator=(const failing_writes&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// The rights of nobody, whom permissions bind, until this ends.
class as_nobody {
 public:
  as_nobody() { REQUIRE(::seteuid(65534) == 0); }
  ~as_nobody() {
    if (::seteuid(0) != 0) std::abort();
  }
  as_nobody(const as_nobody&) = delete;
  as_nobody& operator=(const as_nobody&) = delete;
};

/// Commits jobs of 70 kB until one is refused: the number of those acknowledged and the refusal.
std::pair<int, error> commit_until_refused(journal& to, int first) {
  for (int n = first; n < first + 2000; ++n) {
    std::vector<transaction> group{{full_resource(n), full_job(n), full_step(n), full_event(n)}};
    if (auto done = to.commit(group); !done) return {n - first, done.error()};
  }
  return {2000, error{error_kind::bug, "never", "no commit was refused"}};
}

void check_whole(file_place& place, int jobs) {
  const auto found = place.look();
  CHECK(found.jobs.size() == static_cast<std::size_t>(jobs));
  CHECK(found.steps.size() == static_cast<std::size_t>(jobs));
  CHECK(found.resources.size() == static_cast<std::size_t>(jobs));
}

}  // namespace

TEST_CASE("a full disk refuses a commit, keeps all before it, and takes the same commit once there is space again") {
  temp_folder folder;
  small_disk disk(folder / "disk");
  if (!disk.mounted()) {
    WARN("skipped: needs to mount a small tmpfs: " << disk.why_not());
    return;
  }
  const auto path = disk / "journal.db";
  auto open = open_sqlite_journal(path);
  REQUIRE(open.has_value());
  must_begin(**open);
  // The room that a later commit finds.
  {
    std::ofstream ballast(disk / "ballast");
    ballast << std::string(2'500'000, 'b');
  }
  const auto [acknowledged, why] = commit_until_refused(**open, 1);
  CHECK(acknowledged > 0);
  CHECK(why.kind == error_kind::transient);
  CHECK(why.code == "journal_full");
  CHECK(why.message.find(path) != std::string::npos);

  const auto still = commit_until_refused(**open, acknowledged + 1);
  CHECK(still.second.code == "journal_full");
  const auto so_far = acknowledged + still.first;
  CHECK(must_read(path)->jobs({}, "", 1)->total == so_far);

  std::filesystem::remove(disk / "ballast");
  must_commit(**open, {{full_resource(so_far + 1), full_job(so_far + 1), full_step(so_far + 1)}});
  CHECK(must_read(path)->jobs({}, "", 1)->total == so_far + 1);

  // And it closes, opens and checks as a sound one does.
  open->reset();
  auto again = open_sqlite_journal(path);
  INFO((again ? "" : again.error().text()));
  REQUIRE(again.has_value());
  CHECK(must_begin(**again).jobs.size() == static_cast<std::size_t>(so_far) + 1);
}

TEST_CASE("a disk without any space refuses a new journal, and takes it later") {
  temp_folder folder;
  small_disk disk(folder / "disk");
  if (!disk.mounted()) {
    WARN("skipped: needs to mount a small tmpfs: " << disk.why_not());
    return;
  }
  fill_up(disk / "filler");
  {
    auto refused = open_sqlite_journal(disk / "journal.db");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == error_kind::transient);
    CHECK(refused.error().code == "journal_full");
  }
  std::filesystem::remove(disk / "filler");
  auto open = open_sqlite_journal(disk / "journal.db");
  INFO((open ? "" : open.error().text()));
  REQUIRE(open.has_value());
  CHECK(must_begin(**open).epoch == 1);
}

TEST_CASE("a disk without any space refuses a reign, whose epoch is then not used up") {
  temp_folder folder;
  small_disk disk(folder / "disk");
  if (!disk.mounted()) {
    WARN("skipped: needs to mount a small tmpfs: " << disk.why_not());
    return;
  }
  auto open = open_sqlite_journal(disk / "journal.db");
  REQUIRE(open.has_value());
  CHECK(must_begin(**open).epoch == 1);
  fill_up(disk / "filler");
  // The log's file has room for some commits yet.
  result<journal_contents> refused = (*open)->begin_reign();
  epoch_number last = 1;
  while (refused && last < 10'000) {
    last = refused->epoch;
    refused = (*open)->begin_reign();
  }
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "journal_full");
  std::filesystem::remove(disk / "filler");
  CHECK(must_begin(**open).epoch == last + 1);
}

TEST_CASE("a journal that may not grow refuses like a full disk, and stays usable") {
  file_place place;
  place.options.pages_most = 600;
  auto open = must_open(place);
  must_begin(*open);
  const auto [acknowledged, why] = commit_until_refused(*open, 1);
  CHECK(acknowledged > 0);
  CHECK(why.kind == error_kind::transient);
  CHECK(why.code == "journal_full");
  check_whole(place, acknowledged);
  must_commit(*open, {{full_job(1, job_state::succeeded)}});
  open.reset();
  place.options.pages_most = 0;
  open = must_open(place);
  CHECK(must_begin(*open).jobs.size() == static_cast<std::size_t>(acknowledged) - 1);
  must_commit(*open, {{full_resource(acknowledged + 1), full_job(acknowledged + 1), full_step(acknowledged + 1)}});
  check_whole(place, acknowledged + 1);
}

TEST_CASE("a write that fails is an I/O error, keeps all before it, and does not end the journal") {
  file_place place;
  auto open = must_open(place);
  must_begin(*open);
  must_commit(*open, {{full_resource(1), full_job(1), full_step(1), full_event(1)}});
  int acknowledged = 0;
  {
    failing_writes bad(size_of(place.path() + "-wal") + 300'000);
    const auto [more, why] = commit_until_refused(*open, 2);
    acknowledged = more;
    CHECK(why.kind == error_kind::permanent);
    CHECK(why.code == "journal_io");
    CHECK(why.message.find(place.path()) != std::string::npos);
  }
  CHECK(acknowledged > 0);
  check_whole(place, 1 + acknowledged);
  const int n = 2 + acknowledged;
  must_commit(*open, {{full_resource(n), full_job(n), full_step(n), full_event(n)}});
  check_whole(place, n);
  open.reset();
  CHECK(reopen(place).jobs.size() == static_cast<std::size_t>(n));
}

TEST_CASE("a file that another process writes to makes the journal busy, and free again when it ends") {
  file_place place;
  auto open = must_open(place);
  auto other = sqlite::connection::open(place.path(), SQLITE_OPEN_READWRITE, milliseconds(0));
  REQUIRE(other.has_value());
  REQUIRE(other->run("BEGIN IMMEDIATE", "lock").has_value());
  std::vector<transaction> group{{full_event(1)}};
  const auto refused = open->commit(group);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == error_kind::transient);
  CHECK(refused.error().code == "journal_busy");
  REQUIRE(other->run("ROLLBACK", "unlock").has_value());
  CHECK(open->commit(group).has_value());
}

TEST_CASE("damage that comes while the journal is open is reported as such, and no crash") {
  file_place place;
  place.options.check_budget = milliseconds(0);
  {
    auto open = must_open(place);
    for (int n = 1; n <= 40; ++n) must_commit(*open, {{full_resource(n), full_job(n), full_step(n)}});
  }
  auto open = must_open(place);
  for (int page = 3; page < 40; ++page) overwrite_page(place.path(), page);
  const auto begun = open->begin_reign();
  REQUIRE_FALSE(begun.has_value());
  CHECK(begun.error().kind == error_kind::permanent);
  CHECK(begun.error().code == "journal_corrupt");
  std::vector<transaction> group{{full_resource(5), full_job(5), full_event(5)}};
  const auto refused = open->commit(group);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "journal_corrupt");
}

TEST_CASE("a file that may only be read is an I/O error for the writer") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root, to give up its rights");
    return;
  }
  file_place place;
  must_open(place);
  std::filesystem::permissions(place.folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(place.path(), std::filesystem::perms(0444));
  std::filesystem::permissions(place.path() + ".lock", std::filesystem::perms(0666));
  as_nobody from_now_on;
  const auto refused = place.open();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == error_kind::permanent);
  CHECK(refused.error().code == "journal_io");
  CHECK(refused.error().message.find(place.path()) != std::string::npos);
}

TEST_CASE("a journal where nothing may be written is read all the same") {
  if (::geteuid() != 0) {
    WARN("skipped: needs to become somebody else");
    return;
  }
  temp_folder folder;
  const auto inside = folder / "read only, 100%? yes#";
  std::filesystem::create_directory(inside);
  const auto path = inside + "/journal.db";
  {
    auto open = open_sqlite_journal(path);
    REQUIRE(open.has_value());
    must_begin(**open);
    must_commit(**open, {{full_resource(1), full_job(1), full_step(1), full_event(1)}});
  }
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  REQUIRE(::chmod(inside.c_str(), 0555) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const as_nobody nobody;
  CHECK(must_read(path)->jobs({}, "", 1)->total == 1);
  CHECK(check_journal(path)->empty());
  const auto file = open_replay(path, {});
  REQUIRE(file.has_value());
  CHECK((*file)->next()->has_value());
}
