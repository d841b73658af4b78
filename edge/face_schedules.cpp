// What the face says of schedules: the region file's words from the board, what they have begun from the journal.
#include <algorithm>

#include "edge/face_handlers.hpp"
#include "edge/schedule_views.hpp"

namespace regent {

result<std::vector<schedule_row>> face_handlers::schedule_rows() {
  const auto marks = journal([](auto& from) { return from.schedules(); });
  if (!marks) return failure(marks.error());
  std::vector<schedule_row> rows;
  for (auto& status : facts_.schedules.list()) {
    auto& row = rows.emplace_back(schedule_row{std::move(status), {}, {}, {}});
    const auto mark =
        std::find_if(marks->begin(), marks->end(), [&](const auto& one) { return one.schedule == row.is.config.name; });
    if (mark == marks->end()) continue;
    row.fired = mark->fired;
    row.job = mark->job;
    if (row.job.empty()) continue;
    const auto root = journal([&](auto& from) { return from.find_job(row.job); });
    if (!root) return failure(root.error());
    if (*root) row.job_state = name((*root)->state);
  }
  return rows;
}

namespace {

result<std::size_t> firings_ahead(const route_request& asked) {
  const auto count = asked.number("next", 0);
  if (!count) return failure(count.error());
  if (*count > limits::schedule_preview_most)
    return fail(error_kind::permanent, "bad_query", "next={} is more than {}", *count, limits::schedule_preview_most);
  return static_cast<std::size_t>(*count);
}

}  // namespace

result<std::string> face_handlers::schedules(const route_request& asked) {
  const auto ahead = firings_ahead(asked);
  if (!ahead) return failure(ahead.error());
  const auto rows = schedule_rows();
  if (!rows) return failure(rows.error());
  return schedules_text(*rows, region_, time_.wall(), *ahead);
}

result<std::string> face_handlers::schedule_detail(const route_request& asked) {
  const auto ahead = firings_ahead(asked);
  if (!ahead) return failure(ahead.error());
  const auto rows = schedule_rows();
  if (!rows) return failure(rows.error());
  const auto found = std::find_if(rows->begin(), rows->end(),
                                  [&](const auto& row) { return row.is.config.name == asked.captured[0]; });
  if (found == rows->end())
    return not_found(fmt::format("no schedule {} is in the region file", asked.captured[0].substr(0, 100)));
  json_writer out;
  write_schedule(out, *found, region_, time_.wall(), *ahead);
  return out.take();
}

}  // namespace regent
