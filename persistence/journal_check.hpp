// Is a journal whole, and does it say only what can be true? For people and before a copy is trusted: it looks at every row,
// where file_check looks at what the start can wait for.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// One thing that is not as it should be.
struct journal_finding {
  std::string what;     ///< which row, and how it is; texts as the file has them
  std::string means;    ///< for whoever reads it: what follows from it, and what to do
  bool damage = false;  ///< the file is not what was written: do not trust it
};

/// All that SQLite can say of the file (integrity_check, references), and what no CHECK of the schema can: leases without an
/// open job, open jobs without steps, two jobs at work on one resource, sent steps without run id, one run id twice, counters
/// that do not count, gaps in the events. One moment's view; never waits for a writer and holds none up, but its log is kept
/// while this looks. At most limits::findings_most of each kind, and then how many more. Empty: all is well.
/// Errors: what could not be read at all, as open_journal_to_read.
result<std::vector<journal_finding>> check_journal(sqlite::connection& db);
result<std::vector<journal_finding>> check_journal(const std::string& path);

/// Whether one of them is damage.
bool is_damaged(const std::vector<journal_finding>& findings);

}  // namespace regent
