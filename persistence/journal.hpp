// The journal: the only truth that survives. One writer, which commits groups of transactions; readers are separate.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "region/job.hpp"
#include "region/job_tree.hpp"
#include "region/operator_marks.hpp"

namespace regent {

struct end_lease {
  host_id host;
  std::string scope;
  job_id job;
};
struct end_report {
  std::int64_t sequence = 0;
};
struct forget_resource {
  resource_id id;
};
struct host_seen {
  host_id host;
  std::string boot_id;
  wall_time at{};
};
/// A restored journal has this for a boot id, which is no host's: it does not know what stands on any, so all is made anew.
inline constexpr const char* restored_boot_id = "restored";

/// The same for one host that was detached and is attached again: whatever should stand there is made anew.
inline constexpr const char* detached_boot_id = "detached";

/// The sink has been sent what it wants up to this event; none: the sink is no more.
struct sink_cursor {
  std::string sink;
  std::optional<std::int64_t> after;
};

/// How far a schedule of the region file has come. It is committed with what a firing begins, so that a firing begins it once.
struct schedule_mark {
  std::string schedule;
  std::string rule;                ///< cron expression and time zone that the times are of
  std::optional<wall_time> dealt;  ///< all firings up to then have been dealt with; none: it begins anew
  std::optional<wall_time> fired;  ///< the last one that began something, or when an operator began it
  job_id job;                      ///< the root of that; empty: stays as it is while `fired` does
  std::string paused;              ///< who, and why; empty: it is not
  std::optional<wall_time> paused_since;
};
struct forget_schedule {
  std::string schedule;
};

/// resource, job, step, lease, tree, branch, host_seen, host_cordoned, sink_cursor, schedule_mark, resource_held, dead_letter, rebuild_owed:
/// inserted or replaced by key, or, where they say so, taken back. report, event: appended, numbered by the journal.
/// A resource with an empty document keeps the document it has: whoever knows only its state may commit that. A job
/// comes before its steps and leases, and keeps its resource; a root before its tree, a tree before its branches. end_lease, end_report,
/// forget_resource and forget_schedule of what is not there change nothing.
using mutation = std::variant<resource, job, step, lease, report, event, end_lease, end_report, forget_resource,
                              host_seen, host_cordoned, sink_cursor, schedule_mark, forget_schedule, resource_held,
                              dead_letter, rebuild_owed, tree, branch>;

/// All of it or nothing of it.
using transaction = std::vector<mutation>;

/// What was open when the last process ended.
struct journal_contents {
  std::vector<resource> resources;  ///< all; their documents are left empty: read them when needed
  std::vector<job> jobs;            ///< open ones, by id
  std::vector<step> steps;          ///< of open jobs, by job and index
  std::vector<lease> leases;
  std::vector<report> reports;  ///< not yet delivered, by sequence
  std::vector<host_seen> hosts;
  std::vector<host_cordoned> cordons;
  std::vector<sink_cursor> sinks;
  std::vector<schedule_mark> schedules;
  std::vector<resource_held> holds;
  std::vector<dead_letter> dead_letters;
  std::vector<rebuild_owed> rebuilds_owed;
  std::vector<tree> trees;       ///< of open roots
  std::vector<branch> branches;  ///< all of theirs, by root and number
  std::int64_t last_job = 0;     ///< the highest job number ever given out
  std::string journal_id;        ///< 8 hex digits, made with the file; part of every run id
  epoch_number epoch = 0;        ///< this reign's: already committed, higher than any before
};

/// Belongs to one thread at a time.
class journal {
 public:
  virtual ~journal() = default;
  /// Begins a reign: raises and commits the epoch, and returns what was open.
  virtual result<journal_contents> begin_reign() = 0;
  /// Commits the transactions together, durably (one fsync), or none of them. On success the sequence numbers of
  /// reports are filled in. Errors: transient `journal_full` (no space), transient `journal_busy`, permanent
  /// `journal_io`, bug `journal_constraint` (a row that the schema refuses: a transaction is named). After
  /// `journal_full`, `journal_busy` or `journal_io` the same group may be committed again. What `journal_io` refused
  /// can still be found after a crash: the disk failed to say whether it had kept it.
  virtual result<void> commit(std::span<transaction> group) = 0;
};

/// Opens or creates the SQLite file, checks it (quick_check), backs it up before a migration and migrates it.
/// Errors: permanent `journal_corrupt`, permanent `journal_newer` (made by a later regent), permanent `journal_locked`
/// (another process is its writer), permanent `journal_restoring` (a restore of it died), transient `journal_full`,
/// permanent `journal_io`.
result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path);

}  // namespace regent
