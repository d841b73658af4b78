#include <iostream>
#include <memory>

#include "base/ids.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/daemon_options.hpp"
#include "cli/drain_wait.hpp"
#include "cli/operator_name.hpp"
#include "cli/read_views.hpp"
#include "cli/saying.hpp"
#include "cli/table_text.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"
#include "region/operator_command.hpp"

namespace regent::cli {

namespace {

struct operator_word {
  operator_verb verb;
  const char* about;
};

constexpr operator_word words[] = {
    {operator_verb::cancel, "End a job: its run on the host is ended and what it left is read back"},
    {operator_verb::retry, "Try again what has failed or is degraded"},
    {operator_verb::mark_done, "Say that a dead job, or the step that a job is stuck at, is done"},
    {operator_verb::mark_failed, "Say that a dead job, or the step that a job is stuck at, has failed"},
    {operator_verb::pause, "Let nothing begin on a resource; users' wishes wait"},
    {operator_verb::resume, "Let jobs begin on a paused resource again"},
    {operator_verb::adopt,
     "Take over what stands on hosts for a resource and regent did not make, or does not look after"},
    {operator_verb::release, "Look after a resource no more; it stays on its hosts as it is"},
    {operator_verb::cordon, "Let no new job begin on a host; what has begun goes on"},
    {operator_verb::drain, "The same until the host is empty: what has begun, and its children, come to their end"},
    {operator_verb::maintenance, "Drain a host that is to be switched off: nobody is alarmed when it is away then"},
    {operator_verb::uncordon, "Let jobs begin on a host again, after cordon, drain or maintenance"},
    {operator_verb::evacuate, "Say, for each resource of a host, why it cannot be moved"},
    {operator_verb::force_detach, "Give up a host that is dead for good; shows what would happen, unless --yes"},
    {operator_verb::attach, "Look after a host that was given up again"},
    {operator_verb::schedule_pause, "Let it not fire any more; what it has begun goes on"},
    {operator_verb::schedule_resume, "Let it fire again, from now on"},
    {operator_verb::schedule_run, "Let it fire now, besides its times"},
};

struct subject_words {
  const char* name;
  const char* about;
  const char* path;
};

constexpr subject_words words_of(operator_subject subject) {
  switch (subject) {
    case operator_subject::job: return {"JOB", "the job's number", "/api/v1/jobs"};
    case operator_subject::resource: return {"RESOURCE", "such as virtual_router/3", "/api/v1/resources"};
    case operator_subject::schedule: return {"NAME", "its name in the region file", "/api/v1/schedules"};
    case operator_subject::host: break;
  }
  return {"HOST", "its name in the region file", "/api/v1/hosts"};
}

struct operator_options {
  daemon_choice where;
  std::string subject, reason;
  int step = 0;
  bool json = false, preview = false, yes = false, wait = false;
};

result<std::string> target_of(const operator_word& word, const operator_options& options) {
  auto subject = percent_encode(options.subject);
  const auto& row = row_of(word.verb);
  if (row.of == operator_subject::resource) {
    const auto id = resource_id::parse(options.subject);
    if (!id)
      return fail(error_kind::permanent, "wrong_use", "'{}' is not a resource: write kind/id, such as virtual_router/3",
                  shown(options.subject));
    subject = percent_encode(id->kind) + '/' + percent_encode(id->id);
  }
  const auto by = operator_name(options.reason);
  auto target = fmt::format("{}/{}/{}?by={}", words_of(row.of).path, subject, row.name, percent_encode(by));
  if (options.step != 0)
    target += fmt::format("&{}={}", word.verb == operator_verb::retry ? "from" : "step", options.step);
  const bool preview = options.preview || (row.shows_first && !options.yes);
  if (preview || row.shows_first) target += fmt::format("&preview={}", preview ? 1 : 0);
  return target;
}

int run(const operator_word& word, const operator_options& options) {
  const auto target = target_of(word, options);
  if (!target) return complain(wrong_use, target.error().message);
  const auto where = daemon_addresses(options.where);
  if (!where) return complain(wrong_use, where.error().message);
  const auto answer = ask_daemon(*where, *target, daemon_call::tell);
  if (!answer) return complain(no_daemon, answer.error().message);
  const auto parsed = parse_json(answer->body);
  if (!parsed) return complain(no_daemon, "what answered is not a regent daemon: " + parsed.error().message);
  if (options.json) std::cout << answer->body << std::flush;
  const auto* done = find_path(**parsed, "done");
  const auto* would = find_path(**parsed, "would");
  if (answer->status == 200 && would != nullptr && would->IsString()) {
    if (!options.json) std::cout << "would: " << would->GetString() << std::endl;
    return well;
  }
  if (answer->status == 200 && done != nullptr && done->IsString()) {
    if (!options.json) std::cout << done->GetString() << std::endl;
    return options.wait ? wait_until_drained(*where, options.subject, options.json) : well;
  }
  return options.json ? exit_of(*answer) : complain(*answer);
}

}  // namespace

void add_operator_commands(CLI::App& app, int& exit) {
  auto* schedule = app.add_subcommand("schedule", "Pause, resume or run a schedule of the region file");
  schedule->require_subcommand(1);
  for (const auto& word : words) {
    const auto& row = row_of(word.verb);
    const auto subject = words_of(row.of);
    auto* parent = row.of == operator_subject::schedule ? schedule : &app;
    auto* sub = parent->add_subcommand(std::string(row.name), word.about);
    auto options = std::make_shared<operator_options>();
    sub->add_option(subject.name, options->subject, subject.about)->required();
    sub->add_option("--reason", options->reason, "why, for those who read the journal later");
    if (word.verb == operator_verb::retry)
      sub->add_option("--from", options->step, "go on from this step of the job that failed")
          ->check(CLI::PositiveNumber);
    if (word.verb == operator_verb::mark_done || word.verb == operator_verb::mark_failed)
      sub->add_option("STEP", options->step, "its step; else the one it is stuck at, or the whole of a dead job")
          ->check(CLI::PositiveNumber);
    if (word.verb == operator_verb::drain || word.verb == operator_verb::maintenance)
      sub->add_flag("--wait", options->wait, "return when the host is empty, and say what it waits for");
    auto* preview = sub->add_flag("--preview", options->preview, "say what would happen, and change nothing");
    if (row.shows_first) sub->add_flag("--yes", options->yes, "do it")->excludes(preview);
    sub->add_flag("--json", options->json, "the daemon's answer as it is");
    add_daemon_options(*sub, options->where);
    sub->callback([&exit, &word, options] { exit = run(word, *options); });
  }
}

}  // namespace regent::cli
