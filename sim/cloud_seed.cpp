// How projects and what belongs to them come into being.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/network_v4.hpp>

#include "sim/cloud_model.hpp"
#include "sim/cloud_shapes.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

constexpr std::int64_t public_subnet_id = 900'000;  ///< out of the way of the tenants' numbers
constexpr std::int64_t first_vlan = 1000, vlan_most = 4094;

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

void append_to(json::value& list, const json::array& more) {
  if (!list.is_array()) list = json::array();
  for (const auto& one : more) list.get_array().push_back(one);
}

}  // namespace

void cloud_model::set_region(const region_spec& region) {
  region_ = region;
  rows_.insert(kind::subnet, {{"id", public_subnet_id},
                              {"address_id", 1},
                              {"address_range", region.public_subnet},
                              {"gateway", nullptr},
                              {"modified_by", 1},
                              {"name", "public"},
                              {"virtual_router_id", nullptr},
                              {"vlan", 0},
                              {"vxlan", 0}});
}

result<void> cloud_model::add(const server_spec& server) {
  if (rows_.find(kind::server, server.id))
    return fail(error_kind::conflict, "record_exists", "server {} exists", server.id);
  rows_.insert(kind::server, server_json(server, region_.id));
  return {};
}

result<void> cloud_model::add(const device_spec& device) {
  if (device.id && rows_.find(kind::device, *device.id))
    return fail(error_kind::conflict, "record_exists", "device {} exists", *device.id);
  auto fields = defaults_of(kind::device);
  fields["device_type"].as_object()["sku"] = device.sku;
  fields["id"] = or_null(device.id);
  fields["id_on_host"] = device.id_on_host;
  fields["server_id"] = device.server;
  fields["vm_id"] = or_null(device.vm);
  rows_.insert(kind::device, std::move(fields));
  return {};
}

result<std::int64_t> cloud_model::add(const project_spec& project) {
  if (const auto what = taken(project)) return fail(error_kind::conflict, "record_exists", "{}", *what);
  const auto& router = project.router;
  const auto id = number_in(rows_.insert(kind::project, {{"id", or_null(project.id)},
                                                         {"address_id", 1},
                                                         {"closed", false},
                                                         {"grace_period", or_null(project.grace_period)},
                                                         {"manager_id", 2},
                                                         {"name", project.name},
                                                         {"note", project.note},
                                                         {"region_id", region_.id},
                                                         {"reseller_id", 1},
                                                         {"_run_robot", true}}),
                            "id");
  const auto outside = router.public_address.empty() ? free_public_addresses(1).front() : router.public_address;
  auto& stored = rows_.insert(kind::virtual_router, {{"id", or_null(router.id)},
                                                     {"router_id", 1},
                                                     {"state", number_of(router.state)},
                                                     {"project_id", id},
                                                     {"ip_address_id", add_public_address(outside)},
                                                     {"routes", json::array()},
                                                     {"sets", json::array()},
                                                     {"_phantom", router.phantom},
                                                     {"_raw", router.raw}});
  const auto router_id = number_in(stored, "id");
  add_parts(router_id, router);
  for (const auto& vm : project.vms) add_vm(id, router_id, vm);
  for (const auto& volume : project.volumes) add_volume(id, volume);
  changed_ = true;
  return id;
}

std::optional<std::string> cloud_model::taken(const project_spec& project) const {
  const auto stands = [this](kind what, const std::optional<std::int64_t>& id) {
    return id && rows_.find(what, *id) != nullptr;
  };
  const auto say = [](kind what, const std::optional<std::int64_t>& id) {
    return fmt::format("{} {} exists", name(what), id.value_or(0));
  };
  if (stands(kind::project, project.id)) return say(kind::project, project.id);
  if (stands(kind::virtual_router, project.router.id)) return say(kind::virtual_router, project.router.id);
  for (const auto& s : project.router.subnets)
    if (stands(kind::subnet, s.id)) return say(kind::subnet, s.id);
  for (const auto& r : project.router.rules)
    if (stands(kind::firewall_rule, r.id)) return say(kind::firewall_rule, r.id);
  for (const auto& vm : project.vms)
    if (stands(kind::vm, vm.id)) return say(kind::vm, vm.id);
  for (const auto& volume : project.volumes)
    if (stands(kind::ceph, volume.id)) return say(kind::ceph, volume.id);
  std::vector<std::string> wanted{project.router.public_address};
  for (const auto& n : project.router.nat) wanted.push_back(n.public_address);
  for (const auto& address : wanted)
    if (public_address_taken(address)) return fmt::format("the public address {} is in use", address);
  if (project.router.public_address.empty() && free_public_addresses(1).empty())
    return "no public address is free in " + region_.public_subnet;
  return std::nullopt;
}

bool cloud_model::public_address_taken(const std::string& address) const {
  const auto same = rows_.where(kind::ip_address, "address", address);
  return std::any_of(same.begin(), same.end(), [this](auto id) {
    return number_in(*rows_.find(kind::ip_address, id), "subnet_id") == public_subnet_id;
  });
}

std::vector<std::string> cloud_model::free_public_addresses(std::size_t count) const {
  std::vector<std::string> found;
  boost::system::error_code bad;
  const auto network = boost::asio::ip::make_network_v4(region_.public_subnet, bad);
  if (bad) return found;
  // Going on from the newest address finds a free one at once in a region that only grows.
  const auto first = network.network().to_uint() + 1, last = network.broadcast().to_uint();
  const auto size = last > first ? last - first : 0;
  const auto start = public_cursor_;
  for (std::uint32_t step = 0; step < size && found.size() < count; ++step) {
    const boost::asio::ip::address_v4 host(first + (start + step) % size);
    if (host == network.address() || public_address_taken(host.to_string())) continue;
    public_cursor_ = host.to_uint() - first;
    found.push_back(host.to_string());
  }
  return found;
}

std::int64_t cloud_model::add_address(std::int64_t subnet, const std::string& address) {
  return number_in(rows_.insert(kind::ip_address, {{"address", address},
                                                   {"credentials", ""},
                                                   {"location", ""},
                                                   {"mac_address", nullptr},
                                                   {"modified_by", 2},
                                                   {"name", ""},
                                                   {"public_ip_id", nullptr},
                                                   {"subnet_id", subnet},
                                                   {"vm_id", nullptr}}),
                   "id");
}

std::int64_t cloud_model::add_public_address(const std::string& address) {
  return add_address(public_subnet_id, address);
}

void cloud_model::add_subnet(std::int64_t router, const subnet_spec& subnet) {
  const auto vlan = subnet.vlan.value_or(next_vlan_);
  // Past the last one they begin again, as two tenants may share a number in a large simulated region.
  if (vlan >= next_vlan_) next_vlan_ = vlan >= vlan_most ? first_vlan : vlan + 1;
  rows_.insert(kind::subnet, {{"id", or_null(subnet.id)},
                              {"address_id", 1},
                              {"address_range", subnet.address_range},
                              {"gateway", nullptr},
                              {"modified_by", 2},
                              {"name", subnet.name},
                              {"virtual_router_id", router},
                              {"vlan", vlan},
                              {"vxlan", 200}});
}

void cloud_model::add_rule(std::int64_t router, const rule_spec& rule, std::int64_t order) {
  rows_.insert(kind::firewall_rule, {{"id", or_null(rule.id)},
                                     {"allow", rule.allow},
                                     {"debug_logging", rule.log},
                                     {"description", rule.description},
                                     {"destination", network_text(rule.destination).value_or(rule.destination)},
                                     {"order", order},
                                     {"pci_logging", false},
                                     {"port", rule.port.empty() ? json::value(nullptr) : json::value(rule.port)},
                                     {"protocol", rule.protocol},
                                     {"source", network_text(rule.source).value_or(rule.source)},
                                     {"virtual_router_id", router}});
}

std::optional<std::int64_t> cloud_model::subnet_around(std::int64_t router, const std::string& address) const {
  for (const auto id : rows_.where(kind::subnet, "virtual_router_id", router))
    if (lies_in(address, text_in(*rows_.find(kind::subnet, id), "address_range"))) return id;
  return std::nullopt;
}

void cloud_model::add_nat(std::int64_t router, const nat_spec& nat) {
  const auto subnet = subnet_around(router, nat.private_address);
  if (!subnet) return;  // `misplaced` has refused this already
  const auto outside = add_public_address(nat.public_address);
  for (const auto id : rows_.where(kind::ip_address, "subnet_id", *subnet)) {
    auto& inside = *rows_.find(kind::ip_address, id);
    if (text_in(inside, "address") != nat.private_address) continue;
    inside["public_ip_id"] = outside;
    return;
  }
  const auto inside = add_address(*subnet, nat.private_address);
  (*rows_.find(kind::ip_address, inside))["public_ip_id"] = outside;
}

void cloud_model::add_parts(std::int64_t router, const router_spec& parts) {
  std::int64_t order = 0;
  for (const auto id : rows_.where(kind::firewall_rule, "virtual_router_id", router))
    order = std::max(order, number_in(*rows_.find(kind::firewall_rule, id), "order") + 1);
  for (const auto& subnet : parts.subnets) add_subnet(router, subnet);
  for (const auto& rule : parts.rules) add_rule(router, rule, order++);
  for (const auto& nat : parts.nat) add_nat(router, nat);
  auto& stored = *rows_.find(kind::virtual_router, router);
  append_to(stored["routes"], routes_json(parts.routes));
  append_to(stored["sets"], sets_json(parts.sets));
}

std::int64_t cloud_model::add_vm(std::int64_t project, std::int64_t router, const vm_spec& vm) {
  const auto subnets = rows_.where(kind::subnet, "virtual_router_id", router);
  auto& stored = rows_.insert(
      kind::vm, {{"id", or_null(vm.id)},
                 {"available_devices", nullptr},
                 {"cpu", vm.cpu},
                 {"dns", "8.8.8.8"},
                 {"gpu", vm.gpu},
                 {"guid", fmt::format("00000000-0000-4000-8000-{:012}", rows_.all(kind::vm).size() + 1)},
                 {"image_id", 17},
                 {"name", vm.name},
                 {"public_key", nullptr},
                 {"ram", vm.ram},
                 {"server_id", vm.server},
                 {"state", number_of(vm.state)},
                 {"userdata", ""},
                 {"gateway_subnet_id", subnets.empty() ? json::value(nullptr) : json::value(subnets.front())},
                 {"history", json::array()},
                 {"project_id", project},
                 {"storages", json::array()},
                 {"_raw", vm.raw}});
  const auto id = number_in(stored, "id");
  const auto now = rows_.stamp();
  stored["storages"] = json::array{{{"created", now},
                                    {"gb", vm.gb},
                                    {"history", json::array()},
                                    {"id", id},
                                    {"name", "root"},
                                    {"primary", true},
                                    {"updated", now},
                                    {"uri", fmt::format("/vm/{0}/storage/{0}/", id)},
                                    {"vm_id", id}}};
  const json::object sizes{{"cpu", vm.cpu}, {"ram", vm.ram}, {"storages", stored.at("storages")}};
  add_history(kind::vm, stored, requested, sizes);
  for (const auto& address : vm.addresses) {
    const auto subnet = subnet_around(router, address);
    if (!subnet) continue;  // the parser has refused this already
    auto of_subnet = rows_.where(kind::ip_address, "subnet_id", *subnet);
    const auto same = std::find_if(of_subnet.begin(), of_subnet.end(), [&](auto ip) {
      return text_in(*rows_.find(kind::ip_address, ip), "address") == address;
    });
    auto& ip = *rows_.find(kind::ip_address, same == of_subnet.end() ? add_address(*subnet, address) : *same);
    ip["vm_id"] = id;
    rows_.index(kind::ip_address, ip);
    // The published server sets it on one address of a subnet only.
    if (of_subnet.empty()) ip["mac_address"] = fmt::format("02:00:64:00:00:{:02x}", id % 256);
  }
  return id;
}

void cloud_model::add_volume(std::int64_t project, const volume_spec& volume) {
  auto fields = defaults_of(kind::ceph);
  fields["id"] = or_null(volume.id);
  fields["name"] = volume.name;
  fields["parent_id"] = or_null(volume.vm);
  fields["project_id"] = project;
  fields["specs"] = volume_specs(volume.gb);
  fields["state"] = number_of(volume.state);
  rows_.insert(kind::ceph, std::move(fields));
}

answer cloud_model::add(std::int64_t project, const vm_spec& vm) {
  const auto routers = rows_.where(kind::virtual_router, "project_id", project);
  if (routers.empty()) return detail_answer(404, fmt::format("There is no project {} with a router.", project));
  if (vm.id && rows_.find(kind::vm, *vm.id)) return detail_answer(400, fmt::format("vm {} exists", *vm.id));
  for (const auto& address : vm.addresses)
    if (!subnet_around(routers.front(), address))
      return detail_answer(400, fmt::format("{} lies in none of the router's subnets", address));
  const auto id = add_vm(project, routers.front(), vm);
  tell_robot(project);
  return json_answer(201, {{"content", view(rows_, kind::vm, *rows_.find(kind::vm, id), detail::single)}});
}

}  // namespace regent::sim
