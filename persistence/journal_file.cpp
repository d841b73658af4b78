#include "persistence/journal_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>

#include "persistence/file_check.hpp"

namespace regent {

namespace {

// Only a process that recovers or closes the file can hold the writer up, and not for long.
constexpr auto busy_timeout = milliseconds(2000);
// A reader meets a lock only while another process recovers or removes the log.
constexpr auto reader_busy_timeout = milliseconds(200);
constexpr std::int64_t log_kept_bytes = 16 << 20;

/// The journal knows what tenants have declared: for its owner only. SQLite gives its log the same mode.
result<void> create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failure(sqlite::file_error("open", path, errno));
  ::close(fd);
  return {};
}

result<void> configure(sqlite::connection& db, const sqlite_journal_options& options) {
  // Of a new file; another keeps what it has. A commit writes whole pages, of which few bytes have changed.
  if (auto done = db.run("PRAGMA page_size = 2048", "configure"); !done) return done;
  auto mode = db.text("PRAGMA journal_mode = WAL");
  if (!mode) return failure(mode.error());
  if (*mode != "wal") {
    return fail(error_kind::permanent, "journal_io",
                "the journal's file system cannot do write-ahead logging (mode '{}')", *mode);
  }
  auto settings = fmt::format(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {};"
      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
      "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
      log_kept_bytes);
  if (options.pages_most > 0) settings += fmt::format("PRAGMA max_page_count = {};", options.pages_most);
  return db.run(settings, "configure");
}

result<void> ensure_identity(sqlite::connection& db, const std::string& wanted) {
  auto there = db.number("SELECT count(*) FROM meta");
  if (!there) return failure(there.error());
  if (*there > 0) return {};
  auto add = db.prepare("INSERT INTO meta (only, journal_id, epoch, last_job) VALUES (1, ?, 0, 0)");
  if (!add) return failure(add.error());
  const auto id = wanted.empty() ? new_journal_id() : wanted;
  return add->bind(id).run();
}

/// As SQLite reads names with options.
std::string uri_of(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) uri += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02x}", c) : std::string(1, c);
  return uri + "?immutable=1";
}

}  // namespace

result<sqlite::connection> open_file_to_read(const std::string& path) {
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, reader_busy_timeout);
  if (!db) return db;
  const auto seen = db->number("PRAGMA user_version");
  if (seen || seen.error().code != "journal_io" || std::filesystem::exists(path + "-wal")) return db;
  return sqlite::connection::open(uri_of(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
                                  reader_busy_timeout);
}

std::string new_journal_id() {
  std::random_device random;
  return fmt::format("{:08x}", random() & 0xffffffffU);
}

std::string restoring_path(const std::string& path) { return path + ".restoring"; }

result<std::string> real_path(const std::string& path) {
  std::error_code code;
  auto real = std::filesystem::weakly_canonical(path, code);
  if (code) return failure(sqlite::file_error("resolve", path, code.value()));
  if (std::filesystem::is_directory(real, code)) return failure(sqlite::file_error("open", path, EISDIR));
  return real.string();
}

result<sqlite::connection> open_journal_file(const std::string& path, const sqlite_journal_options& options) {
  if (auto made = create_private(path); !made) return failure(made.error());
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, busy_timeout);
  if (!db) return db;
  // Before anything is written: a file that we do not understand stays as it is.
  auto version = schema_version(*db, options.steps.empty() ? 0 : options.steps.back().version);
  if (!version) return failure(version.error());
  if (auto done = configure(*db, options); !done) return failure(done.error());
  if (*version > 0) {
    if (auto sound = check_file(*db, options.check_budget); !sound) return failure(sound.error());
  }
  if (auto done = migrate(*db, path, options.steps); !done) return failure(done.error());
  if (auto done = db->run("PRAGMA foreign_keys = ON", "configure"); !done) return failure(done.error());
  if (auto done = ensure_identity(*db, options.journal_id); !done) return failure(done.error());
  return db;
}

result<sqlite::connection> open_journal_to_read(const std::string& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (status.type() == std::filesystem::file_type::not_found) {
    return fail(error_kind::permanent, "journal_missing",
                "there is no journal {}: has regent run with this state directory?", path);
  }
  if (code) return failure(sqlite::file_error("open", path, code.value()));
  if (std::filesystem::is_directory(status)) return failure(sqlite::file_error("open", path, EISDIR));
  auto db = open_file_to_read(path);
  if (!db) return db;
  auto version = schema_version(*db, journal_migrations().back().version);
  if (!version) return failure(version.error());
  if (*version == 0)
    return fail(error_kind::permanent, "journal_missing", "{} is empty: regent has not begun it yet", path);
  const auto* settings = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -4096";
  if (auto done = db->run(settings, "configure"); !done) return failure(done.error());
  return db;
}

result<journal_identity> identity_of(sqlite::connection& db) {
  auto ask = db.prepare("SELECT journal_id, epoch, last_job FROM meta");
  if (!ask) return failure(ask.error());
  auto row = ask->step();
  if (!row) return failure(row.error());
  if (!*row)
    return fail(error_kind::permanent, "journal_corrupt", "the journal's table meta is empty: restore a backup");
  return journal_identity{ask->text(0), static_cast<epoch_number>(ask->number(1)), ask->number(2)};
}

}  // namespace regent
