#include "region/lifecycle_table.hpp"

#include <algorithm>

namespace regent {

std::optional<lifecycle_state> parse_lifecycle_state(std::string_view name) {
  const auto* found = std::find_if(lifecycle_table.begin(), lifecycle_table.end(),
                                   [&](const lifecycle_row& candidate) { return candidate.name == name; });
  if (found == lifecycle_table.end()) return std::nullopt;
  return found->state;
}

std::optional<operation> parse_operation(std::string_view name) {
  const auto* found = std::find(operation_names.begin(), operation_names.end(), name);
  if (found == operation_names.end()) return std::nullopt;
  return static_cast<operation>(found - operation_names.begin());
}

}  // namespace regent
