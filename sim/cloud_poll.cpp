// run_robot as published, traps included: the GET clears the flag before it knows whether it can answer.
#include <algorithm>
#include <functional>

#include "sim/cloud_model.hpp"

namespace regent::sim {

namespace {

constexpr std::array<std::string_view, 9> list_names{"build",         "quiesce",         "restart",
                                                     "scrub",         "scrubprep",       "updatequiesced",
                                                     "updaterunning", "quiesced_update", "running_update"};

json::object empty_group() {
  json::object out;
  for (const auto list : list_names) out[list] = json::array();
  return out;
}

/// One after the other: the merged lists are not ordered by time.
json::object merged(std::initializer_list<const json::object*> groups) {
  auto out = empty_group();
  for (const auto* group : groups)
    for (const auto list : list_names)
      for (const auto& id : group->at(list).as_array()) out[list].as_array().push_back(id);
  return out;
}

std::vector<std::string_view> lists_of(lifecycle_state state, bool with_queue) {
  switch (state) {
    case requested: return {"build"};
    case quiesce: return {"quiesce"};
    case restart: return {"restart"};
    case scrub:
      return with_queue ? std::vector<std::string_view>{"scrubprep", "scrub"} : std::vector<std::string_view>{"scrub"};
    case scrub_queue: return {"scrub"};
    case quiesced_update: return {"updatequiesced", "quiesced_update"};
    case running_update: return {"updaterunning", "running_update"};
    default: return {};
  }
}

constexpr std::int64_t hyperv = 1, phantom_server = 3;

}  // namespace

/// Once per matching VM of each project, as the server's join gives them, ordered by the projects' `updated`.
std::vector<std::int64_t> cloud_model::polled_projects(bool changed) const {
  std::vector<std::pair<std::string, std::int64_t>> found;
  for (const auto& [id, project] : rows_.all(kind::project)) {
    const auto routers = rows_.where(kind::virtual_router, "project_id", id);
    const bool whole =
        (changed && flag_in(project, "_run_robot")) || std::any_of(routers.begin(), routers.end(), [this](auto router) {
          return state_in(*rows_.find(kind::virtual_router, router)) == scrub_prep;
        });
    const auto vms = rows_.where(kind::vm, "project_id", id);
    auto times = std::count_if(vms.begin(), vms.end(),
                               [&](auto vm) { return whole || state_in(*rows_.find(kind::vm, vm)) == scrub_prep; });
    if (whole && vms.empty()) times = 1;
    found.insert(found.end(), static_cast<std::size_t>(times), {text_in(project, "updated"), id});
  }
  std::sort(found.begin(), found.end());
  std::vector<std::int64_t> ids;
  for (const auto& [updated, id] : found) ids.push_back(id);
  return ids;
}

bool cloud_model::scrub_time_passed(const row& of) const {
  const auto grace = rows_.look_up(of, "project__grace_period");
  const auto since = parse_iso(text_in(of, "updated"));
  return grace.is_int64() && since && rows_.now() >= *since + std::chrono::hours(grace.get_int64());
}

json::object cloud_model::group(kind what, const std::set<std::int64_t>& projects, bool changed,
                                const std::function<bool(const row&)>& belongs) const {
  std::vector<const row*> found;
  for (const auto& [id, of] : rows_.all(what))
    if (projects.contains(project_of(what, of)) && belongs(of)) found.push_back(&of);
  std::sort(found.begin(), found.end(),
            [](const row* a, const row* b) { return text_in(*a, "updated") < text_in(*b, "updated"); });
  auto out = empty_group();
  for (const auto* of : found) {
    const auto state = state_in(*of);
    const auto* project = rows_.find(kind::project, project_of(what, *of));
    const bool both_flags = changed && project && flag_in(*project, "_run_robot");
    if (state == scrub_queue && !(both_flags && scrub_time_passed(*of))) continue;
    for (const auto list : lists_of(state, what == kind::vm || what == kind::virtual_router))
      out[list].as_array().push_back(of->at("id"));
  }
  return out;
}

answer cloud_model::poll() {
  const bool changed = changed_;
  changed_ = false;
  const auto listed = polled_projects(changed);
  const std::set<std::int64_t> projects(listed.begin(), listed.end());
  for (const auto& [id, vm] : rows_.all(kind::vm))
    if (projects.contains(number_in(vm, "project_id", -1)) && state_in(vm) == scrub_queue &&
        rows_.look_up(vm, "project__grace_period").is_null())
      return html_answer(500, "Server Error (500)");
  const auto of_type = [this](std::string path, std::function<bool(std::int64_t)> fits) {
    return [this, path = std::move(path), fits = std::move(fits)](const row& of) {
      const auto type = rows_.look_up(of, path);
      return type.is_int64() && fits(type.get_int64());
    };
  };
  const auto is_hyperv = [](std::int64_t type) { return type == hyperv; };
  const auto is_phantom = [](std::int64_t type) { return type == phantom_server; };
  const auto is_kvm = [](std::int64_t type) { return type != hyperv && type != phantom_server; };
  const auto copies = [&](kind what, const std::function<bool(std::int64_t)>& fits) {
    return changed ? group(what, projects, changed, of_type("vm__server__type__id", fits)) : empty_group();
  };
  const auto volumes = changed ? group(kind::ceph, projects, changed, [](const row&) { return true; }) : empty_group();
  const auto machines = [&](const std::function<bool(std::int64_t)>& fits) {
    return group(kind::vm, projects, changed, of_type("server__type__id", fits));
  };
  const auto router =
      group(kind::virtual_router, projects, changed, [](const row& r) { return !flag_in(r, "_phantom"); });
  const auto ghost =
      group(kind::virtual_router, projects, changed, [](const row& r) { return flag_in(r, "_phantom"); });
  const auto vm_hyperv = machines(is_hyperv), vm_kvm = machines(is_kvm), vm_phantom = machines(is_phantom);
  const auto shot_hyperv = copies(kind::snapshot, is_hyperv), shot_kvm = copies(kind::snapshot, is_kvm);
  const auto backup_hyperv = copies(kind::backup, is_hyperv), backup_kvm = copies(kind::backup, is_kvm);
  return content_answer({{"project_ids", json::value_from(listed)},
                         {"resource",
                          {{"backup_hyperv", backup_hyperv},
                           {"backup_kvm", backup_kvm},
                           {"ceph", volumes},
                           {"gpu", empty_group()},
                           {"snapshot_hyperv", shot_hyperv},
                           {"snapshot_kvm", shot_kvm},
                           {"virtual_router", router},
                           {"virtual_router_phantom", ghost},
                           {"vm_hyperv", vm_hyperv},
                           {"vm_kvm", vm_kvm},
                           {"vm_phantom", vm_phantom}}},
                         {"backups", merged({&backup_hyperv, &backup_kvm})},
                         {"ceph", volumes},
                         {"snapshots", merged({&shot_hyperv, &shot_kvm})},
                         {"virtual_routers", merged({&router, &ghost})},
                         {"vms", merged({&vm_hyperv, &vm_kvm, &vm_phantom})}});
}

answer cloud_model::acknowledge(const json::value& body) {
  const auto no = [](int number, std::string_view detail) {
    return field_refused("project_ids", "iaas_run_robot_turn_off_" + std::to_string(number), detail);
  };
  const auto* list = body.is_object() ? body.get_object().if_contains("project_ids") : nullptr;
  if (!list || list->is_null()) return no(102, "\"project_ids\" is required.");
  if (!list->is_array()) return no(101, "\"project_ids\" must be a list.");
  if (list->get_array().empty()) return no(102, "\"project_ids\" is required.");
  for (const auto& id : list->get_array())
    if (!id.is_int64()) return no(103, "\"project_ids\" must hold integers.");
  for (const auto& id : list->get_array())
    if (!rows_.find(kind::project, id.get_int64())) return no(104, "One of the projects does not exist.");
  for (const auto& id : list->get_array()) (*rows_.find(kind::project, id.get_int64()))["_run_robot"] = false;
  return {200, "", "application/json", {}};
}

}  // namespace regent::sim
