// A journal's file copied while others write to it, and what makes the copy last.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// Told after each step of a copy: pages done, of how many. The copy ends when it returns false.
using copy_progress = std::function<bool(int done, int total)>;

/// Copies what `from` sees at one moment to `to`, a file that is empty or not there, which becomes a database by itself,
/// without a log. Not synced.
///
/// By sqlite3_backup, limits::backup_pages_at_once pages at a time, under one read transaction. The transaction matters:
/// without it every commit of another process begins the copy again. No writer waits for it; the log grows by what is
/// committed meanwhile, because nothing of it is given back before the copy ends. Measured on 186 MB beside a process that
/// commits all the time: 0.5 s, 48 steps and 10 MB of log, and commits of 0.4 ms instead of 0.2 on two shared cores; without the
/// transaction the copy was begun 590 times in 15 s and had not ended. VACUUM INTO took 0.6 s, with commits of 0.34 ms, and left
/// 7 % less; but a copy is page for page what is there, and can be ended after any step.
/// Errors: as last_error of either file; transient `journal_interrupted` if `progress` ended it.
result<void> copy_database(sqlite::connection& from, const std::string& to, const copy_progress& progress = {});

/// What is in the file, or which names are in the folder, is on the disk. Errors: permanent `journal_io`.
result<void> sync_path(const std::string& path);

/// The folder that holds `path`.
std::string folder_of(const std::string& path);

}  // namespace regent
