// A throttle of the region file: how much of something may be at work at once, and how much may begin within a span.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace regent {

/// What has a count of its own under a throttle: all that it is about, or each kind, project or host.
enum class throttle_each { all, kind, project, host };
inline constexpr std::array<std::string_view, 4> throttle_each_names{"all", "kind", "project", "host"};
constexpr std::string_view name(throttle_each each) { return throttle_each_names[static_cast<std::size_t>(each)]; }

struct throttle_config {
  std::string name;
  // Which jobs it is about: of this kind, this project and with steps on this host, as far as these are given.
  std::string kind;
  std::string project;
  host_id host;
  throttle_each each = throttle_each::all;
  std::size_t at_once = 0;  ///< jobs at work; 0: any number
  std::size_t begin = 0;    ///< jobs that begin within `within`, whenever that starts; 0: any number
  milliseconds within{0};
  bool operator==(const throttle_config&) const = default;
};

}  // namespace regent
