#include "transport/handshake_slots.hpp"

#include <utility>

namespace regent {

void handshake_slots::acquire(bool suspect, std::function<void()> granted) {
  std::deque<std::function<void()>> now;
  {
    std::lock_guard lock(guard_);
    (suspect ? waiting_suspects_ : waiting_).push_back(std::move(granted));
    now = grant();
  }
  for (auto& each : now) each();
}

void handshake_slots::release(bool suspect) {
  std::deque<std::function<void()>> now;
  {
    std::lock_guard lock(guard_);
    --taken_;
    if (suspect) --suspects_;
    now = grant();
  }
  for (auto& each : now) each();
}

std::deque<std::function<void()>> handshake_slots::grant() {
  std::deque<std::function<void()>> granted;
  auto take = [&](auto& queue) {
    ++taken_;
    granted.push_back(std::move(queue.front()));
    queue.pop_front();
  };
  while (taken_ < most_ && !waiting_.empty()) take(waiting_);
  while (taken_ < most_ && suspects_ < (most_ + 1) / 2 && !waiting_suspects_.empty()) {
    ++suspects_;
    take(waiting_suspects_);
  }
  return granted;
}

}  // namespace regent
