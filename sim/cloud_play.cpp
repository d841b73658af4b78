// The play: records that change and vanish without the dialect's rules.
#include <fmt/format.h>

#include "sim/cloud_model.hpp"
#include "sim/cloud_shapes.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

/// What a record of this kind belongs to, for those that can be created alone.
std::optional<kind> owner_of(kind what) {
  switch (what) {
    case kind::snapshot:
    case kind::backup: return kind::vm;
    case kind::vpn: return kind::virtual_router;
    case kind::ceph: return kind::project;
    case kind::device: return kind::server;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> cloud_model::misplaced(std::int64_t router, const router_spec& parts) const {
  for (const auto& nat : parts.nat) {
    if (public_address_taken(nat.public_address))
      return fmt::format("the public address {} is in use", nat.public_address);
    if (!subnet_around(router, nat.private_address))
      return fmt::format("{} lies in none of the router's subnets", nat.private_address);
  }
  for (const auto& subnet : parts.subnets)
    if (subnet.id && rows_.find(kind::subnet, *subnet.id)) return fmt::format("subnet {} exists", *subnet.id);
  for (const auto& rule : parts.rules)
    if (rule.id && rows_.find(kind::firewall_rule, *rule.id)) return fmt::format("firewall_rule {} exists", *rule.id);
  return std::nullopt;
}

void cloud_model::clear_parts(std::int64_t router, const std::string& part) {
  const auto subnets = rows_.where(kind::subnet, "virtual_router_id", router);
  if (part == "subnets")
    for (const auto id : subnets) rows_.erase(kind::subnet, id);
  if (part == "firewall_rules")
    for (const auto id : rows_.where(kind::firewall_rule, "virtual_router_id", router))
      rows_.erase(kind::firewall_rule, id);
  if (part == "routes" || part == "sets") (*rows_.find(kind::virtual_router, router))[part] = json::array();
  if (part != "nat") return;
  for (const auto subnet : subnets)
    for (const auto id : rows_.where(kind::ip_address, "subnet_id", subnet)) {
      auto& inside = *rows_.find(kind::ip_address, id);
      end_nat(inside);
      if (number_in(inside, "vm_id", -1) == -1) rows_.erase(kind::ip_address, id);
    }
}

void cloud_model::drop_orphans(std::int64_t router, const std::vector<std::int64_t>& old_subnets) {
  for (const auto subnet : old_subnets) {
    const auto* stands = rows_.find(kind::subnet, subnet);
    if (!stands || number_in(*stands, "virtual_router_id", -1) != router) erase_subnet(subnet);
  }
}

void cloud_model::merge_subnets(std::int64_t router, const router_spec& subnets) {
  for (const auto& subnet : subnets.subnets) {
    auto* stands = rows_.find(kind::subnet, subnet.id.value_or(-1));
    if (!stands) {
      add_subnet(router, subnet);
    } else if (number_in(*stands, "virtual_router_id", -1) == router) {
      (*stands)["name"] = subnet.name;
      (*stands)["address_range"] = subnet.address_range;
      rows_.touch(*stands);
    }
  }
  nudge_router(router);
}

answer cloud_model::router_changed(std::int64_t router) {
  nudge_router(router);
  const auto& stored = *rows_.find(kind::virtual_router, router);
  tell_robot(number_in(stored, "project_id", -1));
  return content_answer(view(rows_, kind::virtual_router, stored, detail::single));
}

std::vector<std::pair<kind, row>> cloud_model::parts_of(std::int64_t router) const {
  std::vector<std::pair<kind, row>> out;
  const auto keep = [&](kind what, std::int64_t id) {
    if (const auto* found = rows_.find(what, id)) out.emplace_back(what, *found);
  };
  keep(kind::virtual_router, router);
  for (const auto rule : rows_.where(kind::firewall_rule, "virtual_router_id", router)) keep(kind::firewall_rule, rule);
  for (const auto subnet : rows_.where(kind::subnet, "virtual_router_id", router)) {
    keep(kind::subnet, subnet);
    for (const auto address : rows_.where(kind::ip_address, "subnet_id", subnet)) {
      keep(kind::ip_address, address);
      keep(kind::ip_address, number_in(*rows_.find(kind::ip_address, address), "public_ip_id", -1));
    }
  }
  return out;
}

answer cloud_model::replace(std::int64_t router, const std::string& part, const router_spec& with) {
  if (!rows_.find(kind::virtual_router, router)) return detail_answer(404, "There is no such virtual router.");
  const auto before = parts_of(router);
  const auto old_subnets = rows_.where(kind::subnet, "virtual_router_id", router);
  clear_parts(router, part);
  if (const auto why = misplaced(router, with)) {
    for (const auto& [what, as_it_was] : before) rows_.put_back(what, as_it_was);
    return detail_answer(400, *why);
  }
  add_parts(router, with);
  drop_orphans(router, old_subnets);
  return router_changed(router);
}

answer cloud_model::append(std::int64_t router, const router_spec& what) {
  if (!rows_.find(kind::virtual_router, router)) return detail_answer(404, "There is no such virtual router.");
  if (const auto why = misplaced(router, what)) return detail_answer(400, *why);
  add_parts(router, what);
  return router_changed(router);
}

answer cloud_model::force(kind what, std::int64_t id, const json::object& fields) {
  auto* found = rows_.find(what, id);
  if (!found) return detail_answer(404, fmt::format("There is no {}/{}.", name(what), id));
  for (const auto& [field, value] : fields) {
    if (field == "raw")
      (*found)["_raw"] = value;
    else if (field == "raw_remove")
      (*found)["_without"] = value;
    else if (field == "run_robot")
      (*found)["_run_robot"] = value;
    else if (field != "id" && field != "updated" && !field.starts_with("_"))
      (*found)[field] = value;
  }
  rows_.index(what, *found);
  rows_.touch(*found);
  if (const auto* updated = fields.if_contains("updated")) (*found)["updated"] = *updated;
  if (!fields.contains("run_robot")) tell_robot(project_of(what, *found));
  return content_answer(view(rows_, what, *found, detail::single));
}

answer cloud_model::edit(kind what, std::int64_t id, const json::object& fields) {
  auto done = force(what, id, fields);
  const auto router = done.status == 200 ? router_of(what, *rows_.find(what, id)) : -1;
  if (rows_.find(kind::virtual_router, router)) router_changed(router);
  return done;
}

std::int64_t cloud_model::router_of(kind what, const row& part) const {
  if (what != kind::ip_address) return number_in(part, "virtual_router_id", -1);
  const auto owner = rows_.look_up(part, "subnet__virtual_router_id");
  return owner.is_int64() ? owner.get_int64() : -1;
}

answer cloud_model::create(kind what, json::object fields) {
  auto whole = defaults_of(what);
  for (const auto& [field, value] : fields) whole[field] = value;
  const auto owner = owner_of(what);
  if (!owner) return detail_answer(400, fmt::format("A {} cannot be created alone; post a project.", name(what)));
  const auto reference = fmt::format("{}_id", name(*owner));
  if (!rows_.find(*owner, number_in(whole, reference, -1)))
    return detail_answer(400, fmt::format("\"{}\" must be the number of a {}.", reference, name(*owner)));
  if (rows_.find(what, number_in(whole, "id", -1))) return detail_answer(400, "That number is taken.");
  auto& stored = rows_.insert(what, std::move(whole));
  if (row_of(what).has_state) {
    add_history(what, stored, state_in(stored), {});
    tell_robot(project_of(what, stored));
  } else if (what == kind::vpn) {
    router_changed(number_in(stored, "virtual_router_id"));
  }
  return json_answer(201, {{"content", view(rows_, what, stored, detail::single)}});
}

answer cloud_model::erase(kind what, std::int64_t id) {
  const auto* found = rows_.find(what, id);
  if (!found) return detail_answer(404, fmt::format("There is no {}/{}.", name(what), id));
  const auto router = router_of(what, *found);
  if (what == kind::ip_address) {
    erase_address(id);
  } else if (what == kind::subnet) {
    erase_subnet(id);
  } else {
    rows_.erase(what, id);
  }
  if (rows_.find(kind::virtual_router, router)) router_changed(router);
  return {204, "", "", {}};
}

json::object cloud_model::overview() const {
  json::array resources;
  for (const auto& table : kind_table) {
    if (!table.has_state) continue;
    for (const auto& [id, of] : rows_.all(table.what)) {
      const auto known = state_of(number_in(of, "state", -1));
      resources.push_back({{"id", fmt::format("{}/{}", table.name, id)},
                           {"state", known ? std::string(regent::name(*known)) : "not a state"},
                           {"number", of.contains("state") ? of.at("state") : nullptr},
                           {"project", project_of(table.what, of)},
                           {"updated", text_in(of, "updated")}});
    }
  }
  return {{"resources", std::move(resources)}};
}

}  // namespace regent::sim
