// What a change brings with it: histories, cascades, and the router that must be told.
#include <fmt/format.h>

#include <algorithm>

#include "sim/cloud_model.hpp"

namespace regent::sim {

void cloud_model::write(kind what, row& of, const json::object& change, const accepted& doing) {
  const auto to = doing.to;
  json::object resized;
  if (what == kind::vm) {
    for (const auto field : {"name", "userdata"})
      if (const auto* value = change.if_contains(field); value && value->is_string()) of[field] = *value;
    for (const auto field : {"cpu", "ram", "gpu", "storages"})
      if (const auto* value = change.if_contains(field); value && !value->is_null() && *value != of[field])
        resized[field] = *value;
    for (const auto& [field, value] : resized) of[field] = value;
    change_nat(doing.nat);
    if (!doing.nat.empty()) resized["nat"] = nat_count(of);
  }
  if (what == kind::ceph) write_volume(of, change);
  if (what == kind::snapshot && to == scrub) of["remove_subtree"] = flag_in(change, "remove_subtree");
  if (what == kind::backup && !text_in(change, "time_valid").empty()) {
    auto time = text_in(change, "time_valid");
    time[10] = 'T';
    of["time_valid"] = time;
  }
  if (to || !resized.empty()) add_history(what, of, to, resized);
  if (to)
    enter_state(what, of, *to);
  else
    rows_.touch(of);
  if (!doing.nat.empty()) nudge_routers_of(number_in(of, "project_id", -1));
}

void cloud_model::enter_state(kind what, row& of, lifecycle_state to) {
  if (to == scrub) of["_before_scrub"] = number_of(state_in(of));
  set_state(of, to);
  rows_.touch(of);
  if (what == kind::virtual_router && to == closed) close_router(of);
  if (what == kind::vm && to == closed) close_vm(of);
  if (what == kind::snapshot && to == running_update) flip_active(of);
  if (what == kind::snapshot && flag_in(of, "remove_subtree") && (to == scrubbing || to == closed))
    cascade_snapshot(number_in(of, "id"), to);
}

void cloud_model::add_history(kind what, row& of, std::optional<lifecycle_state> to, const json::object& changed) {
  if (what == kind::virtual_router || what == kind::ceph) return;
  json::object entry{{"created", rows_.stamp()}, {"modified_by", 2}};
  entry[fmt::format("{}_id", name(what))] = of["id"];
  entry["state"] = to ? json::value(number_of(*to)) : of["state"];
  if (what == kind::vm) {
    for (const auto field : {"cpu_quantity", "cpu_sku", "gpu_quantity", "gpu_sku", "image_quantity", "image_sku",
                             "nat_quantity", "nat_sku", "ram_quantity", "ram_sku"})
      entry[field] = nullptr;
    for (const auto field : {"cpu", "ram", "gpu", "nat"})
      if (changed.contains(field)) entry[std::string(field) + "_quantity"] = changed.at(field);
    const auto project = number_in(of, "project_id");
    const auto* owner = rows_.find(kind::project, project);
    entry["project_id"] = project;
    entry["customer_address"] = 1;
    entry["project_vm_name"] = (owner ? text_in(*owner, "name") : "") + "_" + text_in(of, "name");
    const auto storages = storage_history(changed.contains("storages") ? changed.at("storages") : nullptr);
    entry["storages"] = storages;
    entry["storage_histories"] = storages;
  }
  auto* history = of["history"].if_array();
  if (history) history->insert(history->begin(), std::move(entry));
}

json::array cloud_model::storage_history(const json::value& storages) {
  json::array out;
  if (!storages.is_array()) return out;
  for (const auto& one : storages.get_array()) {
    if (!one.is_object()) continue;
    const auto& storage = one.get_object();
    out.push_back({{"gb_quantity", number_in(storage, "gb")},
                   {"gb_sku", "SSD_001"},
                   {"storage_id", number_in(storage, "id")},
                   {"storage_name", text_in(storage, "name")}});
  }
  return out;
}

void cloud_model::close_router(row& router) {
  const auto id = number_in(router, "id");
  for (const auto subnet : rows_.where(kind::subnet, "virtual_router_id", id)) erase_subnet(subnet);
  for (const auto rule : rows_.where(kind::firewall_rule, "virtual_router_id", id))
    rows_.erase(kind::firewall_rule, rule);
  for (const auto vpn : rows_.where(kind::vpn, "virtual_router_id", id)) rows_.erase(kind::vpn, vpn);
  rows_.erase(kind::ip_address, number_in(router, "ip_address_id", -1));
  router["ip_address_id"] = nullptr;
  if (auto* project = rows_.find(kind::project, number_in(router, "project_id", -1))) {
    (*project)["closed"] = true;
    rows_.touch(*project);
  }
}

void cloud_model::erase_subnet(std::int64_t id) {
  for (const auto address : rows_.where(kind::ip_address, "subnet_id", id)) erase_address(address);
  rows_.erase(kind::subnet, id);
}

bool cloud_model::erase_address(std::int64_t id) {
  const auto* address = rows_.find(kind::ip_address, id);
  if (!address) return false;
  const auto outside = number_in(*address, "public_ip_id", -1);
  rows_.erase(kind::ip_address, outside);
  rows_.erase(kind::ip_address, id);
  return outside != -1;
}

void cloud_model::close_vm(const row& vm) {
  bool had_nat = false;
  for (const auto address : rows_.where(kind::ip_address, "vm_id", number_in(vm, "id")))
    had_nat = erase_address(address) || had_nat;
  if (had_nat) nudge_routers_of(number_in(vm, "project_id", -1));
}

void cloud_model::flip_active(row& snapshot) {
  for (const auto id : rows_.where(kind::snapshot, "vm_id", number_in(snapshot, "vm_id", -1)))
    (*rows_.find(kind::snapshot, id))["active"] = false;
  snapshot["active"] = true;
}

void cloud_model::cascade_snapshot(std::int64_t parent, lifecycle_state to) {
  for (const auto id : rows_.where(kind::snapshot, "parent_id", parent)) {
    auto& child = *rows_.find(kind::snapshot, id);
    if (id == parent || state_in(child) == to) continue;
    add_history(kind::snapshot, child, to, {});
    set_state(child, to);
    rows_.touch(child);
    cascade_snapshot(id, to);
  }
}

bool cloud_model::nudge_router(std::int64_t id) {
  auto* router = rows_.find(kind::virtual_router, id);
  if (!router) return false;
  rows_.touch(*router);
  const auto to = update_of(state_in(*router));
  if (to) enter_state(kind::virtual_router, *router, *to);
  return to.has_value();
}

void cloud_model::nudge_routers_of(std::int64_t project) {
  for (const auto router : rows_.where(kind::virtual_router, "project_id", project)) nudge_router(router);
}

void cloud_model::tell_robot(std::int64_t id) {
  changed_ = true;
  if (auto* project = rows_.find(kind::project, id)) (*project)["_run_robot"] = true;
}

std::int64_t cloud_model::project_of(kind what, const row& of) const {
  if (what == kind::project) return number_in(of, "id", -1);
  if (what == kind::snapshot || what == kind::backup) {
    const auto* vm = rows_.find(kind::vm, number_in(of, "vm_id", -1));
    return vm ? number_in(*vm, "project_id", -1) : -1;
  }
  return number_in(of, "project_id", -1);
}

cloud_model::verdict cloud_model::check_project_scrub(std::int64_t project) const {
  const refusal unstable{"state", "iaas_project_update_106",
                         "Everything in the project must be stable before a scrub."};
  for (const auto id : rows_.where(kind::virtual_router, "project_id", project))
    if (!is_at_rest(state_in(*rows_.find(kind::virtual_router, id)))) return unstable;
  for (const auto id : rows_.where(kind::vm, "project_id", project)) {
    const auto& vm = *rows_.find(kind::vm, id);
    if (!is_at_rest(state_in(vm))) return unstable;
    if (const auto no = check_vm_state(vm, scrub); no && state_in(vm) != closed) return no;
  }
  return std::nullopt;
}

void cloud_model::scrub_project(std::int64_t project) {
  for (const auto what : {kind::virtual_router, kind::vm})
    for (const auto id : rows_.where(what, "project_id", project)) {
      auto& of = *rows_.find(what, id);
      if (state_in(of) != running && state_in(of) != quiesced) continue;
      add_history(what, of, scrub, {});
      enter_state(what, of, scrub);
    }
}

void cloud_model::restore_project(std::int64_t project) {
  for (const auto id : rows_.where(kind::virtual_router, "project_id", project)) {
    auto& router = *rows_.find(kind::virtual_router, id);
    // The server looks at no more than this, so it revives a router that is closed, without its addresses.
    if (state_in(router) == scrub_queue || state_in(router) == closed)
      enter_state(kind::virtual_router, router, restart);
  }
  for (const auto id : rows_.where(kind::vm, "project_id", project)) {
    auto& vm = *rows_.find(kind::vm, id);
    if (state_in(vm) != scrub_queue) continue;
    const auto to = number_in(vm, "_before_scrub") == number_of(running) ? restart : quiesced;
    add_history(kind::vm, vm, to, {});
    enter_state(kind::vm, vm, to);
  }
}

}  // namespace regent::sim
