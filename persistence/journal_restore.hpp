// A backup put back in the place of a journal.
//
// A restored journal is one that has forgotten. Its hosts and its cloud have gone on: hosts have executed runs whose job
// numbers it would give out again, and have seen higher epochs than it holds; jobs that were open in it have ended since, in
// some way, and what it was about to tell the cloud was told, or is no longer so. It keeps what is still true, and says of
// the rest that it does not know:
//
// - the epoch is raised far above every one that can be known of: above the backup's and the present journal's by
//   limits::restore_epoch_raise, and at least to the seconds since 1970, which no number of starts keeps up with, so that a
//   second restore is above the first one also where the journal in between is lost. Hosts refuse a lower epoch than they
//   have seen, and so the journal that was set aside can never govern them again;
// - the journal has a new journal_id, so that no new run has the id of one that a host has executed; numbers of jobs go
//   on after the highest that either journal has given out;
// - jobs that were open are ended as superseded, their leases with them; a sent step keeps its run id, and its outcome is
//   unknown. Going on with them would be wrong: their steps are of a record that may have changed since, and a host that
//   has forgotten a run, as it does once the outcome is committed, would be sent it once more. Only a repair that waits to
//   scrub on some host what is closed stays: what is closed is so for ever;
// - reports that had not reached the cloud are dropped: they are words of the past, and the listing of all states says
//   what the cloud still waits for;
// - the states of resources are `ignore`, which is "not known", but for `closed`, which is for ever. The listing gives
//   them, and what is in progress there is adopted;
// - hosts have restored_boot_id, so that the daemon looks after each resource on each host as after a reboot: its record is
//   read, and what should stand there is built again (which twice is safe), 16 at once, in the retry lane.
//
// Schedules begin anew: what they did since the backup is not known, so nothing of that time is taken for missed. Those that were
// paused stay so.
//
// Cordons, documents, ended jobs and events are kept as they are. An event `journal.restored` says what was done.
//
// A run that was sent before may still be going on on its host, in nobody's name, and a new job would begin beside it:
// restoring is refused until the last such run must have ended by its deadline, as far as the two files tell.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "persistence/journal_check.hpp"

namespace regent {

struct restore_options {
  bool anyway = false;  ///< also while runs may be going on
};

struct journal_restored {
  std::string journal_id, former_id;
  epoch_number epoch = 0, former_epoch = 0;  ///< the next reign's is one higher than `epoch`; the backup's
  std::int64_t jobs_ended = 0;               ///< that were open in the backup
  std::int64_t reports_dropped = 0;
  std::string set_aside;                  ///< what the journal is called now that was there; empty if there was none
  std::string unread;                     ///< why nothing could be learnt from that one; empty if it could be
  std::vector<journal_finding> findings;  ///< of the backup; none is damage
};

/// Puts `from` in the place of the journal `path`, in a folder that is there. What was at `path` is kept, with its log, as
/// `path`.before-restore-DATE. If this dies on the way, the folder has the old journal, or one that no daemon begins on
/// until the restore is done again (`journal_restoring`).
/// Errors: permanent `journal_locked` (a daemon has the journal); transient `runs_may_live`, with until when; permanent
/// `journal_corrupt` if `from` is damaged; permanent `journal_older`; as open_journal_to_read of `from`; transient
/// `journal_full`, permanent `journal_io`.
result<journal_restored> restore_journal(const std::string& from, const std::string& path, const clock& time,
                                         const restore_options& options);

}  // namespace regent
