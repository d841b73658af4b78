#include "sim/cloud_states.hpp"

#include <algorithm>

namespace regent::sim {

std::optional<lifecycle_state> state_of(std::int64_t number) {
  const auto found = std::find_if(lifecycle_table.begin(), lifecycle_table.end(),
                                  [number](const lifecycle_row& one) { return number_of(one.state) == number; });
  if (found == lifecycle_table.end()) return std::nullopt;
  return found->state;
}

const std::vector<state_routes>& state_map() {
  static const std::vector<state_routes> map{
      {requested, {}, {}, {building, unresourced}},
      {building, {}, {}, {unresourced, running}},
      {unresourced, {}, {}, {requested, quiesce, restart, scrub, running_update, quiesced_update}},
      {running, {quiesce, scrub, running_update}, {scrub, running_update}, {}},
      {quiesce, {}, {}, {quiescing}},
      {quiesced, {restart, scrub, quiesced_update}, {}, {}},
      {restart, {}, {}, {restarting}},
      {scrub, {}, {}, {scrub_prep, scrubbing}},
      {scrub_queue, {restart}, {}, {scrubbing}},
      {running_update, {}, {}, {running_updating}},
      {running_updating, {}, {}, {unresourced, running}},
      {quiescing, {}, {}, {unresourced, quiesced}},
      {restarting, {}, {}, {unresourced, running}},
      {scrub_prep, {}, {}, {unresourced, scrub_queue}},
      {quiesced_update, {}, {}, {quiesced_updating}},
      {quiesced_updating, {}, {}, {unresourced, quiesced}},
      {scrubbing, {}, {}, {unresourced, closed}},
  };
  return map;
}

const std::vector<lifecycle_state>& routes_from(lifecycle_state from, caller by, bool copy) {
  static const std::vector<lifecycle_state> nowhere;
  const auto& map = state_map();
  const auto found = std::find_if(map.begin(), map.end(), [from](const auto& one) { return one.from == from; });
  if (found == map.end()) return nowhere;
  if (by == caller::orchestrator) return found->orchestrator;
  return copy ? found->user_of_copy : found->user;
}

std::optional<lifecycle_state> update_of(lifecycle_state state) {
  if (state == running) return running_update;
  if (state == quiesced) return quiesced_update;
  return std::nullopt;
}

bool is_at_rest(lifecycle_state state) {
  return state == running || state == quiesced || state == scrub_queue || state == closed;
}

}  // namespace regent::sim
