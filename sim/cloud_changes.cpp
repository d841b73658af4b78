// Who may change what: the cloud's checks of one PATCH, with its error codes, before anything is written.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/cloud_model.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

/// The last three digits of each kind's `iaas_…_update_` codes for the state field.
struct state_codes {
  kind what;
  int not_a_number;
  int out_of_range;
  int no_way_out;
  int not_allowed;
};

constexpr std::array<state_codes, 4> codes_of_kinds{{
    {kind::virtual_router, 101, 102, 103, 104},
    {kind::vm, 104, 105, 106, 107},
    {kind::snapshot, 103, 104, 105, 106},
    {kind::backup, 103, 104, 105, 106},
}};

const state_codes& codes_of(kind what) {
  return *std::find_if(codes_of_kinds.begin(), codes_of_kinds.end(), [what](const auto& c) { return c.what == what; });
}

std::string update_code(kind what, int number) { return fmt::format("iaas_{}_update_{:03}", name(what), number); }

/// As the server reads it: a number, or text that is one.
std::optional<std::int64_t> as_number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (!value.is_string()) return std::nullopt;
  const std::string_view text(value.get_string());
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
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

std::optional<lifecycle_state> update_of(lifecycle_state state) {
  if (state == running) return running_update;
  if (state == quiesced) return quiesced_update;
  return std::nullopt;
}

}  // namespace

cloud_model::verdict cloud_model::check_state(kind what, const row& of, const json::value& wish, caller by) const {
  const auto& codes = codes_of(what);
  const auto number = as_number(wish);
  if (!number) return refusal{"state", update_code(what, codes.not_a_number), "\"state\" must be an integer."};
  const auto now = state_in(of);
  if (*number == number_in(of, "state", -1)) return std::nullopt;
  const auto to = state_of(*number);
  if (!to) return refusal{"state", update_code(what, codes.out_of_range), "\"state\" must be a valid state."};
  const auto& ways = routes_from(now, by, what == kind::snapshot || what == kind::backup);
  if (ways.empty())
    return refusal{"state", update_code(what, codes.no_way_out), "The current state cannot be left by this user."};
  if (std::find(ways.begin(), ways.end(), *to) == ways.end())
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

cloud_model::verdict cloud_model::check_vm_sizes(const row& vm, const json::object& change,
                                                 std::optional<lifecycle_state>& to) const {
  const auto sent = to;
  for (const auto& size : size_fields) {
    if (!differs(vm, change, size.field)) continue;
    const std::string field(size.field);
    if (sent && *sent != running_update && *sent != quiesced_update)
      return refusal{field, update_code(kind::vm, size.wrong_state), "Only an update may carry this change."};
    if (sent) continue;
    to = update_of(state_in(vm));
    if (!to) return refusal{field, update_code(kind::vm, size.not_at_rest), "The VM is neither running nor quiesced."};
  }
  return std::nullopt;
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
  if (!list || list->is_null()) return std::nullopt;
  auto read = parse_router_part("subnets", json::serialize(*list));
  subnets = std::move(read.value);
  if (read.problems.empty() && !subnets.subnets.empty()) return std::nullopt;
  return refusal{"subnets", update_code(kind::virtual_router, 108),
                 read.problems.empty() ? "The list is empty." : read.problems.front().message};
}

answer cloud_model::patch_with_state(kind what, row& of, const json::object& change, caller by) {
  const auto says_no = [](const refusal& why) {
    return why.field.empty() ? refused(400, why.code, why.detail) : field_refused(why.field, why.code, why.detail);
  };
  std::optional<lifecycle_state> to;
  if (const auto* wish = change.if_contains("state"); wish && !wish->is_null()) {
    if (const auto no = check_state(what, of, *wish, by)) return says_no(*no);
    if (const auto number = as_number(*wish); number != number_in(of, "state", -1)) to = state_of(*number);
  }
  router_spec subnets;
  if (what == kind::vm)
    if (const auto no = check_vm_sizes(of, change, to)) return says_no(*no);
  if (what == kind::backup)
    if (const auto no = check_backup_time(change, by)) return says_no(*no);
  if (what == kind::virtual_router) {
    if (const auto no = check_router_subnets(change, subnets)) return says_no(*no);
    const auto vms = rows_.where(kind::vm, "project_id", number_in(of, "project_id", -1));
    if (to == scrubbing &&
        std::any_of(vms.begin(), vms.end(), [this](auto id) { return state_in(*rows_.find(kind::vm, id)) != closed; }))
      return refused(400, update_code(what, 3), "The project still has VMs that are not closed.");
  }
  write(what, of, change, to);
  if (!subnets.subnets.empty()) merge_subnets(number_in(of, "id"), subnets);
  if (by == caller::user || (what == kind::virtual_router && to == scrubbing) || (what == kind::vm && to == closed))
    tell_robot(project_of(what, of));
  return content_answer(view(rows_, what, of, detail::listed));
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
