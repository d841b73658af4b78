#include "persistence/journal_backup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/log.hpp"
#include "persistence/journal_file.hpp"

namespace regent {

namespace {

constexpr std::string_view part_mark = ".part-";

/// Parts of backups whose process is gone, and those of an earlier process with our number.
void remove_what_died(const std::string& to) {
  std::error_code code;
  const auto name = std::filesystem::path(to).filename().string() + std::string(part_mark);
  // A folder that cannot be read is found out by whoever writes there.
  for (auto at = std::filesystem::directory_iterator(folder_of(to), code); !code && at != end(at); at.increment(code)) {
    const auto file = at->path().filename().string();
    if (!file.starts_with(name)) continue;
    const auto digits = std::string_view(file).substr(name.size());
    pid_t owner = 0;
    const auto [stop, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), owner);
    if (wrong != std::errc{} || owner <= 0 || stop != digits.data() + digits.size()) continue;
    if (owner != ::getpid() && (::kill(owner, 0) == 0 || errno != ESRCH)) continue;
    if (::unlink(at->path().c_str()) != 0) log::warn("cannot remove {}, of a backup that died", at->path().string());
  }
}

/// A file under a name of its own until it is whole; gone if it never is.
class part_file {
 public:
  static result<part_file> create(const std::string& to) {
    part_file made(fmt::format("{}{}{}", to, part_mark, ::getpid()));
    const int fd = ::open(made.path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
      const int number = errno;
      const auto path = std::exchange(made.path_, {});
      return failure(sqlite::file_error("create", path, number));
    }
    ::close(fd);
    return made;
  }
  part_file(part_file&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  part_file& operator=(part_file&&) = delete;
  ~part_file() {
    if (!path_.empty() && ::unlink(path_.c_str()) != 0) log::warn("cannot remove {}", path_);
  }

  const std::string& path() const { return path_; }

  /// Durably. Only if there is none of that name, unless `overwrite`.
  result<void> becomes(const std::string& to, bool overwrite) {
    if (auto synced = sync_path(path_); !synced) return synced;
    const auto flags = overwrite ? 0U : static_cast<unsigned>(RENAME_NOREPLACE);
    int code = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, to.c_str(), flags);
    // Some file systems cannot promise that: then a file that came meanwhile is looked for by hand.
    if (code != 0 && errno == EINVAL) {
      if (::access(to.c_str(), F_OK) == 0) return failure(exists(to));
      code = ::rename(path_.c_str(), to.c_str());
    }
    if (code != 0) return failure(errno == EEXIST ? exists(to) : sqlite::file_error("rename to", to, errno));
    path_.clear();
    return sync_path(folder_of(to));
  }

  static error exists(const std::string& to) {
    return {error_kind::permanent, "backup_exists",
            to + " is there already: choose another name, or replace it with --force"};
  }

 private:
  explicit part_file(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// The journal must not be replaced by a copy of itself, nor its log by anything.
result<void> check_target(const std::string& from, const std::string& to, bool overwrite) {
  auto source = real_path(from);
  if (!source) return failure(source.error());
  auto target = real_path(to);
  if (!target) return failure(target.error());
  for (const auto* suffix : {"", "-wal", "-shm", "-journal", ".lock", ".restoring"})
    if (*target == *source + suffix)
      return fail(error_kind::permanent, "backup_exists", "{} belongs to the journal itself: choose another name", to);
  if (!overwrite && ::access(to.c_str(), F_OK) == 0) return failure(part_file::exists(to));
  if (::access((to + ".lock").c_str(), F_OK) == 0)
    return fail(error_kind::permanent, "backup_exists", "{} is the journal of another daemon: choose another name", to);
  return {};
}

/// For sqlite3_progress_handler: whether to stop.
int is_told_to_stop(void* progress) { return (*static_cast<const copy_progress*>(progress))(1, 1) ? 0 : 1; }

result<journal_backup> describe(const std::string& copy, copy_progress progress) {
  constexpr int operations_between_looks = 100'000;
  auto db = open_journal_to_read(copy);
  if (!db) return failure(db.error());
  if (progress) sqlite3_progress_handler(db->raw(), operations_between_looks, &is_told_to_stop, &progress);
  auto findings = check_journal(*db);
  if (!findings) return failure(findings.error());
  if (is_damaged(*findings)) {
    return fail(error_kind::permanent, "journal_corrupt",
                "the journal is damaged, so its copy was not kept: {} ({} finding{})", findings->front().what,
                findings->size(), findings->size() == 1 ? "" : "s");
  }
  auto identity = identity_of(*db);
  if (!identity) return failure(identity.error());
  std::error_code code;
  const auto size = std::filesystem::file_size(copy, code);
  if (code) return failure(sqlite::file_error("look at", copy, code.value()));
  return journal_backup{identity->journal_id, identity->epoch, identity->last_job, static_cast<std::int64_t>(size),
                        std::move(*findings)};
}

}  // namespace

result<journal_backup> back_up_journal(const std::string& from, const std::string& to, const backup_options& options) {
  auto source = open_journal_to_read(from);
  if (!source) return failure(source.error());
  if (auto fit = check_target(from, to, options.overwrite); !fit) return failure(fit.error());
  remove_what_died(to);
  auto part = part_file::create(to);
  if (!part) return failure(part.error());
  if (auto copied = copy_database(*source, part->path(), options.progress); !copied) return failure(copied.error());
  auto made = describe(part->path(), options.progress);
  if (!made) return made;
  if (auto named = part->becomes(to, options.overwrite); !named) return failure(named.error());
  return made;
}

}  // namespace regent
