// From the last step to rest: the record once more, the new state, the report, the end of the leases.
#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"

namespace regent {

/// A user may have changed the record between our reading and the cloud's taking note of our work: look once more.
void lifecycle_work::confirm() {
  const auto what = execution_->job().what;
  for (const auto& host : hosts_)
    if (const auto status = context_->facts.hosts.find(host); status && undone_by_reboot(host, status->boot_id, -1))
      return advance();
  const bool shapes = what == operation::build || what == operation::update || what == operation::restart;
  if (!shapes || is_repair() || confirm_rounds_++ >= limits::confirm_rounds_most) return close(true);
  read_record([this](const result<record>& answer) { confirmed(answer); });
}

void lifecycle_work::confirmed(const result<record>& answer) {
  if (!answer) {
    log::warn("{}: the record could not be confirmed: {}", task_->id.text(), answer.error().text());
    return close(true);
  }
  if (row_.document.empty())
    row_.document = json_text(*answer->document);  // taken up without it: this is its first look
  const auto again =
      context_->kinds->make_plan(execution_->job().what, *answer, *context_->config(), settles_quiesced(row_.state));
  std::string done, wanted;
  if (again) {
    for (const auto& one : steps_of(*again, execution_->job().id, 0))
      wanted += one.host.value() + one.primitive + one.verb + one.parameters;
    for (const auto& one : execution_->last_round())
      done += one.host.value() + one.primitive + one.verb + one.parameters;
  }
  row_.updated = answer->head.updated;
  row_.document = json_text(*answer->document);
  if (!again || done == wanted) return close(true);
  const auto first = static_cast<int>(execution_->steps().size());
  execution_->append(steps_of(*again, execution_->job().id, first));
  fresh_.resize(static_cast<std::size_t>(first));
  fresh_.insert(fresh_.end(), again->steps.begin(), again->steps.end());
  transaction change{row_};
  for (const auto& one : execution_->last_round()) change.push_back(one);
  change.push_back(event_of("job.replanned", task_->id, execution_->job().root, "the record changed meanwhile", now()));
  leases_committed_ = false;
  enter(phase::committing, "committing the changed plan");
  commit(std::move(change), [this] { lease_all(); });
}

void lifecycle_work::close(bool good) {
  stop_timer();
  auto& ending = execution_->job();
  job_dirty_ = false;
  ending.waits_for.clear();
  ending.wait_deadline.reset();
  ending.ended = now();
  ending.state = good ? job_state::succeeded : job_state::failed;
  transaction change;
  for (const auto& one : execution_->steps()) change.push_back(one);
  for (const auto& host : hosts_) change.push_back(end_lease{host, scope_, ending.id});
  if (const auto* failed = execution_->failed_step()) {
    ending.error_code = failed->error.substr(0, failed->error.find(':'));
    ending.error_message = failure_text(*failed, execution_->steps().size());
  }
  is_repair() ? close_repair(good, std::move(change)) : close_operation(good, std::move(change));
}

/// A repair changes nothing that the cloud sees: it makes the standby like the enabled node again, or waits on.
void lifecycle_work::close_repair(bool good, transaction change) {
  auto ending = execution_->job();
  settled message;
  if (good) {
    row_.degraded = false;
    row_.reason.clear();
    message.superseded_repairs = true;
    change.push_back(event_of("job.succeeded", task_->id, ending.root, ending.only_host + " is repaired", now()));
  } else if (ending.error_code == "host_unreachable" || ending.error_code == "outcome_unknown") {
    auto steps = execution_->steps();
    wait_again(ending, steps, ending.error_message, now());
    std::erase_if(change, [](const mutation& one) { return std::holds_alternative<step>(one); });
    for (const auto& one : steps) change.push_back(one);
    message.repairs.push_back({ending, steps});
  } else {
    row_.degraded = true;
    row_.reason = fmt::format("repair of {} failed: {}", ending.only_host, ending.error_message);
    change.push_back(event_of("job.failed", task_->id, ending.root, row_.reason, now()));
  }
  change.push_back(row_);
  change.push_back(ending);
  message.row = std::make_shared<const resource>(row_);
  message.updated = row_.updated;
  enter(phase::committing, "committing the end");
  commit(std::move(change), [this, message] { closed(message); });
}

void lifecycle_work::close_operation(bool good, transaction change) {
  const auto& ending = execution_->job();
  const auto before = row_.state;
  row_.state = next(before, good ? lifecycle_event::succeeded : lifecycle_event::failed, true).next;
  row_.changed = now();
  row_.degraded = good && ending.degraded;
  row_.reason = good ? execution_->degraded_reason() : ending.error_message;
  if (before == scrub_prep && good) row_.due = now() + (row_.due.value_or(now()) - ending.created);
  if (row_.state != scrub_queue) row_.due.reset();
  settled message;
  if (row_.degraded) {
    auto fix = repair_of(*execution_, context_->next_job(), now());
    change.push_back(fix.job);
    for (const auto& one : fix.steps) change.push_back(one);
    message.repairs.push_back(fix);
  }
  message.superseded_repairs = good;
  if (good)
    for (const auto& [known, steps] : task_->repairs) {
      auto old = known;
      old.state = job_state::superseded;
      old.waits_for.clear();
      old.wait_deadline.reset();
      old.ended = now();
      change.push_back(std::move(old));
    }
  change.push_back(row_);
  change.push_back(ending);
  const auto text = fmt::format("{}{}{}", name(row_.state), row_.degraded ? ", degraded" : "",
                                row_.reason.empty() ? "" : ": " + row_.reason);
  change.push_back(event_of("resource.state", task_->id, ending.root, text, now()));
  change.push_back(report{0, task_->id, ending.id, row_.state, now()});
  message.row = std::make_shared<const resource>(row_);
  message.updated = row_.updated;
  if (good)
    log::info("{}: {} (job {})", task_->id.text(), text, ending.id.value());
  else
    log::error("{}: {} (job {})", task_->id.text(), text, ending.id.value());
  enter(phase::committing, "committing the end");
  commit(std::move(change), [this, message] { closed(message); });
}

/// The end is durable: hosts may forget the runs, and others may have the leases.
void lifecycle_work::closed(settled message) {
  std::map<host_id, std::vector<run_id>> runs;
  for (const auto& one : execution_->steps())
    if (!one.run.empty()) runs[one.host].push_back(one.run);
  for (const auto& name : hosts_) {
    const auto host = directory_->host(name);
    if (!host) continue;
    caf::anon_send(host, runs_committed{runs[name]});
    caf::anon_send(host, lease_end{execution_->job().id, scope_});
  }
  settle(std::move(message));
}

}  // namespace regent
