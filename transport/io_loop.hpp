// One I/O thread: an epoll loop that owns many connections. All but post() and running_here() belong to its thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace regent {

class io_loop {
 public:
  using task = std::function<void()>;
  using timer = std::pair<steady_time, std::uint64_t>;

  io_loop();
  ~io_loop();
  io_loop(const io_loop&) = delete;
  io_loop& operator=(const io_loop&) = delete;

  /// Runs what was posted before, then ends the thread. Not from that thread. What is posted later never runs.
  void stop();

  /// Any thread. Tasks run in order.
  void post(task what);
  bool running_here() const { return std::this_thread::get_id() == id_; }

  /// Calls `ready` while one of `events` (EPOLLIN, EPOLLOUT; errors always) holds. One watch a descriptor; watching
  /// again replaces it.
  void watch(int fd, std::uint32_t events, task ready);
  void change(int fd, std::uint32_t events);  ///< of a watched descriptor; cheap when nothing changes
  void unwatch(int fd);
  timer at(steady_time when, task what);
  void cancel(const timer& which) { timers_.erase(which); }
  /// Calls a member function of an object after this time, unless the object is gone or has disarmed the timer, which is
  /// one of its members.
  template <class Owner>
  void arm(std::optional<timer>& which, milliseconds wait, std::weak_ptr<Owner> owner, void (Owner::*what)()) {
    disarm(which);
    which = at(std::chrono::steady_clock::now() + wait, [&which, owner = std::move(owner), what] {
      const auto self = owner.lock();
      if (!self) return;
      which.reset();
      ((*self).*what)();
    });
  }
  void disarm(std::optional<timer>& which) {
    if (which) cancel(*std::exchange(which, std::nullopt));
  }

 private:
  struct watched {
    std::uint32_t events = 0;
    std::shared_ptr<task> ready;
  };
  void run();
  void run_posted();
  void run_timers();
  int until_next_timer() const;

  int epoll_ = -1;
  int wake_ = -1;
  std::unordered_map<int, watched> watches_;
  std::map<timer, task> timers_;
  std::uint64_t last_timer_ = 0;
  bool stopping_ = false;
  std::mutex guard_;
  std::vector<task> posted_;
  std::thread thread_;
  std::thread::id id_;
};

}  // namespace regent
