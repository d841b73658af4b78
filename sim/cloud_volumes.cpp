// Volumes and devices: who may change them, hang them on a VM and take them off.
#include <fmt/format.h>

#include "sim/cloud_model.hpp"
#include "sim/cloud_shapes.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

cloud_model::verdict cloud_model::check_volume(const row& volume, const json::object& change, caller by,
                                               std::optional<lifecycle_state>& to) {
  const auto no = [](std::string_view field, int number, std::string_view why, int status = 400) -> verdict {
    return refusal{std::string(field), update_code(kind::ceph, number), std::string(why), status};
  };
  bool grows = false;
  if (const auto* wish = change.if_contains(volume_sku)) {
    const auto gb = as_number(*wish);
    if (!gb) return no(volume_sku, wish->is_null() ? 104 : 105, "The size must be an integer, in GB.");
    if (*gb < volume_gb(volume)) return no(volume_sku, 106, "A volume cannot become smaller.");
    grows = *gb > volume_gb(volume);
    if (grows)
      if (const auto unfit = check_resize(kind::ceph, volume, volume_sku, 107, 108, to)) return unfit;
  }
  if (change.contains("name") && text_in(change, "name").empty()) return no("name", 109, "\"name\" is required.");
  if (by == caller::orchestrator && (grows || change.contains("name")))
    return no("", 2, "The orchestrator may only change the state of a volume.", 403);
  return std::nullopt;
}

void cloud_model::write_volume(row& volume, const json::object& change) {
  if (const auto* wish = change.if_contains("name")) volume["name"] = *wish;
  if (const auto* wish = change.if_contains(volume_sku)) volume["specs"] = volume_specs(*as_number(*wish));
}

void cloud_model::hang(row& volume, const json::value& vm, lifecycle_state state) {
  volume["parent_id"] = vm;
  set_state(volume, state);
  rows_.index(kind::ceph, volume);
  rows_.touch(volume);
}

answer cloud_model::update_vm(row& vm) {
  enter_state(kind::vm, vm, *update_of(state_in(vm)));
  tell_robot(project_of(kind::vm, vm));
  return {204, "", "", {}};
}

answer cloud_model::attach(std::int64_t volume, std::int64_t vm, caller by) {
  const auto no = [](int status, int number, std::string_view why) {
    return refused(status, fmt::format("iaas_attach_update_{:03}", number), why);
  };
  if (by == caller::orchestrator) return no(403, 201, "The orchestrator may not attach anything.");
  auto* child = rows_.find(kind::ceph, volume);
  if (!child) return no(404, 1, "There is no such resource.");
  if (number_in(*child, "parent_id", -1) != -1) return no(400, 3, "The resource is attached already.");
  if (!update_of(state_in(*child))) return no(400, 4, "The resource is neither running nor quiesced.");
  auto* parent = rows_.find(kind::vm, vm);
  if (!parent) return no(404, 5, "There is no such VM.");
  if (project_of(kind::ceph, *child) != project_of(kind::vm, *parent))
    return no(400, 6, "The resource and the VM belong to different projects.");
  if (!update_of(state_in(*parent))) return no(400, 7, "The VM is neither running nor quiesced.");
  hang(*child, vm, running);
  return update_vm(*parent);
}

answer cloud_model::detach(std::int64_t volume, caller by) {
  if (!region_.detach_works) return html_answer(500, "Server Error (500)");
  const auto no = [](int status, int number, std::string_view why) {
    return refused(status, fmt::format("iaas_detach_update_{:03}", number), why);
  };
  auto* child = rows_.find(kind::ceph, volume);
  if (!child) return no(404, 1, "There is no such resource.");
  const auto vm = number_in(*child, "parent_id", -1);
  if (vm == -1) return no(400, 3, "The resource is not attached.");
  if (by == caller::orchestrator) {
    if (state_in(*child) != quiesced) return no(400, 4, "Nobody has asked for this resource to be detached.");
    hang(*child, nullptr, running);
    return {204, "", "", {}};
  }
  if (state_in(*child) != running) return no(400, 5, "The resource is not running.");
  auto* parent = rows_.find(kind::vm, vm);
  if (!parent || !update_of(state_in(*parent))) return no(400, 6, "The VM is neither running nor quiesced.");
  hang(*child, vm, quiesced);
  return update_vm(*parent);
}

answer cloud_model::patch_device(row& device, const json::object& change, caller by) {
  const auto vm = device["vm_id"];
  if (by == caller::user && !vm.is_null())
    return refused(403, update_code(kind::device, 201), "A device cannot be changed while it is attached.");
  if (const auto* wish = change.if_contains("vm_id")) {
    if (!wish->is_null() && *wish != vm)
      return field_refused("vm_id", update_code(kind::device, 109), "\"vm_id\" can only be set to null.");
    device["vm_id"] = *wish;
    rows_.index(kind::device, device);
  }
  rows_.touch(device);
  return content_answer(view(rows_, kind::device, device, detail::single));
}

}  // namespace regent::sim
