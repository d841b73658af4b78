// What operators have said of hosts and resources, and what holds until they say otherwise; and what waits for their word.
// Plain values, with the tables of their names.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace regent {

/// Why no new job begins on a host. cordon: it is looked after. drain: it is to be empty; children of jobs that began before may
/// still begin until it is. maintenance: the same, and it is meant to be off then. detached: it is dead for good; nothing is
/// sent to it nor asked of it.
enum class closure { cordon, drain, maintenance, detached };
inline constexpr std::array<std::string_view, 4> closure_names{"cordon", "drain", "maintenance", "detached"};
constexpr std::string_view name(closure how) { return closure_names[static_cast<std::size_t>(how)]; }

/// No new job may begin on the host, and why; an empty reason ends that.
struct host_cordoned {
  host_id host;
  std::string why;
  wall_time since{};
  closure how = closure::cordon;
  job_id last_job{};  ///< the highest number given out by then: children of roots up to it came from before
  std::optional<wall_time>
      drained{};  ///< since when nothing is held there; a promise, so nothing is admitted from then on
};

/// What is said of a host in one word: open, cordoned, draining, drained, maintenance, detached.
constexpr std::string_view service_text(bool closed, closure how, bool drained) {
  if (!closed) return "open";
  switch (how) {
    case closure::cordon: return "cordoned";
    case closure::drain: return drained ? "drained" : "draining";
    case closure::maintenance: return drained ? "maintenance" : "draining";
    case closure::detached: return "detached";
  }
  return "";
}

/// What an operator wants of a resource. pause: nothing begins on it. release: the same, and regent does not look after it. adopt:
/// its next job takes over what stands on hosts and regent did not make.
enum class hold { pause, release, adopt };
inline constexpr std::array<std::string_view, 3> hold_names{"pause", "release", "adopt"};
constexpr std::string_view name(hold what) { return hold_names[static_cast<std::size_t>(what)]; }

struct resource_held {
  resource_id resource;
  hold what = hold::pause;
  std::string why;  ///< who, and why; empty ends it
  wall_time since{};
};

/// A job that failed and that regent does not try again by itself: its resource is paused until somebody decides, an operator or,
/// by a new wish, a user. One for each resource, its last.
struct dead_letter {
  resource_id resource;
  job_id job;  ///< empty: it is decided
  wall_time since{};
  int from_step = 0;    ///< an operator wants it gone on with from this step (from 1); 0: from the first
  std::string by = {};  ///< that operator, and why
};

/// What stood there is gone with a reboot of the host, and was not built again because the resource is paused.
struct rebuild_owed {
  resource_id resource;
  host_id host;
  bool owed = true;  ///< false: no longer
};

/// What holds for one resource.
struct resource_marks {
  std::optional<resource_held> held;
  std::optional<dead_letter> letter;
};

}  // namespace regent
