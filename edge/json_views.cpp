#include "edge/json_views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/limits.hpp"

namespace regent {

namespace {
std::optional<std::int64_t> number_or_none(job_id id) { return id.empty() ? std::nullopt : std::optional(id.value()); }

/// How long it took, or has taken until now; none if it has not begun.
std::optional<std::int64_t> duration(const std::optional<wall_time>& started, const std::optional<wall_time>& ended,
                                     wall_time now) {
  if (!started) return std::nullopt;
  return (ended.value_or(now) - *started).count();
}

void write_claims(json_writer& out, std::string_view key, const std::vector<lease_claim>& claims, wall_time now) {
  out.open_array(key);
  for (const auto& claim : std::span(claims).first(std::min(claims.size(), limits::page_rows_most))) {
    out.open_object();
    out.number("job", claim.job.value());
    out.text("scope", claim.scope);
    out.text("lane", claim.lane);
    out.time_and_age("since", claim.since, now);
    out.close_object();
  }
  out.close_array();
}
}  // namespace

void write_actor(json_writer& out, const probe_view& actor) {
  out.open_object();
  out.number("number", static_cast<std::int64_t>(actor.number));
  out.text("type", actor.type);
  out.text("key", actor.key);
  out.text("state", actor.state);
  out.number("mailbox_depth", static_cast<std::int64_t>(actor.mailbox_depth));
  out.number("oldest_message_ms", actor.oldest_message.count());
  out.number("busy_now_ms", actor.busy_now.count());
  out.number("busy_total_ms", actor.busy_total.count());
  out.number("queued_total_ms", actor.queued_total.count());
  out.number("handled", static_cast<std::int64_t>(actor.handled));
  out.text("last_message", actor.last_message);
  out.text("last_error", actor.last_error);
  out.text("waits_for", actor.waits_for);
  out.open_array("leases");
  for (const auto& lease : actor.leases) out.text({}, lease);
  out.close_array();
  out.close_object();
}

void write_resource_fields(json_writer& out, const resource& what, const resource_marks& marks, wall_time now) {
  out.text("resource", what.id.text());
  out.text("kind", what.id.kind);
  out.text("id", what.id.id);
  out.text("state", name(what.state));
  out.text("name", what.name);
  out.text("project", what.project);
  out.text("updated", what.updated);
  out.flag("degraded", what.degraded);
  out.text("reason", what.reason);
  out.time_and_age("changed", what.changed, now);
  out.time("due", what.due);
  out.maybe_number("due_in_ms", what.due ? std::optional((*what.due - now).count()) : std::nullopt);
  out.text("hold", marks.held ? name(marks.held->what) : std::string_view());
  out.text("hold_why", marks.held ? marks.held->why : std::string());
  out.time("hold_since", marks.held ? std::optional(marks.held->since) : std::nullopt);
  out.maybe_number("dead_job", marks.letter ? number_or_none(marks.letter->job) : std::nullopt);
}

void write_resource(json_writer& out, const resource& what, const resource_marks& marks, wall_time now) {
  out.open_object();
  write_resource_fields(out, what, marks, now);
  out.close_object();
}

void write_job_fields(json_writer& out, const job& what, wall_time now) {
  out.number("id", what.id.value());
  out.maybe_number("parent", number_or_none(what.parent));
  out.maybe_number("root", number_or_none(what.root));
  out.text("resource", what.resource.text());
  out.text("operation", name(what.what));
  out.text("state", name(what.state));
  out.text("lane", name(what.in));
  out.text("cause", what.cause);
  out.flag("repair", what.repair);
  out.text("only_host", what.only_host);
  out.number("attempt", what.attempt);
  out.time("not_before", what.not_before);
  out.text("cancel", what.cancel);
  out.text("decided", what.decided);
  out.text("waits_for", what.waits_for);
  out.time("wait_deadline", what.wait_deadline);
  out.time_and_age("created", what.created, now);
  out.time("started", what.started);
  out.time("ended", what.ended);
  out.maybe_number("duration_ms", duration(what.started, what.ended, now));
  const bool limited = what.deadline.count() > 0;
  out.maybe_number("deadline_ms", limited ? std::optional(what.deadline.count()) : std::nullopt);
  out.time("deadline", limited && what.started ? std::optional(*what.started + what.deadline) : std::nullopt);
  out.flag("degraded", what.degraded);
  if (what.error_code.empty() && what.error_message.empty()) return out.null("error");
  out.open_object("error");
  out.text("code", what.error_code);
  out.text("message", what.error_message);
  out.close_object();
}

void write_job(json_writer& out, const job& what, wall_time now) {
  out.open_object();
  write_job_fields(out, what, now);
  out.close_object();
}

void write_branch(json_writer& out, const branch& what) {
  out.open_object();
  out.number("number", what.number);
  out.text("name", what.name);
  out.text("work", name(what.work));
  out.text("subject", what.subject);
  out.text("about", text_of(what));
  out.open_array("after");
  for (const auto before : what.after) out.number({}, before);
  out.close_array();
  out.text("state", name(what.state));
  out.maybe_number("job", number_or_none(what.job));
  out.text("told", what.told);
  out.maybe_number("deadline_ms", what.deadline.count() > 0 ? std::optional(what.deadline.count()) : std::nullopt);
  out.time("started", what.started);
  out.time("ended", what.ended);
  out.close_object();
}

namespace {
/// When its host last said that the run goes on, and how far the run says that it is.
void write_sign(json_writer& out, const run_sign* sign) {
  out.maybe_number("heard_age_ms", sign != nullptr ? std::optional(sign->age.count()) : std::nullopt);
  if (sign == nullptr || !sign->progress) return out.null("progress");
  const auto& progress = *sign->progress;
  out.open_object("progress");
  out.maybe_number("percent", progress.percent ? std::optional<std::int64_t>(*progress.percent) : std::nullopt);
  out.text("words", progress.words);
  out.number("age_ms", progress.age.count());
  out.close_object();
}
}  // namespace

void write_steps(json_writer& out, const std::vector<step>& steps, const std::map<run_id, run_sign>& runs,
                 wall_time now, std::size_t output_bytes) {
  out.open_array("steps");
  for (const auto& each : steps) {
    const auto shown = std::min(each.output.size(), output_bytes);
    output_bytes -= shown;
    out.open_object();
    out.number("index", each.index);
    out.text("host", each.host.value());
    out.text("primitive", each.primitive);
    out.text("verb", each.verb);
    out.text("role", each.role);
    out.text("undo", each.undo);
    out.text("about", each.about);
    out.document("parameters", each.parameters);
    out.number("deadline_ms", each.deadline.count());
    out.maybe_number("stall_ms", each.stall.count() > 0 ? std::optional(each.stall.count()) : std::nullopt);
    out.text("state", name(each.state));
    out.text("run", each.run.value());
    out.number("attempt", each.attempt);
    out.maybe_number("exit_code", each.exit_code ? std::optional<std::int64_t>(*each.exit_code) : std::nullopt);
    out.text("output", std::string_view(each.output).substr(0, shown));
    out.flag("output_cut", shown < each.output.size());
    out.text("error", each.error);
    out.text("boot_id", each.boot_id);
    out.time("started", each.started);
    out.time("ended", each.ended);
    out.maybe_number("duration_ms", duration(each.started, each.ended, now));
    const auto sign = runs.find(each.run);
    write_sign(out, sign == runs.end() ? nullptr : &sign->second);
    out.close_object();
  }
  out.close_array();
}

namespace {
void write_event_fields(json_writer& out, const event& what) {
  out.text("topic", what.topic);
  out.text("resource", what.resource.empty() ? "" : what.resource.text());
  out.maybe_number("root", number_or_none(what.root));
  out.maybe_number("job", number_or_none(what.job));
  out.text("text", what.text);
}
}  // namespace

void write_event(json_writer& out, const event& what, wall_time now) {
  out.open_object();
  out.number("sequence", what.sequence);
  out.time_and_age("at", what.at, now);
  write_event_fields(out, what);
  out.close_object();
}

void write_event(json_writer& out, const event& what) {
  out.open_object();
  out.number("sequence", what.sequence);
  out.time("at", what.at);
  write_event_fields(out, what);
  out.close_object();
}

std::string event_text(const event& what) {
  json_writer out;
  write_event(out, what);
  return out.take();
}

void write_report(json_writer& out, const report& what, wall_time now) {
  out.open_object();
  out.number("sequence", what.sequence);
  out.text("resource", what.resource.text());
  out.maybe_number("job", number_or_none(what.job));
  out.text("state", name(what.state));
  out.time_and_age("created", what.created, now);
  out.close_object();
}

void write_throttle(json_writer& out, const throttle_status& one) {
  out.open_object();
  out.text("throttle", one.config.name);
  out.text("of", one.of);
  out.text("kind", one.config.kind);
  out.text("project", one.config.project);
  out.text("host", one.config.host.value());
  out.text("each", name(one.config.each));
  out.number("working", static_cast<std::int64_t>(one.working));
  out.number("at_once", static_cast<std::int64_t>(one.config.at_once));
  out.number("begun", static_cast<std::int64_t>(one.begun));
  out.number("begin", static_cast<std::int64_t>(one.config.begin));
  out.number("within_ms", one.config.within.count());
  out.number("waiting", static_cast<std::int64_t>(one.waiting));
  out.close_object();
}

void write_sink(json_writer& out, const sink_status& sink, wall_time now) {
  out.open_object();
  out.text("sink", sink.name);
  out.text("target", sink.target);
  out.text("state", sink.state);
  out.text("reason", sink.reason);
  out.number("after", sink.after);
  out.number("behind", sink.behind);
  out.number("delivered", sink.delivered);
  out.number("lost", sink.lost);
  out.number("failures", sink.failures);
  out.time_and_age("last_delivery", sink.last_delivery, now);
  out.close_object();
}

void write_host_fields(json_writer& out, const host_picture& host, wall_time now) {
  out.text("host", host.host.value());
  out.text("role", host.role);
  out.text("address", host.address);
  out.text("state", host.state);
  out.text("reason", host.reason);
  out.text("boot_id", host.boot_id);
  out.text("service", service_of(host));
  out.text("cordon", host.cordon);
  out.number("latency_ms", host.latency.count());
  out.maybe_number("load_hundredths", host.load);
  out.text("declines", host.declines);
  out.time_and_age("last_seen", host.last_seen, now);
  out.number("open_runs", static_cast<std::int64_t>(host.open_runs));
  out.number("leases_held", static_cast<std::int64_t>(host.held.size()));
  out.number("queued", static_cast<std::int64_t>(host.queue.size()));
}

void write_host(json_writer& out, const host_picture& host, wall_time now) {
  out.open_object();
  write_host_fields(out, host, now);
  out.close_object();
}

void write_host_claims(json_writer& out, const host_picture& host, wall_time now) {
  write_claims(out, "leases", host.held, now);
  write_claims(out, "queue", host.queue, now);
}

std::string lock_row::cursor() const {
  return fmt::format("{}|{}|{:08}|{}|{}", host.value(), held ? 0 : 1, position, job.value(), scope);
}

void write_lock(json_writer& out, const lock_row& lock, wall_time now) {
  out.open_object();
  out.text("host", lock.host.value());
  out.text("scope", lock.scope);
  out.text("state", lock.held ? "held" : "queued");
  out.maybe_number("position", lock.held ? std::nullopt : std::optional(static_cast<std::int64_t>(lock.position)));
  out.number("job", lock.job.value());
  out.text("resource", lock.resource.empty() ? "" : lock.resource.text());
  out.text("lane", lock.lane);
  out.maybe_number("epoch", lock.epoch ? std::optional(static_cast<std::int64_t>(*lock.epoch)) : std::nullopt);
  out.flag("live", lock.live);
  out.time("since", lock.since);
  out.number("age_ms", (now - lock.since).count());
  out.close_object();
}

namespace {
using lock_rows = std::map<std::string, lock_row>;

void add_host_claims(const host_picture& host, lock_rows& rows) {
  for (const auto& claim : host.held) {
    lock_row row{host.host, claim.scope, claim.job, {}, true, true, 0, claim.lane, {}, claim.since};
    auto& known = rows.try_emplace(row.cursor(), row).first->second;
    known.live = true;
    known.lane = claim.lane;
  }
  for (std::size_t i = 0; i < host.queue.size(); ++i) {
    const auto& claim = host.queue[i];
    lock_row row{host.host, claim.scope, claim.job, {}, false, true, i + 1, claim.lane, {}, claim.since};
    rows.emplace(row.cursor(), row);
  }
}
}  // namespace

std::vector<lock_row> join_locks(const std::vector<lease>& journal, const std::vector<host_picture>& hosts) {
  lock_rows rows;
  for (const auto& each : journal) {
    lock_row row{each.host, each.scope, each.job, {}, true, false, 0, {}, each.epoch, each.since};
    rows.emplace(row.cursor(), row);
  }
  for (const auto& host : hosts) add_host_claims(host, rows);
  std::vector<lock_row> sorted;
  sorted.reserve(rows.size());
  for (auto& [cursor, row] : rows) sorted.push_back(std::move(row));
  return sorted;
}

}  // namespace regent
