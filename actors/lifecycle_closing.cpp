// From the last step to rest: the new state, the report, what is left to repair, the end of the leases.
#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"

namespace regent {

/// All steps are done. A host that has rebooted meanwhile has lost them.
void lifecycle_work::conclude() {
  for (const auto& host : hosts_)
    if (const auto status = context_->facts.hosts.find(host); status && undone_by_reboot(host, status->boot_id, -1))
      return advance();
  close(true);
}

void lifecycle_work::fail_job(std::string code, std::string message) {
  auto& failing = execution_->job();
  failing.error_code = std::move(code);
  failing.error_message = std::move(message);
  close(false);
}

void lifecycle_work::close(bool good) {
  stop_timer();
  closing_ = true;
  auto& ending = execution_->job();
  job_dirty_ = false;
  ending.waits_for.clear();
  ending.wait_deadline.reset();
  ending.ended = now();
  const auto* failed = execution_->failed_step();
  const bool cancelled = is_cancelled() && failed == nullptr && ending.error_code.empty();
  ending.state = good ? job_state::succeeded : cancelled ? job_state::cancelled : job_state::failed;
  transaction change = std::exchange(told_, {});
  for (const auto& one : execution_->steps()) change.push_back(one);
  for (const auto& host : all_hosts()) change.push_back(end_lease{host, scope_, ending.id});
  if (ending.state == job_state::cancelled) {
    ending.error_code = "cancelled";
    ending.error_message = fmt::format("{}: {}", ending.cancel, execution_->progress_text());
  } else if (failed != nullptr) {
    ending.error_code = failed->error.substr(0, failed->error.find(':'));
    ending.error_message = failure_text(*failed, execution_->step_count()) + undone_text(execution_->steps());
  } else if (!good && overdue_ && ending.error_code.empty()) {
    ending.error_code = "operation_deadline";
    ending.error_message = fmt::format("stopped: deadline of {} for {}: {}", span_text(ending.deadline),
                                       name(ending.what), execution_->progress_text());
  }
  ending.repair ? close_repair(good, std::move(change)) : close_operation(good, std::move(change));
}

/// Nothing more is begun on it by itself.
void lifecycle_work::die(transaction& change) {
  const auto& ending = execution_->job();
  letter_ = dead_letter{task_->id, ending.id, now()};
  change.push_back(*letter_);
  change.push_back(event_of(event_topic::resource_dead, ending, ending.error_message, now()));
}

void lifecycle_work::await_repair(job_with_steps what, transaction& change) {
  change.push_back(event_of(event_topic::job_waiting, what.job, what.job.waits_for, now()));
  change.push_back(what.job);
  for (const auto& one : what.steps) change.push_back(one);
  repairs_.push_back(std::move(what));
}

/// What was done on `host` (empty: on all) makes waiting repairs of it void.
void lifecycle_work::supersede_repairs(const std::string& host, transaction& change) {
  std::erase_if(repairs_, [&](const job_with_steps& one) {
    if (!host.empty() && one.job.only_host != host) return false;
    supersede(one.job, now(), change);
    return true;
  });
}

void lifecycle_work::tell_degraded(bool before, transaction& change) {
  if (before == row_.degraded) return;
  change.push_back(event_of(row_.degraded ? event_topic::resource_degraded : event_topic::resource_mended,
                            execution_->job(), row_.reason, now()));
}

/// A repair changes nothing that the cloud sees: hosts are made what it takes for granted, or that is tried again.
void lifecycle_work::close_repair(bool good, transaction change) {
  const auto& ending = execution_->job();
  const auto where = ending.only_host.empty() ? task_->id.text() : ending.only_host;
  const bool was_degraded = row_.degraded;
  bool dead = false;
  if (good) {
    supersede_repairs(ending.only_host, change);
    const bool given_up = ending.degraded && is_given_up(host_id(execution_->degraded_host()));
    if (ending.degraded && !given_up) await_repair(repair_of(*execution_, context_->next_job(), now()), change);
    row_.degraded = given_up || !repairs_.empty();
    row_.reason = given_up            ? execution_->degraded_reason()
                  : !repairs_.empty() ? repairs_.back().job.waits_for
                                      : std::string();
    if (ending.only_host.empty()) row_.unconfirmed = true;
    change.push_back(event_of(event_topic::job_succeeded, ending, where + " is repaired", now()));
  } else {
    row_.degraded = true;
    row_.reason = fmt::format("repair of {} {}: {}", where, name(ending.state), ending.error_message);
    if (is_cancelled())
      row_.reason += fmt::format(" (regent retry {} does it again)", task_->id.text());
    else if (ending.error_code == "host_detached")
      row_.reason += " (looked after once it is attached again)";
    else if (auto again = repair_again(*execution_, context_->next_job(), now()))
      await_repair(std::move(*again), change);
    else
      dead = true;
    if (dead)
      row_.reason += fmt::format(" (given up after {} attempts: mend the cause, then regent retry {})", ending.attempt,
                                 task_->id.text());
    if (ending.only_host.empty()) row_.unconfirmed = false;
    change.push_back(event_of(topic_of_end(ending.state), ending, row_.reason, now()));
    if (dead) die(change);
    log::error("{}: {}", task_->id.text(), row_.reason);
  }
  tell_degraded(was_degraded, change);
  change.push_back(row_);
  change.push_back(ending);
  enter(phase::committing, "committing the end");
  commit(std::move(change), [this] { closed(); });
}

void lifecycle_work::close_operation(bool good, transaction change) {
  const auto& ending = execution_->job();
  const auto before = row_.state;
  const bool was_degraded = row_.degraded;
  row_.state = next(before, good ? lifecycle_event::succeeded : lifecycle_event::failed, true).next;
  row_.changed = now();
  row_.degraded = good && ending.degraded;
  row_.reason = good ? execution_->degraded_reason() : ending.error_message;
  row_.unconfirmed = good && (row_.state == running || row_.state == quiesced);
  if (before == scrub_prep && good) row_.due = now() + (row_.due.value_or(now()) - ending.created);
  if (row_.state != scrub_queue) row_.due.reset();
  supersede_repairs({}, change);  // done, or undone by what failed
  // What stands on a host that was given up is made anew once it is attached; what is closed stands nowhere, and is owed there.
  if (row_.degraded && (row_.state == lifecycle_state::closed || !is_given_up(host_id(execution_->degraded_host()))))
    await_repair(repair_of(*execution_, context_->next_job(), now()), change);
  change.push_back(row_);
  change.push_back(ending);
  const auto text = fmt::format("{}{}{}", name(row_.state), row_.degraded ? ", degraded" : "",
                                row_.reason.empty() ? "" : ": " + row_.reason);
  change.push_back(event_of(topic_of_end(ending.state), ending, ending.error_message, now()));
  change.push_back(event_of(event_topic::resource_state, ending, text, now()));
  tell_degraded(was_degraded, change);
  if (ending.state == job_state::failed) die(change);
  change.push_back(report{0, task_->id, ending.id, row_.state, now()});
  if (good)
    log::info("{}: {} (job {})", task_->id.text(), text, ending.id.value());
  else
    log::error("{}: {} (job {})", task_->id.text(), text, ending.id.value());
  enter(phase::committing, "committing the end");
  commit(std::move(change), [this] { closed(); });
}

/// The end is durable: hosts may forget the runs, and others may have the leases.
void lifecycle_work::closed() {
  std::map<host_id, std::vector<run_id>> runs;
  for (const auto& one : execution_->steps())
    if (!one.run.empty()) runs[one.host].push_back(one.run);
  for (const auto& name : all_hosts()) {
    const auto host = directory_->host(name);
    if (!host) continue;
    caf::anon_send(host, runs_committed{runs[name]});
    caf::anon_send(host, lease_end{execution_->job().id, scope_});
  }
  settle(settled_with(execution_->job()));
}

}  // namespace regent
