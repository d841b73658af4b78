#include "region/job_execution.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {

job_execution::job_execution(regent::job job, std::vector<step> steps, std::string journal_id, execution_policy policy)
    : job_(std::move(job)),
      steps_(std::move(steps)),
      journal_id_(std::move(journal_id)),
      policy_(policy),
      undo_from_(static_cast<std::size_t>(std::find_if(steps_.begin(), steps_.end(), is_undo) - steps_.begin())),
      not_before_(steps_.size()) {
  for (const auto& done : steps_)
    if (done.role == "standby" && (done.state == step_state::skipped || done.state == step_state::failed)) {
      degraded_host_ = done.host.value();
      if (degraded_reason_.empty()) degraded_reason_ = done.error;
    }
}

bool job_execution::rebooted(const host_id& host, const std::string& boot_id, int running) {
  bool any = false;
  for (auto& one : steps_) {
    if (!is_next(one) || one.host != host || one.state != step_state::done || one.boot_id.empty() ||
        one.boot_id == boot_id)
      continue;
    one.state = step_state::planned;
    one.output = fmt::format("done at {}, and undone by a reboot of {}", iso_text(*one.ended), host.value());
    one.ended.reset();
    any = true;
  }
  if (any && running >= 0) {
    auto& shaken = steps_[static_cast<std::size_t>(running)];
    shaken.state = step_state::planned;
    shaken.output = "the host had rebooted under the steps before";
  }
  return any;
}

bool job_execution::standby_answered() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const step& one) {
    return one.role == "standby" && one.state == step_state::failed && !one.error.starts_with("host_unreachable:");
  });
}

const step* job_execution::failed_step() const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [](const step& candidate) {
    return candidate.state == step_state::failed && candidate.role != "standby" && !is_undo(candidate);
  });
  return found == steps_.end() ? nullptr : &*found;
}

const step* job_execution::current() const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [this](const step& one) {
    return is_next(one) &&
           (one.state == step_state::planned || one.state == step_state::sent || one.state == step_state::unknown);
  });
  return found == steps_.end() ? nullptr : &*found;
}

bool job_execution::begin_undo() {
  if (is_undoing() || failed_step() == nullptr) return false;
  for (auto at = undo_from_; at-- > 0;) {
    const auto& begun = steps_[at];
    if (begun.undo.empty() || begun.attempt == 0 || begun.state == step_state::planned) continue;
    step undoing;
    undoing.job = begun.job;
    undoing.index = static_cast<int>(steps_.size());
    undoing.host = begun.host;
    undoing.primitive = begun.primitive;
    undoing.verb = begun.undo;
    undoing.role = undo_role;
    undoing.about = about_undoing(begun.about);
    undoing.parameters = begun.parameters;
    undoing.deadline = begun.deadline;
    undoing.stall = begun.stall;
    steps_.push_back(std::move(undoing));
    not_before_.emplace_back();
  }
  return is_undoing();
}

std::string undone_text(const std::vector<step>& of_a_job) {
  std::string open;
  std::size_t done = 0, all = 0;
  for (const auto& one : of_a_job) {
    if (!is_undo(one)) continue;
    ++all;
    if (one.state == step_state::done)
      ++done;
    else
      open += fmt::format("; not {} on {}{}{}", one.about, one.host.value(), one.error.empty() ? "" : ": ",
                          one.error.substr(0, limits::reason_bytes));
  }
  return all == 0 ? std::string() : fmt::format("; undone: {} of {} steps{}", done, all, open);
}

void job_execution::lost(int index, const std::string& why, wall_time now) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  fail(at, fmt::format("host_detached: {}{}", why, at.state == step_state::planned ? "" : "; its outcome is not known"),
       now);
}

void job_execution::marked(int index, bool done, const std::string& by, wall_time now) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  const auto was = at.error.empty() ? std::string(name(at.state)) : fmt::format("{}: {}", name(at.state), at.error);
  if (!done) return fail(at, fmt::format("marked_failed: {} (it was {})", by, was), now);
  at.state = step_state::done;
  at.output += fmt::format("{}marked as done: {} (it was {})", at.output.empty() ? "" : "\n", by, was);
  at.error.clear();
  at.ended = now;
}

job_execution::action job_execution::next(wall_time now) const {
  if (failed_step() != nullptr && !is_undoing()) return finished{false};
  for (const auto& at : steps_) {
    if (!is_next(at)) continue;
    const auto index = static_cast<std::size_t>(at.index);
    switch (at.state) {
      case step_state::done:
      case step_state::failed:
      case step_state::skipped: continue;
      case step_state::sent: return attach{at.index};
      case step_state::unknown: return send{at.index, true};
      case step_state::planned:
        if (not_before_[index] && now < *not_before_[index]) return wait_until{at.index, *not_before_[index]};
        return send{at.index, false};
    }
  }
  return finished{!is_undoing()};
}

void job_execution::sending(const send& what, wall_time now, const std::string& boot_id) {
  auto& at = steps_[static_cast<std::size_t>(what.index)];
  if (!what.read_back) ++at.attempt;
  at.run = run_id(
      fmt::format("{}-{}-{}-{}{}", journal_id_, job_.id.value(), at.index, at.attempt, what.read_back ? "r" : ""));
  // A read-back leaves the state unknown: if we die now, the next reign reads back again.
  if (!what.read_back) at.state = step_state::sent;
  at.boot_id = boot_id;
  if (!at.started) at.started = now;
}

void job_execution::fail(step& what, std::string code_and_reason, wall_time now) {
  what.state = step_state::failed;
  what.error = std::move(code_and_reason);
  what.ended = now;
  if (what.role == "standby") skip_standby(what.host, what.error, now);
}

void job_execution::skip_standby(const host_id& host, const std::string& why, wall_time now) {
  job_.degraded = true;
  degraded_host_ = host.value();
  if (degraded_reason_.empty()) degraded_reason_ = why;
  for (auto& other : steps_) {
    const bool open = other.state != step_state::done && other.state != step_state::failed;
    if (other.role != "standby" || other.host != host || !open) continue;
    other.state = step_state::skipped;
    other.error = why;
    other.ended = now;
  }
}

void job_execution::unknown(step& what, const std::string& reason, wall_time now) {
  if (what.attempt >= policy_.step_attempts)
    return fail(
        what,
        fmt::format("outcome_unknown: {} (attempt {} of {}, the last)", reason, what.attempt, policy_.step_attempts),
        now);
  what.state = step_state::unknown;
  what.error = reason;
}

void job_execution::read_back_ended(step& what, const run_outcome& outcome, wall_time now) {
  if (outcome.ended == run_outcome::how::unreachable)
    return fail(what, fmt::format("outcome_unknown: {}; then {}", what.error, outcome.errors), now);
  // Whatever the read found, `build twice is safe` holds for the verb: it is sent again, and the finding is kept for
  // people.
  what.output = fmt::format("read back after an unknown outcome (exit {}):\n{}{}", outcome.exit_code, outcome.output,
                            outcome.errors);
  what.state = step_state::planned;
}

void job_execution::finished_with(step& what, const run_outcome& outcome, wall_time now) {
  what.exit_code = outcome.exit_code;
  if (!outcome.boot_id.empty()) what.boot_id = outcome.boot_id;
  what.output = outcome.output;
  what.error = outcome.errors;
  if (outcome.timed_out == time_limit::deadline)
    return unknown(what, fmt::format("step_deadline: stopped: deadline of {}", span_text(what.deadline)), now);
  if (outcome.timed_out == time_limit::stall)
    return unknown(what, fmt::format("step_stalled: stopped: no progress for {} (stall)", span_text(what.stall)), now);
  if (outcome.exit_code == 0) {
    what.state = step_state::done;
    what.ended = now;
    return;
  }
  // What follows it in a sentence begins on the same line.
  auto reason = outcome.errors.substr(0, outcome.errors.find_last_not_of(" \n") + 1);
  if (reason.empty()) reason = fmt::format("exit code {}", outcome.exit_code);
  if (outcome.exit_code != exit_try_again) {
    const auto* code = outcome.exit_code == exit_bad_parameter ? "bad_parameter" : "step_failed";
    return fail(what, fmt::format("{}: {}", code, reason), now);
  }
  if (what.attempt >= policy_.step_attempts)
    return fail(what, fmt::format("attempts_exhausted: {} attempts, the last said: {}", what.attempt, reason), now);
  const auto factor = std::int64_t{1} << std::min(what.attempt - 1, 16);
  what.state = step_state::planned;
  not_before_[static_cast<std::size_t>(what.index)] =
      now + std::min(policy_.backoff_first * factor, policy_.backoff_most);
}

void job_execution::unsent(int index) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  at.state = step_state::planned;
  at.run = {};
}

bool job_execution::stopped(int index, const run_outcome& outcome, std::string_view why, wall_time now) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  if (at.state != step_state::sent) return false;
  const bool ended_itself = outcome.ended == run_outcome::how::finished;
  if (ended_itself && outcome.exit_code == 0 && !outcome.cancelled && outcome.timed_out == time_limit::none) {
    finished_with(at, outcome, now);
    return false;
  }
  if (outcome.ended == run_outcome::how::refused) {
    unsent(index);
    return false;
  }
  at.state = step_state::unknown;
  at.exit_code = outcome.exit_code;
  at.output = outcome.output;
  at.error = fmt::format("{}: {}{}", why, ended_itself ? "its processes were ended" : "its end is unknown",
                         outcome.errors.empty() ? "" : ": " + outcome.errors);
  at.ended = now;
  return outcome.ended != run_outcome::how::unreachable;
}

void job_execution::found_after_stop(int index, const run_outcome& outcome, std::string_view why) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  at.output = outcome.ended == run_outcome::how::finished
                  ? fmt::format("{}, and read back then (exit {}):\n{}{}", why, outcome.exit_code, outcome.output,
                                outcome.errors)
                  : fmt::format("{}, and could not be read back then: {}", why, outcome.errors);
}

std::string job_execution::progress_text() const {
  const auto done = std::count_if(steps_.begin(), steps_.end(),
                                  [](const step& one) { return one.state == step_state::done && !is_undo(one); });
  auto text = fmt::format("{} of {} steps were done", done, step_count());
  for (const auto& one : steps_)
    if (one.state == step_state::unknown)
      text += fmt::format("; step {} ({}) on {}: {}", one.index + 1, one.about, one.host.value(), one.error);
  return text;
}

void job_execution::ended(int index, const run_outcome& outcome, wall_time now) {
  auto& at = steps_[static_cast<std::size_t>(index)];
  if (at.state == step_state::unknown) return read_back_ended(at, outcome, now);
  if (at.state != step_state::sent) return;  // told twice: the first one counts
  switch (outcome.ended) {
    case run_outcome::how::finished: return finished_with(at, outcome, now);
    case run_outcome::how::refused: return fail(at, fmt::format("host_refused: {}", outcome.errors), now);
    case run_outcome::how::unreachable: return fail(at, fmt::format("host_unreachable: {}", outcome.errors), now);
    case run_outcome::how::lost: return unknown(at, fmt::format("run_lost: {}", outcome.errors), now);
  }
}

}  // namespace regent
