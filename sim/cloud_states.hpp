// Which state may follow which in the cloud, and who may ask for it. Source: the cloud's own state maps, every pair
// tried.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "region/lifecycle_table.hpp"

namespace regent::sim {

/// Who calls: the cloud has one state map for people and another for the orchestrator.
enum class caller { user, orchestrator };

/// The number that stands for a state on the wire: its place in the table, but 99 for the end.
constexpr std::int64_t number_of(lifecycle_state state) {
  return state == closed ? 99 : static_cast<std::int64_t>(state);
}

/// The state that a wire number stands for; none for any other number.
std::optional<lifecycle_state> state_of(std::int64_t number);

struct state_routes {
  lifecycle_state from;
  std::vector<lifecycle_state> user;          ///< of virtual routers and VMs
  std::vector<lifecycle_state> user_of_copy;  ///< of snapshots and backups
  std::vector<lifecycle_state> orchestrator;  ///< of all kinds
};

/// The whole map; a state without a row has no way out.
const std::vector<state_routes>& state_map();

/// Where `by` may go from `from`; empty if nowhere. `copy`: the resource is a snapshot or a backup.
const std::vector<lifecycle_state>& routes_from(lifecycle_state from, caller by, bool copy);

/// The update that a user's change brings about: a running or quiesced resource goes to it; none in any other state.
std::optional<lifecycle_state> update_of(lifecycle_state state);

/// Stable as the cloud's own `stable` flag means it: running, quiesced, scrub_queue and closed.
bool is_at_rest(lifecycle_state state);

}  // namespace regent::sim
