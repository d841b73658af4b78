// Kind + record + region file → plan. Pure: looks at nothing but its arguments.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "primitives/plan.hpp"
#include "region/bulk_order.hpp"
#include "region/record.hpp"
#include "region/region_config.hpp"

namespace regent {

/// A primitive's script as sent to hosts: the shared library and the file. One per (file content).
struct primitive_script {
  std::string name;
  std::shared_ptr<const std::string> text;  ///< library + primitive: defines verb functions build, read, …
  std::string hash;                         ///< SHA-256 of text, hex
};

/// Kinds and primitives, loaded and cross-checked once. Immutable and shared between threads.
class catalogue {
 public:
  virtual ~catalogue() = default;
  /// Scripts by name; nullptr if there is none.
  virtual const primitive_script* find_script(const std::string& primitive) const = 0;
  virtual std::vector<std::string> kinds() const = 0;
  virtual bool has_scrub_queue(const std::string& kind) const = 0;
  virtual kind_needs needs() const { return {}; }
  /// The plan of `what` for the record. `settles_quiesced` is true for an update of a quiesced resource.
  /// Errors: permanent `plan_…` naming kind, step and the path or value that is missing or malformed.
  virtual result<plan> make_plan(operation what, const record& resource, const region_config& region,
                                 bool settles_quiesced) const = 0;
};

/// Loads the built-in primitives and kinds (they are part of the binary), then those in each of `directories`
/// (NAME.sh and kinds/NAME.yaml; a name that is taken already is an error). Errors: permanent `catalogue_malformed` listing
/// every problem with file and line.
result<std::shared_ptr<const catalogue>> load_catalogue(const std::vector<std::string>& directories);

}  // namespace regent
