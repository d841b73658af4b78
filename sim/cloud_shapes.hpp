// Records as they are stored when they are new: every field that the published server answers.
#pragma once

#include "sim/cloud_records.hpp"
#include "sim/cloud_rows.hpp"

namespace regent::sim {

json::array routes_json(const std::vector<route_spec>& routes);
json::array sets_json(const std::vector<set_spec>& sets);
json::object server_json(const server_spec& server, std::int64_t region);
/// A snapshot, backup or VPN without its references; empty for other kinds.
json::object defaults_of(kind what);

}  // namespace regent::sim
