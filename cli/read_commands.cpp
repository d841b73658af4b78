#include <iostream>
#include <memory>

#include "base/ids.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/daemon_options.hpp"
#include "cli/read_views.hpp"
#include "cli/saying.hpp"
#include "cli/table_text.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"

namespace regent::cli {

namespace {
/// What a command is asked about, beside the daemon.
struct subject {
  enum class form { none, resource, number, name };
  form is = form::none;
  bool required = false;
  const char* about = "";
};

using view = std::string (*)(const rapidjson::Value&);

struct read_command {
  const char* name;
  const char* about;
  const char* path;
  view list;  ///< of the path; null if a subject is required
  subject of;
  view one;                                                  ///< of the path and the subject
  std::vector<std::pair<const char*, const char*>> filters;  ///< option and parameter of the same name, and what it is
  bool filters_one = false;                                  ///< they are for one as well, and there are no pages
};

const std::vector<read_command>& commands() {
  using form = subject::form;
  static const std::vector<read_command> all{
      {"status",
       "Show whether the daemon is well: ready, problems, counts",
       "/api/v1/status",
       status_view,
       {},
       nullptr,
       {}},
      {"resources",
       "List resources with their states, or show one",
       "/api/v1/resources",
       resources_view,
       {form::resource, false, "such as virtual_router/3"},
       resource_view,
       {{"kind", "such as virtual_router"},
        {"state", "a lifecycle state, such as running"},
        {"project", "the cloud's id of a project"},
        {"degraded", "true or false"}}},
      {"jobs",
       "List jobs, newest first",
       "/api/v1/jobs",
       jobs_view,
       {},
       nullptr,
       {{"resource", "such as virtual_router/3"},
        {"root", "the number of a tree's root: it and all below it"},
        {"state", "a job's state, or open for all that have not ended"}}},
      {"job",
       "Show one job with its steps and what they said, or with its branches",
       "/api/v1/jobs",
       nullptr,
       {form::number, true, "the job's number"},
       job_view,
       {}},
      {"hosts",
       "List hosts with state, latency, boot id and queue, or show one",
       "/api/v1/hosts",
       hosts_view,
       {form::name, false, "its name in the region file"},
       host_view,
       {{"role", "such as podnet"}, {"state", "connecting, up or down"}}},
      {"dead",
       "List the jobs that failed and wait for a decision, with what is needed to decide",
       "/api/v1/dead-letters",
       dead_view,
       {},
       nullptr,
       {}},
      {"sinks", "List who is sent events, how far, and why not further", "/api/v1/sinks", sinks_view, {}, nullptr, {}},
      {"throttles",
       "List how full each throttle of the region file is, and how many wait for it",
       "/api/v1/throttles",
       throttles_view,
       {},
       nullptr,
       {}},
      {"schedules",
       "List schedules with their last and next runs, or show one",
       "/api/v1/schedules",
       schedules_view,
       {form::name, false, "its name in the region file"},
       schedule_view,
       {{"next", "so many runs ahead, up to 100"}},
       true},
      {"locks",
       "List the leases that are held and the claims that wait",
       "/api/v1/locks",
       locks_view,
       {},
       nullptr,
       {{"host", "its name in the region file"}, {"job", "the job's number"}, {"state", "held or queued"}}},
      {"why",
       "Say why a resource is as it is and what it waits for",
       "/api/v1/why",
       nullptr,
       {form::resource, true, "such as virtual_router/3"},
       why_view,
       {}},
      {"actors",
       "List what is alive in the daemon",
       "/debug/actors",
       actors_view,
       {},
       nullptr,
       {{"type", "such as host"}, {"key", "such as podnet-a"}}},
  };
  return all;
}

/// What the user gave.
struct read_options {
  daemon_choice where;
  bool json = false;
  std::string subject, after, limit;
  std::vector<std::string> filters;  ///< in the order of the command's
};

/// The path of the subject. Errors: permanent `wrong_use`.
result<std::string> subject_path(const read_command& command, const std::string& value) {
  if (command.of.is != subject::form::resource) return std::string(command.path) + '/' + percent_encode(value);
  const auto id = resource_id::parse(value);
  if (!id)
    return fail(error_kind::permanent, "wrong_use", "'{}' is not a resource: write kind/id, such as virtual_router/3",
                shown(value));
  return fmt::format("{}/{}/{}", command.path, percent_encode(id->kind), percent_encode(id->id));
}

result<std::string> target_of(const read_command& command, const read_options& options) {
  std::string query;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) query += fmt::format("{}{}={}", query.empty() ? '?' : '&', key, percent_encode(value));
  };
  for (std::size_t i = 0; i < command.filters.size(); ++i) add(command.filters[i].first, options.filters[i]);
  add("after", options.after);
  add("limit", options.limit);
  if (options.subject.empty()) return command.path + query;
  if (!query.empty() && !command.filters_one)
    return fail(error_kind::permanent, "wrong_use", "{} of one takes no filter", command.name);
  auto path = subject_path(command, options.subject);
  return path ? *path + query : path;
}

/// Prints the answer; the exit code says how it is.
int show(const read_command& command, const read_options& options, const daemon_answer& answer) {
  const auto parsed = parse_json(answer.body);
  if (!parsed)
    return complain(no_daemon, fmt::format("what answered is not a regent daemon: {}", parsed.error().message));
  const auto& said = **parsed;
  if (options.json) std::cout << answer.body << std::flush;
  if (answer.status != 200) return options.json ? exit_of(answer) : complain(answer);
  const auto exit = command.list == status_view && !is_well(said) ? not_well : well;
  if (options.json) return exit;
  std::cout << (options.subject.empty() ? command.list : command.one)(said) << truncation_view(said) << std::flush;
  return exit;
}

int run(const read_command& command, const read_options& options) {
  const auto target = target_of(command, options);
  if (!target) return complain(wrong_use, target.error().message);
  const auto where = daemon_addresses(options.where);
  if (!where) return complain(wrong_use, where.error().message);
  const auto answer = ask_daemon(*where, *target);
  if (!answer) return complain(no_daemon, answer.error().message);
  return show(command, options, *answer);
}

void add_command(CLI::App& app, const read_command& command, int& exit) {
  auto* sub = app.add_subcommand(command.name, command.about);
  auto options = std::make_shared<read_options>();
  options->filters.resize(command.filters.size());
  if (command.of.is != subject::form::none) {
    const char* name = command.of.is == subject::form::resource ? "RESOURCE"
                       : command.of.is == subject::form::number ? "ID"
                                                                : "NAME";
    sub->add_option(name, options->subject, command.of.about)->required(command.of.required);
  }
  for (std::size_t i = 0; i < command.filters.size(); ++i)
    sub->add_option(std::string("--") + command.filters[i].first, options->filters[i], command.filters[i].second);
  if (command.list != nullptr && command.list != status_view && command.list != sinks_view && !command.filters_one) {
    sub->add_option("--limit", options->limit, "rows at most, 1 to 1000 (100)");
    sub->add_option("--after", options->after, "go on after this cursor, which a cut answer names");
  }
  sub->add_flag("--json", options->json, "the daemon's answer as it is");
  add_daemon_options(*sub, options->where);
  sub->callback([&exit, &command, options] { exit = run(command, *options); });
}
}  // namespace

void add_read_commands(CLI::App& app, int& exit) {
  for (const auto& command : commands()) add_command(app, command, exit);
}

}  // namespace regent::cli
