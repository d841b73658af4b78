// How far a sink of events is, and when it is tried next. Pure: time is an argument, and nothing is sent from here.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "persistence/journal_reader.hpp"

namespace regent {

/// What a sink is sent at once: events in order, and before them how many are lost to it.
struct event_batch {
  std::int64_t after = 0;  ///< the cursor before it
  std::int64_t lost = 0;   ///< right after `after`
  std::vector<event> events;
  std::int64_t cursor = 0;  ///< once it is delivered
  bool empty() const { return lost == 0 && events.empty(); }
};

/// Why a sink has not taken a batch.
struct sink_refusal {
  std::string why;
  milliseconds retry_after{0};  ///< what it asked for; 0: nothing
  bool too_large = false;       ///< it may take fewer events at once
};

/// In order, at least once: the cursor moves when a batch was taken, and stays where it is until then.
class event_delivery {
 public:
  event_delivery(std::int64_t after, std::uint64_t seed) : cursor_(after), kept_(after), random_(seed) {}

  std::int64_t cursor() const { return cursor_; }
  std::size_t batch_most() const { return batch_most_; }
  int failures() const { return failures_; }
  /// How long nothing may be sent; 0: at once.
  milliseconds wait(steady_time now) const;

  /// What of a look is sent at once: no more than limits::event_batch_bytes of text, but one event at least.
  event_batch batch_of(event_look found) const;

  void taken(const event_batch& what);
  void refused(const sink_refusal& why, steady_time now);
  /// Somebody may have mended what was wrong: it is tried again at once.
  void hurry() { not_before_ = {}; }

  /// The cursor, if it is time to commit it: soon after a delivery, and now and then when it moved past events that were
  /// not wanted. Counts as committed from then on; what a crash takes back is delivered again.
  std::optional<std::int64_t> to_keep(steady_time now);

 private:
  std::int64_t cursor_;
  std::int64_t kept_;
  bool delivered_since_ = false;
  std::optional<steady_time> kept_at_;
  std::size_t batch_most_ = limits::event_batch;
  int failures_ = 0;
  steady_time not_before_{};
  std::mt19937_64 random_;
};

}  // namespace regent
