// What follows from what: the lifecycle as a pure function over lifecycle_table. No actor, no clock, no socket.
#pragma once

#include <optional>

#include "region/lifecycle_table.hpp"

namespace regent {

enum class lifecycle_event {
  start,  ///< work begins, or is taken up again: wants_work → in progress; in progress stays and its work is done again
  succeeded,   ///< the work under way is done
  failed,      ///< the work under way cannot be done
  grace_over,  ///< the wait in scrub_queue has ended
  // What a user may ask for through the cloud.
  asked_quiesce,
  asked_restart,
  asked_scrub,
  asked_update,
};
inline constexpr std::size_t lifecycle_event_count = 8;
std::string_view name(lifecycle_event event);

struct transition {
  lifecycle_state next;
  bool accepted = false;          ///< false: the event means nothing in this state, and next is the state itself
  std::optional<operation> work;  ///< what is to be done in the new state
};

/// `with_queue`: the kind's scrub goes through scrub_prep and scrub_queue, which can be undone until the grace period
/// ends.
transition next(lifecycle_state now, lifecycle_event what, bool with_queue);

/// The state by which the cloud asks for what `in_progress` does. None if it is no in-progress state.
std::optional<lifecycle_state> asked_by(lifecycle_state in_progress);

/// Whether an update (or a failed attempt at it) leaves the resource quiesced: its links stay down.
constexpr bool settles_quiesced(lifecycle_state in_progress) {
  return in_progress == quiesced_updating || in_progress == quiescing || in_progress == scrub_prep;
}

}  // namespace regent
