// The small language of kind files: texts with {paths} in them, and conditions on those.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "region/json.hpp"

namespace regent {

/// What paths look into: a root's name and its document. `names` are texts.
struct scope {
  std::map<std::string, const rapidjson::Value*, std::less<>> roots;
  std::map<std::string, std::string, std::less<>> names;

  /// The value at `root.a.0.b`, or nullptr. A null counts as not there.
  const rapidjson::Value* find(std::string_view path) const;
};

/// A text as written in a kind file: literal parts and {path} or {path|filter} between them.
class expression {
 public:
  /// Errors: what is wrong with the text.
  static tl::expected<expression, std::string> parse(std::string text);

  struct part {
    std::string literal;  ///< used if path is empty
    std::string path;
    std::string filter;
  };

  /// A value for people or a parameter: one text, or a list where the whole expression is one {path} to an array.
  struct value {
    std::vector<std::string> texts;
    bool list = false;
  };

  struct trouble {
    bool missing = false;  ///< the path leads nowhere; else its value cannot be used
    std::string message;   ///< names the path
  };
  tl::expected<value, trouble> evaluate(const scope& where) const;

  const std::string& source() const { return source_; }
  const std::vector<part>& parts() const { return parts_; }
  bool is_literal() const;

 private:
  std::string source_;
  std::vector<part> parts_;
};

/// `{path}` (there, not false, not empty), `{path} == word` or `{path} != word`.
struct condition {
  expression left;
  std::optional<std::string> word;  ///< compared with
  bool equal = true;

  static tl::expected<condition, std::string> parse(const std::string& text);
  /// What is not there, and what is no text, equals no word.
  bool holds(const scope& where) const;
};

/// Names of the filters, for messages.
std::vector<std::string> filter_names();

}  // namespace regent
