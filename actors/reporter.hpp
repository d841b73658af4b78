// Drains the outbox to the cloud: at least once, in order per resource, each resource backing off for itself.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "actors/cloud_link.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

struct outbox_lane {
  std::deque<report> reports;  // never empty
  int attempts = 0;
  steady_time due{};
};

struct reporter_state {
  std::unique_ptr<cloud_link> link;
  std::map<resource_id, outbox_lane> lanes;
  std::set<std::pair<steady_time, resource_id>> order;  // when each lane is due
  std::uint64_t timer_number = 0;
};
using reporter_shell = shell<reporter_actor, reporter_state>;

/// Spawn detached: its calls block, each with the client's deadline.
reporter_actor::behavior_type run_reporter(reporter_shell* self, context_ptr context, directory_ptr directory);

}  // namespace regent
