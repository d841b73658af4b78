// From the record to the job: read, decide, claim, plan, commit.
#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"

namespace regent {

void lifecycle_work::record_read(const result<record>& answer) {
  const auto problem = "record " + task_->id.text();
  if (!answer) {
    const auto& why = answer.error();
    self_->seen_as().failed(why.text());
    if (context_->facts.note(problem, why.text())) log::warn("{}: {}", task_->id.text(), why.text());
    settled message;
    if (why.kind != error_kind::permanent) message.again_in = std::chrono::seconds(5);
    return settle(std::move(message));
  }
  context_->facts.note(problem, "");
  record_ = *answer;
  const auto state = record_->head.state;
  const bool queue = context_->kinds->has_scrub_queue(task_->id.kind);
  const bool due = task_->known && task_->known->due && *task_->known->due <= now();
  const auto event = state == scrub_queue && due ? lifecycle_event::grace_over : lifecycle_event::start;
  const auto after = next(state, event, queue);
  const bool stands = state == running || state == quiesced;
  if (!after.accepted && stands && !task_->rebuild.empty()) return rebuild(*record_);
  if (!after.accepted) return note_rest(*record_);
  if (after.next == scrubbing && state != scrubbing) return claim(*record_);
  open(*record_, after.next, after.next == state);
}

/// Nothing to do: the state is noted, and in the queue the end of the grace period.
void lifecycle_work::note_rest(const record& what) {
  row_ = row_of(what, what.head.state, now());
  if (what.head.state == scrub_queue) {
    const auto config = context_->config();
    const auto since = parse_iso(what.head.updated).value_or(now());
    row_.due = since + config->policies.grace_period.value_or(what.grace);
  }
  transaction change{row_};
  if (!task_->known || task_->known->state != row_.state)
    change.push_back(
        event_of("resource.state", row_.id, {}, fmt::format("the cloud says {}", name(row_.state)), now()));
  if (task_->open) {  // it waited for the cloud to accept a claim, and the cloud went another way
    job_.state = job_state::superseded;
    job_.ended = now();
    job_.waits_for.clear();
    change.push_back(job_);
  }
  enter(phase::committing, "noting the state");
  commit(std::move(change), [this] {
    settled message;
    message.row = std::make_shared<const resource>(row_);
    message.updated = record_->head.updated;
    settle(std::move(message));
  });
}

/// A host came back from a reboot with nothing on it: a repair of that host, which the cloud need not hear of.
void lifecycle_work::rebuild(const record& what) {
  const auto config = context_->config();
  auto planned = context_->kinds->make_plan(operation::build, what, *config, what.head.state == quiesced);
  if (!planned) return note_rest(what);  // the next operation says why it cannot be planned
  std::erase_if(planned->steps, [&](const plan_step& one) { return one.host != task_->rebuild; });
  if (planned->steps.empty()) return note_rest(what);
  for (auto& one : planned->steps) one.role = step_role::sole;
  row_ = row_of(what, what.head.state, now());
  if (task_->known) row_.degraded = task_->known->degraded;
  job_ = new_job(operation::build);
  job_.only_host = task_->rebuild.value();
  job_.state = job_state::active;
  job_.started = now();
  fresh_ = planned->steps;
  scope_ = planned->lease_scope;
  execution_.emplace(job_, steps_of(*planned, job_.id, 0), context_->journal_id,
                     execution_policy{config->policies.step_attempts});
  transaction change{row_, job_};
  for (const auto& one : execution_->steps()) change.push_back(one);
  change.push_back(event_of("job.started", task_->id, job_.root, job_.cause, now()));
  enter(phase::committing, "committing the rebuild");
  commit(std::move(change), [this] { lease_all(); });
}

regent::job lifecycle_work::new_job(operation what) const {
  regent::job made;
  made.id = context_->next_job();
  made.root = made.id;
  made.resource = task_->id;
  made.what = what;
  made.in = task_->in;
  made.cause = task_->cause;
  made.created = now();
  return made;
}

/// Scrubbing cannot be taken back, and a user may restore the resource until the cloud says otherwise: its word comes
/// first.
void lifecycle_work::claim(const record& what) {
  if (job_.id.empty()) {
    job_ = new_job(operation::scrub);
    job_.wait_deadline = now() + limits::wait_for_resource;
  }
  job_.state = job_state::waiting;
  job_.waits_for = "the cloud to accept scrubbing";
  row_ = row_of(what, what.head.state, now());
  row_.due = task_->known ? task_->known->due : std::nullopt;
  enter(phase::committing, "noting the claim");
  commit({row_, job_}, [this] {
    enter(phase::claiming, "claiming scrubbing", job_.waits_for);
    on_claim_ = [this](const claim_answer& said) {
      if (said.refused) return claim_refused(*said.refused);
      open(*record_, scrubbing, true);
    };
    caf::anon_send(directory_->reader, claim_wanted{task_->id, scrubbing, me()});
  });
}

void lifecycle_work::claim_refused(const error& why) {
  job_.waits_for = fmt::format("the cloud to accept scrubbing ({})", why.text());
  self_->seen_as().failed(why.text());
  if (job_.wait_deadline && now() > *job_.wait_deadline) {
    job_.state = job_state::failed;
    job_.error_code = "wait_for_resource";
    job_.error_message = fmt::format("not accepted within {}: {}", span_text(limits::wait_for_resource), why.text());
    job_.ended = now();
    enter(phase::committing, "ending the wait");
    return commit({job_, event_of("job.failed", task_->id, job_.root, job_.error_message, now())}, [this] {
      settled message;
      row_.due = now() + limits::wait_for_resource;
      message.row = std::make_shared<const resource>(row_);
      settle(std::move(message));
    });
  }
  enter(phase::claiming, "waiting for the claim", job_.waits_for);
  commit_aside({job_});
  const milliseconds delay = why.kind == error_kind::transient ? milliseconds(2000) : milliseconds(limits::claim_retry);
  set_timer(delay, [this] { read_record([this](const result<record>& answer) { record_read(answer); }); });
}

void lifecycle_work::open(const record& what, lifecycle_state in_progress, bool cloud_knows) {
  const auto config = context_->config();
  const auto work = *row(in_progress).work;
  const auto planned = context_->kinds->make_plan(work, what, *config, settles_quiesced(in_progress));
  if (!planned) return open_failed(what, in_progress, cloud_knows, planned.error());
  row_ = row_of(what, in_progress, now());
  if (in_progress == scrub_prep) row_.due = now() + config->policies.grace_period.value_or(what.grace);
  if (task_->known) row_.degraded = task_->known->degraded;
  auto made = job_.id.empty() ? new_job(work) : job_;
  made.state = job_state::active;
  made.waits_for.clear();
  made.wait_deadline.reset();
  made.started = now();
  fresh_ = planned->steps;
  scope_ = planned->lease_scope;
  execution_.emplace(made, steps_of(*planned, made.id, 0), context_->journal_id,
                     execution_policy{config->policies.step_attempts});
  transaction change{row_, made};
  for (const auto& one : execution_->steps()) change.push_back(one);
  change.push_back(event_of("resource.state", row_.id, made.root,
                            fmt::format("{} ({}, {} steps)", name(in_progress), made.cause, fresh_.size()), now()));
  if (!cloud_knows) change.push_back(report{0, row_.id, made.id, in_progress, now()});
  log::info("{}: {} as job {}, {} steps ({})", row_.id.text(), name(in_progress), made.id.value(), fresh_.size(),
            made.cause);
  enter(phase::committing, "committing the job");
  commit(std::move(change), [this] { lease_all(); });
}

/// The record cannot be planned: nothing was done, and the cloud is told with the reason.
void lifecycle_work::open_failed(const record& what, lifecycle_state in_progress, bool cloud_knows, const error& why) {
  row_ = row_of(what, next(in_progress, lifecycle_event::failed, true).next, now());
  row_.reason = why.text();
  auto made = job_.id.empty() ? new_job(*row(in_progress).work) : job_;
  made.state = job_state::failed;
  made.waits_for.clear();
  made.error_code = why.code;
  made.error_message = why.message;
  made.ended = now();
  transaction change{row_, made, event_of("resource.state", row_.id, made.root, "unresourced: " + why.text(), now())};
  if (!cloud_knows) change.push_back(report{0, row_.id, made.id, in_progress, now()});
  change.push_back(report{0, row_.id, made.id, row_.state, now()});
  log::error("{}: cannot be planned: {}", row_.id.text(), why.text());
  enter(phase::committing, "noting the failure");
  commit(std::move(change), [this] {
    settled message;
    message.row = std::make_shared<const resource>(row_);
    message.updated = row_.updated;
    settle(std::move(message));
  });
}

}  // namespace regent
