// Schedules as JSON, for the HTTP face and for people who look at a region file.
#pragma once

#include <optional>
#include <string>

#include "edge/json_writer.hpp"
#include "region/job.hpp"
#include "region/schedule_board.hpp"

namespace regent {

/// A schedule with what is known of its last run.
struct schedule_row {
  schedule_status is;
  std::optional<wall_time> fired;
  job_id job;             ///< the root of what it began; empty if it began none
  std::string job_state;  ///< empty if the job is no longer kept
};

/// An object with `next`, when it fires next by itself (null if it does not), and `next_runs`, the next `ahead` firings, which it
/// would have if it is paused or switched off. `region`: its jitter comes from that name, too.
void write_schedule(json_writer& out, const schedule_row& row, const std::string& region, wall_time now,
                    std::size_t ahead);

/// All of them, as GET /api/v1/schedules answers.
std::string schedules_text(const std::vector<schedule_row>& rows, const std::string& region, wall_time now,
                           std::size_t ahead);

}  // namespace regent
