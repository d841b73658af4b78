// The schedules of the region file in force and how far each has come, for readers on other threads.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "region/schedule.hpp"

namespace regent {

struct schedule_status {
  schedule_config config;
  std::optional<wall_time> dealt;  ///< none: it does not fire by itself
  std::string paused;              ///< who, and why; empty if it is not
  std::optional<wall_time> paused_since;
  std::string waits_for;  ///< what a firing that is due waits for; empty if none does
};

/// Thread-safe.
class schedule_board {
 public:
  void publish(std::vector<schedule_status> all);
  std::vector<schedule_status> list() const;  ///< by name

 private:
  mutable std::mutex guard_;
  std::vector<schedule_status> all_;
};

}  // namespace regent
