#include "region/lifecycle_machine.hpp"

namespace regent {

namespace {

transition to(lifecycle_state state) { return {state, true, row(state).work}; }

transition stay(lifecycle_state state) { return {state, false, std::nullopt}; }

transition started(lifecycle_state now, bool with_queue) {
  if (class_of(now) == state_class::in_progress) return to(now);
  if (class_of(now) != state_class::wants_work) return stay(now);
  return to(now == scrub && !with_queue ? scrubbing : *row(now).forward);
}

/// The cloud lets a user ask: 4→{5,8,10}, 6→{7,8,15}, 9→{7}.
transition asked(lifecycle_state now, lifecycle_event what) {
  switch (now) {
    case running:
      if (what == lifecycle_event::asked_quiesce) return to(quiesce);
      if (what == lifecycle_event::asked_scrub) return to(scrub);
      if (what == lifecycle_event::asked_update) return to(running_update);
      return stay(now);
    case quiesced:
      if (what == lifecycle_event::asked_restart) return to(restart);
      if (what == lifecycle_event::asked_scrub) return to(scrub);
      if (what == lifecycle_event::asked_update) return to(quiesced_update);
      return stay(now);
    case scrub_queue: return what == lifecycle_event::asked_restart ? to(restart) : stay(now);
    default: return stay(now);
  }
}

}  // namespace

std::string_view name(lifecycle_event event) {
  switch (event) {
    case lifecycle_event::start: return "start";
    case lifecycle_event::succeeded: return "succeeded";
    case lifecycle_event::failed: return "failed";
    case lifecycle_event::grace_over: return "grace_over";
    case lifecycle_event::asked_quiesce: return "asked_quiesce";
    case lifecycle_event::asked_restart: return "asked_restart";
    case lifecycle_event::asked_scrub: return "asked_scrub";
    case lifecycle_event::asked_update: return "asked_update";
  }
  return "";
}

std::optional<lifecycle_state> asked_by(lifecycle_state in_progress) {
  if (in_progress == scrubbing) return scrub;
  for (std::size_t i = 0; i < lifecycle_state_count; ++i) {
    const auto asking = static_cast<lifecycle_state>(i);
    if (class_of(asking) == state_class::wants_work && row(asking).forward == in_progress) return asking;
  }
  return std::nullopt;
}

transition next(lifecycle_state now, lifecycle_event what, bool with_queue) {
  const bool under_way = class_of(now) == state_class::in_progress;
  switch (what) {
    case lifecycle_event::start: return started(now, with_queue);
    case lifecycle_event::succeeded: return under_way ? to(*row(now).forward) : stay(now);
    case lifecycle_event::failed: return under_way ? to(unresourced) : stay(now);
    case lifecycle_event::grace_over: return now == scrub_queue ? to(scrubbing) : stay(now);
    default: return asked(now, what);
  }
}

}  // namespace regent
