// What users, operators and bad luck do to a region, from one seed: first hours of faults, then peace, in which everything
// must come to rest.
#pragma once

#include "sim/region/world.hpp"

namespace regent::sim {

struct scenario_result {
  std::uint64_t seed = 0;
  std::vector<violation> violations;
  std::uint64_t fingerprint = 0;
  milliseconds simulated{0};
  milliseconds to_rest{0};  ///< from the end of the faults
  std::size_t messages = 0;
  std::size_t runs = 0;
  std::size_t jobs = 0;
  std::size_t reigns = 0;
  std::vector<std::string> trace;  ///< its last lines
};

struct scenario_options {
  milliseconds faulty{std::chrono::hours(4)};
  /// Then everything must come to rest. A scrub whose claim somebody cancelled is claimed again after a day
  /// (limits::wait_for_resource), and a clock that was set back adds to that.
  milliseconds peace_most{std::chrono::hours(26)};
  planted bug = planted::none;
  bool prints = false;  ///< the trace, as it comes
};

scenario_result run_scenario(std::uint64_t seed, const scenario_options& how);

/// "seed 7: …": one line.
std::string summary_of(const scenario_result& what);

}  // namespace regent::sim
