#include "edge/http_query.hpp"

#include <algorithm>
#include <charconv>

namespace regent {

namespace {
failure bad_query(std::string_view what) { return fail(error_kind::permanent, "bad_query", "{}", what); }

result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      unsigned code = 0;
      const auto digits = text.substr(i + 1, 2);
      const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
      if (digits.size() != 2 || failed != std::errc{} || end != digits.data() + 2)
        return bad_query("a percent sign is not followed by two hexadecimal digits");
      c = static_cast<char>(code);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad_query("the address holds a control character");
    plain += c;
  }
  return plain;
}

result<void> add_parameter(http_query& query, std::string_view pair) {
  const auto equals = std::min(pair.find('='), pair.size());
  auto key = decode(pair.substr(0, equals), true);
  if (!key) return failure(key.error());
  auto value = decode(equals < pair.size() ? pair.substr(equals + 1) : std::string_view{}, true);
  if (!value) return failure(value.error());
  if (query.parameters.contains(*key)) return bad_query(fmt::format("the parameter {} is given twice", *key));
  query.parameters.emplace(std::move(*key), std::move(*value));
  return {};
}

/// The part before the first `separator`, taken off `rest`.
std::string_view take_part(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}
}  // namespace

result<http_query> parse_target(std::string_view target) {
  http_query query;
  auto rest = target.substr(0, target.find('#'));
  auto path = take_part(rest, '?');
  while (!path.empty()) {
    const auto part = take_part(path, '/');
    if (part.empty()) continue;
    auto segment = decode(part, false);
    if (!segment) return failure(segment.error());
    query.segments.push_back(std::move(*segment));
  }
  while (!rest.empty()) {
    const auto pair = take_part(rest, '&');
    if (pair.empty()) continue;
    if (auto added = add_parameter(query, pair); !added) return failure(added.error());
  }
  std::erase_if(query.parameters, [](const auto& each) { return each.second.empty() && !each.first.empty(); });
  return query;
}

std::string percent_encode(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '_' || c == '.' || c == '~')
      safe += c;
    else
      safe += fmt::format("%{:02X}", byte);
  }
  return safe;
}

}  // namespace regent
