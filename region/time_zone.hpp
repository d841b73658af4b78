// A time zone by its IANA name, as the machine's tzdata has it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace regent {

/// What a clock on the wall shows, to the minute.
using local_minutes = std::chrono::local_time<std::chrono::minutes>;

/// A value; UTC unless found by another name. Rules are known up to 2037, which is how far Debian's tzdata spells them out
/// (`zic -b fat`) and how far our library reads them: after that a zone keeps its last offset. An update of tzdata is read at
/// the next start.
class time_zone {
 public:
  /// Errors: permanent `unknown_time_zone` that names it; permanent `no_time_zones` if the machine has no tzdata. UTC needs none.
  static result<time_zone> find(const std::string& name);
  /// All that can be found here; only UTC without tzdata.
  static std::vector<std::string> names();

  const std::string& name() const { return name_; }

  /// A time during which local time is UTC and `offset`.
  struct period {
    std::chrono::seconds offset{0};
    wall_time end{};  ///< the first moment after it
  };
  period at(wall_time when) const;

  /// When the clock on the wall shows `local` for the first time; for a time that it jumps over, when it has jumped.
  wall_time first_instant(local_minutes local) const;

 private:
  std::string name_ = "UTC";
  const void* rules_ = nullptr;  ///< of the library, which keeps them for ever; null: UTC
};

}  // namespace regent
