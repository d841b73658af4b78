// `regent replay FILE`: a copied journal, from event to event.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "cli/saying.hpp"
#include "cli/table_text.hpp"
#include "edge/json_views.hpp"
#include "persistence/journal_replay.hpp"

namespace regent::cli {
namespace {

struct arguments {
  std::string file, resource;
  std::int64_t job = 0, from = 1;
  bool as_json = false, by_step = false;
};

std::string span(const std::optional<wall_time>& from, const std::optional<wall_time>& to) {
  return from && to ? " in " + span_text(*to - *from) : "";
}

std::string with(const char* before, const std::string& value) { return value.empty() ? "" : before + value; }

std::string job_text(const job& one) {
  auto text = fmt::format("  job {}: {} of {}, {}{}", one.id.value(), name(one.what), one.resource.text(),
                          name(one.state), span(one.started, one.ended));
  text += with(" (", one.cause) + (one.cause.empty() ? "" : ")") + with("; waits for ", one.waits_for);
  if (one.wait_deadline) text += " until " + iso_text(*one.wait_deadline);
  text += with("; cancelled by ", one.cancel) + with("; ", one.error_code) + with(": ", one.error_message);
  return shown(text) + '\n';
}

std::string step_text(const step& one) {
  const auto exit = one.exit_code ? fmt::format(", exit {}", *one.exit_code) : std::string();
  const auto tries = one.attempt > 1 ? fmt::format(", attempt {}", one.attempt) : std::string();
  const auto text = fmt::format("  job {} step {} on {}: {} {}: {}{}{}{}{}{}", one.job.value(), one.index + 1,
                                one.host.value(), one.primitive, one.verb, name(one.state), exit, tries,
                                span(one.started, one.ended), with(", run ", one.run.value()), with("; ", one.about));
  return shown(text) + '\n' + (one.error.empty() ? "" : output_text(one.error)) + output_text(one.output);
}

std::string event_line(const event& one) {
  const auto job = one.job.empty() ? one.root : one.job;
  return shown(fmt::format("{} #{} {}{}{}: {}", iso_text(one.at), one.sequence, one.topic,
                           one.resource.empty() ? "" : " " + one.resource.text(),
                           job.empty() ? "" : fmt::format(" (job {})", job.value()), one.text)) +
         '\n';
}

std::string moment_text(const replay_moment& one) {
  auto text = event_line(one.what);
  for (const auto& each : one.jobs) text += job_text(each);
  for (const auto& each : one.steps) text += step_text(each);
  return text;
}

/// All of every output is shown: programs read it.
constexpr std::size_t all_output = std::size_t(-1);

std::string moment_json(const replay_moment& one, wall_time now) {
  json_writer event, out;
  write_event(event, one.what, now);
  auto text = event.take();
  text.pop_back();  // its newline: this is one line
  out.open_object();
  out.document("event", text);
  out.open_array("jobs");
  for (const auto& each : one.jobs) write_job(out, each, now);
  out.close_array();
  write_steps(out, one.steps, {}, now, all_output);
  out.close_object();
  return out.take();
}

std::string end_text(const std::vector<job_with_steps>& open, const std::vector<std::string>& unread) {
  std::string text = open.empty() ? "" : fmt::format("still open ({}):\n", open.size());
  for (const auto& one : open) {
    text += job_text(one.job);
    for (const auto& each : one.steps) text += step_text(each);
  }
  for (const auto& one : unread) text += "cannot be read: " + shown(one) + '\n';
  return text;
}

std::string end_json(const std::vector<job_with_steps>& open, const std::vector<std::string>& unread, wall_time now) {
  json_writer out;
  out.open_object();
  out.open_array("open");
  for (const auto& one : open) {
    out.open_object();
    write_job_fields(out, one.job, now);
    write_steps(out, one.steps, {}, now, all_output);
    out.close_object();
  }
  out.close_array();
  out.open_array("unread");
  for (const auto& one : unread) out.text({}, one);
  out.close_array();
  out.close_object();
  return out.take();
}

bool print(const std::string& text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

/// Whether to go on.
bool asked_for_next() {
  std::fputs("-- Enter: next, q: quit ", stderr);
  std::fflush(stdout);
  const int first = std::getchar();
  for (int c = first; c != '\n' && c != EOF;) c = std::getchar();
  return first != EOF && first != 'q';
}

int replay(const arguments& given) {
  replay_filter filter;
  if (!given.resource.empty()) {
    const auto id = resource_id::parse(given.resource);
    if (!id)
      return complain(wrong_use, fmt::format("'{}' is not a resource, like virtual_router/3", shown(given.resource)));
    filter.resource = *id;
  }
  filter.job = job_id(given.job);
  filter.from = given.from;
  if (given.by_step && ::isatty(STDIN_FILENO) == 0) return complain(wrong_use, "--step needs a terminal to ask at");
  const auto file = open_replay(given.file, filter);
  if (!file) return complain(file.error());
  const auto now = system_clock().wall();
  if (const auto whose = (*file)->identity(); whose && !given.as_json)
    print(fmt::format("{}: journal {}, epoch {}, jobs up to {}\n", given.file, whose->journal_id, whose->epoch,
                      whose->last_job));
  for (;;) {
    const auto moment = (*file)->next();
    if (!moment) return complain(moment.error());
    if (!*moment) break;
    if (!print(given.as_json ? moment_json(**moment, now) : moment_text(**moment)))
      return complain(wrong_use, "the answer could not be written");
    if (given.by_step && !asked_for_next()) return well;
  }
  const auto open = (*file)->open_jobs();
  if (!open) return complain(open.error());
  const auto& unread = (*file)->unread();
  if (!print(given.as_json ? end_json(*open, unread, now) : end_text(*open, unread)) || std::fflush(stdout) != 0)
    return complain(wrong_use, "the answer could not be written");
  return unread.empty() ? well : not_well;
}

}  // namespace

void add_replay_command(CLI::App& app, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* command = app.add_subcommand(
      "replay",
      "Walk through a copied journal: every event with the jobs and steps behind it; exit 1 if a part cannot be read");
  command->add_option("FILE", given->file, "a backup, or a journal that was set aside; also a damaged one")->required();
  command->add_option("--resource", given->resource, "only what concerns this one, such as virtual_router/3");
  command->add_option("--job", given->job, "only this job")->check(CLI::PositiveNumber);
  command->add_option("--from", given->from, "begin with the event of this number")->check(CLI::PositiveNumber);
  auto* json = command->add_flag("--json", given->as_json,
                                 "one JSON document on each line, the last one with what is still open");
  command->add_flag("--step", given->by_step, "stop after each event, until Enter")->excludes(json);
  command->callback([given, &exit] { exit = replay(*given); });
}

}  // namespace regent::cli
