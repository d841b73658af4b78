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

/// Faults for `faulty`, then peace for as long as it takes, at most `peace_most`. `prints`: the trace, as it comes.
scenario_result run_scenario(std::uint64_t seed, milliseconds faulty, planted bug = planted::none, bool prints = false);

/// "seed 7: …": one line.
std::string summary_of(const scenario_result& what);

}  // namespace regent::sim
