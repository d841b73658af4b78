// A journal read from its first event to its last, for people who look into an incident: each event with what was done for it
// until then. Changes nothing, and goes on past what is damaged.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "persistence/journal_file.hpp"
#include "region/job.hpp"

namespace regent {

struct replay_filter {
  resource_id resource;   ///< empty: any
  job_id job;             ///< empty: any; else the events of its tree, and of the tree's jobs only this one
  std::int64_t from = 1;  ///< the first event's number
};

/// One event, and what has happened in its job tree since the event of that tree before: none of them if the events' jobs
/// are not kept any more.
struct replay_moment {
  event what;
  std::vector<job> jobs;    ///< that were made or ended since; as they are now
  std::vector<step> steps;  ///< that ended since, in the order in which they did
};

/// Belongs to one thread at a time.
class journal_replay {
 public:
  virtual ~journal_replay() = default;
  /// None if not even that can be read.
  virtual std::optional<journal_identity> identity() = 0;
  /// The next event in order of number; none at the end. Errors: permanent `journal_io`.
  virtual result<std::optional<replay_moment>> next() = 0;
  /// After the end: what the filter's jobs still had to do, each with its wait and the steps that have begun and not ended.
  virtual result<std::vector<job_with_steps>> open_jobs() = 0;
  /// What could not be read, in words, so far.
  virtual const std::vector<std::string>& unread() const = 0;
};

/// Errors: as open_journal_to_read; permanent `journal_corrupt` if not even the first page can be read.
result<std::unique_ptr<journal_replay>> open_replay(const std::string& path, const replay_filter& filter);

}  // namespace regent
