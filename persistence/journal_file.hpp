// The journal's file, as its writer needs it.
#pragma once

#include <string>

#include "base/result.hpp"
#include "persistence/sqlite.hpp"
#include "persistence/sqlite_journal.hpp"

namespace regent {

/// The path with symbolic links resolved, so that two names of one file are one lock. Errors: permanent `journal_io`, also for a
/// folder.
result<std::string> real_path(const std::string& path);

/// Opens or creates, configures, checks, migrates and identifies the file. The caller holds its lock. Errors as in
/// open_sqlite_journal; a file that is damaged, newer or not ours is left as it is.
result<sqlite::connection> open_journal_file(const std::string& path, const sqlite_journal_options& options);

}  // namespace regent
