#include "edge/cloud_pace.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {

milliseconds jittered_backoff(int attempt, milliseconds first, milliseconds most, std::mt19937_64& random) {
  auto bound = first;
  for (int i = 0; i < attempt && bound < most; ++i) bound *= 2;
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(0, std::min(bound, most).count())(random));
}

std::optional<milliseconds> request_rate::take(steady_time now, milliseconds patience) {
  auto slot = std::max(now, held_until_);
  if (taken_.size() >= most_) slot = std::max(slot, taken_.front() + std::chrono::seconds(1));
  const auto wait = std::chrono::ceil<milliseconds>(slot - now);
  if (wait > patience) return {};
  taken_.push_back(slot);
  if (taken_.size() > most_) taken_.pop_front();
  return wait;
}

bool circuit_breaker::enter(steady_time now) {
  if (!open_) return true;
  if (probing_ || now < closed_until_) return false;
  return probing_ = true;
}

void circuit_breaker::succeeded() {
  failures_ = openings_ = 0;
  open_ = probing_ = false;
}

void circuit_breaker::failed(steady_time now, std::string why) {
  why_ = std::move(why);
  const bool probe = probing_;
  probing_ = false;
  if (++failures_ < limits_.failures && !probe) return;
  if (open_ && !probe) return;  // sent before it opened: nothing new
  open_ = true;
  closed_until_ = now + jittered_backoff(openings_++, limits_.wait_first, limits_.wait_most, random_);
}

std::string circuit_breaker::text(steady_time now) const {
  const auto left = std::max(milliseconds(0), std::chrono::ceil<milliseconds>(closed_until_ - now));
  return fmt::format("{} failures in a row, next try {}; the last: {}", failures_,
                     probing_ ? "is under way" : "in " + span_text(left), why_);
}

}  // namespace regent
