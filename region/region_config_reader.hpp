// Reads one map of a region file key by key into typed places, collecting problems instead of stopping at the first.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/region_config_checks.hpp"
#include "region/yaml_tree.hpp"

namespace regent {

/// A map of the file. A key that is read becomes known; close() complains of all others. A value that is absent or
/// wrong leaves its place as it was. Every reading function returns true only if it set its place.
class config_section {
 public:
  config_section(const yaml_value& map, std::string path, std::vector<config_problem>& problems);

  const std::string& path() const { return path_; }
  const yaml_value& map() const { return *map_; }

  /// True if the key is there, with whatever value: what is there but wrong is not also missing.
  bool has(std::string_view key) const;

  bool text(const std::string& key, std::string& into, value_check check = nullptr);
  bool text_of(const std::string& key, std::string& into, const std::vector<std::string>& words);
  bool texts(const std::string& key, std::vector<std::string>& into, value_check check = nullptr);
  bool flag(const std::string& key, bool& into);
  bool span(const std::string& key, milliseconds& into, milliseconds least, milliseconds most);
  template <std::integral T>
  bool number(const std::string& key, T& into, std::int64_t least, std::int64_t most, std::string_view what);

  /// The map under the key, an empty one if nothing is there; none if the key is absent or something else is there.
  std::optional<config_section> section(const std::string& key);
  /// The value under the key, of any shape; nullptr if absent.
  const yaml_value* value(const std::string& key);
  /// The scalar `value`, if it is one that can be read as text: else a problem at `at`. `secret` keeps it out of
  /// messages.
  const std::string* scalar(const yaml_value& value, const std::string& at, bool secret = false);

  /// Complains if the key is absent or empty.
  void need(const std::string& key, std::string suggestion);
  /// Complains of the key's value, or of the section where the key is absent.
  void complain(const std::string& key, std::string message, std::string suggestion = "");
  void complain_at(const yaml_value& where, const std::string& at, std::string message, std::string suggestion = "");
  /// The path of a key in this section.
  std::string path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  /// Complains of keys that nobody asked for. `advice` knows better than the nearest known key: key → suggestion.
  void close(const std::vector<std::pair<std::string, std::string>>& advice = {});

  std::vector<config_problem>& problems() { return *problems_; }

 private:
  const yaml_value* find(const std::string& key) const;
  std::optional<std::int64_t> whole_number(const std::string& key, std::int64_t now, std::int64_t least,
                                           std::int64_t most, std::string_view what);

  const yaml_value* map_;
  std::string path_;
  std::vector<config_problem>* problems_;
  std::vector<std::string> known_;
};

template <std::integral T>
bool config_section::number(const std::string& key, T& into, std::int64_t least, std::int64_t most,
                            std::string_view what) {
  const auto number = whole_number(key, static_cast<std::int64_t>(into), least, most, what);
  if (number) into = static_cast<T>(*number);
  return number.has_value();
}

}  // namespace regent
