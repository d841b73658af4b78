// The player's addresses under /sim/.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/cloud_face.hpp"

namespace regent::sim {

namespace {

constexpr std::array<std::string_view, 5> router_parts{"subnets", "firewall_rules", "nat", "routes", "sets"};

std::optional<std::int64_t> number_of_text(const std::string& text) {
  std::int64_t id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

answer nothing_here() { return detail_answer(404, "The simulator has no such address; see sim/cloud_face.hpp."); }

answer not_so(const std::vector<record_problem>& problems) {
  auto text = problems_text(problems, "request");
  if (text.ends_with('\n')) text.pop_back();
  return detail_answer(400, text);
}

tl::expected<json::object, answer> object_in(const std::string& text) {
  boost::system::error_code bad;
  auto body = json::parse(text, bad);
  if (bad) return tl::unexpected(detail_answer(400, "JSON parse error - " + bad.message()));
  if (!body.is_object()) return tl::unexpected(detail_answer(400, "The body must be an object."));
  return std::move(body.get_object());
}

bool bends_answer(const json::object& change) {
  return std::all_of(change.begin(), change.end(), [](const auto& field) {
    return field.key() == "raw" || field.key() == "raw_remove" || field.key() == "run_robot" ||
           field.key() == "updated";
  });
}

}  // namespace

reply cloud_face::play(const call& what) {
  if (!what.loopback) return {detail_answer(403, "The play is for callers on this machine.")};
  return {play_call(what)};
}

answer cloud_face::play_call(const call& what) {
  const auto at = path_parts(what.target);
  const auto mark = what.target.find('?');
  const auto query = mark == std::string::npos ? std::string() : what.target.substr(mark + 1);
  if (at.size() < 2) return nothing_here();
  if (at[1] == "state" && what.method == "GET") return json_answer(200, model_.overview());
  if (at[1] == "log") return play_log(what, query);
  if (at[1] == "faults") return play_faults(what, at);
  const auto of = parse_kind(at[1]);
  if (!of) return nothing_here();
  if (at.size() == 2) return play_create(*of, what);
  const auto id = number_of_text(at[2]);
  if (!id) return nothing_here();
  if (at.size() == 3) {
    const auto items = parse_query(query);
    const bool force =
        std::find(items.begin(), items.end(), std::pair<std::string, std::string>("force", "true")) != items.end();
    return play_record(*of, *id, what, force);
  }
  if (*of == kind::project && at.size() == 4 && at[3] == "vms" && what.method == "POST") return play_vm(*id, what);
  const bool is_part = std::find(router_parts.begin(), router_parts.end(), at[3]) != router_parts.end();
  if (*of != kind::virtual_router || !is_part) return nothing_here();
  if (at.size() == 4) return play_part(*id, at[3], what);
  const auto inner = parse_kind(at[3]);
  const auto inner_id = number_of_text(at[4]);
  if (at.size() != 5 || !inner || !inner_id) return nothing_here();
  return play_record(*inner, *inner_id, what, false);
}

answer cloud_face::play_faults(const call& what, const std::vector<std::string>& at) {
  if (what.method == "GET") return json_answer(200, faults_.list());
  if (what.method == "DELETE") {
    const auto id = at.size() > 2 ? number_of_text(at[2]) : std::nullopt;
    if (at.size() > 2 && (!id || !faults_.remove(*id))) return detail_answer(404, "There is no such fault.");
    if (at.size() == 2) faults_.clear();
    return {204, "", "", {}};
  }
  if (what.method != "POST") return nothing_here();
  const auto body = object_in(what.body);
  if (!body) return body.error();
  const auto made = faults_.add(*body);
  if (!made) return detail_answer(400, made.error().message);
  if (made->kind == fault_kind::expire_tokens) gate_.expire_all();
  return json_answer(201, {{"id", made->id}, {"kind", name(made->kind)}});
}

answer cloud_face::play_create(kind of, const call& what) {
  if (what.method == "GET") return model_.list(of, {});
  if (what.method != "POST") return nothing_here();
  if (of != kind::project) {
    const auto body = object_in(what.body);
    return body ? model_.create(of, *body) : body.error();
  }
  const auto project = parse_project(what.body);
  if (!project.problems.empty()) return not_so(project.problems);
  const auto made = model_.add(project.value);
  if (!made) return detail_answer(400, made.error().message);
  auto done = model_.get(kind::project, *made);
  done.status = 201;
  return done;
}

answer cloud_face::play_record(kind of, std::int64_t id, const call& what, bool force) {
  const bool by_user = row_of(of).has_state || of == kind::project || of == kind::vpn;
  if (what.method == "GET") return model_.get(of, id);
  if (what.method == "DELETE") {
    if (of == kind::vpn && !force) return model_.remove_vpn(id);
    if (by_user && !force) return model_.patch(of, id, {{"state", number_of(scrub)}}, caller::user);
    return model_.erase(of, id);
  }
  if (what.method != "PATCH") return nothing_here();
  const auto body = object_in(what.body);
  if (!body) return body.error();
  if (force || bends_answer(*body)) return model_.force(of, id, *body);
  if (by_user) return model_.patch(of, id, *body, caller::user);
  return model_.edit(of, id, *body);
}

answer cloud_face::play_part(std::int64_t router, const std::string& part, const call& what) {
  if (what.method == "DELETE") return model_.replace(router, part, {});
  if (what.method != "PUT" && what.method != "POST") return nothing_here();
  const auto parts = parse_router_part(part, what.body);
  if (!parts.problems.empty()) return not_so(parts.problems);
  return what.method == "PUT" ? model_.replace(router, part, parts.value) : model_.append(router, parts.value);
}

answer cloud_face::play_vm(std::int64_t project, const call& what) {
  const auto vm = parse_vm(what.body);
  if (!vm.problems.empty()) return not_so(vm.problems);
  return model_.add(project, vm.value);
}

}  // namespace regent::sim
