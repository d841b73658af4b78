// Jobs, steps and leases as plain values, with the tables of their states.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

enum class job_state { queued, waiting, active, succeeded, failed, superseded, cancelled };
inline constexpr std::array<std::string_view, 7> job_state_names{"queued", "waiting",    "active",   "succeeded",
                                                                 "failed", "superseded", "cancelled"};
constexpr std::string_view name(job_state state) { return job_state_names[static_cast<std::size_t>(state)]; }
constexpr bool is_open(job_state state) { return state <= job_state::active; }

enum class step_state { planned, sent, done, failed, unknown, skipped };
inline constexpr std::array<std::string_view, 6> step_state_names{"planned", "sent",    "done",
                                                                  "failed",  "unknown", "skipped"};
constexpr std::string_view name(step_state state) { return step_state_names[static_cast<std::size_t>(state)]; }

/// A user's change goes before a retry, a retry before an audit; ageing keeps the later ones from starving.
enum class lane { user, retry, audit };
inline constexpr std::array<std::string_view, 3> lane_names{"user", "retry", "audit"};
constexpr std::string_view name(lane which) { return lane_names[static_cast<std::size_t>(which)]; }

/// The durable record of one operation on one resource.
struct job {
  job_id id;
  job_id parent;  ///< empty for a root
  job_id root;    ///< itself for a root
  resource_id resource;
  operation what = operation::read;
  lifecycle_state during = lifecycle_state::ignore;  ///< the resource's state while it is at work; ignore: a stable one
  job_state state = job_state::queued;
  regent::lane in = lane::user;
  std::string cause;  ///< who asked: "cloud: requested", "repair of podnet-b", "adopted after restart"
  /// It brings hosts to what the cloud takes for granted already: the cloud is told nothing, and a failure is tried again.
  bool repair = false;
  std::string only_host;                ///< a repair's one host; empty for all
  int attempt = 1;                      ///< of a repair: each attempt is a job of its own
  std::optional<wall_time> not_before;  ///< a waiting repair is left alone until then
  std::string cancel;                   ///< who asked to cancel it, and why; empty if nobody did
  std::string waits_for;                ///< what it waits for, in words; empty if it does not wait
  std::optional<wall_time> wait_deadline;
  wall_time created{};
  std::optional<wall_time> started;
  std::optional<wall_time> ended;
  milliseconds deadline{0};  ///< from `started`, waits included; 0: none
  bool degraded = false;
  std::string error_code;
  std::string error_message;
  std::string decided;  ///< what an operator has said of it, who and why; empty: nothing
};

/// A repair that has not begun: it waits for its host, or for its next attempt, and nobody is at it.
inline bool waits_to_begin(const job& what) { return what.repair && what.state == job_state::waiting && !what.started; }

/// The root of its tree, for a job that is not that itself; else none.
inline job_id root_of_child(const job& what) { return what.parent.empty() ? job_id{} : what.root; }

struct step {
  job_id job;
  int index = 0;  ///< from 0
  host_id host;
  std::string primitive;
  std::string verb;
  std::string role;  ///< "sole", "enabled", "standby"; "undo": it undoes an earlier step of its job, which has failed
  std::string about;
  std::string parameters;  ///< JSON, secrets masked
  milliseconds deadline{0};
  milliseconds stall{0};  ///< the longest time without a word of progress; 0: any
  step_state state = step_state::planned;
  run_id run;       ///< of the last attempt
  int attempt = 0;  ///< 1 for the first
  std::optional<int> exit_code;
  std::string output;
  std::string error;
  std::string boot_id;  ///< the host's when the run was sent
  std::string
      undo;  ///< the verb that undoes it, if its job fails for good after it has begun; empty: nothing is undone
  std::optional<wall_time> started;
  std::optional<wall_time> ended;
};

inline constexpr std::string_view undo_role = "undo";
inline bool is_undo(const step& what) { return what.role == undo_role; }
/// What is said of the step that undoes the one of which `about` is said.
inline std::string about_undoing(const std::string& about) { return "undo: " + about; }

struct job_with_steps {
  regent::job job;
  std::vector<step> steps;  ///< in order
};

struct lease {
  host_id host;
  std::string scope;
  job_id job;
  epoch_number epoch = 0;  ///< of the reign that granted it
  wall_time since{};
};

/// What the region knows of a resource.
struct resource {
  resource_id id;
  lifecycle_state state = lifecycle_state::ignore;
  std::string name;
  std::string project;
  std::string updated;   ///< the cloud's stamp of the record that was last acted on
  std::string document;  ///< the record as last acted on, JSON without secrets; empty if never
  std::string reason;    ///< of unresourced or degraded
  bool degraded = false;
  wall_time changed{};
  std::optional<wall_time> due;  ///< scrub_queue: when the grace period ends
  /// Built, and the record has not been looked at since the cloud was told: a user may have changed it meanwhile.
  bool unconfirmed = false;
};

/// A state on its way to the cloud.
struct report {
  std::int64_t sequence = 0;  ///< given by the journal
  resource_id resource;
  job_id job;
  lifecycle_state state = lifecycle_state::ignore;
  wall_time created{};
};

/// One committed change.
struct event {
  std::int64_t sequence = 0;  ///< given by the journal
  wall_time at{};
  std::string topic;     ///< one of region/event_topic.hpp
  resource_id resource;  ///< what it is about; of a host: host/NAME, of a sink: sink/NAME, of a schedule: schedule/NAME
  job_id root;           ///< of the job; empty if it is about none
  job_id job;
  std::string text;  ///< for people, one line
};

}  // namespace regent
