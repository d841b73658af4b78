// One resource with something to do: reads its record, plans, takes the leases, walks through the steps, comes to rest.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

/// What a lifecycle actor is woken for.
struct lifecycle_task {
  resource_id id;
  std::string cause;  ///< who asked, for people: "cloud: requested"
  lane in = lane::user;
  std::optional<resource> known;        ///< the row at rest, without its document
  std::optional<job_with_steps> open;   ///< to be taken up again, or a repair
  std::vector<job_with_steps> repairs;  ///< waiting for a host; a whole success makes them void
  bool repair = false;                  ///< an operator wants its hosts made what its record says, once more
  host_id rebuild;                      ///< this host has rebooted: what stands on it is built again
  std::optional<steady_time> seen_at;   ///< when the poll named it
  std::optional<dead_letter> letter;    ///< nobody has decided about it: only a decision begins a job, and ends it
  bool adopt = false;                   ///< its next job takes over what regent did not make
  std::optional<branch> of;  ///< the branch of a tree that it is woken for: a job that it makes is its sub-job
};

class lifecycle_work;
struct lifecycle_at_work {
  std::shared_ptr<lifecycle_work> work;
};
using lifecycle_shell = shell<lifecycle_actor, lifecycle_at_work>;

/// Ends by itself after telling the region that it has settled. If it dies otherwise, all that matters is in the
/// journal.
lifecycle_actor::behavior_type run_lifecycle(lifecycle_shell* self, context_ptr context, directory_ptr directory,
                                             std::shared_ptr<const lifecycle_task> task);

}  // namespace regent
