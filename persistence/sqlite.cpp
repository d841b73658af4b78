#include "persistence/sqlite.hpp"

#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace regent::sqlite {

namespace {

/// A full disk also shows as an I/O error or a file that cannot be opened: only the system's own number tells.
bool is_out_of_space(sqlite3* db, int code) {
  if ((code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE) return true;
  const int number = db == nullptr ? 0 : sqlite3_system_errno(db);
  return ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) && (number == ENOSPC || number == EDQUOT);
}

std::string file_of(sqlite3* db) {
  const char* path = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  return path == nullptr || *path == '\0' ? "the journal" : path;
}

/// SQLite's count of its own memory costs a mutex for every allocation, and nobody reads it. Before SQLite's first use.
void configure_once() {
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  if (done != SQLITE_OK) log::debug("SQLite was in use already: its memory statistics stay on");
}

error make(error_kind kind, std::string code, std::string message) {
  return error{kind, std::move(code), std::move(message)};
}

}  // namespace

error last_error(sqlite3* db, int code, std::string_view doing) {
  const char* said = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  const int number = db == nullptr ? 0 : sqlite3_system_errno(db);
  auto message = fmt::format("cannot {} {}: {}", doing, file_of(db), said);
  if (is_out_of_space(db, code)) {
    return make(error_kind::transient, "journal_full", message + "; free some space on its file system");
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return make(error_kind::transient, "journal_busy", message);
    case SQLITE_INTERRUPT: return make(error_kind::transient, "journal_interrupted", message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make(error_kind::permanent, "journal_corrupt", fmt::format("{}; it {}", message, damaged_file_remedy));
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH: return make(error_kind::bug, "journal_constraint", message);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      if (number != 0) message += fmt::format(" ({})", std::strerror(number));
      return make(error_kind::permanent, "journal_io", message);
    default: return make(error_kind::bug, "journal_internal", fmt::format("{} (SQLite's code {})", message, code));
  }
}

error file_error(std::string_view doing, const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return make(full ? error_kind::transient : error_kind::permanent, full ? "journal_full" : "journal_io",
              fmt::format("cannot {} {}: {}", doing, path, std::strerror(number)));
}

result<statement> statement::prepare(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  statement made;
  made.handle_.reset(raw);
  if (code != SQLITE_OK) return failure(last_error(db, code, "prepare a statement for"));
  return made;
}

result<bool> statement::step() {
  const int code = bind_code_ != SQLITE_OK ? bind_code_ : sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto why = last_error(db(), code, sqlite3_stmt_readonly(handle_.get()) != 0 ? "read" : "write to");
  reset();
  return failure(std::move(why));
}

result<void> statement::run() {
  for (;;) {
    auto more = step();
    if (!more) return failure(more.error());
    if (!*more) return {};
  }
}

void statement::reset() {
  sqlite3_reset(handle_.get());
  bind_code_ = SQLITE_OK;
}

std::string statement::text(int column) const {
  const auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (begin == nullptr) return {};
  return {begin, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void statement::put(int at, std::string_view value) {
  // A null pointer would bind NULL, not the empty text.
  const char* begin = value.data() == nullptr ? "" : value.data();
  keep(sqlite3_bind_text64(handle_.get(), at, begin, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

result<connection> connection::open(const std::string& path, int flags, milliseconds busy_timeout) {
  configure_once();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  connection made;
  made.handle_.reset(raw);
  if (code != SQLITE_OK) return failure(last_error(raw, code, "open"));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, static_cast<int>(busy_timeout.count()));
  return made;
}

result<void> connection::run(const std::string& sql, std::string_view doing) {
  const int code = sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(last_error(raw(), code, doing));
  return {};
}

result<std::int64_t> connection::number(std::string_view sql) {
  auto ask = prepare(sql);
  if (!ask) return failure(ask.error());
  auto row = ask->step();
  if (!row) return failure(row.error());
  if (!*row) return fail(error_kind::permanent, "journal_corrupt", "{} has no answer to: {}", file_of(raw()), sql);
  return ask->number(0);
}

result<std::string> connection::text(std::string_view sql) {
  auto ask = prepare(sql);
  if (!ask) return failure(ask.error());
  auto row = ask->step();
  if (!row) return failure(row.error());
  if (!*row) return fail(error_kind::permanent, "journal_corrupt", "{} has no answer to: {}", file_of(raw()), sql);
  return ask->text(0);
}

void connection::roll_back() {
  if (sqlite3_get_autocommit(raw()) != 0) return;
  if (auto done = run("ROLLBACK", "roll back a transaction of"); !done) log::error("{}", done.error().text());
}

result<transaction_guard> transaction_guard::begin(connection& on, const char* how) {
  if (auto begun = on.run(how, "begin a transaction of"); !begun) return failure(begun.error());
  return transaction_guard(on);
}

result<void> transaction_guard::commit() {
  auto done = on_->run("COMMIT", "commit to");
  if (!done) return done;
  on_ = nullptr;
  return {};
}

}  // namespace regent::sqlite
