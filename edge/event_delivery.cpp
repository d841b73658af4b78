#include "edge/event_delivery.hpp"

#include <algorithm>

#include "edge/cloud_pace.hpp"

namespace regent {

milliseconds event_delivery::wait(steady_time now) const {
  return std::chrono::ceil<milliseconds>(std::max(not_before_ - now, steady_time::duration{}));
}

event_batch event_delivery::batch_of(event_look found) const {
  event_batch made{cursor_, found.lost, {}, found.cursor};
  std::size_t bytes = 0;
  for (auto& one : found.rows) {
    bytes += one.text.size();
    if (!made.events.empty() && (made.events.size() >= batch_most_ || bytes > limits::event_batch_bytes)) {
      made.cursor = made.events.back().sequence;
      break;
    }
    made.events.push_back(std::move(one));
  }
  return made;
}

void event_delivery::taken(const event_batch& what) {
  cursor_ = what.cursor;
  if (what.empty()) return;
  delivered_since_ = true;
  failures_ = 0;
  not_before_ = {};
  batch_most_ = std::min(2 * batch_most_, limits::event_batch);
}

void event_delivery::refused(const sink_refusal& why, steady_time now) {
  if (why.too_large) batch_most_ = std::max<std::size_t>(1, batch_most_ / 2);
  const auto pause = jittered_backoff(failures_, limits::sink_backoff_first, limits::sink_backoff_most, random_);
  ++failures_;
  not_before_ = now + std::max(pause, std::min<milliseconds>(why.retry_after, limits::sink_retry_after_most));
}

std::optional<std::int64_t> event_delivery::to_keep(steady_time now) {
  if (cursor_ == kept_) return std::nullopt;
  const milliseconds pause =
      delivered_since_ ? milliseconds(limits::sink_cursor_kept) : milliseconds(limits::sink_cursor_kept_idle);
  if (!kept_at_) kept_at_ = now;
  if (now - *kept_at_ < pause) return std::nullopt;
  kept_ = cursor_;
  kept_at_ = now;
  delivered_since_ = false;
  return kept_;
}

}  // namespace regent
