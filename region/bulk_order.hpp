// One word about many resources at once, as a plain value: from an operator, or from a schedule of the region file.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regent {

/// retry: what is unresourced or degraded, as `regent retry` does. mend: every host is made what the record says, also where
/// nothing is known to be wrong. cancel: the open jobs. scrub, restore: what stands in a project, and what waits there to be scrubbed; in
/// the order of what needs what.
enum class bulk_verb { retry, mend, cancel, scrub, restore };
inline constexpr std::array<std::string_view, 5> bulk_verb_names{"retry", "mend", "cancel", "scrub", "restore"};
/// A slip must not scrub a region.
constexpr bool is_of_project(bulk_verb verb) { return verb >= bulk_verb::scrub; }
inline constexpr std::string_view project_is_missing = "a scrub and a restore are of one project: say which";

/// Of each kind, the kinds of its project that it cannot do without.
using kind_needs = std::map<std::string, std::vector<std::string>>;
constexpr std::string_view name(bulk_verb verb) { return bulk_verb_names[static_cast<std::size_t>(verb)]; }

struct bulk_order {
  bulk_verb what = bulk_verb::retry;
  std::string kind, state, project;  ///< of the resources meant; empty: any
  std::optional<bool> degraded;
  bool operator==(const bulk_order&) const = default;
};

}  // namespace regent
