#include "primitives/value_type.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "base/ip_network.hpp"
#include "region/json.hpp"

namespace regent {
namespace {

using maybe = std::optional<std::string>;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// At most `most` characters, all letters, digits or in `others`; the first not in `never_first`.
bool is_word(std::string_view text, std::size_t most, std::string_view others, std::string_view never_first) {
  return !text.empty() && text.size() <= most && never_first.find(text[0]) == std::string_view::npos &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos; });
}

maybe when(bool good, std::string_view text) { return good ? maybe(std::string(text)) : std::nullopt; }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto next = text.find(at);
    out.push_back(text.substr(0, next));
    if (next == std::string_view::npos) return out;
    text.remove_prefix(next + 1);
  }
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool plain = !text.empty() && (text == "0" || (text[0] != '0' && text[0] != '-'));
  if (!plain || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

maybe text_value(std::string_view text, const value_type&) {
  return when(text.size() <= 4096 && std::none_of(text.begin(), text.end(), is_control), text);
}
maybe integer_value(std::string_view text, const value_type& type) {
  const auto number = whole_number(text);
  return when(number && *number >= type.least && *number <= type.most && *number < 10'000'000'000, text);
}
maybe boolean_value(std::string_view text, const value_type&) { return when(text == "true" || text == "false", text); }
maybe choice_value(std::string_view text, const value_type& type) {
  return when(std::find(type.choices.begin(), type.choices.end(), text) != type.choices.end(), text);
}
maybe name_value(std::string_view text, const value_type&) { return when(is_word(text, 32, "_.-", ".-"), text); }
maybe identifier_value(std::string_view text, const value_type&) {
  return when(is_word(text, 31, "_", "0123456789"), text);
}
maybe mark_value(std::string_view text, const value_type&) { return when(is_word(text, 200, "_./:@-", ""), text); }
maybe interface_value(std::string_view text, const value_type&) {
  return when(is_word(text, 15, "_.-", "-") && text != "." && text != "..", text);
}
maybe namespace_value(std::string_view text, const value_type&) { return when(is_word(text, 64, "_.-", ".-"), text); }
maybe mode_value(std::string_view text, const value_type&) {
  return when(text.size() == 4 && text[0] == '0' && text.find_first_not_of("01234567") == std::string_view::npos, text);
}

maybe address_value(std::string_view text, const value_type&) {
  const auto address = parse_ip_address(text);
  return address ? maybe(address->address_text()) : std::nullopt;
}
maybe prefix_value(std::string_view text, const value_type&) {
  const auto prefix = parse_ip_address_or_network(text);
  return prefix ? maybe(prefix->text()) : std::nullopt;
}
maybe network_value(std::string_view text, const value_type&) {
  const auto prefix = parse_ip_address_or_network(text);
  return prefix && *prefix == prefix->masked() ? maybe(prefix->text()) : std::nullopt;
}
maybe endpoint_value(std::string_view text, const value_type& type) {
  if (text.empty() || text[0] != '@') return prefix_value(text, type);
  return when(identifier_value(text.substr(1), type).has_value(), text);
}
maybe prefixes_value(std::string_view text, const value_type& type) {
  std::string out;
  if (text.empty()) return out;
  for (const auto part : split(text, ',')) {
    const auto prefix = prefix_value(part, type);
    if (!prefix) return std::nullopt;
    out += (out.empty() ? "" : ",") + *prefix;
  }
  return out;
}

maybe path_value(std::string_view text, const value_type&) {
  if (text.size() < 2 || text.size() > 1024 || text[0] != '/') return std::nullopt;
  for (const auto part : split(text.substr(1), '/'))
    if (!is_word(part, 255, "_@+:.,-", "") || part == "." || part == "..") return std::nullopt;
  return std::string(text);
}

/// Sorted, and joined where they touch: nft refuses a set of intervals that overlap.
maybe ports_value(std::string_view text, const value_type&) {
  if (text.empty()) return std::string();
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  for (const auto part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = whole_number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : whole_number(part.substr(dash + 1));
    if (!first || !last || *first < 1 || *last > 65535 || *first > *last) return std::nullopt;
    ranges.emplace_back(*first, *last);
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<std::int64_t, std::int64_t>> joined;
  for (const auto& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().second + 1)
      joined.back().second = std::max(joined.back().second, range.second);
    else
      joined.push_back(range);
  }
  std::string out;
  for (const auto& [first, last] : joined)
    out += fmt::format("{}{}", out.empty() ? "" : ",",
                       first == last ? std::to_string(first) : fmt::format("{}-{}", first, last));
  return out;
}

}  // namespace

const std::vector<scalar_type>& scalar_types() {
  static const std::vector<scalar_type> table{
      {"text", "one line: at most 4096 bytes without control characters", text_value},
      {"integer", "a whole number within min and max", integer_value},
      {"boolean", "true or false", boolean_value},
      {"choice", "one of the words under `of`", choice_value},
      {"name", "at most 32 letters, digits, _ . -", name_value},
      {"identifier", "a letter or _, then letters, digits, _; at most 31", identifier_value},
      {"mark", "who owns a thing: letters, digits, _ . / : @ -; at most 200", mark_value},
      {"interface", "a network interface's name: at most 15 letters, digits, _ . -", interface_value},
      {"namespace", "a network namespace's name: at most 64 letters, digits, _ . -", namespace_value},
      {"address", "an IPv4 or IPv6 address", address_value},
      {"prefix", "an address with its prefix length, 10.0.0.1/24", prefix_value},
      {"network", "a prefix without host bits, 10.0.0.0/24", network_value},
      {"endpoint", "a prefix, or @NAME for a named set", endpoint_value},
      {"prefixes", "prefixes with commas between them, or nothing", prefixes_value},
      {"ports", "ports and ranges of 1 to 65535, 22,80-90, or nothing", ports_value},
      {"path", "an absolute path of letters, digits, _ @ + : . , - without . or ..", path_value},
      {"mode", "a file mode in octal, 0750", mode_value},
  };
  return table;
}

std::string value_type::name() const {
  const std::string inner(scalar->name);
  return list ? "list<" + inner + ">" : inner;
}

std::optional<value_type> parse_value_type(std::string_view text) {
  value_type out;
  if (text.substr(0, 5) == "list<" && text.back() == '>') {
    out.list = true;
    text = text.substr(5, text.size() - 6);
  }
  for (const auto& row : scalar_types())
    if (row.name == text) out.scalar = &row;
  return out.scalar ? std::optional(out) : std::nullopt;
}

std::string shown_value(std::string_view value) {
  const bool cut = value.size() > 80;
  auto quoted = json_quote(value.substr(0, 80));
  return cut ? fmt::format("{}… ({} bytes)", quoted, value.size()) : quoted;
}

tl::expected<std::string, std::string> normal_value(const value_type& type, std::string_view value) {
  if (auto out = type.scalar->normal(value, type)) return *std::move(out);
  std::string bounds;
  if (type.scalar->name == "integer") bounds = fmt::format(", here {} to {}", type.least, type.most);
  if (type.scalar->name == "choice") bounds = fmt::format(": {}", fmt::join(type.choices, ", "));
  return tl::unexpected(
      fmt::format("{} is not of type {} ({}{})", shown_value(value), type.scalar->name, type.scalar->says, bounds));
}

}  // namespace regent
