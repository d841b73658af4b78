// How often, and whether, a cloud is asked: the request rate and the circuit breaker. Pure: time is an argument.
#pragma once

#include <deque>
#include <optional>
#include <random>
#include <string>

#include "base/clock.hpp"
#include "base/limits.hpp"

namespace regent {

/// A wait before attempt number `attempt` (from 0): anything from nothing to `first` doubled each time, at most `most`
/// ("full jitter": clients that failed together do not come back together).
milliseconds jittered_backoff(int attempt, milliseconds first, milliseconds most, std::mt19937_64& random);

/// At most `per_second` requests in any second, in the order of asking; all of them at once after a pause, because the
/// cloud too counts a sliding second (a token bucket with room for a burst would let nearly twice as many pass).
class request_rate {
 public:
  explicit request_rate(double per_second) : most_(static_cast<std::size_t>(per_second)) {}
  /// Takes the next slot and returns the wait until it; takes none and returns none if that is longer than `patience`.
  std::optional<milliseconds> take(steady_time now, milliseconds patience);
  /// No slots before `until`: the server asked for it.
  void hold(steady_time until) { held_until_ = std::max(held_until_, until); }

 private:
  std::size_t most_;
  std::deque<steady_time> taken_;  ///< the last `most_` slots
  steady_time held_until_{};
};

/// Stops asking a server that does not work: opens after some failures in a row, lets one probe through after a wait,
/// and closes when the probe is answered.
class circuit_breaker {
 public:
  struct limits_type {
    int failures = 5;  ///< in a row
    milliseconds wait_first{500};
    milliseconds wait_most{60'000};
  };
  circuit_breaker(limits_type limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

  /// True: go on, and tell how it ended by one of the next three calls.
  bool enter(steady_time now);
  void succeeded();
  void failed(steady_time now, std::string why);
  void abandoned() { probing_ = false; }  ///< it says nothing about the server

  bool open() const { return open_; }
  std::string text(steady_time now) const;  ///< why nothing is sent, for people

 private:
  limits_type limits_;
  std::mt19937_64 random_;
  int failures_ = 0;
  int openings_ = 0;  ///< since the last success
  bool open_ = false;
  bool probing_ = false;
  steady_time closed_until_{};
  std::string why_;
};

}  // namespace regent
