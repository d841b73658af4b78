#include "sim/cloud_shapes.hpp"

namespace regent::sim {

json::array routes_json(const std::vector<route_spec>& routes) {
  json::array out;
  for (const auto& r : routes)
    out.push_back({{"destination", r.destination}, {"gateway", r.gateway}, {"metric", r.metric}});
  return out;
}

json::array sets_json(const std::vector<set_spec>& sets) {
  json::array out;
  for (const auto& s : sets)
    out.push_back({{"name", s.name}, {"family", s.family}, {"elements", json::value_from(s.elements)}});
  return out;
}

json::object server_json(const server_spec& server, std::int64_t region) {
  const std::int64_t type = server.type == "HyperV" ? 1 : server.type == "Phantom" ? 3 : 2;
  return {{"id", server.id},
          {"asset_tag", nullptr},
          {"cores", 64},
          {"enabled", true},
          {"gb", 1000},
          {"hostname", server.hostname},
          {"interfaces", json::array{{{"id", server.id},
                                      {"details", ""},
                                      {"enabled", true},
                                      {"hostname", server.hostname},
                                      {"ip_address", server.address},
                                      {"mac_address", "02:00:00:00:00:01"},
                                      {"server_id", server.id},
                                      {"uri", "/interface/1/"}}}},
          {"model", "simulated"},
          {"ram", 512},
          {"region_id", region},
          {"storage_type", {{"id", 2}, {"name", "SSD"}}},
          {"type", {{"id", type}, {"name", server.type}}},
          {"vcpus", 512}};
}

json::array volume_specs(std::int64_t gb) { return json::array{{{"sku", volume_sku}, {"quantity", gb}}}; }

std::int64_t volume_gb(const row& volume) {
  const auto* specs = volume.if_contains("specs");
  if (!specs || !specs->is_array()) return 0;
  for (const auto& one : specs->get_array())
    if (one.is_object() && text_in(one.get_object(), "sku") == volume_sku)
      return number_in(one.get_object(), "quantity");
  return 0;
}

namespace {

constexpr std::int64_t ceph_resource = 3;  ///< the published `resource_type` of a volume

json::object vpn_defaults() {
  return {{"description", ""},
          {"dns", nullptr},
          {"ike_authentication", "sha-256"},
          {"ike_dh_groups", "group19,group20"},
          {"ike_gateway_type", "public_ip"},
          {"ike_gateway_value", "192.0.2.4"},
          {"ike_encryption", "aes-256-cbc"},
          {"ike_lifetime", 28800},
          {"ike_local_identifier", "l"},
          {"ike_pre_shared_key", "k"},
          {"ike_remote_identifier", "r"},
          {"ike_version", "v2-only"},
          {"ipsec_authentication", "hmac-sha-256-128"},
          {"ipsec_encryption", "aes-256-cbc"},
          {"ipsec_establish_time", "immediately"},
          {"ipsec_pfs_groups", "group14"},
          {"ipsec_lifetime", 3600},
          {"send_email", true},
          {"stif_number", 10333},
          {"traffic_selector", true},
          {"vpn_type", "site_to_site"},
          {"routes", json::array()},
          {"vpn_clients", json::array()}};
}

}  // namespace

json::object defaults_of(kind what) {
  switch (what) {
    case kind::snapshot:
      return {{"active", true},       {"history", json::array()}, {"name", "snapshot"},
              {"parent_id", nullptr}, {"remove_subtree", false},  {"state", number_of(requested)}};
    case kind::backup:
      return {{"history", json::array()},
              {"name", "backup"},
              {"repository", 1},
              {"state", number_of(requested)},
              {"time_valid", nullptr}};
    case kind::vpn: return vpn_defaults();
    case kind::server: return server_json({}, 100);
    case kind::ceph:
      return {{"name", volume_spec{}.name},
              {"parent_id", nullptr},
              {"resource_type", ceph_resource},
              {"specs", volume_specs(volume_spec{}.gb)},
              {"state", number_of(requested)}};
    case kind::device:
      return {{"device_type", {{"description", "GPU"}, {"id", 1}, {"sku", device_spec{}.sku}}},
              {"device_type_id", 1},
              {"id_on_host", device_spec{}.id_on_host},
              {"vm_id", nullptr}};
    default: return {};
  }
}

}  // namespace regent::sim
