// What was open when the last process ended, read at the beginning of a reign.
#pragma once

#include "persistence/journal.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// Within one transaction of the caller's, so that all of it is of one moment.
result<journal_contents> load_contents(sqlite::connection& db);

}  // namespace regent
