#include "sim/region/sim_kinds.hpp"

#include <fmt/format.h>

#include <map>

namespace regent::sim {

namespace {

/// A short one, and one that outlasts the wait for a host that is away.
milliseconds deadline_of(std::string_view primitive) {
  return primitive == "net" ? milliseconds(std::chrono::seconds(30)) : milliseconds(std::chrono::minutes(30));
}

class sim_kinds final : public catalogue {
 public:
  sim_kinds() {
    for (const auto* primitive : sim_primitives)
      scripts_[primitive] = {primitive, std::make_shared<const std::string>(primitive), std::string(64, 'a')};
  }
  const primitive_script* find_script(const std::string& primitive) const override {
    const auto found = scripts_.find(primitive);
    return found == scripts_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> kinds() const override { return {"virtual_router", "disk"}; }
  bool has_scrub_queue(const std::string& kind) const override { return kind == "virtual_router"; }
  kind_needs needs() const override { return {{"disk", {"virtual_router"}}, {"virtual_router", {}}}; }

  result<plan> make_plan(operation what, const record& from, const region_config& region,
                         bool settles_quiesced) const override {
    const auto* value = find_path(*from.document, "v");
    if (value == nullptr)
      return fail(error_kind::permanent, "plan_path_missing", "{}: {{record.v}}", from.head.id.text());
    const bool down = settles_quiesced || what == operation::quiesce || what == operation::scrub_prep;
    const auto hosts = hosts_of(from.head.id, region);
    plan made;
    made.resource = from.head.id;
    made.what = what;
    made.lease_scope = from.head.id.text();
    for (const auto& host : hosts)
      for (const auto* primitive : sim_primitives)
        made.steps.push_back({host,
                              primitive,
                              std::string(name(what)),
                              {{"v", json_text(*value), false},
                               {"mode", down ? "down" : "up", false},
                               {"resource", from.head.id.text(), false},
                               {"key", "s3cret", true}},
                              hosts.size() == 1      ? step_role::sole
                              : host == hosts.back() ? step_role::standby
                                                     : step_role::enabled,
                              deadline_of(primitive),
                              fmt::format("{} of {}", primitive, from.head.id.text()),
                              milliseconds(0),
                              what == operation::build && from.head.id.kind == "disk" ? "scrub" : ""});
    return made;
  }

 private:
  std::map<std::string, primitive_script> scripts_;
};

}  // namespace

std::shared_ptr<const catalogue> make_sim_kinds() { return std::make_shared<const sim_kinds>(); }

std::vector<host_id> hosts_of(const resource_id& id, const region_config& region) {
  if (id.kind == "virtual_router") return {region.podnet.enabled, region.podnet.b};
  std::vector<host_id> others;
  for (const auto& host : region.hosts)
    if (host.role != "podnet") others.push_back(host.name);
  return {others[static_cast<std::size_t>(std::stoi(id.id)) % others.size()]};
}

}  // namespace regent::sim
