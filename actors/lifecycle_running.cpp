// From the job to its last step: leases, intents, runs, waits.
#include <algorithm>

#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"
#include "actors/step_parameters.hpp"

namespace regent {

void lifecycle_work::take_up() {
  row_ = task_->known.value_or(resource{});
  row_.id = task_->id;
  scope_ = task_->id.text();
  execution_.emplace(task_->open->job, task_->open->steps, context_->journal_id,
                     execution_policy{context_->config()->policies.step_attempts});
  saved_ = true;
  auto& taken = execution_->job();
  if (!taken.repair) row_.state = taken.during;  // the region's row may be the one before it
  const bool waited = taken.state == job_state::waiting;
  taken.state = job_state::active;
  taken.waits_for.clear();
  taken.wait_deadline.reset();
  taken.not_before.reset();
  if (!taken.started) taken.started = now();
  job_dirty_ = true;
  if (waited) {  // for what may have come, and the run that is under way may take long
    transaction change;
    take_dirty(change);
    commit_aside(std::move(change));
  }
  watch_deadline();
  lease_all();
}

std::set<host_id> lifecycle_work::all_hosts() const {
  std::set<host_id> all;
  for (const auto& one : execution_->steps()) all.insert(one.host);
  return all;
}

/// A cordon does not stop what has done something already.
bool lifecycle_work::has_begun() const {
  const auto& steps = execution_->steps();
  return std::any_of(steps.begin(), steps.end(), [](const step& one) { return one.attempt > 0; });
}

void lifecycle_work::lease_all() {
  if (!has_begun()) skip_cordoned_standby();
  std::set<host_id> needed;
  for (const auto& one : execution_->steps())
    if (one.state != step_state::skipped) needed.insert(one.host);
  hosts_.assign(needed.begin(), needed.end());
  leased_ = 0;
  if (is_stopping()) return advance();
  for (const auto& host : hosts_)
    if (is_given_up(host) && !leave(host)) return;
  std::erase_if(hosts_, [this](const host_id& host) { return is_given_up(host); });
  // No lease is held while a closed host is waited for.
  for (const auto& host : hosts_) {
    if (has_begun() || !is_closed(host)) continue;
    at_gate_ = true;
    give_permit_back();
    return ask_lease(host);
  }
  permit_ == permit::none ? ask_permit() : take_next_lease();
}

/// No lease is held while the throttles have no room, and no permit while a closed host is waited for. Whoever has begun goes on,
/// and is counted.
void lifecycle_work::ask_permit() {
  stop_timer();
  permit_ = permit::asked;
  permit_by_ = now() + limits::wait_for_permit;
  const bool limited = !has_begun() && !context_->config()->throttles.empty();
  permit_request wanted{task_->id, row_.project, {hosts_.begin(), hosts_.end()}, {}, execution_->job().in, !limited};
  for (const auto& one : execution_->steps())
    if (one.role != "standby" && wanted.hosts.contains(one.host)) wanted.needs.insert(one.host);
  caf::anon_send(directory_->region, permit_wanted{std::move(wanted)});
  if (!limited) return permitted();
  save();
  enter(phase::permitting, "waiting for a permit", "the throttles");
}

void lifecycle_work::permitted() {
  if (permit_ != permit::asked || closing_) return;
  permit_ = permit::held;
  if (phase_ == phase::permitting) stop_timer();
  if (!is_stopping()) lease_all();  // a host may have been closed meanwhile
}

void lifecycle_work::permit_waits_for(const std::string& why) {
  if (phase_ != phase::permitting) return;
  self_->seen_as().waits_for(why);
  set_timer(limits::wait_noted_after, [this, why] {
    const auto left = std::max(permit_by_ - now(), milliseconds(1));
    note_wait(why, left);
    set_timer(left, [this, why] {
      fail_job("permit_deadline",
               fmt::format("waited for {}, and not longer than {}", why, span_text(limits::wait_for_permit)));
    });
  });
}

void lifecycle_work::give_permit_back() {
  if (permit_ == permit::none) return;
  permit_ = permit::none;
  caf::anon_send(directory_->region, permit_returned{task_->id});
}

/// What waits for something else takes no room.
void lifecycle_work::rest_permit(bool resting) {
  if (permit_ != (resting ? permit::held : permit::rests)) return;
  permit_ = resting ? permit::rests : permit::held;
  caf::anon_send(directory_->region, permit_rests{task_->id, resting});
}

/// A cordon has changed: what is held or waited for is given back.
void lifecycle_work::lease_anew() {
  return_leases();
  at_gate_ = false;
  lease_all();
}

void lifecycle_work::return_leases() {
  for (const auto& name : hosts_)
    if (const auto host = directory_->host(name)) caf::anon_send(host, lease_end{execution_->job().id, scope_});
}

void lifecycle_work::granted(const lease_granted& message) {
  if (phase_ != phase::leasing || message.host != asked_) return;
  if (at_gate_) return lease_anew();
  ++leased_;
  take_next_lease();
}

void lifecycle_work::take_next_lease() {
  stop_timer();
  if (is_stopping() || leased_ == hosts_.size()) return advance();
  ask_lease(hosts_[leased_]);
}

void lifecycle_work::ask_lease(const host_id& wanted) {
  stop_timer();
  const auto host = directory_->host(wanted);
  if (!host) return fail_job("host_unknown", wanted.value() + " is not in the region file");
  asked_ = wanted;
  enter(phase::leasing, "taking leases", "the lease of " + wanted.value());
  caf::anon_send(host, lease_wanted{execution_->job().id, execution_->job().root, scope_, execution_->job().in,
                                    has_begun(), me()});
  set_timer(limits::wait_noted_after, [this, wanted] {
    const auto status = context_->facts.hosts.find(wanted);
    const bool closed = at_gate_ && status;
    const auto why = !closed                  ? "the lease of " + wanted.value()
                     : status->cordon.empty() ? wanted.value() + ' ' + acceptance_of(*status)
                                              : fmt::format("{} to be uncordoned ({})", wanted.value(), status->cordon);
    const milliseconds most = closed ? milliseconds(limits::wait_for_cordon) : milliseconds(limits::wait_for_lease);
    note_wait(why, most);
    set_timer(most, [this, why, most] {
      fail_job("lease_deadline", fmt::format("waited for {}, and not longer than {}", why, span_text(most)));
    });
  });
}

/// A standby that is being looked after, or has too much to do, delays nobody: it gets its share later.
void lifecycle_work::skip_cordoned_standby() {
  std::set<host_id> standbys;
  for (const auto& one : execution_->steps())
    if (one.role == "standby" && one.state == step_state::planned && one.attempt == 0) standbys.insert(one.host);
  for (const auto& host : standbys)
    if (const auto status = context_->facts.hosts.find(host); status && is_closed(host))
      mark_skipped(host, status->cordon.empty()
                             ? fmt::format("{} declines new jobs: {}", host.value(), status->declines)
                             : fmt::format("{} is {}: {}", host.value(), service_of(*status), status->cordon));
}

/// A host that was given up is not waited for: its steps of a standby are left out; with any other that is not at its end the job
/// fails, and false is returned.
bool lifecycle_work::leave(const host_id& host) {
  const auto& steps = execution_->steps();
  const auto open = std::find_if(steps.begin(), steps.end(), [&](const step& one) {
    return one.host == host && one.state != step_state::done && one.state != step_state::failed &&
           one.state != step_state::skipped;
  });
  if (open == steps.end()) return true;
  const auto status = context_->facts.hosts.find(host);
  const auto why = status ? status->reason : host.value() + " is detached";
  if (open->role == "standby") {
    mark_skipped(host, why);
    return true;
  }
  job_dirty_ = true;
  change_steps([&, index = open->index] { execution_->lost(index, why, now()); });
  close(false);
  return false;
}

/// A wait that is worth telling is in the job, with its cause and its deadline, and so is what led to it.
void lifecycle_work::note_wait(const std::string& why, milliseconds most) {
  auto& waiting = execution_->job();
  waiting.state = job_state::waiting;
  waiting.waits_for = why;
  waiting.wait_deadline = now() + most;
  job_dirty_ = true;
  self_->seen_as().waits_for(why);
  rest_permit(true);
  auto change = std::exchange(told_, {});
  change.push_back(waiting);
  change.push_back(event_of(event_topic::job_waiting, waiting, why, now()));
  for (const auto index : dirty_) change.push_back(execution_->steps()[static_cast<std::size_t>(index)]);
  dirty_.clear();
  commit_aside(std::move(change));
}

/// Steps that `change` moves go into the next commit (a failed standby takes its other steps with it), and with them the
/// events of those that did not go well.
void lifecycle_work::change_steps(const std::function<void()>& change) {
  std::vector<step_state> before;
  for (const auto& one : execution_->steps()) before.push_back(one.state);
  change();
  for (const auto& one : execution_->steps()) {
    if (one.state == before[static_cast<std::size_t>(one.index)]) continue;
    dirty_.insert(one.index);
    if (one.state == step_state::failed || one.state == step_state::unknown || one.state == step_state::skipped)
      told_.push_back(event_of(execution_->job(), one, before.size(), now()));
  }
}

void lifecycle_work::take_dirty(transaction& into) {
  std::move(told_.begin(), told_.end(), std::back_inserter(into));
  told_.clear();
  if (job_dirty_) {
    rest_permit(false);
    auto& current = execution_->job();
    current.state = job_state::active;
    current.waits_for.clear();
    current.wait_deadline.reset();
    into.push_back(current);
    job_dirty_ = false;
  }
  for (const auto index : dirty_) into.push_back(execution_->steps()[static_cast<std::size_t>(index)]);
  dirty_.clear();
}

void lifecycle_work::advance() {
  stop_timer();
  const auto what = execution_->next(now());
  const auto* over = std::get_if<job_execution::finished>(&what);
  if (is_stopping() && over == nullptr && !std::holds_alternative<job_execution::attach>(what)) return close(false);
  if (const auto* to_send = std::get_if<job_execution::send>(&what)) return send_step(*to_send);
  if (const auto* attached = std::get_if<job_execution::attach>(&what))
    return dispatch(execution_->steps()[static_cast<std::size_t>(attached->index)], false, true);
  if (const auto* delay = std::get_if<job_execution::wait_until>(&what)) {
    enter(phase::backing_off, "backing off", fmt::format("the next attempt of step {}", delay->index + 1));
    const auto& failing = execution_->steps()[static_cast<std::size_t>(delay->index)];
    note_wait(
        fmt::format("the next attempt of step {} at {} ({})", delay->index + 1, iso_text(delay->at), failing.error),
        std::chrono::duration_cast<milliseconds>(delay->at - now()) + std::chrono::seconds(1));
    return set_timer(std::max(delay->at - now(), milliseconds(1)), [this] { advance(); });
  }
  if (!over->ok && !execution_->job().repair && execution_->begin_undo()) {
    const auto count = execution_->steps().size();
    log::warn("{}: job {} has failed: {} steps are undone", task_->id.text(), execution_->job().id.value(),
              count - execution_->step_count());
    // All in one commit, with the failure: whoever goes on with the job undoes all of them.
    for (auto at = execution_->step_count(); at < count; ++at) dirty_.insert(static_cast<int>(at));
    return advance();
  }
  over->ok ? conclude() : close(false);
}

void lifecycle_work::send_step(const job_execution::send& what) {
  const auto& target = execution_->steps()[static_cast<std::size_t>(what.index)];
  if (is_given_up(target.host) && is_undo(target)) {
    change_steps([&] { execution_->lost(what.index, target.host.value() + " is detached", now()); });
    return advance();
  }
  if (is_given_up(target.host)) return leave(target.host) ? advance() : void();
  const auto status = context_->facts.hosts.find(target.host);
  if (target.role == "standby" && status && status->down_since &&
      now() - *status->down_since > context_->config()->policies.wait_for_standby)
    return skip_standby(target.host, fmt::format("{} has been down for {}: {}", target.host.value(),
                                                 span_text(now() - *status->down_since), status->reason));
  if (status && undone_by_reboot(target.host, status->boot_id, -1)) return advance();
  execution_->sending(what, now(), status ? status->boot_id : std::string());
  dirty_.insert(what.index);
  transaction change;
  if (!leases_committed_) {
    for (const auto& host : hosts_) change.push_back(lease{host, scope_, execution_->job().id, context_->epoch, now()});
    leases_committed_ = true;
  }
  take_dirty(change);
  enter(phase::committing,
        fmt::format("committing the intent of step {} of {}", what.index + 1, execution_->steps().size()));
  commit(std::move(change),
         [this, what] { dispatch(execution_->steps()[static_cast<std::size_t>(what.index)], what.read_back, false); });
}

/// What a step left on a host (a namespace, a link, rules) may be gone after a reboot: then all of it is done again.
bool lifecycle_work::undone_by_reboot(const host_id& host, const std::string& boot_id, int running) {
  if (boot_id.empty() || !execution_->rebooted(host, boot_id, running)) return false;
  log::warn("{}: {} has rebooted in the middle of job {}: its steps are done again", task_->id.text(), host.value(),
            execution_->job().id.value());
  for (const auto& one : execution_->steps())
    if (one.host == host) dirty_.insert(one.index);
  return true;
}

/// A standby that has been away for long delays nobody.
void lifecycle_work::skip_standby(const host_id& host, const std::string& why) {
  mark_skipped(host, why);
  advance();
}

void lifecycle_work::mark_skipped(const host_id& host, const std::string& why) {
  change_steps([&] { execution_->skip_standby(host, why, now()); });
  job_dirty_ = true;
}

/// Taken up from the journal, which holds no secrets.
bool lifecycle_work::lacks_secrets(const step& what) const {
  const auto stored = parse_parameters(what.parameters);
  return stored && !stored->secrets.empty() && fresh_.empty() && !secrets_read_;
}

/// For the secrets of its steps. Those of a quiesce may be those of a build: see plan_of.
void lifecycle_work::plan_again(const record& what) {
  const auto work = execution_->job().what;
  const bool down = row_.state == quiesced || settles_quiesced(row_.state);
  std::vector all{work};
  if (work == operation::quiesce) all.push_back(operation::build);
  for (const auto each : all)
    if (auto again = context_->kinds->make_plan(each, what, *context_->config(), down))
      fresh_.insert(fresh_.end(), std::make_move_iterator(again->steps.begin()),
                    std::make_move_iterator(again->steps.end()));
}

void lifecycle_work::read_secrets(int index, bool read_back, bool resumed) {
  read_record([=, this](const result<record>& answer) {
    if (!answer && answer.error().kind == error_kind::transient)
      return set_timer(std::chrono::seconds(5), [=, this] { read_secrets(index, read_back, resumed); });
    secrets_read_ = true;
    if (answer) plan_again(*answer);
    dispatch(execution_->steps()[static_cast<std::size_t>(index)], read_back, resumed);
  });
}

/// From the journal, with secrets filled in from the plan made in this life.
result<std::vector<run_parameter>> lifecycle_work::parameters_of(const step& what) {
  auto stored = parse_parameters(what.parameters);
  if (!stored) return tl::unexpected(stored.error());
  for (const auto& secret : stored->secrets) {
    // A repair's steps are numbered anew, so the step is found by what it is.
    const auto planned = std::find_if(fresh_.begin(), fresh_.end(), [&](const plan_step& one) {
      const bool same =
          is_undo(what) ? about_undoing(one.about) == what.about : one.verb == what.verb && one.about == what.about;
      return same && one.primitive == what.primitive && one.host == what.host;
    });
    if (planned == fresh_.end())
      return fail(error_kind::permanent, "secret_unknown", "{} is a secret of a step that is no longer planned",
                  secret);
    const auto at = std::find_if(planned->parameters.begin(), planned->parameters.end(),
                                 [&](const plan_parameter& one) { return one.name == secret; });
    if (at == planned->parameters.end())
      return fail(error_kind::permanent, "secret_unknown", "{} is a secret that the record no longer gives", secret);
    stored->values.push_back({at->name, at->value});
  }
  return std::move(stored->values);
}

void lifecycle_work::dispatch(const step& what, bool read_back, bool resumed) {
  if (is_stopping() && !resumed && !read_back) {
    execution_->unsent(what.index);
    dirty_.insert(what.index);
    return advance();
  }
  // Then it is asked about and ended, and not sent again: no record need be read for that.
  const bool only_to_end = is_stopping() && resumed && !read_back;
  if (!only_to_end && lacks_secrets(what)) return read_secrets(what.index, read_back, resumed);
  const auto host = directory_->host(what.host);
  const auto* script = context_->kinds->find_script(what.primitive);
  auto parameters = only_to_end ? std::vector<run_parameter>{} : parameters_of(what);
  if (!host || script == nullptr || !parameters) {
    run_outcome outcome;
    outcome.ended = run_outcome::how::refused;
    outcome.errors = !host               ? what.host.value() + " is not in the region file"
                     : script == nullptr ? "there is no primitive " + what.primitive
                                         : parameters.error().text();
    execution_->ended(what.index, outcome, now());
    dirty_.insert(what.index);
    return advance();
  }
  auto request = std::make_shared<run_request>();
  request->run = what.run;
  request->epoch = context_->epoch;
  request->scope = scope_;
  request->script = script->text;
  request->script_hash = script->hash;
  request->verb = read_back ? "read" : what.verb;
  request->parameters = std::move(*parameters);
  request->deadline = what.deadline;
  if (!read_back) request->stall = what.stall;
  enter(
      phase::running,
      fmt::format("step {} of {} on {}: {}", what.index + 1, execution_->steps().size(), what.host.value(), what.about),
      fmt::format("run {} on {}", what.run.value(), what.host.value()));
  if (std::exchange(first_run_, false) && task_->seen_at)
    context_->facts.poll_to_run_us =
        std::chrono::duration_cast<std::chrono::microseconds>(context_->time.steady() - *task_->seen_at).count();
  caf::anon_send(host, run_wanted{std::move(request), resumed, what.boot_id, me()});
  if (is_stopping()) end_run();
}

void lifecycle_work::waits(const run_waits& message) {
  if (phase_ != phase::running || is_stopping()) return;
  const auto running = std::find_if(execution_->steps().begin(), execution_->steps().end(),
                                    [&](const step& one) { return one.run == message.run; });
  if (running == execution_->steps().end()) return;
  if (message.why.empty()) {  // the host is back: the run goes on
    stop_timer();
    waiting_run_.reset();
    job_dirty_ = true;
    transaction change;
    take_dirty(change);
    return commit_aside(std::move(change));
  }
  if (waiting_run_ == message.run) return;
  waiting_run_ = message.run;
  const auto config = context_->config();
  const bool standby = running->role == "standby";
  const auto most = standby ? config->policies.wait_for_standby : config->policies.wait_for_host;
  note_wait(message.why, most);
  const auto reason = fmt::format("{} (not back within {}: {})", message.why,
                                  standby ? "wait_for_standby" : "wait_for_host", span_text(most));
  set_timer(most, [this, host = running->host, run = message.run, reason] {
    if (const auto actor = directory_->host(host)) caf::anon_send(actor, run_withdrawn{run, reason});
  });
}

/// For people who look at actors; nothing follows from it.
void lifecycle_work::goes_on(const run_goes_on& message) {
  if (phase_ != phase::running) return;
  const auto& steps = execution_->steps();
  if (std::any_of(steps.begin(), steps.end(), [&](const step& one) { return one.run == message.run; }))
    self_->seen_as().state(fmt::format("{}, {}", doing_, progress_text(message.progress)));
}

void lifecycle_work::ended(const run_ended& message) {
  if (phase_ != phase::running) return;
  const auto found = std::find_if(execution_->steps().begin(), execution_->steps().end(),
                                  [&](const step& one) { return one.run == message.run; });
  if (found == execution_->steps().end()) return;
  if (found->state != step_state::sent && found->state != step_state::unknown) return;  // told twice, or marked since
  const auto index = found->index;
  if (std::exchange(waiting_run_, std::nullopt)) job_dirty_ = true;
  if (is_stopping()) return run_ended_early(index, *message.outcome);
  if (message.outcome->ended == run_outcome::how::finished &&
      undone_by_reboot(found->host, message.outcome->boot_id, index))
    return advance();
  dirty_.insert(index);
  change_steps([&] { execution_->ended(index, *message.outcome, now()); });
  advance();
}

}  // namespace regent
