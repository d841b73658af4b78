// Sends one sink what it wants of the events, in order, at least once, from the cursor that the journal keeps for it.
#pragma once

#include <memory>
#include <stop_token>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"
#include "edge/event_delivery.hpp"
#include "edge/event_sink_client.hpp"

namespace regent {

/// What the actor keeps between messages.
struct sink_at_work {
  std::stop_token stop;
  std::unique_ptr<event_sink_client> client;
  std::unique_ptr<journal_reader> reader;
  std::optional<event_delivery> delivery;  ///< none until the sink has a place among the events
  event_filter filter;
  sink_status status;
  std::optional<std::int64_t> seen;  ///< of facts.events_committed, when all there was had been looked at
  bool told_behind = false;
};

using sink_shell = shell<sink_actor, sink_at_work>;

/// Detached: its calls block, each for limits::sink_deadline at most, or until `stop` is requested. `after`: the cursor; none:
/// the sink is new, and begins with what happens from now on.
sink_actor::behavior_type run_sink(sink_shell* self, context_ptr context, directory_ptr directory,
                                   any_sink_config config, std::optional<std::int64_t> after, std::stop_token stop);

}  // namespace regent
