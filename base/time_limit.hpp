// Which of a run's limits of time has ended it.
#pragma once

namespace regent {

enum class time_limit {
  none,      ///< it ended by itself, or otherwise
  deadline,  ///< from its start
  stall,     ///< without a word of progress
};

}  // namespace regent
