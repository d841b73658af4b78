#include "sim/cloud_model.hpp"

#include <fmt/format.h>

#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

answer not_found(kind what, std::string_view verb) {
  return refused(404, fmt::format("iaas_{}_{}_001", name(what), verb),
                 fmt::format("The \"pk\" path parameter is not the number of a {} record.", name(what)));
}

json::object standard_image() {
  return {{"id", 17},
          {"answer_file_name", "ubuntu"},
          {"cloud_init", true},
          {"display_name", "Ubuntu Server 20.04 x64"},
          {"filename", "ubuntu2004.iso"},
          {"multiple_ips", true},
          {"os_variant", "ubuntu20.04"},
          {"regions", json::array{100}}};
}

}  // namespace

cloud_model::cloud_model(const clock& time) : rows_(time) {
  rows_.insert(kind::image, standard_image());
  set_region({});
}

answer cloud_model::get(kind what, std::int64_t id) const {
  const auto* found = rows_.find(what, id);
  if (!found) return not_found(what, "read");
  return content_answer(view(rows_, what, *found, detail::single));
}

answer cloud_model::list(kind what, const query_items& query) const { return list_answer(rows_, what, query); }

answer cloud_model::patch(kind what, std::int64_t id, const json::object& change, caller by) {
  auto* found = rows_.find(what, id);
  if (!found) return not_found(what, "update");
  if (row_of(what).has_state) return patch_with_state(what, *found, change, by);
  if (what == kind::vpn) return patch_vpn(*found, change, by);
  if (what == kind::device) return patch_device(*found, change, by);
  if (what != kind::project) return detail_answer(405, "Method \"PATCH\" not allowed.");
  if (by == caller::orchestrator)
    return refused(403, "iaas_project_update_201", "The orchestrator may not change a project.");
  return patch_project(*found, change);
}

answer cloud_model::remove_vpn(std::int64_t id) {
  auto* vpn = rows_.find(kind::vpn, id);
  if (!vpn) return not_found(kind::vpn, "delete");
  if (auto done = patch_vpn(*vpn, {}, caller::user); done.status != 200) return done;
  rows_.erase(kind::vpn, id);
  return {204, "", "", {}};
}

void cloud_model::restore(kind what, const row& as_it_was) {
  auto* found = rows_.find(what, number_in(as_it_was, "id", -1));
  if (!found) return;
  *found = as_it_was;
  rows_.index(what, *found);
  rows_.touch(*found);
}

}  // namespace regent::sim
