// Simulated time, and what happens in the world outside the daemon, in order.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.hpp"

namespace regent::sim {

class timeline final : public clock {
 public:
  wall_time wall() const override { return wall_time{std::chrono::hours(24 * 365 * 56)} + passed_ + wall_offset_; }
  steady_time steady() const override { return steady_time{std::chrono::hours(100)} + passed_; }
  milliseconds passed() const { return passed_; }
  /// Somebody sets the clock. Steady time knows nothing of it.
  void jump(milliseconds by) {
    wall_offset_ += by;
    jumped_ += std::chrono::abs(by);
  }
  /// By how much in all, to and fro.
  milliseconds jumped() const { return jumped_; }

  void after(milliseconds span, std::function<void()> what) {
    due_.emplace(std::pair(passed_ + std::max(span, milliseconds(0)), ++count_), std::move(what));
  }
  /// How far time can go, at most `most`, before something is due.
  milliseconds until_next(milliseconds most) const {
    return due_.empty() ? most : std::clamp(due_.begin()->first.first - passed_, milliseconds(0), most);
  }
  void pass(milliseconds span) { passed_ += span; }
  /// Does the next thing that is due by now. False if nothing is.
  bool do_next() {
    if (due_.empty() || due_.begin()->first.first > passed_) return false;
    auto next = due_.extract(due_.begin());
    next.mapped()();
    return true;
  }

 private:
  milliseconds passed_{0};
  milliseconds wall_offset_{0};
  milliseconds jumped_{0};
  std::uint64_t count_ = 0;
  std::map<std::pair<milliseconds, std::uint64_t>, std::function<void()>> due_;
};

}  // namespace regent::sim
