// All chance of a simulation, from one seed: the same seed gives the same run, message for message.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "base/clock.hpp"

namespace regent::sim {

class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  /// From `low` to `high`, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(double probability) { return unit() < probability; }
  /// Most near `low`, few near `high`, as latencies and outages are.
  milliseconds span(milliseconds low, milliseconds high) {
    const auto from = static_cast<double>(low.count()), to = static_cast<double>(high.count());
    return milliseconds(static_cast<std::int64_t>(from * std::pow(to / from, unit())));
  }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(from.size()) - 1))];
  }

 private:
  // Distributions of the standard library differ between libraries; this does not.
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  std::mt19937_64 engine_;
};

}  // namespace regent::sim
