// The journal's file, as its writer needs it.
#pragma once

#include <string>

#include "base/ids.hpp"
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

/// Opens a file that is there, and writes nothing, whatever it is. A journal reads itself through files beside it; where those cannot be made and no
/// log is there, nobody writes to it, and it is read as it stands: a copy on a disk that is read-only.
result<sqlite::connection> open_file_to_read(const std::string& path);

/// A look at a journal that is there, beside its writer or without one; it changes nothing. Of any schema that we know.
/// Errors: as open_sqlite_reader, but for `journal_older`.
result<sqlite::connection> open_journal_to_read(const std::string& path);

/// What stands in the one row of meta.
struct journal_identity {
  std::string journal_id;
  epoch_number epoch = 0;
  std::int64_t last_job = 0;
};
result<journal_identity> identity_of(sqlite::connection& db);

/// 8 hex digits.
std::string new_journal_id();

/// The file that a restore leaves while it takes the journal's place: with it beside a journal, no daemon begins.
std::string restoring_path(const std::string& path);

}  // namespace regent
