#include "edge/event_stream.hpp"

#include "edge/json_views.hpp"

namespace regent {

namespace {

constexpr milliseconds client_reconnects_after{1000};

/// `data` is one line with its newline.
std::string block(std::string_view type, std::int64_t id, std::string_view data) {
  return fmt::format("{}id: {}\ndata: {}\n", type.empty() ? "" : fmt::format("event: {}\n", type), id, data);
}

std::string gap_text(std::int64_t after, std::int64_t lost) {
  json_writer out;
  out.open_object();
  out.number("lost", lost);
  out.number("after", after);
  out.number("next", after + lost + 1);
  out.text("text",
           fmt::format("{} events after {} are lost to this reader: the journal no longer keeps them", lost, after));
  out.close_object();
  return out.take();
}

}  // namespace

std::string event_stream::next() {
  const auto now = time_.steady();
  const auto committed = facts_.events_committed.load();
  if (over_ || (!more_ && committed == seen_ && now < heartbeat_due_)) return {};
  const auto found = ask_(filter_, cursor_, limits::page_rows_default);
  if (!found) return failed(found.error());
  seen_ = committed;
  auto text = begun_ ? std::string() : fmt::format("retry: {}\nid: {}\n\n", client_reconnects_after.count(), cursor_);
  begun_ = true;
  text += blocks(*found);
  if (text.empty() && now >= heartbeat_due_) text = fmt::format(": still here\nid: {}\n\n", cursor_);
  if (!text.empty()) heartbeat_due_ = now + limits::event_stream_heartbeat;
  return text;
}

/// As many as make a piece; the others are read again for the next.
std::string event_stream::blocks(const event_look& found) {
  std::string text;
  if (found.lost > 0) {
    text += block("gap", cursor_ + found.lost, gap_text(cursor_, found.lost));
    cursor_ += found.lost;
  }
  for (const auto& one : found.rows) {
    if (text.size() >= limits::event_stream_piece) {
      more_ = true;
      return text;
    }
    text += block("", one.sequence, event_text(one));
    cursor_ = one.sequence;
  }
  cursor_ = found.cursor;
  more_ = found.more;
  return text;
}

std::string event_stream::failed(const error& why) {
  over_ = true;
  json_writer out;
  out.open_object();
  out.text("code", why.code);
  out.text("message", why.message);
  out.close_object();
  return fmt::format("event: error\ndata: {}\n", out.take());
}

}  // namespace regent
