#include "persistence/file_check.hpp"

#include <chrono>
#include <vector>

#include "base/log.hpp"

namespace regent {

namespace {

// History grows without end, so it comes last.
constexpr const char* tables_in_order =
    "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name IN ('job', 'document', 'event', 'step'), name";

result<std::vector<std::string>> tables(sqlite::connection& db) {
  auto ask = db.prepare(tables_in_order);
  if (!ask) return failure(ask.error());
  std::vector<std::string> names;
  for (;;) {
    auto more = ask->step();
    if (!more) return failure(more.error());
    if (!*more) return names;
    names.push_back(ask->text(0));
  }
}

int is_over(void* deadline) { return std::chrono::steady_clock::now() >= *static_cast<steady_time*>(deadline) ? 1 : 0; }

/// Whether the whole table was looked at.
result<bool> check_table(sqlite::connection& db, const std::string& table, steady_time deadline) {
  constexpr int operations_between_looks = 10'000;
  sqlite3_progress_handler(db.raw(), operations_between_looks, &is_over, &deadline);
  auto said = db.text(fmt::format("PRAGMA quick_check('{}')", table));
  sqlite3_progress_handler(db.raw(), 0, nullptr, nullptr);
  if (!said) {
    if (said.error().code == "journal_interrupted") return false;
    return failure(said.error());
  }
  if (*said == "ok") return true;
  return fail(error_kind::permanent, "journal_corrupt", "{} (table {}: {}) {}", sqlite3_db_filename(db.raw(), "main"),
              table, *said, sqlite::damaged_file_remedy);
}

}  // namespace

result<void> check_file(sqlite::connection& db, milliseconds budget) {
  auto names = tables(db);
  if (!names) return failure(names.error());
  const auto deadline = std::chrono::steady_clock::now() + budget;
  std::string left;
  for (const auto& table : *names) {
    auto whole = std::chrono::steady_clock::now() < deadline ? check_table(db, table, deadline) : result<bool>(false);
    if (!whole) return failure(whole.error());
    if (!*whole) left += (left.empty() ? "" : ", ") + table;
  }
  if (!left.empty()) log::warn("checking the journal took its {} ms: not looked at: {}", budget.count(), left);
  return {};
}

}  // namespace regent
