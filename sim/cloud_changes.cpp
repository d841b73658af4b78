// Who may change what: the cloud's checks of one PATCH, with its error codes, before anything is written.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/cloud_model.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

/// The last three digits of each kind's `iaas_…_update_` codes for the state field.
struct state_codes {
  kind what;
  int not_a_number;
  int out_of_range;  ///< 0: told by the next two
  int no_way_out;
  int not_allowed;
};

constexpr std::array<state_codes, 5> codes_of_kinds{{
    {kind::virtual_router, 101, 102, 103, 104},
    {kind::vm, 104, 105, 106, 107},
    {kind::snapshot, 103, 104, 105, 106},
    {kind::backup, 103, 104, 105, 106},
    {kind::ceph, 101, 0, 102, 103},
}};

const state_codes& codes_of(kind what) {
  return *std::find_if(codes_of_kinds.begin(), codes_of_kinds.end(), [what](const auto& c) { return c.what == what; });
}

/// The list without which a kind's record cannot be sent whole, and the codes of one that is none or empty.
struct needed_list {
  kind what;
  std::string_view field;
  int not_a_list;
  int empty;
};
constexpr std::array<needed_list, 2> needed_lists{
    {{kind::virtual_router, "subnets", 105, 106}, {kind::vm, "ip_addresses", 111, 112}}};

const needed_list* needed_list_of(kind what) {
  const auto* found =
      std::find_if(needed_lists.begin(), needed_lists.end(), [what](const auto& n) { return n.what == what; });
  return found == needed_lists.end() ? nullptr : found;
}

/// What a user resizes; each such change also moves the VM to an update.
struct size_field {
  std::string_view field;
  int not_at_rest;  ///< the VM is neither running nor quiesced
  int wrong_state;  ///< sent with a state that is no update
};
constexpr std::array<size_field, 4> size_fields{
    {{"cpu", 118, 119}, {"ram", 123, 124}, {"storages", 131, 132}, {"gpu", 138, 139}}};

bool differs(const row& of, const json::object& change, std::string_view field) {
  const auto* wish = change.if_contains(field);
  const auto* is = of.if_contains(field);
  return wish && !wish->is_null() && (!is || *is != *wish);
}

/// What of an entry of "subnets" counts: the others come along when a record is sent back as it was read.
json::value subnet_wish(const json::value& entry) {
  if (!entry.is_object()) return entry;
  json::object out;
  for (const auto field : {"id", "name", "address_range", "vlan"})
    if (const auto* value = entry.get_object().if_contains(field)) out[field] = *value;
  return out;
}

}  // namespace

std::string cloud_model::update_code(kind what, int number) {
  return fmt::format("iaas_{}_update_{:03}", name(what), number);
}

cloud_model::verdict cloud_model::check_state(kind what, const row& of, const json::value& wish, caller by) const {
  const auto& codes = codes_of(what);
  const auto number = as_number(wish);
  if (!number) return refusal{"state", update_code(what, codes.not_a_number), "\"state\" must be an integer."};
  const auto now = state_in(of);
  if (*number == number_in(of, "state", -1)) return std::nullopt;
  const auto to = state_of(*number);
  if (!to && codes.out_of_range != 0)
    return refusal{"state", update_code(what, codes.out_of_range), "\"state\" must be a valid state."};
  const auto& ways = routes_from(now, by, what == kind::snapshot || what == kind::backup);
  if (ways.empty())
    return refusal{"state", update_code(what, codes.no_way_out), "The current state cannot be left by this user."};
  if (!to || std::find(ways.begin(), ways.end(), *to) == ways.end())
    return refusal{"state", update_code(what, codes.not_allowed), "The requested change of state is not allowed."};
  if (what == kind::vm) return check_vm_state(of, *to);
  if (what == kind::snapshot || what == kind::backup) {
    const auto* vm = rows_.find(kind::vm, number_in(of, "vm_id", -1));
    if (!vm || state_in(*vm) != running)
      return refusal{"state", update_code(what, 107), "The state can only be changed while the VM is running."};
  }
  return std::nullopt;
}

cloud_model::verdict cloud_model::check_vm_state(const row& vm, lifecycle_state to) const {
  std::vector<lifecycle_state> snapshots;
  for (const auto id : rows_.where(kind::snapshot, "vm_id", number_in(vm, "id")))
    snapshots.push_back(state_in(*rows_.find(kind::snapshot, id)));
  if (to == scrub && number_in(vm, "gpu") > 0)
    return refusal{"state", update_code(kind::vm, 108), "A VM with a GPU attached cannot be scrubbed."};
  if (to == scrub && std::any_of(snapshots.begin(), snapshots.end(), [](auto s) { return s != closed; }))
    return refusal{"state", update_code(kind::vm, 109), "A VM with snapshots cannot be scrubbed."};
  if (std::any_of(snapshots.begin(), snapshots.end(), [](auto s) { return s != running && s != closed; }))
    return refusal{"state", update_code(kind::vm, 110), "All snapshots must be stable before the state can change."};
  return std::nullopt;
}

cloud_model::verdict cloud_model::check_resize(kind what, const row& of, std::string_view field, int not_at_rest,
                                               int wrong_state, std::optional<lifecycle_state>& to) {
  if (to && *to != running_update && *to != quiesced_update)
    return refusal{std::string(field), update_code(what, wrong_state), "Only an update may carry this change."};
  if (!to) to = update_of(state_in(of));
  if (!to) return refusal{std::string(field), update_code(what, not_at_rest), "It is neither running nor quiesced."};
  return std::nullopt;
}

cloud_model::verdict cloud_model::check_vm_sizes(const row& vm, const json::object& change,
                                                 std::optional<lifecycle_state>& to) {
  for (const auto& size : size_fields)
    if (differs(vm, change, size.field))
      if (const auto no = check_resize(kind::vm, vm, size.field, size.not_at_rest, size.wrong_state, to)) return no;
  return std::nullopt;
}

cloud_model::verdict cloud_model::check_needed_list(kind what, const json::object& change) {
  const auto* needs = needed_list_of(what);
  const auto* list = needs ? change.if_contains(needs->field) : nullptr;
  if (!list || (list->is_array() && !list->get_array().empty())) return std::nullopt;
  const bool empty = list->is_null() || list->is_array();
  return refusal{std::string(needs->field), update_code(what, empty ? needs->empty : needs->not_a_list),
                 fmt::format("\"{}\" must be a list with something in it.", needs->field)};
}

cloud_model::verdict cloud_model::check_backup_time(const json::object& change, caller by) const {
  const auto* time = change.if_contains("time_valid");
  if (!time || time->is_null()) return std::nullopt;
  if (by == caller::user)
    return refusal{"", update_code(kind::backup, 204), "Only the orchestrator may set \"time_valid\"."};
  const std::string text = time->is_string() ? std::string(time->get_string()) : std::string();
  if (text.size() != 19 || text[10] != ' ' || !parse_iso(text))
    return refusal{"time_valid", update_code(kind::backup, 108), "\"time_valid\" must be YYYY-MM-DD HH:MM:SS."};
  return std::nullopt;
}

cloud_model::verdict cloud_model::check_router_subnets(const json::object& change, router_spec& subnets) const {
  const auto* list = change.if_contains("subnets");
  if (!list) return std::nullopt;
  json::array wishes;
  for (const auto& entry : list->get_array()) wishes.push_back(subnet_wish(entry));
  auto read = parse_router_part("subnets", json::serialize(wishes));
  subnets = std::move(read.value);
  if (read.problems.empty()) return std::nullopt;
  return refusal{"subnets", update_code(kind::virtual_router, 108), read.problems.front().message};
}

cloud_model::verdict cloud_model::check_router_scrub(const row& router, std::optional<lifecycle_state> to) const {
  if (to != scrubbing) return std::nullopt;
  for (const auto id : rows_.where(kind::vm, "project_id", number_in(router, "project_id", -1)))
    if (state_in(*rows_.find(kind::vm, id)) != closed)
      return refusal{"", update_code(kind::virtual_router, 3), "The project still has VMs that are not closed."};
  return std::nullopt;
}

cloud_model::verdict cloud_model::check(kind what, const row& of, const json::object& change, caller by,
                                        accepted& out) const {
  if (what == kind::ceph && number_in(of, "parent_id", -1) != -1)
    return refusal{"", update_code(what, 201), "A volume cannot be changed while it is attached.", 403};
  if (const auto* wish = change.if_contains("state"); wish && !wish->is_null()) {
    if (const auto no = check_state(what, of, *wish, by)) return no;
    if (const auto number = as_number(*wish); number != number_in(of, "state", -1)) out.to = state_of(*number);
  }
  if (const auto no = check_needed_list(what, change)) return no;
  if (what == kind::vm) {
    if (const auto no = check_vm_addresses(of, change, out.nat)) return no;
    return check_vm_sizes(of, change, out.to);
  }
  if (what == kind::virtual_router) {
    if (const auto no = check_router_subnets(change, out.subnets)) return no;
    return check_router_scrub(of, out.to);
  }
  if (what == kind::ceph) return check_volume(of, change, by, out.to);
  return what == kind::backup ? check_backup_time(change, by) : std::nullopt;
}

answer cloud_model::patch_with_state(kind what, row& of, const json::object& change, caller by) {
  accepted doing;
  if (const auto no = check(what, of, change, by, doing))
    return no->field.empty() ? refused(no->status, no->code, no->detail)
                             : field_refused(no->field, no->code, no->detail);
  write(what, of, change, doing);
  if (!doing.subnets.subnets.empty()) merge_subnets(number_in(of, "id"), doing.subnets);
  const bool is_news =
      (what == kind::virtual_router && doing.to == scrubbing) || (what == kind::vm && doing.to == closed);
  if (by == caller::user || is_news) tell_robot(project_of(what, of));
  return content_answer(view(rows_, what, of, detail::listed));
}

answer cloud_model::put(kind what, std::int64_t id, json::object record, caller by) {
  if (what == kind::vpn) return patch(what, id, record, by);  // it has no list that must be there
  const auto* needs = needed_list_of(what);
  if (!needs) return detail_answer(405, "Method \"PUT\" not allowed.");
  record.emplace(needs->field, nullptr);  // one that is missing is refused as an empty one is
  return patch(what, id, record, by);
}

answer cloud_model::patch_project(row& project, const json::object& change) {
  const auto id = number_in(project, "id");
  const auto* name_wish = change.if_contains("name");
  if (name_wish && (!name_wish->is_string() || name_wish->get_string().empty()))
    return field_refused("name", "iaas_project_update_101", "\"name\" is required.");
  const auto* grace = change.if_contains("grace_period");
  if (grace && !grace->is_null() && !grace->is_int64())
    return field_refused("grace_period", "iaas_project_update_105", "\"grace_period\" must be a number of hours.");
  if (const auto* wish = change.if_contains("state")) {
    const auto number = as_number(*wish);
    if (number != number_of(scrub) && number != number_of(running))
      return field_refused("state", "iaas_project_update_104", "A project can be set to 8 (scrub) or 4 (restore).");
    if (number == number_of(scrub)) {
      if (const auto no = check_project_scrub(id)) return field_refused(no->field, no->code, no->detail);
      scrub_project(id);
    } else {
      restore_project(id);
    }
  }
  for (const auto field : {"name", "note", "grace_period"})
    if (const auto* value = change.if_contains(field)) project[field] = *value;
  rows_.touch(project);
  tell_robot(id);
  return content_answer(view(rows_, kind::project, project, detail::single));
}

answer cloud_model::patch_vpn(row& vpn, const json::object& change, caller by) {
  auto* router = rows_.find(kind::virtual_router, number_in(vpn, "virtual_router_id", -1));
  if (by == caller::user) {
    if (!router || !update_of(state_in(*router)))
      return refused(400, "iaas_vpn_update_002", "The virtual router of the VPN is not in a stable state.");
    for (const auto& [field, value] : change)
      if (vpn.contains(field) && field != "id" && field != "virtual_router_id") vpn[field] = value;
    // An update of a VPN starts the router, even a quiesced one.
    enter_state(kind::virtual_router, *router, running_update);
    tell_robot(number_in(*router, "project_id", -1));
  } else {
    vpn["send_email"] = false;
  }
  rows_.touch(vpn);
  return content_answer(view(rows_, kind::vpn, vpn, detail::listed));
}

}  // namespace regent::sim
