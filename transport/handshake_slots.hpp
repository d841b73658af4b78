// How many hosts may be in the middle of a handshake at once. Connecting by TCP takes none, so a host that is down
// holds none; suspects, whose handshake may go nowhere as their last one did, share half of the slots, so that they
// cannot hold them all.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace regent {

class handshake_slots {  // thread-safe
 public:
  explicit handshake_slots(std::size_t most) : most_(most) {}

  /// Calls `granted`, at once or later on a thread that releases. Every grant needs one release of the same kind.
  void acquire(bool suspect, std::function<void()> granted);
  void release(bool suspect);

 private:
  std::deque<std::function<void()>> grant();

  std::mutex guard_;
  std::size_t most_;
  std::size_t taken_ = 0, suspects_ = 0;
  std::deque<std::function<void()>> waiting_, waiting_suspects_;
};

}  // namespace regent
