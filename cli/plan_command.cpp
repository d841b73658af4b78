// `regent plan RESOURCE OPERATION`: the exact steps, hosts and parameters, secrets masked. Sends nothing to any host.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/clock.hpp"
#include "cli/commands.hpp"
#include "cli/saying.hpp"
#include "edge/cloud.hpp"
#include "primitives/planner.hpp"

namespace regent::cli {
namespace {

struct plan_options {
  std::string resource;
  std::string operation;
  std::string region_file;
  std::string record_file;
  bool quiesced = false;
  bool as_json = false;
};

result<record> record_of_cloud(const resource_id& id, const region_config& region) {
  const system_clock time;
  auto client = make_cloud(region.cloud, make_cloud_session(region.cloud, time));
  if (!client) return failure(client.error());
  return (*client)->read(id);
}

/// A file with the neutral document of region/record.hpp.
result<record> record_of_file(const resource_id& id, const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!(text << stream.rdbuf()))
    return fail(error_kind::permanent, "record_unreadable", "{} cannot be read, or is empty", file);
  const auto document = parse_json(text.str());
  if (!document) return fail(error_kind::permanent, "record_malformed", "{}: {}", file, document.error().message);
  record out;
  out.head.id = id;
  out.document = *document;
  return out;
}

bool is_quiesced(lifecycle_state state) {
  return state == lifecycle_state::quiesced || state == lifecycle_state::quiesced_update ||
         state == lifecycle_state::quiesced_updating;
}

int show_plan(const plan_options& options) {
  const auto id = resource_id::parse(options.resource);
  if (!id) return complain(wrong_use, fmt::format("'{}' is not a resource, like virtual_router/3", options.resource));
  const auto what = parse_operation(options.operation);
  if (!what)
    return complain(wrong_use, fmt::format("there is no operation '{}'; there are {}", options.operation,
                                           fmt::join(operation_names, ", ")));
  const auto region = load_region_config(options.region_file);
  if (!region.config) return complain(wrong_use, "\n" + region.text(options.region_file));
  const auto known = load_catalogue(region.config->kind_directories);
  if (!known) return complain(known.error());
  const auto resource =
      options.record_file.empty() ? record_of_cloud(*id, *region.config) : record_of_file(*id, options.record_file);
  if (!resource) return complain(options.record_file.empty() ? not_well : wrong_use, resource.error().text());
  const bool settles_quiesced = *what == operation::update && (options.quiesced || is_quiesced(resource->head.state));
  const auto made = (*known)->make_plan(*what, *resource, *region.config, settles_quiesced);
  if (!made) return complain(not_well, made.error().text());
  const auto text = options.as_json ? plan_json(*made) + "\n" : plan_text(*made);
  return say(text, well);
}

}  // namespace

void add_plan_command(CLI::App& app, int& exit) {
  auto options = std::make_shared<plan_options>();
  auto* command = app.add_subcommand("plan", "Show what an operation would do on which hosts; touches nothing");
  command->add_option("resource", options->resource, "KIND/ID, like virtual_router/3")->required();
  command->add_option("operation", options->operation, "build, update, quiesce, restart, scrub_prep, scrub or read")
      ->required();
  add_region_file_option(*command, options->region_file);
  command->add_option("--record", options->record_file, "a JSON file with the record, instead of asking the cloud");
  command->add_flag("--quiesced", options->quiesced, "an update that leaves the resource quiesced");
  command->add_flag("--json", options->as_json, "for programs");
  command->callback([options, &exit] { exit = show_plan(*options); });
}

}  // namespace regent::cli
