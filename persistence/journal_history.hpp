// What is left of jobs when they are deleted: sums by day. And their deleting, when nobody needs their steps any more.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "region/job.hpp"

namespace regent {

/// The jobs of one kind, operation and outcome that ended on one day.
struct history_row {
  wall_time day{};  ///< its first moment, UTC
  std::string kind, operation, outcome;
  std::int64_t count = 0;
  milliseconds total{0}, longest{0};  ///< from start to end; a job that never started took nothing
};

/// Of every ended job, kept or deleted, the newest day first. Errors: as open_sqlite_reader.
result<std::vector<history_row>> read_history(const std::string& path);

struct compact_result {
  std::int64_t jobs = 0;  ///< deleted, with their steps; each is in its summary
  std::int64_t bytes_before = 0, bytes_after = 0;
  bool live = false;  ///< a daemon has the journal: the freed pages are used again, and stay in the file
};

/// Deletes the jobs that ended before `before`, but not one that is open, holds a lease, or is the last operation of its
/// resource, which a retry asks about. limits::compact_jobs_at_once a transaction, with a pause after each, so that a live
/// daemon waits for none of them; each is whole by itself, so this may be ended at any moment. Without a daemon, what is free then
/// is given back (VACUUM: the file is written anew, in as much space as it needs once more); beside one it cannot be without
/// holding it up. A deletion sums up its job by a trigger, and so does the daemon's own trimming: 0.9 µs more than the 9.8 µs that
/// it takes to delete a job with three steps.
/// Errors: as open_sqlite_reader; transient `journal_busy`, `journal_full`; permanent `journal_io`.
result<compact_result> compact_journal(const std::string& path, wall_time before, wall_time now);

}  // namespace regent
