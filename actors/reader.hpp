// Reads single records and makes claims, for lifecycle actors: apart from the poller, so that a long listing delays no user.
#pragma once

#include <array>
#include <deque>
#include <memory>

#include "actors/cloud_link.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

struct reader_state {
  std::unique_ptr<cloud_link> link;
  std::array<std::deque<record_wanted>, lane_names.size()>
      wanted;  // by lane; bounded by the lifecycle actors that wait
};
using reader_shell = shell<reader_actor, reader_state>;

/// Spawn detached: its calls block, each with the client's deadline.
reader_actor::behavior_type run_reader(reader_shell* self, context_ptr context);

}  // namespace regent
