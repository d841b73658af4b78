// SQLite with lifetimes and results: a connection, and prepared statements that are kept.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace regent::sqlite {

/// What a file is that SQLite cannot read, and what to do: goes after its name.
inline constexpr const char* damaged_file_remedy =
    "is damaged: put a backup in its place with `regent journal restore`, or move it away to start from the cloud's "
    "records";

/// What SQLite just refused, as one of the journal's errors (persistence/journal.hpp). `doing` completes "cannot …".
error last_error(sqlite3* db, int code, std::string_view doing);

/// The same for a file that is not SQLite's: `number` is errno.
error file_error(std::string_view doing, const std::string& path, int number);

/// One prepared statement. A bind error (a value too big, no memory) is kept and returned by the next step.
/// Texts are not copied: they must live until the statement is reset.
class statement {
 public:
  statement() = default;
  static result<statement> prepare(sqlite3* db, std::string_view sql);

  /// Binds the values to ?1, ?2, … in order.
  template <class... Values>
  statement& bind(const Values&... values) {
    int at = 0;
    (put(++at, values), ...);
    return *this;
  }

  result<bool> step();  ///< whether there is a row; at the end the statement is reset
  result<void> run();   ///< steps to the end and resets, also on an error
  void reset();

  std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
  std::string text(int column) const;

  void put(int at, std::int64_t value) { keep(sqlite3_bind_int64(handle_.get(), at, value)); }
  void put(int at, int value) { put(at, static_cast<std::int64_t>(value)); }
  template <std::same_as<bool> Bool>  // a pointer must not become true
  void put(int at, Bool value) {
    put(at, static_cast<std::int64_t>(value));
  }
  void put(int at, std::string_view value);
  void put(int at, const std::string& value) { put(at, std::string_view(value)); }
  void put(int at, std::nullopt_t) { keep(sqlite3_bind_null(handle_.get(), at)); }
  void put(int at, milliseconds value) { put(at, static_cast<std::int64_t>(value.count())); }
  void put(int at, wall_time value) { put(at, value.time_since_epoch()); }
  template <class Value>
  void put(int at, const std::optional<Value>& value) {
    if (value) {
      put(at, *value);
    } else {
      put(at, std::nullopt);
    }
  }

 private:
  void keep(int code) {
    if (code != SQLITE_OK && bind_code_ == SQLITE_OK) bind_code_ = code;
  }
  sqlite3* db() const { return sqlite3_db_handle(handle_.get()); }

  struct finalize {
    void operator()(sqlite3_stmt* raw) const { sqlite3_finalize(raw); }
  };
  std::unique_ptr<sqlite3_stmt, finalize> handle_;
  int bind_code_ = SQLITE_OK;
};

/// An open database. Belongs to one thread at a time.
class connection {
 public:
  connection() = default;
  /// `flags` as for sqlite3_open_v2.
  static result<connection> open(const std::string& path, int flags, milliseconds busy_timeout);

  sqlite3* raw() const { return handle_.get(); }
  result<statement> prepare(std::string_view sql) { return statement::prepare(raw(), sql); }
  /// Runs all statements of the text. `doing` is for the error.
  result<void> run(const std::string& sql, std::string_view doing);
  /// The first column of the first row; an error if there is none.
  result<std::int64_t> number(std::string_view sql);
  result<std::string> text(std::string_view sql);
  /// Ends an open transaction without its changes; nothing to do if SQLite has already done so.
  void roll_back();

 private:
  struct close {
    void operator()(sqlite3* raw) const { sqlite3_close_v2(raw); }
  };
  std::unique_ptr<sqlite3, close> handle_;
};

/// Rolls back unless committed.
class transaction_guard {
 public:
  static result<transaction_guard> begin(connection& on, const char* how = "BEGIN IMMEDIATE");
  transaction_guard(transaction_guard&& other) noexcept : on_(std::exchange(other.on_, nullptr)) {}
  transaction_guard& operator=(transaction_guard&&) = delete;
  ~transaction_guard() {
    if (on_ != nullptr) on_->roll_back();
  }
  result<void> commit();

 private:
  explicit transaction_guard(connection& on) : on_(&on) {}
  connection* on_;
};

}  // namespace regent::sqlite
