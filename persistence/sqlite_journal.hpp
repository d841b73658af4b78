// The journal in one SQLite file: WAL, synchronous=FULL, one writer.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/limits.hpp"
#include "persistence/journal.hpp"
#include "persistence/migrations.hpp"

namespace regent {

/// What tests and measurements change; everybody else takes the defaults.
struct sqlite_journal_options {
  std::int64_t events_kept = limits::events_kept;
  std::int64_t jobs_kept = limits::jobs_kept;
  std::int64_t pages_most = 0;      ///< bounds the file, as a full disk would; 0: no bound
  milliseconds check_budget{1000};  ///< quick_check at opening looks no further after this time, and says so
  std::string journal_id;           ///< of a new file; empty: by chance
  std::span<const migration> steps = journal_migrations();
};

/// As open_sqlite_journal(path).
result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path, const sqlite_journal_options& options);

}  // namespace regent
