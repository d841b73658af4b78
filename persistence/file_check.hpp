// Is the file what SQLite wrote? Asked at opening, before anything is built on it.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// quick_check table by table, what is open first and history last, for at most about `budget`; a table that was not
/// looked at is named in the log, and a damaged page in it shows when it is read. Errors: permanent `journal_corrupt`
/// with what was found.
result<void> check_file(sqlite::connection& db, milliseconds budget);

}  // namespace regent
