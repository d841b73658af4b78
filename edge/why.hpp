// Why a resource is as it is and what it waits for, in a sentence and as causes that a program can match. Pure: it
// looks at what it is given.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/probe.hpp"
#include "region/host_board.hpp"
#include "region/job.hpp"
#include "region/operator_marks.hpp"
#include "region/run_board.hpp"

namespace regent {

struct why_facts {
  resource what;
  std::vector<job> open;            ///< its open jobs
  std::optional<job> last;          ///< its newest job, if that has ended
  std::vector<step> steps;          ///< of the job that `explained_job` names
  std::map<run_id, run_sign> runs;  ///< of these steps, as far as they are under way
  std::vector<host_picture> hosts;
  std::vector<lease> leases;       ///< of the journal
  std::map<job_id, job> others;    ///< the jobs that hold leases on the hosts concerned
  std::vector<report> reports;     ///< undelivered ones of this resource
  resource_marks marks;            ///< what operators have said of it, and what waits for them
  std::vector<event> events;       ///< its last events, newest first
  std::vector<probe_view> actors;  ///< its own, its hosts', the journal's and the reporter's
  std::vector<std::pair<std::string, std::string>> problems;  ///< the daemon's standing ones
  wall_time now{};
};

/// One reason. The codes are stable: step_running, outcome_unknown, host_down, lease, retry, wait, queued, between_steps,
/// job_behind, no_job, at_work, grace, unresourced, degraded, report, actor_busy, problem, ignored, closed, none, paused, released,
/// adopted, dead_letter, declines.
struct cause {
  std::string code;
  std::string text;
  host_id host;
  job_id job;               ///< the one that holds the lease, or the one that is waited for
  std::optional<int> step;  ///< index, from 0
  std::optional<wall_time> since;
};

struct explanation {
  std::string sentence;       ///< "virtual_router/3 is building: …"
  std::vector<cause> causes;  ///< the decisive one first; never empty
};

/// A reason from outside as part of a sentence: one line, bounded.
std::string one_line(std::string_view text);

/// The job whose steps tell most: the open one that has got furthest, else the newest ended one.
std::optional<job> explained_job(const why_facts& facts);

explanation explain(const why_facts& facts);

/// Why the journal does not have `facts.what`, of which only the id is used: its record is being read just now, or makes
/// no sense, or the cloud has not named it. `listed`: when the cloud's list was last read to its end.
std::string explain_unknown(const why_facts& facts, std::optional<wall_time> listed);

}  // namespace regent
