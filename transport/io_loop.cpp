#include "transport/io_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace regent {
namespace {

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

io_loop::io_loop() : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  wake_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
  thread_ = std::thread([this] { run(); });
  id_ = thread_.get_id();
}

void io_loop::stop() {
  if (!thread_.joinable()) return;
  post([this] { stopping_ = true; });
  thread_.join();
}

io_loop::~io_loop() {
  stop();
  ::close(wake_);
  ::close(epoll_);
}

void io_loop::post(task what) {
  bool first = false;
  {
    std::lock_guard lock(guard_);
    first = posted_.empty();
    posted_.push_back(std::move(what));
  }
  // A full counter (2^64 - 1) cannot be: the loop empties it. One wake-up is enough for all that waits.
  if (first) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }
}

void io_loop::watch(int fd, std::uint32_t events, task ready) {
  unwatch(fd);
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  watches_[fd] = watched{events, std::make_shared<task>(std::move(ready))};
}

void io_loop::change(int fd, std::uint32_t events) {
  const auto found = watches_.find(fd);
  if (found == watches_.end() || found->second.events == events) return;
  found->second.events = events;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void io_loop::unwatch(int fd) {
  if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

io_loop::timer io_loop::at(steady_time when, task what) {
  const timer key{when, ++last_timer_};
  timers_.emplace(key, std::move(what));
  return key;
}

int io_loop::until_next_timer() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(timers_.begin()->first.first - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void io_loop::run() {
  // A peer that goes away while we write is an error value, whatever the library below does about the signal.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::array<epoll_event, 64> events{};
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), until_next_timer());
    run_posted();
    for (int i = 0; i < count; ++i) {
      const auto found = watches_.find(events[static_cast<std::size_t>(i)].data.fd);
      if (found == watches_.end()) continue;
      const std::shared_ptr<task> ready = found->second.ready;  // it may unwatch itself
      (*ready)();
    }
    run_timers();
  }
}

void io_loop::run_posted() {
  std::uint64_t count = 0;
  std::vector<task> now;
  {
    std::lock_guard lock(guard_);
    now.swap(posted_);
    [[maybe_unused]] const auto size = ::read(wake_, &count, sizeof count);
  }
  for (task& each : now) each();
}

void io_loop::run_timers() {
  const steady_time now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    task what = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    what();
  }
}

}  // namespace regent
