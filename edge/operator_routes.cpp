#include "edge/operator_routes.hpp"

#include <algorithm>

#include "edge/http_query.hpp"
#include "edge/route_request.hpp"
#include "region/json.hpp"

namespace regent {

http_answer answer_of(const result<std::string>& said, bool preview) {
  if (said)
    return {200, "application/json", fmt::format("{{\"{}\":{}}}\n", preview ? "would" : "done", json_quote(*said))};
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

/// "cancel, mark-done": the words of one subject.
std::string words_of(operator_subject subject) {
  std::string all;
  for (const auto& row : operator_verb_table)
    if (row.of == subject) all += fmt::format("{}{}", all.empty() ? "" : ", ", row.name);
  return all;
}

failure unknown_path() {
  return fail(error_kind::permanent, "unknown_path",
              "an operator's POST is for /api/v1/jobs/ID/WORD ({}), /api/v1/resources/KIND/ID/WORD ({}), "
              "/api/v1/hosts/HOST/WORD ({}) or /api/v1/schedules/NAME/WORD ({})",
              words_of(operator_subject::job), words_of(operator_subject::resource), words_of(operator_subject::host),
              words_of(operator_subject::schedule));
}

/// What the address of a list stands for.
std::optional<operator_subject> subject_of(std::string_view list) {
  if (list == "jobs") return operator_subject::job;
  if (list == "resources") return operator_subject::resource;
  if (list == "hosts") return operator_subject::host;
  if (list == "schedules") return operator_subject::schedule;
  return std::nullopt;
}

/// The parameter by which a step is named; none if the word is about no step.
std::optional<std::string> step_parameter(operator_verb verb) {
  if (verb == operator_verb::retry) return "from";
  if (verb == operator_verb::mark_done || verb == operator_verb::mark_failed) return "step";
  return std::nullopt;
}

result<void> read_parameters(const http_query& query, operator_command& into) {
  const auto step = step_parameter(into.what);
  into.preview = row_of(into.what).shows_first;
  for (const auto& [key, value] : query.parameters) {
    if (key == "by") continue;
    if (key == "preview") {
      if (value != "0" && value != "1")
        return fail(error_kind::permanent, "bad_query", "preview={} is neither 0 nor 1", value.substr(0, 100));
      into.preview = value == "1";
    } else if (step && key == *step) {
      const auto number = parse_number(value);
      if (!number || *number == 0 || *number > limits::steps_most)
        return fail(error_kind::permanent, "bad_query", "{}={} is not a step's number", key, value.substr(0, 100));
      into.step = static_cast<int>(*number);
    } else {
      return fail(error_kind::permanent, "bad_query", "there is no parameter {}; it takes: by, preview{}",
                  key.substr(0, 100), step ? ", " + *step : "");
    }
  }
  return {};
}

}  // namespace

void operator_routes::answer(std::string_view target, const std::function<void(http_answer)>& said) {
  auto what = command_of(target);
  if (!what) return said(answer_of(tl::unexpected(what.error())));
  const bool preview = what->preview;
  desk_(std::move(*what), [said, preview](const result<std::string>& decided) { said(answer_of(decided, preview)); });
}

result<operator_command> operator_routes::command_of(std::string_view target) {
  const auto query = parse_target(target);
  if (!query) return failure(query.error());
  const auto& at = query->segments;
  if (at.size() < 5 || at[0] != "api" || at[1] != "v1") return unknown_path();
  operator_command what;
  const auto subject = subject_of(at[2]);
  if (!subject || at.size() != (subject == operator_subject::resource ? 6 : 5)) return unknown_path();
  const auto verb = parse_operator_verb(at.back(), *subject);
  if (!verb) return unknown_path();
  what.what = *verb;
  if (auto read = read_parameters(*query, what); !read) return failure(read.error());
  auto by = operator_words(*query);
  if (!by) return failure(by.error());
  what.by = std::move(*by);
  if (subject == operator_subject::host) what.host = host_id(at[3]);
  if (subject == operator_subject::resource) what.resource = {at[3], at[4]};
  if (subject == operator_subject::schedule) what.schedule = at[3];
  if (subject != operator_subject::job) return what;
  const auto number = parse_number(at[3]);
  if (!number) return fail(error_kind::permanent, "not_found", "there is no job {}", at[3].substr(0, 100));
  what.job = job_id(static_cast<std::int64_t>(*number));
  auto resource = resource_of(what.job, what.what == operator_verb::cancel);
  if (!resource) return failure(resource.error());
  what.resource = std::move(*resource);
  return what;
}

result<resource_id> operator_routes::resource_of(job_id id, bool must_be_open) {
  auto reader = open_();
  if (!reader) return failure(reader.error());
  const auto found = (*reader)->find_job(id);
  if (!found) return failure(found.error());
  if (!*found) return fail(error_kind::permanent, "not_found", "there is no job {}", id.value());
  const auto& one = **found;
  if (must_be_open && !is_open(one.state))
    return fail(error_kind::conflict, "job_ended", "job {} has ended already: {}", id.value(), name(one.state));
  return one.resource;
}

}  // namespace regent
