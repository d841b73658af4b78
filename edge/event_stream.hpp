// Committed changes as server-sent events (the HTML standard's text/event-stream), read from the journal by a cursor: what a
// client has not taken waits in the journal, not here.
//
//   id: 17                          the event's sequence, with which a client goes on after it
//   data: {"sequence":17,…}         one event, as in /api/v1/events
//
// A block of an id alone, at the start and in every heartbeat, moves the cursor on past events that were not wanted.
// `event: gap` says how many events the journal no longer kept when the client came for them, `event: error` why the stream ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/http_face.hpp"
#include "edge/http_server.hpp"
#include "persistence/journal_reader.hpp"

namespace regent {

/// Belongs to the server's thread. `facts` and `time` outlive it.
class event_stream final : public http_stream {
 public:
  /// Oldest first, after this event.
  using look = std::function<result<event_look>(const event_filter& filter, std::int64_t after, std::size_t limit)>;

  event_stream(event_filter filter, std::int64_t after, look ask, const daemon_facts& facts, const clock& time)
      : filter_(std::move(filter)), cursor_(after), ask_(std::move(ask)), facts_(facts), time_(time) {}

  /// Asks the journal only if something was committed since, if there was more, or if a heartbeat is due.
  std::string next() override;
  bool over() const override { return over_; }

 private:
  std::string blocks(const event_look& found);
  std::string failed(const error& why);

  event_filter filter_;
  std::int64_t cursor_;
  look ask_;
  const daemon_facts& facts_;
  const clock& time_;
  bool begun_ = false;
  bool more_ = true;
  bool over_ = false;
  std::int64_t seen_ = 0;  // of facts_.events_committed
  steady_time heartbeat_due_{};
};

}  // namespace regent
