#include "actors/host_runs.hpp"

#include <fmt/format.h>

namespace regent {

host_runs::action host_runs::dispatch(open_run& run, steady_time now) {
  run.answer_by = now + run.request.deadline + limits::run_answer_grace;
  run.asked = false;
  if (run.sent) return ask{run.request.run};
  run.sent = true;
  run.boot_at_send = boot_id_;
  return send{run.request};
}

host_runs::actions host_runs::add(run_request request, bool resumed, const std::string& boot_at_send, steady_time now) {
  const auto id = request.run;
  auto& run = open_[id];
  run = open_run{std::move(request), resumed, boot_at_send, {}, false, false};
  if (!up_) return {};
  return {dispatch(run, now)};
}

host_runs::actions host_runs::end(const run_id& run, run_outcome outcome) {
  open_.erase(run);
  return {deliver{run, std::move(outcome)}};
}

host_runs::actions host_runs::withdraw(const run_id& run, const std::string& why) {
  const auto found = open_.find(run);
  if (found == open_.end()) return {};
  const bool sent = found->second.sent;
  run_outcome outcome;
  outcome.ended = sent ? run_outcome::how::lost : run_outcome::how::unreachable;
  outcome.errors = why;
  auto all = end(run, std::move(outcome));
  if (sent && up_) all.insert(all.begin(), cancel{run});
  return all;
}

host_runs::actions host_runs::cancel_run(const run_id& run) {
  const auto found = open_.find(run);
  if (found == open_.end()) return {};
  found->second.cancelled = true;
  if (!found->second.sent) {  // nor will it be
    run_outcome outcome;
    outcome.ended = run_outcome::how::refused;
    outcome.errors = "cancelled before it was sent";
    return end(run, std::move(outcome));
  }
  if (!up_) return {};
  return {cancel{run}};
}

host_runs::actions host_runs::connected(const std::string& boot_id, steady_time now) {
  up_ = true;
  boot_id_ = boot_id;
  actions all;
  for (auto& [id, run] : open_) {
    all.push_back(dispatch(run, now));
    if (run.cancelled) all.push_back(cancel{id});
  }
  return all;
}

void host_runs::disconnected() { up_ = false; }

host_runs::actions host_runs::never_seen(open_run& run, const run_report& report, steady_time now) {
  // The frame was lost with a connection, or the last reign died between intent and effect: it was not executed.
  if (run.boot_at_send.empty() || run.boot_at_send == report.boot_id) {
    run.sent = false;
    if (run.cancelled) return cancel_run(report.run);
    return {dispatch(run, now)};
  }
  run_outcome outcome;
  outcome.ended = run_outcome::how::lost;
  outcome.errors = "the host has rebooted since the run was sent and knows nothing of it";
  return end(report.run, std::move(outcome));
}

host_runs::actions host_runs::reported(const run_report& report, steady_time now) {
  const auto found = open_.find(report.run);
  if (found == open_.end()) return {};  // told twice, or withdrawn
  auto& run = found->second;
  run_outcome outcome;
  outcome.exit_code = report.exit_code;
  outcome.timed_out = report.timed_out;
  outcome.cancelled = report.cancelled;
  outcome.output = report.output;
  outcome.errors = report.errors;
  outcome.boot_id = report.boot_id;
  switch (report.status) {
    case run_status::running: run.answer_by = now + run.request.deadline + limits::run_answer_grace; return {};
    case run_status::never_seen: return never_seen(run, report, now);
    case run_status::finished: outcome.ended = run_outcome::how::finished; break;
    case run_status::lost: outcome.ended = run_outcome::how::lost; break;
    case run_status::refused: outcome.ended = run_outcome::how::refused; break;
  }
  return end(report.run, std::move(outcome));
}

host_runs::actions host_runs::tick(steady_time now) {
  actions all;
  std::vector<run_id> given_up;
  if (!up_) return all;
  for (auto& [id, run] : open_) {
    if (!run.sent || now < run.answer_by) continue;
    if (run.asked) {
      given_up.push_back(id);
    } else {
      run.asked = true;
      run.answer_by = now + limits::run_answer_grace;
      all.push_back(ask{id});
    }
  }
  for (const auto& id : given_up)
    for (auto& one : withdraw(id, "the host answers, but not about this run")) all.push_back(std::move(one));
  return all;
}

}  // namespace regent
