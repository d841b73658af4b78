#include "sim/region/sim_host.hpp"

#include <fmt/format.h>

namespace regent::sim {

std::string parameter_of(const run_request& request, std::string_view name) {
  for (const auto& one : request.parameters)
    if (one.name == name) return std::get<std::string>(one.value);
  return {};
}

void sim_host::lose_power() {
  up_ = false;
  connection_ = 0;
  kernel_.clear();
  for (const auto& [run, process] : processes_) known_[run].status = run_status::lost;
  processes_.clear();
  followed_.clear();
}

void sim_host::boot() {
  if (up_) return;
  up_ = true;
  boot_id_ = fmt::format("boot-{}", ++boots_);
}

std::optional<int> sim_host::hello(epoch_number epoch, told reports) {
  if (epoch < highest_) return std::nullopt;
  highest_ = epoch;
  reports_ = std::move(reports);
  followed_.clear();
  connection_ = ++connections_;
  return connection_;
}

void sim_host::run(int connection, const run_request& request) {
  // Its runner was killed by a newer connection's.
  if (connection != connection_) return;
  followed_.insert(request.run);
  if (known_.contains(request.run)) return tell(request.run);
  for (const auto& [other, process] : processes_) {
    if (process.request.scope != request.scope) continue;
    // What an earlier run still does there is ended first.
    time_.after(dice_.span(milliseconds(1), milliseconds(1100)),
                [this, other = other, number = process.number, connection, request] {
                  end(other, number, 143, false, true, false);
                  run(connection, request);
                });
    return;
  }
  begin(request);
}

void sim_host::begin(const run_request& request) {
  if (on_start) on_start(*this, request);
  auto& known = known_[request.run];
  known.run = request.run;
  known.status = run_status::running;
  known.boot_id = boot_id_;
  const auto number = ++started_;
  processes_[request.run] = {request, number};
  int exit_code = 0;
  if (dice_.chance(weather.tries_again)) exit_code = 75;
  if (dice_.chance(weather.fails)) exit_code = 1;
  const auto run = request.run;
  if (dice_.chance(weather.is_killed)) {
    time_.after(dice_.span(milliseconds(5), milliseconds(5000)), [this, run, number] {
      const auto found = processes_.find(run);
      if (found == processes_.end() || found->second.number != number) return;
      if (dice_.chance(0.5)) take_effect(found->second.request);
      processes_.erase(found);
      known_[run].status = run_status::lost;
      if (followed_.contains(run)) tell(run);
    });
    return;
  }
  const bool hangs = dice_.chance(weather.hangs);
  const auto longest = dice_.chance(weather.is_slow) ? request.deadline : milliseconds(8000);
  const auto took = hangs ? request.deadline + milliseconds(1) : dice_.span(milliseconds(5), longest);
  const bool over = took > request.deadline;
  time_.after(std::min(took, request.deadline), [this, run, number, exit_code, over] {
    end(run, number, over ? 143 : exit_code, over, false, !over && exit_code == 0);
  });
}

void sim_host::end(const run_id& run, std::uint64_t number, int exit_code, bool timed_out, bool cancelled,
                   bool effect) {
  const auto found = processes_.find(run);
  if (found == processes_.end() || found->second.number != number) return;
  // Whatever did not end well may have done its work all the same.
  if (effect || dice_.chance(0.3)) take_effect(found->second.request);
  processes_.erase(found);
  auto& known = known_[run];
  known.run = run;
  known.boot_id = boot_id_;
  known.status = run_status::finished;
  known.exit_code = exit_code;
  known.timed_out = timed_out ? time_limit::deadline : time_limit::none;
  known.cancelled = cancelled;
  known.errors = exit_code == 0 ? "" : "as chance has it";
  if (forgets_runs && dice_.chance(0.3)) known_.erase(run);
  if (followed_.contains(run)) tell(run);
}

void sim_host::take_effect(const run_request& request) {
  if (request.verb == "read") return;
  const auto what = fmt::format("{} {}", parameter_of(request, "resource"), *request.script);
  if (request.verb == "scrub") {
    kernel_.erase(what);
    return;
  }
  // As links_ns does: what is not there is not made by taking it down.
  const bool takes_down = request.verb == "quiesce" || request.verb == "scrub_prep";
  if (!takes_down || kernel_.contains(what))
    kernel_[what] = fmt::format("{} {}", parameter_of(request, "v"), parameter_of(request, "mode"));
}

void sim_host::tell(const run_id& run) {
  if (!is_up() || connection_ == 0) return;
  run_report said;
  if (const auto found = known_.find(run); found != known_.end()) said = found->second;
  said.run = run;
  if (said.boot_id.empty()) said.boot_id = boot_id_;
  reports_(said);
}

void sim_host::ask(int connection, const run_id& run) {
  if (connection != connection_) return;
  if (known_.contains(run)) followed_.insert(run);
  tell(run);
}

void sim_host::cancel(int connection, const run_id& run) {
  if (connection != connection_) return;
  const auto found = processes_.find(run);
  if (found == processes_.end()) return;
  const auto number = found->second.number;
  time_.after(dice_.span(milliseconds(1), milliseconds(1100)),
              [this, run, number] { end(run, number, 143, false, true, false); });
}

void sim_host::forget(int connection, const std::vector<run_id>& runs) {
  if (connection != connection_) return;
  for (const auto& run : runs)
    if (!processes_.contains(run)) known_.erase(run);
}

}  // namespace regent::sim
