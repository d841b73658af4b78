// The kinds and primitives that were loaded, and the planner that works on them.
#pragma once

#include "primitives/kind.hpp"
#include "primitives/planner.hpp"

namespace regent {

/// One file of a catalogue, from the binary or from an operator's folder.
struct catalogue_file {
  std::string name;  ///< without ".sh" or ".yaml"
  std::string text;
  std::string from;  ///< for messages: the folder, or "built in"
};

/// Reads and cross-checks. Errors: permanent `catalogue_malformed` with every complaint.
result<std::shared_ptr<const catalogue>> make_catalogue(const std::vector<catalogue_file>& primitives,
                                                        const std::vector<catalogue_file>& kinds);

/// The plan of `what`, by the kind. Errors as catalogue::make_plan.
result<plan> plan_operation(const kind& of, const std::map<std::string, primitive>& primitives, operation what,
                            const record& resource, const region_config& region, bool settles_quiesced);

}  // namespace regent
