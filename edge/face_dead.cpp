#include <algorithm>

#include "edge/face_handlers.hpp"
#include "edge/json_views.hpp"
#include "region/operator_command.hpp"
#include "region/resume_point.hpp"

namespace regent {

namespace {

constexpr std::size_t output_bytes = 4096;  ///< of the step that failed, in a list

/// The step that the job failed at: its first that is not done, or none if it was never planned.
const step* failed_step(const std::vector<step>& steps) {
  const auto broken = std::find_if(steps.begin(), steps.end(), [](const step& one) {
    return one.state == step_state::failed || one.state == step_state::unknown;
  });
  return broken == steps.end() ? nullptr : &*broken;
}

void write_step(json_writer& out, const step& at, std::size_t count) {
  out.open_object("step");
  out.number("number", at.index + 1);
  out.number("of", static_cast<std::int64_t>(count));
  out.text("host", at.host.value());
  out.text("primitive", at.primitive);
  out.text("verb", at.verb);
  out.text("about", at.about);
  out.text("state", name(at.state));
  out.number("attempt", at.attempt);
  out.maybe_number("exit_code", at.exit_code ? std::optional<std::int64_t>(*at.exit_code) : std::nullopt);
  out.text("error", at.error);
  out.text("output", at.output.substr(0, output_bytes));
  out.close_object();
}

/// The commands that decide about it, as they are typed.
std::vector<std::string> words_for(const resource& what, const job_with_steps& dead,
                                   const std::vector<host_picture>& hosts) {
  const auto about = what.id.text();
  const auto number = dead.job.id.value();
  std::vector<std::string> all{"regent retry " + about};
  std::map<host_id, std::string> boots;
  for (const auto& host : hosts) boots[host.host] = host.boot_id;
  const auto* at = failed_step(dead.steps);
  if (at != nullptr && at->index > 0 && what.state == unresourced && !why_not_from(dead, at->index + 1, boots))
    all.push_back(fmt::format("regent retry {} --from {}", about, at->index + 1));
  if (dead.job.repair || what.state == unresourced) all.push_back(fmt::format("regent mark-done {}", number));
  if (at != nullptr && what.state == unresourced)
    all.push_back(fmt::format("regent mark-done {} {}", number, at->index + 1));
  all.push_back(fmt::format("regent mark-failed {}", number));
  if (at != nullptr && at->error.find("is not regent's") != std::string::npos) all.push_back("regent adopt " + about);
  all.push_back("regent release " + about);
  return all;
}

}  // namespace

result<std::string> face_handlers::dead_letters(const route_request& asked) {
  const auto limit = asked.limit();
  if (!limit) return failure(limit.error());
  const auto found = journal([&](auto& from) { return from.dead_letters(asked.text("after"), *limit); });
  if (!found) return failure(found.error());
  const auto hosts = facts_.hosts.list();
  const auto now = time_.wall();
  json_writer out;
  out.open_object();
  out.open_array("rows");
  for (const auto& letter : found->rows) {
    const auto what = journal([&](auto& from) { return from.find_resource(letter.resource); });
    if (!what) return failure(what.error());
    const auto dead = journal([&](auto& from) { return from.find_job(letter.job); });
    if (!dead) return failure(dead.error());
    const auto steps = journal([&](auto& from) { return from.steps(letter.job); });
    if (!steps) return failure(steps.error());
    if (!*dead) continue;  // decided between two looks
    resource about;
    about.id = letter.resource;
    if (*what) about = **what;
    out.open_object();
    out.text("resource", letter.resource.text());
    out.text("state", name(about.state));
    out.flag("degraded", about.degraded);
    out.time_and_age("since", letter.since, now);
    out.text("asked_again_by", letter.by);
    out.number("from_step", letter.from_step);
    out.open_object("job");
    write_job_fields(out, **dead, now);
    out.close_object();
    if (const auto* at = failed_step(*steps))
      write_step(out, *at, steps->size());
    else
      out.null("step");
    out.open_array("words");
    for (const auto& word : words_for(about, {**dead, *steps}, hosts)) out.text({}, word);
    out.close_array();
    out.close_object();
  }
  close_list(out, found->total, found->next);
  return out.take();
}

}  // namespace regent
