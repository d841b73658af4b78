#include "edge/operator_routes.hpp"

#include <algorithm>

#include "edge/http_query.hpp"
#include "edge/route_request.hpp"
#include "region/json.hpp"

namespace regent {

http_answer answer_of(const result<std::string>& said) {
  if (said) return {200, "application/json", fmt::format("{{\"done\":{}}}\n", json_quote(*said))};
  const auto& why = said.error();
  const bool unknown = why.code == "not_found" || why.code == "unknown_path";
  const int status = unknown                                                                         ? 404
                     : why.code == "bad_query" || why.code == "bad_tree" || why.code == "bad_filter" ? 400
                     : why.kind == error_kind::conflict                                              ? 409
                                                                                                     : 503;
  return http_error(status, why.code, why.message);
}

result<std::string> operator_words(const http_query& query) {
  const auto by = query.parameters.find("by");
  if (by == query.parameters.end() || by->second.empty())
    return fail(error_kind::permanent, "bad_query", "by= is missing: who says so, and why");
  if (by->second.size() > limits::operator_words_bytes)
    return fail(error_kind::permanent, "bad_query", "by= has {} bytes; it may have {}", by->second.size(),
                limits::operator_words_bytes);
  return by->second;
}

namespace {

failure unknown_path() {
  return fail(error_kind::permanent, "unknown_path",
              "an operator's POST is for /api/v1/jobs/ID/cancel, /api/v1/resources/KIND/ID/retry, "
              "/api/v1/hosts/HOST/cordon, /api/v1/hosts/HOST/uncordon or /api/v1/schedules/NAME/pause, resume or run");
}

result<std::string> words(const http_query& query) {
  for (const auto& [key, value] : query.parameters)
    if (key != "by")
      return fail(error_kind::permanent, "bad_query", "there is no parameter {}; it takes: by", key.substr(0, 100));
  return operator_words(query);
}

}  // namespace

void operator_routes::answer(std::string_view target, const std::function<void(http_answer)>& said) {
  auto what = command_of(target);
  if (!what) return said(answer_of(tl::unexpected(what.error())));
  desk_(std::move(*what), [said](const result<std::string>& decided) { said(answer_of(decided)); });
}

result<operator_command> operator_routes::command_of(std::string_view target) {
  const auto query = parse_target(target);
  if (!query) return failure(query.error());
  const auto& at = query->segments;
  if (at.size() < 5 || at[0] != "api" || at[1] != "v1") return unknown_path();
  operator_command what;
  const auto verb = std::find(operator_verb_names.begin(), operator_verb_names.end(), at.back());
  if (verb == operator_verb_names.end()) return unknown_path();
  what.what = static_cast<operator_verb>(verb - operator_verb_names.begin());
  const bool of_job = at[2] == "jobs" && at.size() == 5 && what.what == operator_verb::cancel;
  const bool of_resource = at[2] == "resources" && at.size() == 6 && what.what == operator_verb::retry;
  const bool of_host = at[2] == "hosts" && at.size() == 5 &&
                       (what.what == operator_verb::cordon || what.what == operator_verb::uncordon);
  const bool of_schedule = at[2] == "schedules" && at.size() == 5 && what.what >= operator_verb::pause;
  if (!of_job && !of_resource && !of_host && !of_schedule) return unknown_path();
  auto by = words(*query);
  if (!by) return failure(by.error());
  what.by = std::move(*by);
  if (of_host) what.host = host_id(at[3]);
  if (of_schedule) what.schedule = at[3];
  if (of_resource) what.resource = {at[3], at[4]};
  if (!of_job) return what;
  const auto number = parse_number(at[3]);
  if (!number) return fail(error_kind::permanent, "not_found", "there is no job {}", at[3].substr(0, 100));
  what.job = job_id(static_cast<std::int64_t>(*number));
  auto resource = resource_of(what.job);
  if (!resource) return failure(resource.error());
  what.resource = std::move(*resource);
  return what;
}

result<resource_id> operator_routes::resource_of(job_id id) {
  auto reader = open_();
  if (!reader) return failure(reader.error());
  const auto found = (*reader)->find_job(id);
  if (!found) return failure(found.error());
  if (!*found) return fail(error_kind::permanent, "not_found", "there is no job {}", id.value());
  const auto& one = **found;
  if (!is_open(one.state))
    return fail(error_kind::conflict, "job_ended", "job {} has ended already: {}", id.value(), name(one.state));
  return one.resource;
}

}  // namespace regent
