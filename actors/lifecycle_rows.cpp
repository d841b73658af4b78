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

event event_of(std::string topic, const resource_id& resource, job_id root, std::string text, wall_time now) {
  event said;
  said.at = now;
  said.topic = std::move(topic);
  said.resource = resource;
  said.root = root;
  said.text = std::move(text);
  return said;
}

std::string failure_text(const step& failed, std::size_t count) {
  return fmt::format("step {} of {} ({}) on {}: {}", failed.index + 1, count, failed.about, failed.host.value(),
                     failed.error);
}

job_with_steps repair_of(const job_execution& degraded, job_id id, wall_time now) {
  job_with_steps made;
  made.job = degraded.job();
  made.job.id = id;
  made.job.parent = degraded.job().id;
  made.job.root = degraded.job().root;
  made.job.in = lane::retry;
  made.job.only_host = degraded.degraded_host();
  made.job.cause = fmt::format("repair of {} after job {}", degraded.degraded_host(), degraded.job().id.value());
  made.job.created = now;
  made.job.degraded = false;
  for (const auto& original : degraded.steps()) {
    if (original.host.value() != degraded.degraded_host()) continue;
    auto again = original;
    again.job = id;
    again.index = static_cast<int>(made.steps.size());
    again.role = "sole";
    made.steps.push_back(std::move(again));
  }
  wait_again(made.job, made.steps, degraded.degraded_reason(), now);
  return made;
}

void wait_again(regent::job& job, std::vector<step>& steps, const std::string& why, wall_time now) {
  job.state = job_state::waiting;
  job.waits_for = fmt::format("{} to return ({})", job.only_host, why);
  job.wait_deadline = now + limits::wait_for_repair;
  job.started.reset();
  job.ended.reset();
  for (auto& one : steps) {
    one.state = step_state::planned;
    one.run = {};
    one.attempt = 0;
    one.exit_code.reset();
    one.output.clear();
    one.error.clear();
    one.boot_id.clear();
    one.started.reset();
    one.ended.reset();
  }
}

}  // namespace regent
