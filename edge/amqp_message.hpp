// Events as messages of an exchange: one for each event, and before them one that tells of a gap.
//
//   routing key   the event's topic; "sink.gap" for a gap, which topics patterns do not choose
//   body          the event as in /api/v1/events/stream; {"gap":{"lost":N,"after":N}} for a gap
//   type          "event" or "gap"
//   message-id    JOURNAL-SEQUENCE, or JOURNAL-gap-AFTER-LOST: whoever gets it twice can tell
//   timestamp     the event's time, in seconds since 1970
#pragma once

#include <string>
#include <vector>

#include "edge/event_delivery.hpp"

namespace regent {

struct amqp_message {
  std::string routing_key;
  std::string type;
  std::string id;
  std::uint64_t seconds = 0;
  std::string body;
};

/// In the order in which they are sent. `origin` is the journal's id.
std::vector<amqp_message> amqp_messages(const event_batch& what, const std::string& origin, wall_time now);

}  // namespace regent
