// Time is injected: wall time for people and records, steady time for durations and deadlines.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace regent {

using milliseconds = std::chrono::milliseconds;
using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;
using steady_time = std::chrono::steady_clock::time_point;

class clock {
 public:
  virtual ~clock() = default;
  virtual wall_time wall() const = 0;
  virtual steady_time steady() const = 0;
};

/// The machine's own clocks. Thread-safe.
class system_clock final : public clock {
 public:
  wall_time wall() const override;
  steady_time steady() const override;
};

/// ISO 8601 in UTC with milliseconds and Z: "2026-11-20T10:00:00.000Z".
std::string iso_text(wall_time at);

/// Reads ISO 8601 with optional fraction and optional Z (a naive time is UTC); none if malformed.
std::optional<wall_time> parse_iso(std::string_view text);

/// "850ms", "12s", "4m 10s", "3h 2m", "2d 4h": for people.
std::string span_text(milliseconds span);

}  // namespace regent
