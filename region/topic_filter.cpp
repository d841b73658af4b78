#include "region/topic_filter.hpp"

#include <algorithm>

#include "region/event_topic.hpp"

namespace regent {

namespace {

/// The word at the beginning, taken off with the dot behind it. `rest` is none at the end: "" is a text of one empty word.
std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find('.'));
  rest = word.size() == rest.size() ? std::string_view() : rest.substr(word.size() + 1);
  return word;
}

bool is_word(std::string_view word) {
  return word == "*" || word == "#" || (!word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         }));
}

failure bad_topic(std::string_view pattern, std::string_view why) {
  return fail(error_kind::permanent, "bad_topic", "'{}' {}", pattern.substr(0, limits::topic_pattern_bytes), why);
}

std::string known_topics() {
  std::string all;
  for (const auto& each : event_topic_table) all += (all.empty() ? "" : ", ") + std::string(each.name);
  return all;
}

}  // namespace

result<topic_pattern> topic_pattern::parse(std::string_view text) {
  const auto malformed = [&] {
    return bad_topic(text,
                     "is no pattern of topics: words of [a-z0-9_-] with dots between them, * for one word, # for any");
  };
  if (text.empty() || text.ends_with('.')) return malformed();
  if (text.size() > limits::topic_pattern_bytes)
    return bad_topic(text, fmt::format("… is longer than the {} bytes of a pattern", limits::topic_pattern_bytes));
  for (auto rest = text; !rest.empty();)
    if (!is_word(take_word(rest))) return malformed();
  topic_pattern made;
  made.text_ = text;
  return made;
}

/// The last # passed takes one word more whenever what follows it does not fit: no more steps than words times words.
bool topic_pattern::matches(std::string_view topic) const {
  std::string_view pattern = text_, after_hash, topic_at_hash;
  bool hash = false;
  while (!topic.empty()) {
    auto pattern_rest = pattern, topic_rest = topic;
    const auto wanted = take_word(pattern_rest);
    if (wanted == "#") {
      hash = true;
      pattern = after_hash = pattern_rest;
      topic_at_hash = topic;
      continue;
    }
    const auto word = take_word(topic_rest);
    if (!pattern.empty() && (wanted == "*" || wanted == word)) {
      pattern = pattern_rest;
      topic = topic_rest;
      continue;
    }
    if (!hash) return false;
    take_word(topic_at_hash);
    topic = topic_at_hash;
    pattern = after_hash;
  }
  while (!pattern.empty())
    if (take_word(pattern) != "#") return false;
  return true;
}

result<topic_filter> topic_filter::of(const std::vector<std::string>& patterns) {
  if (patterns.size() > limits::topic_patterns)
    return fail(error_kind::permanent, "bad_topic", "{} patterns of topics are too many: at most {}", patterns.size(),
                limits::topic_patterns);
  topic_filter made;
  for (const auto& text : patterns) {
    auto one = topic_pattern::parse(text);
    if (!one) return failure(one.error());
    if (std::none_of(event_topic_table.begin(), event_topic_table.end(),
                     [&](const auto& each) { return one->matches(each.name); }))
      return bad_topic(text, "matches no topic there is: " + known_topics());
    made.any_.push_back(std::move(*one));
  }
  return made;
}

result<topic_filter> topic_filter::parse(std::string_view text) {
  std::vector<std::string> patterns;
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    patterns.emplace_back(text.substr(at, end - at));
    if (patterns.size() > limits::topic_patterns) break;
    at = end + 1;
  }
  return of(patterns);
}

bool topic_filter::matches(std::string_view topic) const {
  return any_.empty() || std::any_of(any_.begin(), any_.end(), [&](const auto& each) { return each.matches(topic); });
}

}  // namespace regent
