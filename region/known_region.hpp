// Desired − known = who has work. What a listing or a hint means for one resource, as a pure function.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "region/record.hpp"

namespace regent {

/// What the region holds in memory of a resource at rest or at work.
struct known_resource {
  lifecycle_state state = lifecycle_state::ignore;
  std::string updated;                  ///< the cloud's stamp when it was last read
  bool busy = false;                    ///< a lifecycle actor is at work
  int reports_pending = 0;              ///< states on their way to the cloud
  std::optional<steady_time> reported;  ///< when the last of them arrived
  std::optional<wall_time> due;         ///< scrub_queue: end of the grace period
};

enum class decision {
  nothing,
  work,          ///< the cloud wants something done, or an operation in progress has nobody: read the record and start
  take_over,     ///< the cloud moved it to a state that needs no work: note it
  report_again,  ///< we finished, and the cloud has lost the last state that we reported
  queue_scrub,   ///< in scrub_queue with an unknown or changed grace period: read the record and set the clock
};
std::string_view name(decision what);

/// `known`: null if never seen. `asked_at`: when the request that gave `head` was begun: an answer that is older than
/// our last delivered report, or a report still on its way, proves nothing about a state that we have left.
decision decide(const known_resource* known, const record_head& head, steady_time asked_at);

}  // namespace regent
