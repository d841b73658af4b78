#include "region/region_config_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace regent {
namespace {

using shape = yaml_value::shape;

std::string_view name_of(shape is) {
  switch (is) {
    case shape::null: return "nothing";
    case shape::scalar: return "a single value";
    case shape::sequence: return "a list";
    case shape::map: return "a map";
  }
  return "";
}

bool has_control_character(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c < 0x20 || c == 0x7f || c1) return true;
  }
  return false;
}

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

/// The suggestion for a word that is none of the known ones.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near.empty() ? "known here: " + join(known) : fmt::format("did you mean {}?", near);
}

/// The suggestion for a value that nothing known comes near to.
std::string the_default(const std::string& now) { return now.empty() ? "" : fmt::format("{} if left out", now); }

}  // namespace

config_section::config_section(const yaml_value& map, std::string path, std::vector<config_problem>& problems)
    : map_(&map), path_(std::move(path)), problems_(&problems) {
  std::map<std::string, int> first_line;
  for (const auto& [key, value] : map.members) {
    if (key->is != shape::scalar) {
      complain_at(*key, path_, fmt::format("{} where a key belongs", name_of(key->is)), "write `key: value`");
      continue;
    }
    const auto [first, is_new] = first_line.emplace(key->text, key->line);
    if (!is_new)
      complain_at(*key, path_, fmt::format("duplicate key {}", shown(key->text)),
                  fmt::format("it stands in line {} already: remove one of them", first->second));
  }
}

const yaml_value* config_section::find(const std::string& key) const {
  for (const auto& member : map_->members)
    if (member.key->is == shape::scalar && member.key->text == key) return member.value;
  return nullptr;
}

bool config_section::has(std::string_view key) const { return find(std::string(key)) != nullptr; }

const yaml_value* config_section::value(const std::string& key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  return find(key);
}

const std::string* config_section::scalar(const yaml_value& value, const std::string& at, bool secret) {
  const auto& text = value.text;
  if (value.is == shape::null)
    complain_at(value, at, "has no value", "give it one, or remove the key");
  else if (value.is != shape::scalar)
    complain_at(value, at, fmt::format("{} where a single value belongs", name_of(value.is)),
                "write one value after the ':'");
  else if (has_control_character(text))
    complain_at(value, at,
                (secret ? "the value" : shown(text)) + " has a line break or another control character in it",
                "write it on one line");
  else if (!secret && text.size() > 1 && text.front() == '<' && text.back() == '>')
    complain_at(value, at, shown(text) + " is a placeholder", "fill in the value");
  else
    return &text;
  return nullptr;
}

bool config_section::text(const std::string& key, std::string& into, value_check check) {
  const auto* there = value(key);
  const auto* text = there != nullptr ? scalar(*there, path_of(key)) : nullptr;
  if (text == nullptr) return false;
  if (text->empty() && into.empty()) return true;  // "" is how to say that an optional value is not set
  if (check != nullptr) {
    if (auto wrong = check(*text)) {
      complain_at(*there, path_of(key), std::move(wrong->message), std::move(wrong->suggestion));
      return false;
    }
  }
  into = *text;
  return true;
}

bool config_section::text_of(const std::string& key, std::string& into, const std::vector<std::string>& words) {
  const auto* there = value(key);
  const auto* text = there != nullptr ? scalar(*there, path_of(key)) : nullptr;
  if (text == nullptr) return false;
  if (std::find(words.begin(), words.end(), *text) == words.end()) {
    complain_at(*there, path_of(key), fmt::format("{} is not one of {}", shown(*text), join(words)),
                nearest(*text, words).empty() ? the_default(into) : did_you_mean(*text, words));
    return false;
  }
  into = *text;
  return true;
}

bool config_section::texts(const std::string& key, std::vector<std::string>& into, value_check check) {
  const auto* there = value(key);
  if (there == nullptr) return false;
  if (there->is != shape::sequence) {
    const bool single = there->is == shape::scalar && !there->text.empty() && there->text.size() <= 60 &&
                        !has_control_character(there->text);
    complain_at(*there, path_of(key), fmt::format("{} where a list belongs", name_of(there->is)),
                single ? "write it in brackets: [" + there->text + "]" : "write `- VALUE` lines below it");
    return false;
  }
  std::map<std::string, std::size_t> seen;
  into.clear();
  for (std::size_t i = 0; i < there->items.size(); ++i) {
    const auto& item = *there->items[i];
    const auto at = fmt::format("{}.{}", path_of(key), i);
    const auto* text = scalar(item, at);
    if (text == nullptr) continue;
    auto wrong = check != nullptr ? check(*text) : std::nullopt;
    if (!wrong && !seen.emplace(*text, i).second)
      wrong = complaint{shown(*text) + " is in the list already", "remove it"};
    if (wrong) complain_at(item, at, std::move(wrong->message), std::move(wrong->suggestion));
    into.push_back(*text);
  }
  return true;
}

bool config_section::flag(const std::string& key, bool& into) {
  const auto* there = value(key);
  const auto* text = there != nullptr ? scalar(*there, path_of(key)) : nullptr;
  if (text == nullptr) return false;
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), *text) != words.end();
  };
  const bool yes = is({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"});
  const bool no = is({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"});
  if (there->quoted || (!yes && !no)) {
    complain_at(*there, path_of(key), shown(*text) + " is neither true nor false",
                yes || no ? "write it without quotes" : the_default(into ? "true" : "false"));
    return false;
  }
  into = yes;
  return true;
}

std::optional<std::int64_t> config_section::whole_number(const std::string& key, std::int64_t now, std::int64_t least,
                                                         std::int64_t most, std::string_view what) {
  const auto* there = value(key);
  const auto* text = there != nullptr ? scalar(*there, path_of(key)) : nullptr;
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const auto* end = text->data() + text->size();
  const auto [last, code] = std::from_chars(text->data(), end, number);
  const bool is_number = code == std::errc{} && last == end;
  if (is_number && !there->quoted && number >= least && number <= most) return number;
  complain_at(
      *there, path_of(key),
      fmt::format("{} is not {} ({} to {})", is_number && !there->quoted ? *text : shown(*text), what, least, most),
      is_number && there->quoted ? "write it without quotes" : the_default(std::to_string(now)));
  return std::nullopt;
}

bool config_section::span(const std::string& key, milliseconds& into, milliseconds least, milliseconds most) {
  const auto* there = value(key);
  const auto* text = there != nullptr ? scalar(*there, path_of(key)) : nullptr;
  if (text == nullptr) return false;
  const auto span = parse_span(*text);
  if (!span) {
    const bool bare = parse_span(*text + "s").has_value();
    complain_at(*there, path_of(key), shown(*text) + " is not a span of time",
                bare ? fmt::format("add the unit: {}s", *text) : "write it like 500ms, 5s, 10m, 2h or 7d");
    return false;
  }
  if (*span < least || *span > most) {
    complain_at(*there, path_of(key), fmt::format("{} is too {}", shown(*text), *span < least ? "short" : "long"),
                fmt::format("between {} and {}", span_text(least), span_text(most)));
    return false;
  }
  into = *span;
  return true;
}

std::optional<config_section> config_section::section(const std::string& key) {
  const auto* there = value(key);
  if (there == nullptr) return std::nullopt;
  // A section whose every line is a comment says nothing, which is all right where nothing is needed.
  if (there->is == shape::map || there->is == shape::null) return config_section(*there, path_of(key), *problems_);
  complain_at(*there, path_of(key), fmt::format("{} where a map belongs", name_of(there->is)),
              "write `key: value` lines");
  return std::nullopt;
}

void config_section::need(const std::string& key, std::string suggestion) {
  const auto* there = value(key);
  if (there == nullptr)
    complain_at(*map_, path_of(key), "is missing", std::move(suggestion));
  else if (there->is == shape::scalar && there->text.empty())
    complain_at(*there, path_of(key), "is empty", std::move(suggestion));
}

void config_section::complain(const std::string& key, std::string message, std::string suggestion) {
  const auto* there = find(key);
  complain_at(there != nullptr ? *there : *map_, path_of(key), std::move(message), std::move(suggestion));
}

void config_section::complain_at(const yaml_value& where, const std::string& at, std::string message,
                                 std::string suggestion) {
  if (problems_->size() > limits::region_problems) return;
  problems_->push_back({where.line, where.column, at, std::move(message), std::move(suggestion)});
}

void config_section::close(const std::vector<std::pair<std::string, std::string>>& advice) {
  for (const auto& member : map_->members) {
    const auto& key = member.key;
    if (problems_->size() > limits::region_problems) return;
    if (key->is != shape::scalar || std::find(known_.begin(), known_.end(), key->text) != known_.end()) continue;
    const auto known_better =
        std::find_if(advice.begin(), advice.end(), [&](const auto& a) { return a.first == key->text; });
    complain_at(*key, path_, fmt::format("unknown key {}", shown(key->text)),
                known_better != advice.end() ? known_better->second : did_you_mean(key->text, known_));
  }
}

}  // namespace regent
