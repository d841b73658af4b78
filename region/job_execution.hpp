// One job on its way through its steps: what to do next, and what an outcome means. No actor, no I/O; time is passed
// in. The shell commits what changed before it acts on the next action: intent before effect, outcome before the next
// step.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.hpp"
#include "base/time_limit.hpp"
#include "region/job.hpp"

namespace regent {

/// How a run ended, or did not.
struct run_outcome {
  enum class how {
    finished,     ///< exit code is final
    lost,         ///< it began and left no exit code: unknown
    unreachable,  ///< the host could not be asked within the wait: unknown if it was sent, else not done
    refused,      ///< the host did not execute it
  };
  how ended = how::finished;
  int exit_code = -1;
  time_limit timed_out = time_limit::none;
  bool cancelled = false;
  std::string output;
  std::string errors;
  std::string boot_id;
};

struct execution_policy {
  int step_attempts = limits::step_attempts_most;  ///< sends of one step, at most
  milliseconds backoff_first{limits::step_backoff_first};
  milliseconds backoff_most{limits::step_backoff_most};
};

/// Exit codes with a meaning (primitives' contract, docs/writing-primitives.md).
inline constexpr int exit_try_again = 75;
inline constexpr int exit_bad_parameter = 65;

/// "; undone: 2 of 3 steps; not undo: volume on disk-1: …", of all steps of a job; empty if nothing was to be undone.
std::string undone_text(const std::vector<step>& of_a_job);

class job_execution {
 public:
  /// Send the step: a first or a further attempt. `read_back`: its `read` verb first, because the last outcome is
  /// unknown.
  struct send {
    int index;
    bool read_back;
  };
  /// A run of this step was sent by an earlier reign or before a restart of the actor: ask the host about it.
  struct attach {
    int index;
  };
  struct wait_until {
    int index;
    wall_time at;
  };
  struct finished {
    bool ok;
  };
  using action = std::variant<send, attach, wait_until, finished>;

  /// `steps` in order of index. Steps in state sent belong to an earlier reign.
  job_execution(regent::job job, std::vector<step> steps, std::string journal_id, execution_policy policy);

  action next(wall_time now) const;

  /// The run is about to be sent: sets run id, attempt and start. The caller commits steps()[index] and then sends it.
  void sending(const send& what, wall_time now, const std::string& boot_id);
  /// The outcome of the run last sent for the step. The caller commits steps()[index] (or all, if `next` is finished).
  void ended(int index, const run_outcome& outcome, wall_time now);
  /// The standby is known to be away: its steps are skipped and the job becomes degraded.
  void skip_standby(const host_id& host, const std::string& why, wall_time now);

  /// The first step that is not at its end; null if none.
  const step* current() const;
  /// The host of the step is given up for good: nobody will ever know what became of it.
  void lost(int index, const std::string& why, wall_time now);
  /// An operator says that the step is done, or has failed.
  void marked(int index, bool done, const std::string& by, wall_time now);

  /// The job is stopping before its end. The committed intent was not sent: as if it had never been.
  void unsent(int index);
  /// The end of a run that was asked to end. True if nobody knows what it left and the host can be read back.
  /// `why`: "cancelled", "operation_deadline".
  bool stopped(int index, const run_outcome& outcome, std::string_view why, wall_time now);
  /// What was found then.
  void found_after_stop(int index, const run_outcome& outcome, std::string_view why);
  /// Steps done, of how many, and how the one under way ended.
  std::string progress_text() const;

  /// The host answers with this boot id now. Steps done there under another one are undone by the reboot: they are planned
  /// again, and so is the step `running` (-1: none), whose outcome rests on them. True if there were any.
  bool rebooted(const host_id& host, const std::string& boot_id, int running);

  const regent::job& job() const { return job_; }
  regent::job& job() { return job_; }
  const std::vector<step>& steps() const { return steps_; }
  /// The first step that failed for good; null if none. Those that undo are not asked.
  const step* failed_step() const;
  /// The job has failed: steps that undo what has begun, the last first, as far as it can be undone. From then on these alone are
  /// what is next, and each has its try whatever became of the others. False if there is nothing to undo, or there are such steps.
  bool begin_undo();
  bool is_undoing() const { return undo_from_ < steps_.size(); }
  /// Without those that undo.
  std::size_t step_count() const { return undo_from_; }
  /// The host whose standby steps were skipped or failed; empty if none.
  const std::string& degraded_host() const { return degraded_host_; }
  const std::string& degraded_reason() const { return degraded_reason_; }
  /// The standby could be reached: it is one of its steps that failed.
  bool standby_answered() const;

 private:
  bool is_next(const step& what) const { return !is_undoing() || is_undo(what); }
  void fail(step& what, std::string code_and_reason, wall_time now);
  void unknown(step& what, const std::string& reason, wall_time now);
  void read_back_ended(step& what, const run_outcome& outcome, wall_time now);
  void finished_with(step& what, const run_outcome& outcome, wall_time now);

  regent::job job_;
  std::vector<step> steps_;
  std::string journal_id_;
  execution_policy policy_;
  std::size_t undo_from_;  // the first that undoes; else their number
  std::string degraded_host_;
  std::string degraded_reason_;
  std::vector<std::optional<wall_time>> not_before_;  // by index: end of the back-off
};

}  // namespace regent
