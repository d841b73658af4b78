#include "sim/cloud_list_rules.hpp"

namespace regent::sim {

using enum field_type;

const list_rules& rules_of(kind what) {
  static const list_rules router{
      {{"created", time},
       {"id", number},
       {"ip_address_id", number},
       {"project_id", number},
       {"project__address_id", number},
       {"project__name", text},
       {"project__region_id", number},
       {"state", number},
       {"updated", time}},
      {"project__name", "created", "project__address_id", "project_id", "project__region_id", "state"}};
  static const list_rules vm{{{"created", time},
                              {"id", number},
                              {"image__display_name", text},
                              {"name", text},
                              {"project_id", number},
                              {"project__address_id", number},
                              {"project__name", text},
                              {"project__region_id", number},
                              {"server_id", number},
                              {"server__type__id", number},
                              {"server__type__name", text},
                              {"state", number},
                              {"updated", time}},
                             {"created", "name", "project_id", "state", "updated"}};
  static const list_rules snapshot{{{"created", time},
                                    {"id", number},
                                    {"name", text},
                                    {"state", number},
                                    {"vm_id", number},
                                    {"vm__project_id", number}},
                                   {"id", "created", "name", "state"}};
  static const list_rules backup{{{"created", time},
                                  {"id", number},
                                  {"name", text},
                                  {"state", number},
                                  {"time_valid", time},
                                  {"vm_id", number},
                                  {"vm__project_id", number}},
                                 {"time_valid", "created", "name", "state"}};
  static const list_rules project{{{"address_id", number},
                                   {"closed", flag},
                                   {"created", time},
                                   {"id", number},
                                   {"manager_id", number},
                                   {"name", text},
                                   {"region_id", number},
                                   {"reseller_id", number}},
                                  {"name", "address_id", "created", "region_id"}};
  static const list_rules subnet{{{"address_id", number},
                                  {"address_range", text},
                                  {"id", number},
                                  {"name", text},
                                  {"virtual_router_id", number},
                                  {"vlan", number},
                                  {"vxlan", number}},
                                 {"address_range", "name", "created", "updated"}};
  static const list_rules address{{{"address", text},
                                   {"created", time},
                                   {"id", number},
                                   {"name", text},
                                   {"public_ip_id", number},
                                   {"subnet_id", number},
                                   {"subnet__address_id", number},
                                   {"subnet__virtual_router_id", number},
                                   {"subnet__vlan", number},
                                   {"updated", time},
                                   {"vm_id", number}},
                                  {"address", "name", "created", "updated"}};
  static const list_rules server{{{"enabled", flag},
                                  {"hostname", text},
                                  {"id", number},
                                  {"region_id", number},
                                  {"type__id", number},
                                  {"type__name", text}},
                                 {"region_id", "hostname", "created"}};
  static const list_rules vpn{{{"created", time}, {"id", number}, {"virtual_router_id", number}, {"vpn_type", text}},
                              {"id", "created"}};
  static const list_rules image{{{"display_name", text}, {"id", number}}, {"display_name", "id"}};
  static const list_rules ceph{{{"name", text},
                                {"parent_id", number},
                                {"project_id", number},
                                {"project__address_id", number},
                                {"project__name", text},
                                {"project__region_id", number},
                                {"state", number}},
                               {"name"}};
  static const list_rules device{{{"created", time},
                                  {"device_type_id", number},
                                  {"device_type__description", text},
                                  {"device_type__sku", text},
                                  {"id", number},
                                  {"id_on_host", text},
                                  {"server_id", number},
                                  {"updated", time},
                                  {"vm_id", number},
                                  {"vm__name", text},
                                  {"vm__project_id", number},
                                  {"vm__project__address_id", number},
                                  {"vm__project__name", text},
                                  {"vm__project__region_id", number}},
                                 {"id_on_host", "created", "server_id", "updated", "vm_id"}};
  static const list_rules none{{}, {"id"}};
  switch (what) {
    case kind::virtual_router: return router;
    case kind::vm: return vm;
    case kind::snapshot: return snapshot;
    case kind::backup: return backup;
    case kind::project: return project;
    case kind::subnet: return subnet;
    case kind::ip_address: return address;
    case kind::server: return server;
    case kind::vpn: return vpn;
    case kind::image: return image;
    case kind::ceph: return ceph;
    case kind::device: return device;
    case kind::firewall_rule: break;
  }
  return none;
}

}  // namespace regent::sim
