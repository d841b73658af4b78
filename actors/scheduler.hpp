// Begins what the region file's schedules say, when it is time: a firing and what it begins are one transaction, so that it
// begins once, whenever the daemon dies. The decisions are region/schedule.hpp's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"
#include "region/schedule.hpp"

namespace regent {

struct kept_schedule {
  schedule_config config;
  schedule_mark mark;        ///< as the journal has it, without the job
  bool committing = false;   ///< something of it is on its way into the journal: nothing is decided meanwhile
  steady_time not_before{};  ///< after a commit that was refused
  std::string problem;       ///< why its last commit was refused; empty if it was not
  std::string waits_for;     ///< what a firing that is due waits for
};

struct scheduler_at_work {
  std::map<std::string, kept_schedule> schedules;  ///< of the region file in force, by name
};
using scheduler_shell = shell<scheduler_actor, scheduler_at_work>;

/// Looks at the clock once a second. `open`: the marks that the last reign left.
scheduler_actor::behavior_type run_scheduler(scheduler_shell* self, context_ptr context, directory_ptr directory,
                                             std::shared_ptr<const journal_contents> open);

}  // namespace regent
