// Walks a YAML document and keeps every complaint, each with its place, instead of stopping at the first.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/cloud_records.hpp"

namespace regent::sim {

class reader {
 public:
  std::vector<record_problem> problems;

  void complain(const YAML::Node& at, const std::string& path, std::string message);
  /// False, with a complaint, if `at` is no map. Keys other than these, and those that stand twice, are complained of.
  bool is_map(const YAML::Node& at, const std::string& path, const std::vector<std::string>& keys);
  std::string text(const YAML::Node& map, const std::string& path, const std::string& key, std::string otherwise);
  std::string needed_text(const YAML::Node& map, const std::string& path, const std::string& key);
  /// None if missing, null, or not a whole number in the range; the last is complained of.
  std::optional<std::int64_t> number(const YAML::Node& map, const std::string& path, const std::string& key,
                                     std::int64_t least, std::int64_t most);
  bool flag(const YAML::Node& map, const std::string& path, const std::string& key, bool otherwise);
  /// The value of the key `state`, by name or number.
  lifecycle_state state(const YAML::Node& map, const std::string& path);
  /// Any value as JSON, bounded in depth and size: an anchor may refer to itself, and anchors multiply.
  json::value forced(const YAML::Node& node, const std::string& path, int depth = 0);

  /// Calls `read(node, path)` for each entry; with `or_one` a single map stands for a list of one.
  template <class Read>
  void each(const YAML::Node& list, const std::string& path, bool or_one, Read read) {
    if (!list || list.IsNull()) return;
    if (or_one && list.IsMap()) return read(list, path);
    if (!list.IsSequence()) return complain(list, path, "must be a list");
    std::size_t index = 0;
    for (const auto& one : list) read(one, join(path, std::to_string(index++)));
  }

  static std::string join(const std::string& path, const std::string& key);
  /// The value as it stands, in quotes and shortened, for a complaint.
  static std::string quoted(const YAML::Node& value);

 private:
  std::size_t values_ = 0;
};

}  // namespace regent::sim
