// One word about many resources at once, as a plain value: from an operator, or from a schedule of the region file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace regent {

/// retry: what is unresourced or degraded, as `regent retry` does. mend: every host is made what the record says, also where
/// nothing is known to be wrong. cancel: the open jobs.
enum class bulk_verb { retry, mend, cancel };
inline constexpr std::array<std::string_view, 3> bulk_verb_names{"retry", "mend", "cancel"};
constexpr std::string_view name(bulk_verb verb) { return bulk_verb_names[static_cast<std::size_t>(verb)]; }

struct bulk_order {
  bulk_verb what = bulk_verb::retry;
  std::string kind, state, project;  ///< of the resources meant; empty: any
  std::optional<bool> degraded;
  bool operator==(const bulk_order&) const = default;
};

}  // namespace regent
