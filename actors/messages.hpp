// What actors tell each other. Plain structs; large data travels as shared pointers to const.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "persistence/journal.hpp"
#include "region/bulk_order.hpp"
#include "region/job_execution.hpp"
#include "region/operator_command.hpp"
#include "region/record.hpp"
#include "region/region_config.hpp"
#include "region/throttle_board.hpp"
#include "transport/command_channel.hpp"

namespace regent {

// To a lifecycle actor
struct record_answer {
  std::shared_ptr<const result<record>> answer;
};
struct claim_answer {
  lifecycle_state state;
  std::optional<error> refused;
};
struct commit_answer {
  std::uint64_t tag = 0;
  std::optional<error> failed;
};
struct lease_granted {
  host_id host;
};
struct lease_queued {
  host_id host;
};
struct lease_denied {
  host_id host;
  std::string why;
};
struct permit_granted {};
/// Not yet: what it waits for.
struct permit_waits {
  std::string why;
};
struct run_waits {
  run_id run;
  std::string why;
};
struct run_goes_on {
  run_id run;
  run_progress progress;
};
struct run_ended {
  host_id host;
  run_id run;
  std::shared_ptr<const run_outcome> outcome;
};
struct woken {
  std::string why;
};
/// Called once, on any thread: a sentence on what happens now, or why nothing does.
using operator_answer = std::function<void(const result<std::string>&)>;
struct cancel_asked {
  job_id job;  ///< none: whatever is or will be made for the branch that the actor is at work for
  std::string by;
  operator_answer answer;
  bool preview = false;
};
/// An operator says what became of the step that the job is stuck at.
struct mark_asked {
  operator_command what;
  operator_answer answer;
};
struct timer {
  std::uint64_t number = 0;  ///< a stale number is ignored: delayed messages cannot be taken back
};

// Of a tree of jobs
/// What a tree's actor is spawned with.
struct tree_rows {
  job root;
  tree settings;
  std::vector<branch> branches;  ///< by number
};
struct tree_asked {
  std::shared_ptr<const tree_order> order;
  std::string cause;  ///< who wants it, and why: the job's
  transaction with;   ///< committed together with the root; a schedule_mark in it is given the root's number
  operator_answer answer;
};
struct bulk_asked {
  bulk_order what;
  std::string cause;  ///< "schedule night"
  std::string by;     ///< who says so, and why
  lane in = lane::retry;
  transaction with;  ///< committed together with the root; a schedule_mark in it is given the root's number
  operator_answer answer;
};
struct tree_begun {
  std::shared_ptr<const tree_rows> rows;
};
struct tree_over {
  job_id root;
};
struct branch_wanted {
  branch what;
  lane in = lane::retry;
  std::string cause;
  bool resumed = false;  ///< asked for before by an earlier reign, and it may have begun
};
struct branch_unwanted {
  branch what;
  std::string by;
};
/// What became of a branch's wish for a job, if it is nothing: from the region to itself, on whichever thread.
struct branch_answered {
  resource_id id;
  branch_wanted wanted;
  std::optional<error> refused;
  std::string said;
};
struct branch_settled {
  int number = 0;
  branch_state how = branch_state::done;
  std::string told;
  job_id job;  ///< the sub-job that has ended; none: there was none
};

// To a host actor
struct lease_end {
  job_id job;
  std::string scope;
};
struct run_withdrawn {
  run_id run;
  std::string why;
};
struct run_cancelled {
  run_id run;
};
struct cordon_changed {
  std::optional<host_cordoned> closed;  ///< none: jobs may begin
};
struct drain_over {
  bool kept = false;  ///< the journal has it
};
struct runs_committed {
  std::vector<run_id> runs;
};
struct channel_up {
  std::string boot_id;
  milliseconds latency{0};
};
struct channel_down {
  error why;
};
struct channel_alive {
  milliseconds latency{0};
  std::optional<std::int64_t> load;  ///< in hundredths
};
struct channel_report {
  std::shared_ptr<const run_report> report;
};

// To the region
/// A job asks to begin. What it holds ends with its actor.
struct permit_wanted {
  permit_request what;
};
struct reign_begun {
  std::shared_ptr<const journal_contents> open;
};
struct heads_seen {
  std::shared_ptr<const std::vector<record_head>> heads;
  steady_time asked_at{};
};
struct hinted {
  std::vector<resource_id> ids;
  steady_time seen_at{};
};
struct settled {
  std::shared_ptr<const resource> row;                 ///< null: nothing is known about it (it could not be read)
  std::string updated;                                 ///< the cloud's stamp of the record that was read; may be empty
  std::optional<std::vector<job_with_steps>> repairs;  ///< all that wait from now on; none: those known stay
  std::optional<milliseconds> again_in;                ///< try once more then
  std::optional<dead_letter> letter;                   ///< none: as it was; one without a job: it is decided
  bool adopted = false;                                ///< what was to be taken over is being taken over
  std::shared_ptr<const job> ended;                    ///< the job that has come to its end; null: none has
};
/// A job has to wait for something, so that it takes no room under the throttles; or it goes on.
struct permit_rests {
  resource_id id;
  bool resting = false;
};
/// The cloud is to be asked for something, as a user would; answered through it.
struct wish_wanted {
  resource_id id;
  lifecycle_state wish = lifecycle_state::ignore;
  std::function<void(const result<void>&)> answer;
};
/// It asks the cloud to accept a state, and may have to wait for others of its project.
struct claim_begins {
  resource_id id;
  std::string project;
};
/// It begins nothing for now: it asks anew before it does.
struct permit_returned {
  resource_id id;
};
/// From the region to itself: there may be room for those who wait.
struct permits_freed {};
struct leases_due {};
struct reports_queued {
  resource_id id;
  int count = 0;
};
struct report_settled {
  resource_id id;
  bool delivered = false;  ///< false: the cloud refused it
  steady_time at{};
};
struct host_reachable {
  host_id host;
  std::string boot_id;
};
struct host_config_changed {
  std::optional<host_config> config;  ///< none: the host is no longer in the region file
};
struct config_changed {
  std::shared_ptr<const region_config> config;
};

struct operator_asked {
  operator_command what;
  operator_answer answer;
};

// To the scheduler
/// What was to be committed, the mark first, is in the journal, or is refused.
struct schedule_settled {
  transaction what;
  std::optional<error> failed;
};

// To the reporter
struct reports_committed {
  std::shared_ptr<const std::vector<report>> reports;
};

// To a sink
struct sink_config_changed {
  std::optional<any_sink_config> config;  ///< none: the sink is no longer in the region file
};

// Anybody's
struct tick {};
struct stop {};

}  // namespace regent
