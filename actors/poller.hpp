// Asks the cloud what has changed (a hint) and, at start and on a schedule, what is true (the level).
#pragma once

#include <set>

#include "actors/cloud_link.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

struct poller_state {
  std::unique_ptr<cloud_link> link;
  steady_time next_listing{};  // epoch: at once
  int listings = 0;
  std::string last_problem;   // its code
  std::set<std::string> bad;  // records that could not be read at the last listing
};
using poller_shell = shell<poller_actor, poller_state>;

/// Spawn detached: its calls block, each with the client's deadline.
poller_actor::behavior_type run_poller(poller_shell* self, context_ptr context, directory_ptr directory);

}  // namespace regent
