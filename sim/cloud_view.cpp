#include "sim/cloud_view.hpp"

#include <algorithm>

namespace regent::sim {

namespace {

/// The stored fields that may leave, in their order.
json::object plain(const row& of) {
  json::object out;
  for (const auto& [field, value] : of)
    if (!field.starts_with("_")) out.emplace(field, value);
  return out;
}

void leave_out(json::object& from, std::initializer_list<std::string_view> fields) {
  for (const auto field : fields) from.erase(field);
}

json::value referred(const cloud_rows& rows, kind what, const row& from, std::string_view field) {
  const auto* target = rows.find(what, number_in(from, field, -1));
  return target ? json::value(view(rows, what, *target, detail::listed)) : json::value(nullptr);
}

json::array each(const cloud_rows& rows, kind what, std::string_view field, std::int64_t value) {
  json::array out;
  for (const auto id : rows.where(what, field, value))
    out.push_back(view(rows, what, *rows.find(what, id), detail::listed));
  return out;
}

json::object project_view(const cloud_rows& rows, const row& of) {
  auto out = plain(of);
  const auto id = number_in(of, "id");
  const auto routers = rows.where(kind::virtual_router, "project_id", id);
  std::vector<lifecycle_state> states;
  for (const auto router : routers) states.push_back(state_in(*rows.find(kind::virtual_router, router)));
  for (const auto vm : rows.where(kind::vm, "project_id", id)) states.push_back(state_in(*rows.find(kind::vm, vm)));
  const auto going = [](lifecycle_state s) {
    return s == scrub || s == scrub_prep || s == scrub_queue || s == scrubbing || s == closed;
  };
  const auto lowest = std::min_element(states.begin(), states.end());
  out["cloud_uri"] = "/cloud/" + std::to_string(id) + "/";
  out["min_state"] = lowest == states.end() ? json::value(nullptr) : json::value(number_of(*lowest));
  out["stable"] = std::all_of(states.begin(), states.end(), is_at_rest);
  out["shut_down"] = std::all_of(states.begin(), states.end(), going);
  out["virtual_router_id"] = routers.empty() ? json::value(nullptr) : json::value(routers.front());
  return out;
}

json::object subnet_view(const cloud_rows& rows, const row& of) {
  auto out = plain(of);
  out["allocation"] = {{"id", 1}, {"address_range", of.contains("address_range") ? of.at("address_range") : nullptr}};
  out["ips_in_use"] = rows.where(kind::ip_address, "subnet_id", number_in(of, "id")).size();
  out["subnets_in_use"] = 0;
  out["children"] = json::array();
  out["parent"] = nullptr;
  return out;
}

json::object address_view(const cloud_rows& rows, const row& of) {
  auto out = plain(of);
  leave_out(out, {"subnet_id", "public_ip_id", "uri"});
  out["subnet"] = referred(rows, kind::subnet, of, "subnet_id");
  const auto* outside = rows.find(kind::ip_address, number_in(of, "public_ip_id", -1));
  out["public_ip"] = nullptr;
  if (outside) out["public_ip"] = {{"address", outside->at("address")}, {"id", outside->at("id")}};
  return out;
}

json::array short_subnets(const cloud_rows& rows, std::int64_t router) {
  json::array out;
  for (const auto id : rows.where(kind::subnet, "virtual_router_id", router)) {
    auto fields = plain(*rows.find(kind::subnet, id));
    leave_out(fields, {"created", "updated", "uri", "gateway", "virtual_router_id"});
    out.push_back(std::move(fields));
  }
  return out;
}

json::array ordered_rules(const cloud_rows& rows, std::int64_t router) {
  auto rules = each(rows, kind::firewall_rule, "virtual_router_id", router);
  std::stable_sort(rules.begin(), rules.end(), [](const json::value& a, const json::value& b) {
    return number_in(a.get_object(), "order") < number_in(b.get_object(), "order");
  });
  return rules;
}

json::object router_view(const cloud_rows& rows, const row& of) {
  auto out = plain(of);
  const auto id = number_in(of, "id");
  leave_out(out, {"project_id", "ip_address_id"});
  out["subnets"] = short_subnets(rows, id);
  out["firewall_rules"] = ordered_rules(rows, id);
  out["ip_address"] = referred(rows, kind::ip_address, of, "ip_address_id");
  out["project"] = referred(rows, kind::project, of, "project_id");
  return out;
}

json::object vm_view(const cloud_rows& rows, const row& of, detail how) {
  auto out = plain(of);
  leave_out(out, {"project_id", "gateway_subnet_id"});
  out["stable"] = is_at_rest(state_in(of));
  if (how == detail::brief) {
    leave_out(out, {"history", "storages"});
    return out;
  }
  out["gateway_subnet"] = referred(rows, kind::subnet, of, "gateway_subnet_id");
  out["image"] = referred(rows, kind::image, of, "image_id");
  out["ip_addresses"] = each(rows, kind::ip_address, "vm_id", number_in(of, "id"));
  out["project"] = referred(rows, kind::project, of, "project_id");
  out["storage_type"] = how == detail::single ? rows.look_up(of, "server__storage_type__name") : json::value(nullptr);
  return out;
}

json::object copy_view(const cloud_rows& rows, const row& of, detail how) {
  auto out = plain(of);
  leave_out(out, {"vm_id"});
  if (how != detail::brief) out["vm"] = referred(rows, kind::vm, of, "vm_id");
  return out;
}

json::object volume_view(const row& of, detail how) {
  auto out = plain(of);
  leave_out(out, {"updated", "uri"});
  if (how != detail::single) out["specs"] = nullptr;
  return out;
}

json::object device_view(const cloud_rows& rows, const row& of) {
  auto out = plain(of);
  leave_out(out, {"created", "updated", "uri"});
  out["server"] = referred(rows, kind::server, of, "server_id");
  return out;
}

json::object without_uri(const row& of) {
  auto out = plain(of);
  out.erase("uri");
  return out;
}

json::object nested(const cloud_rows& rows, kind what, const row& of, detail how) {
  switch (what) {
    case kind::project: return project_view(rows, of);
    case kind::subnet: return subnet_view(rows, of);
    case kind::ip_address: return address_view(rows, of);
    case kind::virtual_router: return router_view(rows, of);
    case kind::vm: return vm_view(rows, of, how);
    case kind::snapshot:
    case kind::backup: return copy_view(rows, of, how);
    case kind::firewall_rule: return without_uri(of);
    case kind::ceph: return volume_view(of, how);
    case kind::device: return device_view(rows, of);
    case kind::server:
    case kind::vpn:
    case kind::image: break;
  }
  return plain(of);
}

json::array mails(const cloud_rows& rows, kind what, const row& of) {
  const auto* vm = what == kind::vm ? &of : rows.find(kind::vm, number_in(of, "vm_id", -1));
  if (what == kind::vpn && !flag_in(of, "send_email")) return {};
  return vm || what == kind::vpn ? json::array{"user@sim.test"} : json::array{};
}

void force(json::object& out, const row& of) {
  if (const auto* raw = of.if_contains("_raw"); raw && raw->is_object())
    for (const auto& [field, value] : raw->get_object()) out[field] = value;
  if (const auto* without = of.if_contains("_without"); without && without->is_array())
    for (const auto& field : without->get_array())
      if (field.is_string()) out.erase(std::string_view(field.get_string()));
}

}  // namespace

json::object view(const cloud_rows& rows, kind what, const row& of, detail how) {
  auto out = nested(rows, what, of, how);
  if (what == kind::vm || what == kind::snapshot || what == kind::backup || what == kind::vpn)
    out["emails"] = how == detail::single ? mails(rows, what, of) : json::array();
  force(out, of);
  return out;
}

}  // namespace regent::sim
