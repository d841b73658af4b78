#include "sim/cloud_face.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace regent::sim {

namespace {

constexpr std::size_t calls_kept = 5000;
constexpr std::size_t body_kept_bytes = 4096;

std::string path_of(const std::string& target) { return target.substr(0, target.find('?')); }

std::string query_of(const std::string& target) {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string() : target.substr(mark + 1);
}

std::optional<std::int64_t> id_of(const std::string& text) {
  std::int64_t id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() || id < 0) return std::nullopt;
  return id;
}

bool is_kind(const std::string& text) {
  const auto found = parse_kind(text);
  return found && row_of(*found).in_api && name(*found) == text;
}

/// Addresses that the dialect has, without their final slash.
bool is_known(const std::vector<std::string>& at) {
  if (at.size() == 2 && at[0] == "auth") return at[1] == "login";
  if (at.size() == 1) return at[0] == "run_robot" || is_kind(at[0]);
  if (at.size() == 4) return at[0] == "attach" && id_of(at[1]) && at[2] == "parent" && id_of(at[3]);
  return at.size() == 2 && id_of(at[1]) && (is_kind(at[0]) || at[0] == "detach");
}

answer moved(const std::string& target) {
  const auto path = path_of(target), query = query_of(target);
  answer out{301, "", "text/html; charset=utf-8", {}};
  out.headers.emplace_back("Location", path + "/" + (query.empty() ? "" : "?" + query));
  return out;
}

answer not_allowed(const std::string& method) {
  return detail_answer(405, fmt::format("Method \"{}\" not allowed.", method));
}

/// The body as JSON, or the 415 or 400 to give.
tl::expected<json::value, answer> body_of(const call& what) {
  if (!what.content_type.starts_with("application/json"))
    return tl::unexpected(
        detail_answer(415, fmt::format("Unsupported media type \"{}\" in request.", what.content_type)));
  boost::system::error_code bad;
  auto body = json::parse(what.body, bad);
  if (bad) return tl::unexpected(detail_answer(400, "JSON parse error - " + bad.message()));
  return body;
}

std::string cut_in_half(const std::string& body) { return body.substr(0, body.size() / 2); }

}  // namespace

std::vector<std::string> path_parts(std::string_view path) {
  path = path.substr(0, path.find('?'));
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

cloud_face::cloud_face(const face_options& options, const clock& time)
    : time_(time), gate_(options.robot, options.user, options.requests_per_second, time), model_(time) {}

result<void> cloud_face::load(const records_spec& records) {
  const std::lock_guard hold(guard_);
  model_.set_region(records.region);
  for (const auto& server : records.servers)
    if (auto done = model_.add(server); !done) return done;
  for (const auto& project : records.projects)
    if (auto done = model_.add(project); !done) return tl::unexpected(done.error());
  for (const auto& device : records.devices)
    if (auto done = model_.add(device); !done) return done;
  return {};
}

reply cloud_face::handle(const call& what) {
  const std::lock_guard hold(guard_);
  const auto path = path_of(what.target);
  if (path == "/sim" || path.starts_with("/sim/")) return play(what);
  const auto bad = faults_.take(what.method, path);
  auto done = with_mishap(what, path, bad);
  done.delay += bad.delay;
  remember(what, path, done, bad);
  return done;
}

reply cloud_face::with_mishap(const call& what, const std::string& path, const mishap& bad) {
  const auto kind = bad.what ? bad.what->kind : fault_kind::slow;
  switch (kind) {
    case fault_kind::status: {
      auto said = bad.what->status >= 500 ? html_answer(bad.what->status, "Server Error")
                                          : detail_answer(bad.what->status, "As the simulator was told.");
      if (bad.what->status == 429) said.headers.emplace_back("Retry-After", "1");
      return {std::move(said)};
    }
    case fault_kind::garbage: return {{200, std::string("\x16\x03\x01\0{]<<no json", 15)}};
    case fault_kind::truncated: {
      auto done = dialect(what);
      done.body = cut_in_half(done.body);
      return {std::move(done)};
    }
    case fault_kind::lost_reply: return {dialect(what), {}, true};
    case fault_kind::drop: return {{0, ""}, {}, true};
    case fault_kind::lost_update: return lost_update(what, path);
    case fault_kind::slow:
    case fault_kind::expire_tokens: break;
  }
  return {dialect(what)};
}

reply cloud_face::lost_update(const call& what, const std::string& path) {
  const auto at = path_parts(path);
  const auto of = at.size() == 2 ? parse_kind(at[0]) : std::nullopt;
  const auto* found = of ? model_.rows().find(*of, id_of(at[1]).value_or(-1)) : nullptr;
  if (!found) return {dialect(what)};
  const row before = *found;
  reply done{dialect(what)};
  if (done.what.status == 200) model_.restore(*of, before);
  return done;
}

answer cloud_face::dialect(const call& what) {
  const auto path = path_of(what.target);
  const auto at = path_parts(path);
  if (!is_known(at)) return html_answer(404, "Not Found");
  if (!path.ends_with('/')) return moved(what.target);
  if (at[0] == "auth") {
    if (what.method == "PUT") return gate_.renew(what.token);
    if (what.method != "POST") return not_allowed(what.method);
    const auto body = body_of(what);
    return body ? gate_.log_in(*body) : body.error();
  }
  const auto who = gate_.check(what.token);
  if (!who) return who.error();
  if (gate_.admit(who->uid)) return dialect_call(what, path, *who);
  auto slow_down = detail_answer(429, "Request was throttled. Expected available in 1 second.");
  slow_down.headers.emplace_back("Retry-After", "1");
  return slow_down;
}

answer cloud_face::dialect_call(const call& what, const std::string& path, const visitor& who) {
  const auto at = path_parts(path);
  if (at[0] == "attach" || at[0] == "detach") {
    if (what.method != "PUT") return not_allowed(what.method);
    return at[0] == "attach" ? model_.attach(*id_of(at[1]), *id_of(at[3]), who.as)
                             : model_.detach(*id_of(at[1]), who.as);
  }
  if (at[0] == "run_robot") {
    if (what.method != "GET" && what.method != "POST") return not_allowed(what.method);
    if (who.as == caller::user)
      return refused(403, what.method == "GET" ? "iaas_run_robot_list_201" : "iaas_run_robot_turn_off_201",
                     "Only the orchestrator of the region may do this.");
    if (what.method == "GET") return model_.poll();
    const auto body = body_of(what);
    return body ? model_.acknowledge(*body) : body.error();
  }
  const auto of = *parse_kind(at[0]);
  if (at.size() == 2) return record_call(what, of, *id_of(at[1]), who);
  // As published. Volumes are created by the play.
  if (what.method == "POST" && of == kind::ceph) return html_answer(500, "Server Error (500)");
  if (what.method != "GET") return not_allowed(what.method);
  return model_.list(of, parse_query(query_of(what.target)));
}

answer cloud_face::record_call(const call& what, kind of, std::int64_t id, const visitor& who) {
  if (what.method == "GET") return model_.get(of, id);
  if (what.method == "DELETE" && of == kind::vpn) {
    if (who.as == caller::user) return model_.remove_vpn(id);
    return refused(403, "iaas_vpn_delete_201", "The orchestrator may not delete a VPN.");
  }
  const bool whole = what.method == "PUT";
  if (!whole && what.method != "PATCH") return not_allowed(what.method);
  const auto body = body_of(what);
  if (!body) return body.error();
  if (!body->is_object()) return detail_answer(400, "The body must be an object.");
  return whole ? model_.put(of, id, body->get_object(), who.as) : model_.patch(of, id, body->get_object(), who.as);
}

void cloud_face::remember(const call& what, const std::string& path, const reply& done, const mishap& bad) {
  const bool secret = path.starts_with("/auth/");
  log_.push_back({++calls_, iso_text(time_.wall()), what.method, what.target,
                  secret ? std::string("(not shown)") : what.body.substr(0, body_kept_bytes), done.what.status,
                  bad.what                ? std::string(name(bad.what->kind))
                  : bad.delay.count() > 0 ? "slow"
                                          : ""});
  while (log_.size() > calls_kept) log_.pop_front();
}

answer cloud_face::play_log(const call& what, const std::string& query) {
  if (what.method == "DELETE") {
    log_.clear();
    return {204, "", "", {}};
  }
  if (what.method != "GET") return not_allowed(what.method);
  std::int64_t after = 0;
  for (const auto& [key, value] : parse_query(query))
    if (key == "after") after = id_of(value).value_or(0);
  json::array calls;
  for (const auto& one : log_)
    if (one.number > after)
      calls.push_back({{"number", one.number},
                       {"at", one.at},
                       {"method", one.method},
                       {"path", one.path},
                       {"body", one.body},
                       {"status", one.status},
                       {"fault", one.mishap}});
  const auto first = log_.empty() ? calls_ + 1 : log_.front().number;
  return json_answer(200, {{"calls", std::move(calls)}, {"dropped", first - 1}});
}

}  // namespace regent::sim
