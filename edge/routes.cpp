#include "edge/routes.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "edge/face_handlers.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"

namespace regent {

namespace {
struct route {
  std::string_view pattern;  ///< "{}" captures one segment, a last "{*}" all that are left
  std::vector<std::string_view> parameters;
  std::string_view about;
  face_handlers::body (face_handlers::*handle)(const route_request&);  ///< null: the list of routes itself
  std::string_view type = "application/json";
  result<std::shared_ptr<http_stream>> (face_handlers::*open)(const route_request&) = nullptr;  ///< instead of handle
};

const std::vector<route>& table() {
  using h = face_handlers;
  static const std::vector<route> all{
      {"/", {}, "this list", nullptr, "text/plain; charset=utf-8"},
      {"/api/v1/status", {}, "the daemon: ready, problems, counts, ages", &h::status},
      {"/api/v1/resources", {"kind", "state", "project", "degraded", "after", "limit"}, "resources", &h::resources},
      {"/api/v1/resources/{}/{}", {}, "one, with its record, open jobs, last events and reports", &h::resource_detail},
      {"/api/v1/jobs",
       {"resource", "root", "state", "after", "limit"},
       "jobs, newest first; state=open: all open ones",
       &h::jobs},
      {"/api/v1/jobs/{}", {"after", "limit"}, "one, with its steps; a root with its branches", &h::job_detail},
      {"/api/v1/hosts", {"role", "state", "after", "limit"}, "hosts", &h::hosts},
      {"/api/v1/hosts/{}", {}, "one, with its leases and its queue", &h::host_detail},
      {"/api/v1/locks", {"host", "job", "state", "after", "limit"}, "leases held and claims queued", &h::locks},
      {"/api/v1/dead-letters",
       {"after", "limit"},
       "jobs that failed and wait for a decision, newest first, with what is needed to decide",
       &h::dead_letters},
      {"/api/v1/why/{}/{}", {}, "why a resource is as it is, in a sentence", &h::why},
      {"/api/v1/events",
       {"order", "topic", "resource", "after", "limit"},
       "committed changes, newest first; order=oldest: those after an event, oldest first",
       &h::events},
      {"/api/v1/events/stream",
       {"topic", "resource", "after"},
       "the same as server-sent events, from now on or after an event",
       nullptr,
       "text/event-stream",
       &h::event_stream},
      {"/api/v1/topics",
       {},
       "what events are about, for topic=: words and dots, * for one word, # for any",
       &h::topics},
      {"/api/v1/sinks", {}, "who is sent events, how far, and why not further", &h::sinks},
      {"/api/v1/throttles", {"after", "limit"}, "how full each throttle is, and how many wait for it", &h::throttles},
      {"/api/v1/schedules", {"next"}, "schedules, each with its last run and the next ones", &h::schedules},
      {"/api/v1/schedules/{}", {"next"}, "one", &h::schedule_detail},
      {"/debug/actors", {"type", "key", "after", "limit"}, "live actors", &h::actors},
      {"/debug/actors/{}/{*}", {}, "one live actor", &h::actor_detail},
      {"/healthz", {}, "200 while the main loop turns", &h::healthz},
      {"/readyz", {}, "200 once the journal is read and its open jobs are taken up", &h::readyz},
      {"/metrics", {}, "for Prometheus", &h::metrics, metrics_type},
  };
  return all;
}

std::string index(const std::string& region) {
  auto text = fmt::format("regent {}, region {}\n\n", REGENT_VERSION, json_quote(region));
  for (const auto& each : table())
    text += fmt::format("{:<26} {}{}\n", each.pattern, each.about,
                        each.parameters.empty() ? "" : fmt::format(" (?{}=)", fmt::join(each.parameters, "=, ")));
  return text;
}

/// The captured segments, if the path is of the pattern.
std::optional<std::vector<std::string>> match(std::string_view pattern, const std::vector<std::string>& path) {
  std::vector<std::string> captured;
  std::size_t at = 0;
  while (pattern.size() > 1) {
    pattern.remove_prefix(1);
    const auto part = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(part.size());
    if (at == path.size()) return std::nullopt;
    if (part == "{*}") {
      captured.push_back(fmt::format("{}", fmt::join(path.begin() + static_cast<std::ptrdiff_t>(at), path.end(), "/")));
      return captured;
    }
    if (part == "{}")
      captured.push_back(path[at]);
    else if (part != path[at])
      return std::nullopt;
    ++at;
  }
  return at == path.size() ? std::optional(captured) : std::nullopt;
}

result<http_answer> respond(face_handlers& handlers, const route& chosen, route_request asked) {
  for (const auto& [key, value] : asked.parameters)
    if (std::find(chosen.parameters.begin(), chosen.parameters.end(), key) == chosen.parameters.end())
      return fail(error_kind::permanent, "unknown_parameter", "{} takes no parameter {}; it takes: {}", chosen.pattern,
                  key.substr(0, 100),
                  chosen.parameters.empty() ? "none" : fmt::format("{}", fmt::join(chosen.parameters, ", ")));
  http_answer made{200, std::string(chosen.type), {}};
  if (chosen.open != nullptr) {
    auto opened = (handlers.*chosen.open)(asked);
    if (!opened) return failure(opened.error());
    made.stream = std::move(*opened);
    return made;
  }
  auto said =
      chosen.handle == nullptr ? result<std::string>(index(handlers.region())) : (handlers.*chosen.handle)(asked);
  if (!said) return failure(said.error());
  made.body = std::move(*said);
  return made;
}
}  // namespace

int http_status(const error& wrong) {
  static constexpr std::array<std::pair<std::string_view, int>, 6> statuses{{{"bad_query", 400},
                                                                             {"bad_cursor", 400},
                                                                             {"bad_filter", 400},
                                                                             {"unknown_parameter", 400},
                                                                             {"unknown_path", 404},
                                                                             {"not_found", 404}}};
  const auto found =
      std::find_if(statuses.begin(), statuses.end(), [&](const auto& each) { return each.first == wrong.code; });
  return found == statuses.end() ? 503 : found->second;
}

routes::routes(std::string region, journal_opener open, const daemon_facts& facts, const clock& time)
    : handlers_(std::make_unique<face_handlers>(std::move(region), std::move(open), facts, time)) {}

routes::~routes() = default;

http_answer routes::answer(std::string_view target, std::string_view last_event_id) {
  auto query = parse_target(target);
  if (!query) return http_error(400, query.error().code, query.error().message);
  for (const auto& each : table()) {
    auto captured = match(each.pattern, query->segments);
    if (!captured) continue;
    auto said =
        respond(*handlers_, each, {std::move(*captured), std::move(query->parameters), std::string(last_event_id)});
    if (!said) return http_error(http_status(said.error()), said.error().code, said.error().message);
    return std::move(*said);
  }
  return http_error(404, "unknown_path", "nothing is at this path; / lists what is");
}

}  // namespace regent
