// Kinds for a simulated region: a virtual_router stands on both hosts of the pair, a disk on one host of its own.
#pragma once

#include <memory>

#include "primitives/planner.hpp"

namespace regent::sim {

std::shared_ptr<const catalogue> make_sim_kinds();

/// The hosts on which the resource stands, the enabled one first.
std::vector<host_id> hosts_of(const resource_id& id, const region_config& region);

inline constexpr std::array<const char*, 2> sim_primitives{"net", "fw"};

}  // namespace regent::sim
