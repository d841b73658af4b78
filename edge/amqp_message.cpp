#include "edge/amqp_message.hpp"

#include <fmt/format.h>

#include "edge/json_views.hpp"

namespace regent {

namespace {

std::uint64_t seconds_of(wall_time at) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

/// The line break at the end is a stream's, not the document's.
std::string without_line_break(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

amqp_message gap_message(const event_batch& what, const std::string& origin, wall_time now) {
  json_writer out;
  out.open_object();
  out.open_object("gap");
  out.number("lost", what.lost);
  out.number("after", what.after);
  out.close_object();
  out.close_object();
  return {"sink.gap", "gap", fmt::format("{}-gap-{}-{}", origin, what.after, what.lost), seconds_of(now),
          without_line_break(out.take())};
}

}  // namespace

std::vector<amqp_message> amqp_messages(const event_batch& what, const std::string& origin, wall_time now) {
  std::vector<amqp_message> made;
  if (what.lost > 0) made.push_back(gap_message(what, origin, now));
  for (const auto& one : what.events)
    made.push_back({one.topic, "event", fmt::format("{}-{}", origin, one.sequence), seconds_of(one.at),
                    without_line_break(event_text(one))});
  return made;
}

}  // namespace regent
