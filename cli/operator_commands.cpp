#include <iostream>
#include <memory>

#include "base/ids.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/daemon_options.hpp"
#include "cli/operator_name.hpp"
#include "cli/read_views.hpp"
#include "cli/table_text.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"

namespace regent::cli {

namespace {

struct operator_word {
  const char* name;
  const char* about;
  const char* subject;
  const char* subject_about;
  const char* path;             ///< of what it is said of
  const char* below = nullptr;  ///< the command that it stands below
};

constexpr operator_word words[] = {
    {"cancel", "End a job: its run on the host is ended and what it left is read back", "JOB", "the job's number",
     "/api/v1/jobs"},
    {"retry", "Try again what has failed or is degraded", "RESOURCE", "such as virtual_router/3", "/api/v1/resources"},
    {"cordon", "Let no new job begin on a host; what has begun goes on", "HOST", "its name in the region file",
     "/api/v1/hosts"},
    {"uncordon", "Let jobs begin on a host again", "HOST", "its name in the region file", "/api/v1/hosts"},
    {"pause", "Let it not fire any more; what it has begun goes on", "NAME", "its name in the region file",
     "/api/v1/schedules", "schedule"},
    {"resume", "Let it fire again, from now on", "NAME", "its name in the region file", "/api/v1/schedules",
     "schedule"},
    {"run", "Let it fire now, besides its times", "NAME", "its name in the region file", "/api/v1/schedules",
     "schedule"},
};

struct given {
  daemon_choice where;
  std::string subject, reason;
  bool json = false;
};

int complain(int exit, std::string_view message) {
  std::cerr << "regent: " << message << '\n';
  return exit;
}

result<std::string> target_of(const operator_word& word, const given& options) {
  auto subject = percent_encode(options.subject);
  if (std::string_view(word.path) == "/api/v1/resources") {
    const auto id = resource_id::parse(options.subject);
    if (!id)
      return fail(error_kind::permanent, "wrong_use", "'{}' is not a resource: write kind/id, such as virtual_router/3",
                  shown(options.subject));
    subject = percent_encode(id->kind) + '/' + percent_encode(id->id);
  }
  const auto by = operator_name(options.reason);
  return fmt::format("{}/{}/{}?by={}", word.path, subject, word.name, percent_encode(by));
}

int run(const operator_word& word, const given& options) {
  const auto target = target_of(word, options);
  if (!target) return complain(2, target.error().message);
  const auto where = daemon_addresses(options.where);
  if (!where) return complain(2, where.error().message);
  const auto answer = ask_daemon(*where, *target, daemon_call::tell);
  if (!answer) return complain(3, answer.error().message);
  const auto parsed = parse_json(answer->body);
  if (!parsed) return complain(3, "what answered is not a regent daemon: " + parsed.error().message);
  if (options.json) std::cout << answer->body << std::flush;
  const auto* done = find_path(**parsed, "done");
  if (answer->status == 200 && done != nullptr && done->IsString()) {
    if (!options.json) std::cout << done->GetString() << std::endl;
    return 0;
  }
  const auto why = error_view(**parsed);
  const int exit = answer->status == 400 ? 2 : 1;
  return options.json ? exit
                      : complain(exit, why.empty() ? fmt::format("the daemon answered {}", answer->status) : why);
}

}  // namespace

void add_operator_commands(CLI::App& app, int& exit) {
  auto* schedule = app.add_subcommand("schedule", "Pause, resume or run a schedule of the region file");
  schedule->require_subcommand(1);
  for (const auto& word : words) {
    auto* sub = (word.below == nullptr ? &app : schedule)->add_subcommand(word.name, word.about);
    auto options = std::make_shared<given>();
    sub->add_option(word.subject, options->subject, word.subject_about)->required();
    sub->add_option("--reason", options->reason, "why, for those who read the journal later");
    sub->add_flag("--json", options->json, "the daemon's answer as it is");
    add_daemon_options(*sub, options->where);
    sub->callback([&exit, &word, options] { exit = run(word, *options); });
  }
}

}  // namespace regent::cli
