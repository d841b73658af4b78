// What the daemon knows about itself, in Prometheus' text format.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/http_face.hpp"

namespace regent {

using state_counts = std::vector<std::pair<std::string, std::int64_t>>;

struct metrics_source {
  const daemon_facts& facts;
  std::string region;
  wall_time now{};
  std::vector<probe_view> actors;
  /// None while the journal cannot be read: then those families are left out and regent_journal_readable is 0.
  std::optional<state_counts> resources, jobs;
};

inline constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";
std::string metrics_text(const metrics_source& from);

}  // namespace regent
