#include "base/ids.hpp"

#include <algorithm>

namespace regent {

namespace {
bool is_plain(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}
}  // namespace

std::optional<resource_id> resource_id::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto kind = text.substr(0, slash);
  const auto id = text.substr(slash + 1);
  if (!is_plain(kind) || !is_plain(id)) return std::nullopt;
  return resource_id{std::string(kind), std::string(id)};
}

}  // namespace regent
