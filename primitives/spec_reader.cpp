#include "primitives/spec_reader.hpp"

#include <charconv>

namespace regent {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

}  // namespace

spec_map::spec_map(const yaml_value& value, std::string what, complaints& wrong)
    : value_(value), what_(std::move(what)), wrong_(wrong) {
  if (value.is != yaml_value::shape::map) wrong_.add(value.line, what_ + " is not a map");
  std::set<std::string> seen;
  for (const auto& member : value.members)
    if (!seen.insert(member.key->text).second)
      wrong_.add(member.key->line, fmt::format("{}: '{}' stands twice", what_, member.key->text));
}

spec_map::~spec_map() {
  for (const auto& member : value_.members)
    if (!known_.contains(member.key->text))
      wrong_.add(member.key->line,
                 fmt::format("{}: unknown key '{}'; there are {}", what_, member.key->text, fmt::join(known_, ", ")));
}

void spec_map::wrong(const std::string& what, const yaml_value* at) {
  wrong_.add(at ? at->line : value_.line, what_ + ": " + what);
}

const yaml_value* spec_map::find(const std::string& key) {
  known_.insert(key);
  for (const auto& member : value_.members)
    if (member.key->text == key) return member.value;
  return nullptr;
}

std::string spec_map::text(const std::string& key, bool required) {
  const auto* value = find(key);
  if (!value && required) wrong("'" + key + "' is missing");
  if (value && value->is != yaml_value::shape::scalar) wrong("'" + key + "' is not a text", value);
  return value ? value->text : "";
}

std::optional<std::int64_t> spec_map::integer(const std::string& key) {
  const auto* value = find(key);
  if (!value) return std::nullopt;
  const auto out = number(value->text);
  if (!out) wrong(fmt::format("'{}' is not a whole number: '{}'", key, value->text), value);
  return out;
}

bool spec_map::flag(const std::string& key) {
  const auto* value = find(key);
  if (value && value->text != "true" && value->text != "false")
    wrong(fmt::format("'{}' is neither true nor false: '{}'", key, value->text), value);
  return value && value->text == "true";
}

std::vector<std::string> spec_map::words(const std::string& key) {
  std::vector<std::string> out;
  const auto* value = find(key);
  if (!value) return out;
  if (value->is != yaml_value::shape::sequence) wrong("'" + key + "' is not a list", value);
  for (const auto* item : value->items) {
    if (item->is != yaml_value::shape::scalar) wrong("'" + key + "' has an element that is no text", item);
    out.push_back(item->text);
  }
  return out;
}

std::optional<milliseconds> spec_map::span(const std::string& key, milliseconds most) {
  const auto* value = find(key);
  if (!value) return std::nullopt;
  const auto unit_at = value->text.find_first_not_of("0123456789");
  const auto count = number(value->text.substr(0, unit_at));
  const auto unit = unit_at == std::string::npos ? "" : value->text.substr(unit_at);
  const std::int64_t factor = unit == "ms"  ? 1
                              : unit == "s" ? 1000
                              : unit == "m" ? 60'000
                              : unit == "h" ? 3'600'000
                                            : 0;
  if (!count || *count == 0 || factor == 0 || *count > most.count() / factor) {
    wrong(fmt::format("'{}' is not a span of time up to {}, like 500ms, 30s or 5m: '{}'", key, span_text(most),
                      value->text),
          value);
    return std::nullopt;
  }
  return milliseconds(*count * factor);
}

expression read_expression(const yaml_value& value, complaints& wrong) {
  if (value.is != yaml_value::shape::scalar && value.is != yaml_value::shape::null) {
    wrong.add(value.line, "a text was expected here");
    return {};
  }
  auto out = expression::parse(value.text);
  if (out) return *std::move(out);
  wrong.add(value.line, out.error());
  return {};
}

expression spec_map::read_expression(const std::string& key) {
  const auto* value = find(key);
  return value ? regent::read_expression(*value, wrong_) : expression{};
}

std::vector<condition> spec_map::read_conditions(const std::string& key) {
  std::vector<condition> out;
  const auto* value = find(key);
  if (!value) return out;
  const std::vector<const yaml_value*> one{value};
  for (const auto* item : value->is == yaml_value::shape::sequence ? value->items : one) {
    auto parsed = condition::parse(item->text);
    if (parsed)
      out.push_back(*std::move(parsed));
    else
      wrong(parsed.error(), item);
  }
  return out;
}

const yaml_value* read_root(const std::string& text, yaml_tree& tree, complaints& wrong) {
  std::vector<config_problem> problems;
  const auto* root = read_yaml(text, tree, problems);
  for (const auto& problem : problems) wrong.add(problem.line, problem.message);
  return root;
}

}  // namespace regent
