#include "edge/schedule_views.hpp"

#include <fmt/format.h>

#include "edge/face_handlers.hpp"

namespace regent {

namespace {

/// As a clock in the zone shows it: "2026-03-29T02:30:00+01:00".
std::string local_text(wall_time at, const time_zone& zone) {
  const auto offset = zone.at(at).offset;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(std::chrono::abs(offset)).count();
  return fmt::format("{}{}{:02}:{:02}", iso_text(at + offset).substr(0, 19), offset.count() < 0 ? '-' : '+',
                     minutes / 60, minutes % 60);
}

void write_order(json_writer& out, const bulk_order& order) {
  out.open_object("do");
  out.text("verb", name(order.what));
  out.text("kind", order.kind);
  out.text("state", order.state);
  out.text("project", order.project);
  if (order.degraded)
    out.flag("degraded", *order.degraded);
  else
    out.null("degraded");
  out.close_object();
}

}  // namespace

void write_schedule(json_writer& out, const schedule_row& row, const std::string& region, wall_time now,
                    std::size_t ahead) {
  const auto& [config, dealt, paused, paused_since, waits_for] = row.is;
  const bool fires = dealt && paused.empty();
  const auto next = next_firings(config, region, fires ? *dealt : now, std::max<std::size_t>(ahead, 1));
  out.open_object();
  out.text("schedule", config.name);
  out.text("cron", config.when.text());
  out.text("time_zone", config.zone.name());
  out.number("jitter_ms", config.jitter.count());
  out.text("catch_up", name(config.missed));
  out.text("lane", name(config.in));
  out.flag("enabled", config.enabled);
  write_order(out, config.what);
  out.text("paused", paused);
  out.time("paused_since", paused_since);
  out.text("waits_for", waits_for);
  out.time("next", fires && !next.empty() ? std::optional(next[0].due) : std::nullopt);
  out.time_and_age("last_run", row.fired, now);
  out.maybe_number("last_job", row.job.empty() ? std::nullopt : std::optional(row.job.value()));
  out.text("last_job_state", row.job_state);
  out.open_array("next_runs");
  for (std::size_t i = 0; i < std::min(ahead, next.size()); ++i) {
    out.open_object();
    out.time("at", next[i].at);
    out.time("due", next[i].due);
    out.text("local", local_text(next[i].due, config.zone));
    out.close_object();
  }
  out.close_array();
  out.close_object();
}

std::string schedules_text(const std::vector<schedule_row>& rows, const std::string& region, wall_time now,
                           std::size_t ahead) {
  const page<schedule_row> whole{rows, static_cast<std::int64_t>(rows.size()), {}};
  return list_text(whole, [&](auto& out, const schedule_row& row) { write_schedule(out, row, region, now, ahead); });
}

}  // namespace regent
