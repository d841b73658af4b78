// What an operator may tell a running daemon, as a plain value.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace regent {

enum class operator_verb { cancel, retry, cordon, uncordon, pause, resume, run };
inline constexpr std::array<std::string_view, 7> operator_verb_names{"cancel", "retry",  "cordon", "uncordon",
                                                                     "pause",  "resume", "run"};
constexpr std::string_view name(operator_verb verb) { return operator_verb_names[static_cast<std::size_t>(verb)]; }

struct operator_command {
  operator_verb what = operator_verb::cancel;
  job_id job;                 ///< cancel: the job to end
  resource_id resource;       ///< cancel: the job's; retry: the one to be tried again
  host_id host;               ///< cordon, uncordon
  std::string by;             ///< who says so, and why: stands in the journal
  std::string schedule = {};  ///< pause, resume, run
};

}  // namespace regent
