#include "persistence/file_copy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/limits.hpp"

namespace regent {

namespace {

struct finish {
  void operator()(sqlite3_backup* raw) const { sqlite3_backup_finish(raw); }
};

result<void> copy_pages(sqlite::connection& from, sqlite::connection& to, const copy_progress& progress) {
  std::unique_ptr<sqlite3_backup, finish> copy(sqlite3_backup_init(to.raw(), "main", from.raw(), "main"));
  if (!copy) return failure(sqlite::last_error(to.raw(), sqlite3_errcode(to.raw()), "copy to"));
  for (;;) {
    const int code = sqlite3_backup_step(copy.get(), limits::backup_pages_at_once);
    const int total = sqlite3_backup_pagecount(copy.get()), left = sqlite3_backup_remaining(copy.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_OK) {
      copy.reset();  // only this gives the target the error's text
      return failure(sqlite::last_error(to.raw(), code, "copy the journal to"));
    }
    if (progress && !progress(total - left, total))
      return fail(error_kind::transient, "journal_interrupted", "the copy was ended after {} of {} pages", total - left,
                  total);
  }
}

}  // namespace

result<void> copy_database(sqlite::connection& from, const std::string& to, const copy_progress& progress) {
  auto target = sqlite::connection::open(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, milliseconds(0));
  if (!target) return failure(target.error());
  // Whoever is not there yet needs no journal of its own: a copy that is cut short is thrown away.
  if (auto done = target->run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", "configure"); !done) return done;
  auto look = sqlite::transaction_guard::begin(from, "BEGIN");
  if (!look) return failure(look.error());
  if (auto seen = from.number("SELECT count(*) FROM sqlite_schema"); !seen) return failure(seen.error());
  if (auto done = copy_pages(from, *target, progress); !done) return done;
  // The source's header says that a log belongs to the file.
  auto mode = target->text("PRAGMA journal_mode = DELETE");
  if (!mode) return failure(mode.error());
  if (*mode != "delete")
    return fail(error_kind::permanent, "journal_io", "{} cannot be made a file by itself (mode '{}')", to, *mode);
  return {};
}

result<void> sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failure(sqlite::file_error("open", path, errno));
  const int code = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (code != 0) return failure(sqlite::file_error("sync", path, number));
  return {};
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace regent
