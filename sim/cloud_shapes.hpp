// Records as they are stored when they are new: every field that the published server answers.
#pragma once

#include "sim/cloud_records.hpp"
#include "sim/cloud_rows.hpp"

namespace regent::sim {

json::array routes_json(const std::vector<route_spec>& routes);
json::array sets_json(const std::vector<set_spec>& sets);
json::object server_json(const server_spec& server, std::int64_t region);
/// A volume's size as its record has it, and as a PATCH names it.
inline constexpr std::string_view volume_sku = "CEPH_001";
json::array volume_specs(std::int64_t gb);
/// Size of a volume in GB; 0 if a player has left none in its record.
std::int64_t volume_gb(const row& volume);
/// A record that can be created alone, without its references; empty for other kinds.
json::object defaults_of(kind what);

}  // namespace regent::sim
