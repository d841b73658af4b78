#include "sim/yaml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace regent::sim {

namespace {

constexpr int nesting_most = 32;              ///< levels of a forced value
constexpr std::size_t values_most = 100'000;  ///< values of one file's forced fields

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

json::value scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return json::string(text);  // it stands in quotes
  if (const auto number = whole_number(text)) return *number;
  if (text == "true" || text == "false") return text == "true";
  return json::string(text);
}

}  // namespace

void reader::complain(const YAML::Node& at, const std::string& path, std::string message) {
  const auto mark = at.Mark();
  problems.push_back({mark.line + 1, mark.column + 1, path, std::move(message)});
}

bool reader::is_map(const YAML::Node& at, const std::string& path, const std::vector<std::string>& keys) {
  if (!at.IsMap()) {
    complain(at, path, "must be a map");
    return false;
  }
  std::set<std::string> seen;
  for (const auto& pair : at) {
    const auto key = pair.first.IsScalar() ? pair.first.Scalar() : std::string("?");
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      complain(pair.first, join(path, key), fmt::format("is not a known key; known are {}", fmt::join(keys, ", ")));
    else if (!seen.insert(key).second)
      complain(pair.first, join(path, key), "stands twice");
  }
  return true;
}

std::string reader::text(const YAML::Node& map, const std::string& path, const std::string& key,
                         std::string otherwise) {
  const auto value = map[key];
  if (!value || value.IsNull()) return otherwise;
  if (value.IsScalar()) return value.Scalar();
  complain(value, join(path, key), "must be text");
  return otherwise;
}

std::string reader::needed_text(const YAML::Node& map, const std::string& path, const std::string& key) {
  const auto value = map[key];
  if (value && !value.IsNull()) return text(map, path, key, {});
  complain(map, join(path, key), "is missing");
  return {};
}

std::optional<std::int64_t> reader::number(const YAML::Node& map, const std::string& path, const std::string& key,
                                           std::int64_t least, std::int64_t most) {
  const auto value = map[key];
  if (!value || value.IsNull()) return std::nullopt;
  const auto found = value.IsScalar() ? whole_number(value.Scalar()) : std::nullopt;
  if (found && *found >= least && *found <= most) return found;
  complain(value, join(path, key), fmt::format("{} is not a whole number from {} to {}", quoted(value), least, most));
  return std::nullopt;
}

bool reader::flag(const YAML::Node& map, const std::string& path, const std::string& key, bool otherwise) {
  const auto value = map[key];
  bool out = otherwise;
  if (value && !value.IsNull() && !(value.IsScalar() && YAML::convert<bool>::decode(value, out)))
    complain(value, join(path, key), fmt::format("{} is neither true nor false", quoted(value)));
  return out;
}

lifecycle_state reader::state(const YAML::Node& map, const std::string& path) {
  const auto wish = text(map, path, "state", "requested");
  if (const auto named = parse_lifecycle_state(wish)) return *named;
  const auto number = whole_number(wish);
  const auto numbered = number ? state_of(*number) : std::nullopt;
  if (!numbered)
    complain(map["state"], join(path, "state"), fmt::format("'{}' is not a state, by name or number", wish));
  return numbered.value_or(requested);
}

json::value reader::forced(const YAML::Node& node, const std::string& path, int depth) {
  if (depth > nesting_most || ++values_ > values_most) {
    if (problems.empty() || problems.back().path != path) complain(node, path, "is too large or refers to itself");
    return nullptr;
  }
  if (node.IsMap()) {
    json::object out;
    for (const auto& pair : node) out[pair.first.Scalar()] = forced(pair.second, path, depth + 1);
    return out;
  }
  if (node.IsSequence()) {
    json::array out;
    for (const auto& one : node) out.push_back(forced(one, path, depth + 1));
    return out;
  }
  return node.IsScalar() ? scalar(node) : json::value(nullptr);
}

std::string reader::join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string reader::quoted(const YAML::Node& value) {
  return value.IsScalar() ? "'" + value.Scalar().substr(0, 80) + "'" : std::string("this");
}

}  // namespace regent::sim
