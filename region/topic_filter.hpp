// Which events somebody wants: patterns of dotted topics, with the rule of AMQP's topic exchanges.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "base/result.hpp"

namespace regent {

/// Words with dots between them; `*` stands for exactly one word, `#` for any number of them, also none: "job.*", "host.#", "#".
class topic_pattern {
 public:
  /// Errors: permanent `bad_topic`, for what is empty, too long, or has a word that is neither [a-z0-9_-]+ nor * nor #.
  static result<topic_pattern> parse(std::string_view text);
  bool matches(std::string_view topic) const;
  const std::string& text() const { return text_; }
  bool operator==(const topic_pattern&) const = default;

 private:
  std::string text_;
};

/// Patterns of which one must match. Without any, every topic does.
class topic_filter {
 public:
  topic_filter() = default;
  /// Errors: those of topic_pattern::parse, naming the pattern; permanent `bad_topic` for more than
  /// limits::topic_patterns, and for a pattern that matches no topic of the table (region/event_topic.hpp).
  static result<topic_filter> of(const std::vector<std::string>& patterns);
  /// The same, of patterns with commas between them; an empty text is the filter of all topics.
  static result<topic_filter> parse(std::string_view text);

  bool matches(std::string_view topic) const;
  bool all() const { return any_.empty(); }
  bool operator==(const topic_filter&) const = default;

 private:
  std::vector<topic_pattern> any_;
};

}  // namespace regent
