// `regent config example | check FILE | import FILE`.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

#include "cli/commands.hpp"
#include "cli/read_views.hpp"
#include "cli/region_file.hpp"
#include "cli/saying.hpp"
#include "edge/schedule_views.hpp"

namespace regent::cli {
namespace {

/// What is wrong in a region file: lines that begin with its name, as compilers write them.
int complain_of_file(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  return wrong_use;
}

std::string podnet_summary(const podnet_config& podnet) {
  if (podnet.a.empty()) return "no podnet";
  if (podnet.b.empty()) return "podnet a only";
  return fmt::format("podnet a+b ({} enabled)", podnet.enabled == podnet.a ? "a" : "b");
}

std::string summary(const region_config& config) {
  const auto& networks = config.networks;
  const auto tenants = networks.tenant_type == "none"
                           ? std::string("tenant networks stay on their host")
                           : fmt::format("{} on {}", networks.tenant_type, networks.tenant_interface);
  return fmt::format("{} host{}, {}, {}, cloud {}", config.hosts.size(), config.hosts.size() == 1 ? "" : "s",
                     podnet_summary(config.podnet), tenants, config.cloud.url);
}

std::string check_json(const std::string& file, const config_check& check) {
  auto out = fmt::format(R"({{"file":{},"good":{},"problems":[)", json_quote(file), check.config.has_value());
  for (const auto& problem : check.problems)
    out += fmt::format(R"({}{{"line":{},"column":{},"path":{},"message":{},"suggestion":{}}})",
                       &problem == &check.problems.front() ? "" : ",", problem.line, problem.column,
                       json_quote(problem.path), json_quote(problem.message), json_quote(problem.suggestion));
  return out + "],\"region\":" + (check.config ? json_text(*check.config->document) : "null") + "}\n";
}

int check_file(const std::string& file, bool as_json) {
  const auto check = load_whole_region_config(file);
  const int exit = check.config ? well : wrong_use;
  if (as_json) return say(check_json(file, check), exit);
  return say(check.config ? fmt::format("{}: good: {}\n", file, summary(*check.config)) : check.text(file), exit);
}

int preview_schedules(const std::string& file, std::size_t ahead, bool as_json) {
  const auto check = load_whole_region_config(file);
  if (!check.config) return complain_of_file(check.text(file));
  const auto now = system_clock().wall();
  std::vector<schedule_row> rows;
  for (const auto& one : check.config->schedules)
    rows.push_back({{one, one.enabled ? std::optional(now) : std::nullopt, {}, {}, {}}, {}, {}, {}});
  const auto text = schedules_text(rows, check.config->name, now, ahead);
  return say(as_json ? text : schedules_view(*parse_json(text).value()), well);
}

std::optional<std::string> read_all(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  text.resize(limits::region_file_bytes + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.gcount() == 0 && !in.eof()) || text.size() == static_cast<std::size_t>(in.gcount()))
    return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

int import_file(const std::string& file) {
  const auto text = read_all(file);
  if (!text)
    return complain_of_file(
        fmt::format("{}: cannot be read, or has more than {} bytes\n", file, limits::region_file_bytes));
  const auto made = import_robot_config(*text);
  if (!made) return complain_of_file(fmt::format("{}: {}\n", file, made.error().message));
  return say(*made, well);
}

}  // namespace

void add_config_command(CLI::App& app, int& exit) {
  auto* config = app.add_subcommand("config", "Write, check and import region files");
  config->require_subcommand(1);
  config->add_subcommand("example", "Print a commented region file")->callback([&exit] {
    exit = say(example_region_config(), well);
  });

  struct arguments {
    std::string file;
    bool as_json = false;
    std::size_t ahead = 5;
  };
  const auto given = std::make_shared<arguments>();
  auto* check = config->add_subcommand("check", "Report every error of a region file; exit 2 if there is one");
  check->add_option("FILE", given->file, "the region file")->required();
  check->add_flag("--json", given->as_json, "answer as JSON");
  check->callback([given, &exit] { exit = check_file(given->file, given->as_json); });

  auto* schedules = config->add_subcommand("schedules", "Show when a region file's schedules would fire, from now on");
  schedules->add_option("FILE", given->file, "the region file")->required();
  schedules->add_option("--next", given->ahead, "so many runs ahead")
      ->check(CLI::Range(std::size_t{0}, limits::schedule_preview_most))
      ->capture_default_str();
  schedules->add_flag("--json", given->as_json, "answer as JSON");
  schedules->callback([given, &exit] { exit = preview_schedules(given->file, given->ahead, given->as_json); });

  auto* import = config->add_subcommand("import", "Print a region file made from a CloudCIX Robot config.json");
  import->add_option("FILE", given->file, "the config.json")->required();
  import->callback([given, &exit] { exit = import_file(given->file);
});
}  // namespace regent::cli

}  // namespace regent::cli
