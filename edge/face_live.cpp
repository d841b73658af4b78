#include <algorithm>
#include <span>

#include "edge/face_handlers.hpp"
#include "edge/json_views.hpp"

namespace regent {

namespace {
void write_counts(json_writer& out, std::string_view key, const std::optional<state_counts>& counts) {
  if (!counts) return out.null(key);
  out.open_object(key);
  for (const auto& [state, count] : *counts) out.number(state, count);
  out.close_object();
}

std::optional<wall_time> time_or_none(std::int64_t ms) {
  return ms > 0 ? std::optional(wall_time(milliseconds(ms))) : std::nullopt;
}
}  // namespace

void face_handlers::count() {
  resource_counts_.reset();
  job_counts_.reset();
  dead_letters_.reset();
  journal_error_.clear();
  auto resources = journal([](auto& from) { return from.resource_counts(); });
  auto jobs = resources ? journal([](auto& from) { return from.job_counts(); }) : decltype(resources)(state_counts{});
  if (!resources || !jobs) {
    journal_error_ = (resources ? jobs : resources).error().text();
    return;
  }
  if (const auto dead = journal([](auto& from) { return from.dead_letters({}, 1); })) dead_letters_ = dead->total;
  resource_counts_ = std::move(*resources);
  job_counts_ = std::move(*jobs);
}

result<std::string> face_handlers::status(const route_request&) {
  count();
  const auto now = time_.wall();
  const auto hosts = facts_.hosts.list();
  json_writer out;
  out.open_object();
  out.text("name", region_);
  out.text("version", REGENT_VERSION);
  out.number("epoch", static_cast<std::int64_t>(facts_.epoch.load()));
  const auto started = time_or_none(facts_.started_ms);
  out.time("started", started);
  out.maybe_number("uptime_ms", started ? std::optional((now - *started).count()) : std::nullopt);
  out.flag("live", facts_.live);
  out.flag("ready", facts_.ready);
  out.open_array("problems");
  auto problems = facts_.problems();
  if (!journal_error_.empty()) problems.insert(problems.begin(), {"journal reader", journal_error_});
  for (const auto& [about, text] : std::span(problems).first(std::min(problems.size(), problems_shown))) {
    out.open_object();
    out.text("about", about);
    out.text("text", text);
    out.close_object();
  }
  out.close_array();
  out.number("problems_total", static_cast<std::int64_t>(problems.size()));
  write_counts(out, "resources", resource_counts_);
  write_counts(out, "jobs", job_counts_);
  std::map<std::string, std::int64_t> by_state;
  // One that is meant to be off is not counted among those that are down.
  for (const auto& host : hosts)
    ++by_state[is_meant_to_be_off(host) || is_detached(host) ? std::string(service_of(host)) : host.state];
  write_counts(out, "hosts", state_counts(by_state.begin(), by_state.end()));
  std::map<std::string, std::int64_t> closed;
  for (const auto& host : hosts)
    if (!host.cordon.empty()) ++closed[std::string(service_of(host))];
  write_counts(out, "hosts_closed", state_counts(closed.begin(), closed.end()));
  out.maybe_number("dead_letters", dead_letters_);
  out.number("actors", static_cast<std::int64_t>(facts_.probes.size()));
  out.time_and_age("last_poll", time_or_none(facts_.last_poll_ms), now);
  out.time_and_age("last_listing", time_or_none(facts_.last_listing_ms), now);
  const auto measured = [&](std::string_view key, std::int64_t value) {
    out.maybe_number(key, value < 0 ? std::nullopt : std::optional(value));
  };
  measured("start_to_ready_ms", facts_.start_to_ready_ms);
  measured("poll_to_run_us", facts_.poll_to_run_us);
  out.number("runs_sent", facts_.runs_sent);
  out.number("runs_ended", facts_.runs_ended);
  out.number("commits", facts_.commits);
  out.number("transactions", facts_.transactions);
  out.number("reports_delivered", facts_.reports_delivered);
  out.number("bad_records", facts_.bad_records);
  out.close_object();
  return out.take();
}

result<std::string> face_handlers::hosts(const route_request& asked) {
  const auto limit = asked.limit();
  const auto state = asked.one_of("state", {"connecting", "up", "down"});
  if (!limit) return failure(limit.error());
  if (!state) return failure(state.error());
  auto all = facts_.hosts.list();
  const auto role = asked.text("role");
  std::erase_if(all, [&](const auto& host) {
    return (!state->empty() && host.state != *state) || (!role.empty() && host.role != role);
  });
  const auto by_name = [](const host_picture& host) { return host.host.value(); };
  const auto now = time_.wall();
  return list_text(page_of(std::move(all), by_name, asked.text("after"), *limit),
                   [&](auto& out, const host_picture& row) { write_host(out, row, now); });
}

result<std::string> face_handlers::throttles(const route_request& asked) {
  const auto limit = asked.limit();
  if (!limit) return failure(limit.error());
  auto all = facts_.throttles.list();
  const auto by_name = [](const throttle_status& one) { return one.config.name + ' ' + one.of; };
  std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return by_name(a) < by_name(b); });
  return list_text(page_of(std::move(all), by_name, asked.text("after"), *limit), write_throttle);
}

result<std::string> face_handlers::sinks(const route_request&) {
  const auto all = facts_.sinks.list();
  const auto now = time_.wall();
  const page<sink_status> whole{all, static_cast<std::int64_t>(all.size()), {}};
  return list_text(whole, [&](auto& out, const sink_status& row) { write_sink(out, row, now); });
}

result<std::string> face_handlers::host_detail(const route_request& asked) {
  const auto host = facts_.hosts.picture(host_id(asked.captured[0]));
  if (!host) return not_found(fmt::format("no host {} is in the region file", asked.captured[0].substr(0, 100)));
  const auto now = time_.wall();
  json_writer out;
  out.open_object();
  write_host_fields(out, *host, now);
  write_host_claims(out, *host, now);
  out.close_object();
  return out.take();
}

result<std::string> face_handlers::actors(const route_request& asked) {
  const auto limit = asked.limit();
  const auto after = asked.number("after", 0);
  if (!limit) return failure(limit.error());
  if (!after) return failure(after.error());
  const auto type = asked.text("type"), key = asked.text("key");
  page<probe_view> shown;
  shown.rows = facts_.probes.list(time_.steady(), *after, *limit + 1, type, key);
  shown.total = static_cast<std::int64_t>(type.empty() && key.empty()
                                              ? facts_.probes.size()
                                              : facts_.probes.list(time_.steady(), 0, all_rows, type, key).size());
  if (shown.rows.size() > *limit) {
    shown.rows.pop_back();
    shown.next = std::to_string(shown.rows.back().number);
  }
  return list_text(shown, [](auto& out, const probe_view& row) { write_actor(out, row); });
}

result<std::string> face_handlers::actor_detail(const route_request& asked) {
  const auto found = facts_.probes.list(time_.steady(), 0, all_rows, asked.captured[0], asked.captured[1]);
  if (found.empty())
    return not_found(
        fmt::format("no {} actor {} is alive", asked.captured[0].substr(0, 100), asked.captured[1].substr(0, 100)));
  json_writer out;
  write_actor(out, found.back());
  return out.take();
}

result<std::string> face_handlers::healthz(const route_request&) {
  if (!facts_.live) return fail(error_kind::transient, "not_live", "the main loop is stuck or shutting down");
  return std::string("{\"ok\":true}\n");
}

result<std::string> face_handlers::readyz(const route_request&) {
  if (!facts_.live) return fail(error_kind::transient, "not_live", "the main loop is stuck or shutting down");
  if (facts_.ready) return std::string("{\"ok\":true}\n");
  std::string reason = "the journal is not read yet, or its open jobs are not taken up";
  for (const auto& [about, text] : facts_.problems())
    if (reason.size() < 2000) reason += fmt::format("; {}: {}", about, text);
  return fail(error_kind::transient, "not_ready", "{}", reason);
}

result<std::string> face_handlers::metrics(const route_request&) {
  count();
  return metrics_text({facts_, region_, time_.wall(), facts_.probes.list(time_.steady(), 0, all_rows, {}, {}),
                       resource_counts_, job_counts_});
}

}  // namespace regent
