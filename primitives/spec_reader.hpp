// Reading front matters and kind files: every complaint with file and line, unknown and repeated keys among them.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "primitives/expression.hpp"
#include "region/yaml_tree.hpp"

namespace regent {

/// What is wrong with the files of a catalogue: "NAME:LINE: …", one line each.
class complaints {
 public:
  /// `offset` is the number of lines that stand before the YAML text in its file.
  void enter(std::string file, int offset) { file_ = std::move(file), offset_ = offset; }
  void add(int line, const std::string& what) {
    lines_.push_back(fmt::format("{}:{}: {}", file_, line + offset_, what));
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string file_;
  int offset_ = 0;
  std::vector<std::string> lines_;
};

/// One map of such a file. Complains in its destructor about keys that nobody asked for.
class spec_map {
 public:
  /// `what` names the map in messages: "verb build".
  spec_map(const yaml_value& value, std::string what, complaints& wrong);
  ~spec_map();
  spec_map(const spec_map&) = delete;
  spec_map& operator=(const spec_map&) = delete;

  const yaml_value* find(const std::string& key);
  std::string text(const std::string& key, bool required = false);
  std::optional<std::int64_t> integer(const std::string& key);
  bool flag(const std::string& key);
  std::vector<std::string> words(const std::string& key);  ///< a list of scalars
  /// "30s", "500ms", "5m"; above 0, and at most `most`.
  std::optional<milliseconds> span(const std::string& key, milliseconds most = limits::step_deadline_most);
  expression read_expression(const std::string& key);
  std::vector<condition> read_conditions(const std::string& key);  ///< one, or a list of which all must hold
  int line() const { return value_.line; }
  void wrong(const std::string& what, const yaml_value* at = nullptr);

 private:
  const yaml_value& value_;
  std::string what_;
  complaints& wrong_;
  std::set<std::string> known_;
};

/// The text as an expression; a complaint and an empty one if it is none.
expression read_expression(const yaml_value& value, complaints& wrong);

/// Reads the root of a YAML text, or complains and returns nullptr.
const yaml_value* read_root(const std::string& text, yaml_tree& tree, complaints& wrong);

}  // namespace regent
