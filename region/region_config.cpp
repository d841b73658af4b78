#include "region/region_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "region/region_config_sections.hpp"

namespace regent {
namespace {

/// At most `most` + 1 bytes of the file: one more than allowed tells that it is too long.
std::optional<std::string> read_file(const std::string& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  std::string text(most + 1, '\0');
  if (!in) return std::nullopt;
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

void read_file_sections(config_section& file, region_config& into) {
  file.need("region", "give the region a name");
  file.text("region", into.name, check_name);
  file.text("state_directory", into.state_directory, check_absolute_path);
  file.text_of("log_level", into.log_level, {"trace", "debug", "info", "warning", "error"});
  read_cloud_section(file, into.cloud);
  read_host_sections(file, into.hosts);
  read_podnet_section(file, into.hosts, into.podnet);
  read_networks_section(file, into.networks);
  read_policies_section(file, into.policies);
  read_listen_section(file, into.state_directory, into.listen);
  read_events_section(file, into.events);
  read_schedules_section(file, into.schedules);
  read_throttles_section(file, into.hosts, into.throttles);
  file.texts("kinds", into.kind_directories, check_absolute_path);
  file.close({{"name", "did you mean region?"}});
}

const yaml_value* member_of(const yaml_value* map, std::string_view key) {
  if (map == nullptr || map->is != yaml_value::shape::map) return nullptr;
  for (const auto& each : map->members)
    if (each.key->text == key) return each.value;
  return nullptr;
}

/// Of the elements of list `section`, the kind that each names below `way`.
void note_kinds(const yaml_value& root, const std::string& section, const std::vector<std::string>& way,
                std::vector<kind_mention>& into) {
  const auto* list = member_of(&root, section);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto* at = list->items[i];
    for (const auto& key : way) at = member_of(at, key);
    if (at != nullptr && at->is == yaml_value::shape::scalar && !at->text.empty())
      into.push_back({at->text, fmt::format("{}.{}.{}", section, i, fmt::join(way, ".")), at->line, at->column});
  }
}

failure unreadable(const secret_reference& reference, const std::string& why) {
  const bool file = reference.from == secret_reference::source::file;
  return fail(error_kind::permanent, "secret_unreadable", "{} {}: {}", file ? "file" : "environment variable",
              reference.what, why);
}

result<std::string> read_secret_file(const secret_reference& reference) {
  std::error_code code;
  const auto status = std::filesystem::status(reference.what, code);
  // Anything else may never answer: a pipe has no end until somebody writes to it.
  if (!std::filesystem::is_regular_file(status))
    return unreadable(reference,
                      std::filesystem::exists(status) ? "is not a file" : "does not exist or is out of reach");
  auto text = read_file(reference.what, limits::secret_bytes);
  if (!text) return unreadable(reference, "cannot be read; check its owner and mode");
  if (text->size() > limits::secret_bytes)
    return unreadable(reference, fmt::format("has more than {} bytes", limits::secret_bytes));
  if (!text->empty() && text->back() == '\n') text->pop_back();
  if (!text->empty() && text->back() == '\r') text->pop_back();
  if (text->empty()) return unreadable(reference, "is empty");
  return *text;
}

}  // namespace

result<std::string> read_secret(const secret_reference& reference) {
  switch (reference.from) {
    case secret_reference::source::none:
      return fail(error_kind::permanent, "secret_unreadable", "the region file names no source for this secret");
    case secret_reference::source::inline_value: return reference.what;
    case secret_reference::source::file: return read_secret_file(reference);
    case secret_reference::source::environment: break;
  }
  const char* value = std::getenv(reference.what.c_str());
  if (value == nullptr || *value == '\0') return unreadable(reference, value == nullptr ? "is not set" : "is empty");
  return std::string(value);
}

const host_config* region_config::find_host(const host_id& wanted) const {
  const auto found = std::find_if(hosts.begin(), hosts.end(), [&](const host_config& h) { return h.name == wanted; });
  return found == hosts.end() ? nullptr : &*found;
}

std::string config_check::text(const std::string& file_name) const {
  std::string out;
  for (const auto& problem : problems) {
    out += file_name;
    if (problem.line > 0) out += fmt::format(":{}:{}", problem.line, problem.column);
    if (!problem.path.empty()) out += ": " + problem.path;
    out += ": " + problem.message;
    if (!problem.suggestion.empty()) out += "; " + problem.suggestion;
    out += '\n';
  }
  return out;
}

config_check parse_region_config(const std::string& text) {
  config_check check;
  auto& problems = check.problems;
  if (text.size() > limits::region_file_bytes) {
    problems.push_back(
        {0, 0, "", fmt::format("the file has more than {} bytes", limits::region_file_bytes), "is it the right file?"});
    return check;
  }
  yaml_tree tree;
  region_config config;
  const auto* root = read_yaml(text, tree, problems);
  if (root != nullptr && root->is == yaml_value::shape::map) {
    config_section file(*root, "", problems);
    read_file_sections(file, config);
    note_kinds(*root, "throttles", {"kind"}, config.kinds_named);
    note_kinds(*root, "schedules", {"do", "where", "kind"}, config.kinds_named);
  } else if (root != nullptr && root->is == yaml_value::shape::null) {
    problems.push_back({1, 1, "", "the file is empty", "start from `regent config example`"});
  } else if (root != nullptr) {
    problems.push_back(
        {root->line, root->column, "", "the file is not a map of sections", "start from `regent config example`"});
  }
  std::stable_sort(problems.begin(), problems.end(), [](const config_problem& a, const config_problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  if (problems.size() > limits::region_problems)
    problems.back() = {0, 0, "", "there are more problems than these", "correct these first"};
  if (!problems.empty()) return check;
  config.document = region_document(config);
  check.config = std::move(config);
  return check;
}

void refuse_unknown_kinds(config_check& check, const std::vector<std::string>& known) {
  if (!check.config) return;
  for (const auto& one : check.config->kinds_named) {
    if (std::find(known.begin(), known.end(), one.kind) != known.end()) continue;
    const auto near = nearest(one.kind, known);
    check.problems.push_back(
        {one.line, one.column, one.path, shown(one.kind) + " is not one of the kinds",
         near.empty() ? fmt::format("there are {}", fmt::join(known, ", ")) : fmt::format("did you mean {}?", near)});
  }
  if (!check.problems.empty()) check.config.reset();
}

config_check load_region_config(const std::string& path) {
  std::error_code code;
  const bool directory = std::filesystem::is_directory(path, code);
  const auto text = directory ? std::nullopt : read_file(path, limits::region_file_bytes);
  if (text) return parse_region_config(*text);
  const bool there = std::filesystem::exists(path, code);
  config_check check;
  check.problems.push_back({0, 0, "",
                            directory ? "is a directory"
                            : there   ? "cannot be read"
                                      : "there is no such file",
                            directory ? "name the file in it"
                            : there   ? "check its owner and mode"
                                      : "write one with `regent config example`"});
  return check;
}

}  // namespace regent
