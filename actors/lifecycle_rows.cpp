#include "actors/lifecycle_rows.hpp"

#include <fmt/format.h>

#include "actors/step_parameters.hpp"

namespace regent {

std::vector<step> steps_of(const plan& what, job_id job, int first) {
  std::vector<step> steps;
  steps.reserve(what.steps.size());
  for (const auto& planned : what.steps) {
    step one;
    one.job = job;
    one.index = first + static_cast<int>(steps.size());
    one.host = planned.host;
    one.primitive = planned.primitive;
    one.verb = planned.verb;
    one.role = std::string(name(planned.role));
    one.about = planned.about;
    one.parameters = parameters_json(planned.parameters);
    one.deadline = planned.deadline;
    one.stall = planned.stall;
    one.undo = planned.undo;
    steps.push_back(std::move(one));
  }
  return steps;
}

resource row_of(const record& what, lifecycle_state state, wall_time now) {
  resource row;
  row.id = what.head.id;
  row.state = state;
  row.name = what.name;
  row.project = what.head.project;
  row.updated = what.head.updated;
  row.document = what.document ? json_text(*what.document) : std::string();
  row.changed = now;
  return row;
}

event event_of(event_topic topic, const resource_id& about, std::string text, wall_time now) {
  event said;
  said.at = now;
  said.topic = name(topic);
  said.resource = about;
  said.text = std::move(text);
  return said;
}

event event_of(event_topic topic, const regent::job& of, std::string text, wall_time now) {
  auto said = event_of(topic, of.resource, std::move(text), now);
  said.root = of.root;
  said.job = of.id;
  return said;
}

event_topic topic_of_end(job_state state) {
  switch (state) {
    case job_state::succeeded: return event_topic::job_succeeded;
    case job_state::superseded: return event_topic::job_superseded;
    case job_state::cancelled: return event_topic::job_cancelled;
    default: return event_topic::job_failed;
  }
}

event event_of(const regent::job& of, const step& what, std::size_t count, wall_time now) {
  const auto topic = what.state == step_state::failed    ? event_topic::step_failed
                     : what.state == step_state::skipped ? event_topic::step_skipped
                                                         : event_topic::step_unknown;
  return event_of(topic, of, failure_text(what, count), now);
}

resource_id subject_of(const host_id& host) { return {"host", host.value()}; }

std::string failure_text(const step& failed, std::size_t count) {
  return fmt::format("step {} of {} ({}) on {}: {}", failed.index + 1, count, failed.about, failed.host.value(),
                     failed.error.substr(0, limits::reason_bytes));
}

void supersede(regent::job old, wall_time now, transaction& into) {
  into.push_back(event_of(event_topic::job_superseded, old, "it waited for " + old.waits_for, now));
  old.state = job_state::superseded;
  old.waits_for.clear();
  old.wait_deadline.reset();
  old.ended = now;
  into.push_back(std::move(old));
}

namespace {

/// A waiting job that does `steps` of an earlier one again, from the first.
job_with_steps follow_up(const regent::job& earlier, job_id id, std::vector<step> steps, wall_time now) {
  job_with_steps made;
  made.job.id = id;
  made.job.parent = earlier.id;
  made.job.root = earlier.root;
  made.job.resource = earlier.resource;
  made.job.what = earlier.what;
  made.job.state = job_state::waiting;
  made.job.in = lane::retry;
  made.job.repair = true;
  made.job.created = now;
  made.job.deadline = earlier.deadline;
  made.job.wait_deadline = now + limits::wait_for_repair;
  for (auto& old : steps) {
    step again;
    again.job = id;
    again.index = static_cast<int>(made.steps.size());
    again.host = old.host;
    again.primitive = std::move(old.primitive);
    again.verb = std::move(old.verb);
    again.role = std::move(old.role);
    again.about = std::move(old.about);
    again.parameters = std::move(old.parameters);
    again.deadline = old.deadline;
    again.stall = old.stall;
    made.steps.push_back(std::move(again));
  }
  return made;
}

}  // namespace

job_with_steps repair_of(const job_execution& degraded, job_id id, wall_time now) {
  std::vector<step> missed;
  for (const auto& one : degraded.steps())
    if (one.host.value() == degraded.degraded_host()) missed.push_back(one);
  auto made = follow_up(degraded.job(), id, std::move(missed), now);
  for (auto& one : made.steps) one.role = std::string(name(step_role::sole));
  made.job.only_host = degraded.degraded_host();
  made.job.cause = fmt::format("repair of {} after job {}", made.job.only_host, made.job.parent.value());
  made.job.waits_for = fmt::format("{} to return ({})", made.job.only_host, degraded.degraded_reason());
  if (degraded.standby_answered()) {  // a next attempt right now would fail as well
    made.job.not_before = now + limits::repair_backoff_first;
    made.job.waits_for =
        fmt::format("the next attempt at {} ({})", iso_text(*made.job.not_before), degraded.degraded_reason());
  }
  return made;
}

std::optional<job_with_steps> repair_again(const job_execution& failed, job_id id, wall_time now) {
  const auto& earlier = failed.job();
  const bool unreachable = earlier.error_code == "host_unreachable";
  if (!unreachable && earlier.attempt >= limits::repair_attempts_most) return std::nullopt;
  auto made = follow_up(earlier, id, failed.steps(), now);
  made.job.only_host = earlier.only_host;
  made.job.cause = earlier.cause;
  made.job.attempt = earlier.attempt;
  if (unreachable) {
    made.job.waits_for = fmt::format("its host to return ({})", earlier.error_message);
    return made;
  }
  const milliseconds first = limits::repair_backoff_first, most = limits::repair_backoff_most;
  made.job.not_before = now + std::min(first * (std::int64_t{1} << earlier.attempt), most);
  ++made.job.attempt;
  made.job.waits_for = fmt::format("attempt {} of {} at {} ({})", made.job.attempt, limits::repair_attempts_most,
                                   iso_text(*made.job.not_before), earlier.error_message);
  return made;
}

job_with_steps repair_anew(const job_with_steps& ended, job_id id, std::string cause, wall_time now) {
  auto made = follow_up(ended.job, id, ended.steps, now);
  made.job.only_host = ended.job.only_host;
  made.job.in = lane::user;
  made.job.cause = std::move(cause);
  made.job.waits_for = made.job.only_host.empty() ? "its hosts to answer" : made.job.only_host + " to answer";
  return made;
}

}  // namespace regent
