#include <map>

#include "edge/face_handlers.hpp"
#include "edge/json_views.hpp"

namespace regent {

namespace {
constexpr std::size_t job_output_bytes = 4 * 1024 * 1024;  ///< of all steps of a job together

std::vector<std::string_view> lifecycle_names() {
  std::vector<std::string_view> names;
  for (const auto& each : lifecycle_table) names.push_back(each.name);
  return names;
}
}  // namespace

result<std::string> face_handlers::resources(const route_request& asked) {
  const auto limit = asked.limit();
  const auto state = asked.one_of("state", lifecycle_names());
  const auto degraded = asked.flag("degraded");
  if (!limit) return failure(limit.error());
  if (!state) return failure(state.error());
  if (!degraded) return failure(degraded.error());
  const resource_filter filter{asked.text("kind"), *state, asked.text("project"), *degraded};
  const auto found = journal([&](auto& from) { return from.resources(filter, asked.text("after"), *limit); });
  if (!found) return failure(found.error());
  std::map<resource_id, resource_marks> marks;
  for (const auto& row : found->rows) {
    auto of_one = journal([&](auto& from) { return from.marks(row.id); });
    if (!of_one) return failure(of_one.error());
    marks[row.id] = std::move(*of_one);
  }
  const auto now = time_.wall();
  return list_text(*found, [&](auto& out, const resource& row) { write_resource(out, row, marks[row.id], now); });
}

result<std::string> face_handlers::resource_detail(const route_request& asked) {
  const resource_id id{asked.captured[0], asked.captured[1]};
  const auto what = journal([&](auto& from) { return from.find_resource(id); });
  if (!what) return failure(what.error());
  if (!*what) return not_found(fmt::format("no resource {} is known", id.text()));
  const auto marks = journal([&](auto& from) { return from.marks(id); });
  if (!marks) return failure(marks.error());
  const auto open = journal([&](auto& from) { return from.jobs({id.text(), "open"}, {}, details_shown); });
  if (!open) return failure(open.error());
  const auto events = journal([&](auto& from) { return from.events(id, {}, details_shown); });
  if (!events) return failure(events.error());
  const auto reports = journal([&](auto& from) { return from.reports(id); });
  if (!reports) return failure(reports.error());
  const auto now = time_.wall();
  json_writer out;
  out.open_object();
  write_resource_fields(out, **what, *marks, now);
  out.document("document", (*what)->document);
  out.open_array("open_jobs");
  for (const auto& each : open->rows) write_job(out, each, now);
  out.close_array();
  out.open_array("last_events");
  for (const auto& each : events->rows) write_event(out, each, now);
  out.close_array();
  out.open_array("undelivered_reports");
  for (const auto& each : *reports) write_report(out, each, now);
  out.close_array();
  out.close_object();
  return out.take();
}

result<std::string> face_handlers::jobs(const route_request& asked) {
  std::vector<std::string_view> states(job_state_names.begin(), job_state_names.end());
  states.push_back("open");
  const auto limit = asked.limit();
  const auto state = asked.one_of("state", states);
  const auto resource = asked.resource("resource");
  const auto root = asked.number("root", 0);
  if (!root) return failure(root.error());
  if (!limit) return failure(limit.error());
  if (!state) return failure(state.error());
  if (!resource) return failure(resource.error());
  const job_filter filter{resource->empty() ? "" : resource->text(), *state, job_id(static_cast<std::int64_t>(*root))};
  const auto found = journal([&](auto& from) { return from.jobs(filter, asked.text("after"), *limit); });
  if (!found) return failure(found.error());
  const auto now = time_.wall();
  return list_text(*found, [&](auto& out, const job& row) { write_job(out, row, now); });
}

result<std::string> face_handlers::job_detail(const route_request& asked) {
  const auto number = parse_number(asked.captured[0]);
  if (!number || *number == 0 || *number > INT64_MAX)
    return fail(error_kind::permanent, "bad_query", "{} is not a job's number", asked.captured[0].substr(0, 100));
  const job_id id(static_cast<std::int64_t>(*number));
  const auto what = journal([&](auto& from) { return from.find_job(id); });
  if (!what) return failure(what.error());
  if (!*what) return not_found(fmt::format("no job {} is known", id.value()));
  const auto steps = journal([&](auto& from) { return from.steps(id); });
  if (!steps) return failure(steps.error());
  const auto now = time_.wall();
  json_writer out;
  out.open_object();
  write_job_fields(out, **what, now);
  write_steps(out, *steps, runs_of(*steps), now, job_output_bytes);
  if (is_tree(**what))
    if (auto done = write_branches(out, id, asked); !done) return failure(done.error());
  out.close_object();
  return out.take();
}

/// Branches of a root, in pages: after= and limit= as in a list.
result<void> face_handlers::write_branches(json_writer& out, job_id root, const route_request& asked) {
  const auto limit = asked.limit();
  if (!limit) return failure(limit.error());
  const auto settings = journal([&](auto& from) { return from.find_tree(root); });
  if (!settings) return failure(settings.error());
  const auto some = journal([&](auto& from) { return from.branches(root, asked.text("after"), *limit); });
  if (!some) return failure(some.error());
  out.text("tree", *settings ? (*settings)->name : "");
  out.open_array("branches");
  for (const auto& each : some->rows) write_branch(out, each);
  out.close_array();
  out.number("branches_total", some->total);
  if (some->next.empty())
    out.null("branches_next");
  else
    out.text("branches_next", some->next);
  return {};
}

result<std::string> face_handlers::locks(const route_request& asked) {
  const auto limit = asked.limit();
  const auto state = asked.one_of("state", {"held", "queued"});
  const auto job = asked.number("job", 0);
  if (!limit) return failure(limit.error());
  if (!state) return failure(state.error());
  if (!job) return failure(job.error());
  const auto leases = journal([](auto& from) { return from.leases(); });
  if (!leases) return failure(leases.error());
  auto all = join_locks(*leases, facts_.hosts.list());
  const auto host = asked.text("host");
  std::erase_if(all, [&](const auto& row) {
    return (!state->empty() && row.held != (*state == "held")) || (!host.empty() && row.host.value() != host) ||
           (*job != 0 && static_cast<std::uint64_t>(row.job.value()) != *job);
  });
  const auto cursor_of = [](const lock_row& row) { return row.cursor(); };
  auto shown = page_of(std::move(all), cursor_of, asked.text("after"), *limit);
  for (auto& row : shown.rows) {
    const auto owner = journal([&](auto& from) { return from.find_job(row.job); });
    if (!owner) return failure(owner.error());
    if (*owner) row.resource = (*owner)->resource;
  }
  const auto now = time_.wall();
  return list_text(shown, [&](auto& out, const lock_row& row) { write_lock(out, row, now); });
}

}  // namespace regent
