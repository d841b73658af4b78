// The rows that a lifecycle actor writes, made from plans and outcomes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "persistence/journal.hpp"
#include "primitives/plan.hpp"
#include "region/job_execution.hpp"
#include "region/record.hpp"

namespace regent {

/// Steps numbered from `first`, parameters as JSON without secrets.
std::vector<step> steps_of(const plan& what, job_id job, int first);

/// The row of a resource whose record was just read, in `state`.
resource row_of(const record& what, lifecycle_state state, wall_time now);

event event_of(std::string topic, const resource_id& resource, job_id root, std::string text, wall_time now);

/// "step 4 of 19 (address 10.0.0.1/24 in r3) on podnet-a: step_failed: …"
std::string failure_text(const step& failed, std::size_t count);

/// The row of a job for which there is no more need.
regent::job superseded(regent::job old, wall_time now);

/// A repair of what the standby missed: a waiting job, and all the operation's steps on that host, to be done from the
/// first.
job_with_steps repair_of(const job_execution& degraded, job_id id, wall_time now);

/// The next attempt at a repair that failed, as a job of its own: when its host returns, or after a back-off. None once
/// limits::repair_attempts_most attempts have failed on a host that answers.
std::optional<job_with_steps> repair_again(const job_execution& failed, job_id id, wall_time now);

/// An ended repair once more, because an operator says so: its first attempt, at once.
job_with_steps repair_anew(const job_with_steps& ended, job_id id, std::string cause, wall_time now);

}  // namespace regent
