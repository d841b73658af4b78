// What is done again and again by itself: when it is due, and what is owed when its time was missed. Pure: the clock is asked by
// actors/scheduler.
//
// A firing is named by the time that the cron expression gives, and is due a little later, by its jitter. `dealt` is how far a
// schedule has come: all firings up to then have been dealt with, in whatever way.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/bulk_order.hpp"
#include "region/cron.hpp"
#include "region/job.hpp"

namespace regent {

/// Of firings that nobody was there for (the daemon did not run, or the clock was put forward): none is made up for; one is, for
/// all of them; the last limits::schedule_catch_up_most are, one after the other.
enum class catch_up { skip, once, all };
inline constexpr std::array<std::string_view, 3> catch_up_names{"skip", "once", "all"};
constexpr std::string_view name(catch_up policy) { return catch_up_names[static_cast<std::size_t>(policy)]; }

struct schedule_config {
  std::string name;
  cron_expression when;
  time_zone zone;
  milliseconds jitter{0};  ///< the longest that a firing is put off by; shorter than what lies between two of them
  catch_up missed = catch_up::skip;
  lane in = lane::audit;
  bool enabled = true;
  bulk_order what;
};

/// Which times are meant: with another rule a schedule begins anew.
std::string rule_of(const schedule_config& of);

struct firing {
  wall_time at;   ///< as the cron expression says: its name
  wall_time due;  ///< with its jitter
};

/// The same firing has the same jitter, whoever asks and whenever: it comes from the names of region and schedule, and `at`.
firing firing_at(const schedule_config& of, const std::string& region, wall_time at);

/// The next `count` firings after `after`.
std::vector<firing> next_firings(const schedule_config& of, const std::string& region, wall_time after,
                                 std::size_t count);

struct due_firings {
  std::int64_t count = 0;      ///< up to limits::schedule_missed_counted; more are not told apart
  std::vector<firing> newest;  ///< the last of them, oldest first: limits::schedule_catch_up_most at most
};
/// Those after `dealt` that are due at `now`.
due_firings due_at(const schedule_config& of, const std::string& region, wall_time dealt, wall_time now);

/// What follows from what is due.
struct schedule_step {
  enum class kind {
    nothing,
    wait,  ///< for the last run to end: this one is owed
    fire,
    skip,  ///< its time has come, and the last run has not ended
    pass,  ///< nothing is made up for
  };
  kind is = kind::nothing;
  wall_time at{};           ///< fire, skip: the firing
  wall_time dealt{};        ///< how far the schedule has come with this
  std::int64_t missed = 0;  ///< firings that come to nothing with this
};
/// `due` has been found for `now`. `open`: what the last firing began has not ended.
schedule_step next_step(catch_up policy, const due_firings& due, wall_time now, bool open);

}  // namespace regent
