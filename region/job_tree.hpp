// A tree of jobs: a root that does nothing itself, and branches, each of which is one thing to be done (by a job of its own,
// the sub-job) or one thing to be waited for. Branches run beside or after each other. Pure: no actor, no I/O, time is passed in.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "region/job.hpp"

namespace regent {

/// A root's job is about `tree/NUMBER`; no kind of a region has that name.
inline constexpr std::string_view tree_kind = "tree";
inline bool is_tree(const job& what) { return what.resource.kind == tree_kind; }

/// What a branch is. scrub and restore ask the cloud for it, as a user would, and last until the resource waits to be scrubbed (or is
/// closed), or runs again. `subject` is a resource for retry, mend, scrub, restore and until_state, a job's number for cancel and until_job, a host for
/// cordon and uncordon, what the event is about (or nothing) for until_event, and a time (ISO 8601) for until_time.
enum class branch_work {
  retry,
  mend,
  scrub,
  restore,
  cancel,
  cordon,
  uncordon,
  until_state,
  until_job,
  until_event,
  until_time
};
inline constexpr std::array<std::string_view, 11> branch_work_names{
    "retry",    "mend",        "scrub",     "restore",     "cancel",    "cordon",
    "uncordon", "until_state", "until_job", "until_event", "until_time"};
constexpr std::string_view name(branch_work what) { return branch_work_names[static_cast<std::size_t>(what)]; }
constexpr bool is_wait(branch_work what) { return what >= branch_work::until_state; }
/// A job of its own does it, on one resource.
constexpr bool has_job(branch_work what) { return what <= branch_work::restore; }
/// The cloud is asked for it first.
constexpr bool is_wish(branch_work what) { return what == branch_work::scrub || what == branch_work::restore; }

/// Whether a job that does `what` is the branch's, rather than one that came before it on the same resource.
constexpr bool is_done_by(branch_work work, operation what) {
  if (work == branch_work::scrub) return what == operation::scrub_prep || what == operation::scrub;
  return work != branch_work::restore || what == operation::restart;
}

/// skipped: it had nothing to do, or what it comes after has failed.
enum class branch_state { planned, started, done, failed, skipped, cancelled };
inline constexpr std::array<std::string_view, 6> branch_state_names{"planned", "started", "done",
                                                                    "failed",  "skipped", "cancelled"};
constexpr std::string_view name(branch_state state) { return branch_state_names[static_cast<std::size_t>(state)]; }
constexpr bool is_open(branch_state state) { return state <= branch_state::started; }

struct branch {
  job_id root;
  int number = 0;  ///< from 0; whatever it comes after has a lower one
  std::string name;
  branch_work work = branch_work::mend;
  std::string subject;
  std::string wanted;        ///< until_state: the states, with commas; until_event: the topics
  std::vector<int> after;    ///< numbers of branches that must have ended well
  milliseconds deadline{0};  ///< from `started`; 0: that of its job
  bool fails_late = true;    ///< at the deadline it fails; else what comes after it goes on
  branch_state state = branch_state::planned;
  job_id job;               ///< the sub-job, once it is made
  std::int64_t cursor = 0;  ///< until_event: the newest event that is not meant
  std::string told;         ///< how it ended, for people
  std::optional<wall_time> started;
  std::optional<wall_time> ended;
};
/// "mend virtual_router/3", "wait for virtual_router/3 to be running"
std::string text_of(const branch& what);

/// What holds for all branches of one root.
struct tree {
  job_id root;
  std::string name;
  int at_once = limits::branches_at_once;
  bool stops =
      false;  ///< at the first failure nothing more begins; else only what comes after the failed branch is left out
  std::vector<host_id> hold;  ///< hosts whose whole lease the root holds while its branches run; in order of name
};

/// What somebody wants to have done.
struct tree_order {
  tree settings;
  lane in = lane::retry;
  milliseconds deadline{limits::tree_deadline};
  std::vector<branch> branches;
};

/// Brings branches in order, so that each comes behind those it is after. `after` holds places in `order.branches`. Errors: permanent `bad_tree`
/// (none at all, a circle, more than limits::tree_branches, a chain of more than limits::tree_depth), naming the branch.
result<void> put_in_order(tree_order& order);

class job_tree {
 public:
  /// Branches in order of number.
  job_tree(tree settings, std::vector<branch> branches);

  /// The next one that may begin now; none if nothing may, or enough are under way.
  std::optional<int> next() const;
  void start(int number, wall_time now);
  /// What follows of it is left out if it has not ended well. Returns the numbers of all branches that changed.
  std::vector<int> end(int number, branch_state how, std::string told, wall_time now);
  /// Nothing more begins; what is under way has to be ended by the caller. Returns what changed.
  std::vector<int> stop(branch_state how, const std::string& why, wall_time now);

  bool over() const { return open_ == 0; }
  bool went_well() const { return bad_ == 0; }
  const tree& settings() const { return settings_; }
  const std::vector<branch>& branches() const { return branches_; }
  branch& at(int number) { return branches_[static_cast<std::size_t>(number)]; }
  const std::set<int>& under_way() const { return under_way_; }
  /// Of those under way, what should have ended by now.
  std::vector<int> late(wall_time now) const;
  /// The first deadline of those under way.
  std::optional<wall_time> next_deadline() const;
  /// "3 of 7 branches have ended, 1 of them badly; under way: mend virtual_router/3"
  std::string text() const;

 private:
  void leave_out_followers(int of, const std::string& why, wall_time now, std::vector<int>& changed);
  void close(int number, branch_state how, std::string told, wall_time now);

  tree settings_;
  std::vector<branch> branches_;
  std::vector<std::vector<int>> followers_;
  std::vector<int> waits_for_;  // how many of those before it have not ended well yet
  std::set<int> ready_, under_way_;
  std::size_t open_ = 0, bad_ = 0;
};

}  // namespace regent
