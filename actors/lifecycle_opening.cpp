// From the record to the job: read, decide, claim, plan, commit.
#include <unordered_map>

#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"
#include "region/resume_point.hpp"

namespace regent {

void lifecycle_work::record_read(const result<record>& answer) {
  if (!answer) return unreadable(answer.error());
  context_->facts.note("record " + task_->id.text(), "");
  record_ = *answer;
  const auto state = record_->head.state;
  const bool queue = context_->kinds->has_scrub_queue(task_->id.kind);
  const bool due = task_->known && task_->known->due && *task_->known->due <= now();
  const auto event = state == scrub_queue && due ? lifecycle_event::grace_over : lifecycle_event::start;
  const auto after = next(state, event, queue);
  // Whoever asked for this meanwhile is a user, though the look at the record was not.
  const bool confirms = task_->known && task_->known->unconfirmed && !task_->of;
  if (confirms && class_of(state) == state_class::wants_work) in_ = lane::user;
  const bool stands = state == running || state == quiesced;
  if (!after.accepted && stands && !task_->rebuild.empty()) return repair(*record_, operation::build, task_->rebuild);
  if (!after.accepted && stands && task_->repair)
    return repair(*record_, task_->adopt ? operation::build : operation::update, {});
  if (!after.accepted && stands && task_->known && task_->known->unconfirmed && !task_->letter)
    return look_again(*record_);
  if (!after.accepted) return note_rest(*record_);
  if (after.next == scrubbing && state != scrubbing) return claim(*record_);
  open(*record_, after.next, after.next == state);
}

void lifecycle_work::unreadable(const error& why) {
  self_->seen_as().failed(why.text());
  if (context_->facts.note("record " + task_->id.text(), why.text())) log::warn("{}: {}", task_->id.text(), why.text());
  settled message;
  const bool owes_a_repair = !task_->rebuild.empty() || task_->repair;
  if (why.kind != error_kind::permanent) {
    // Nobody else remembers a repair that has not begun.
    if (owes_a_repair)
      return set_timer(std::chrono::seconds(5),
                       [this] { read_record([this](const result<record>& answer) { record_read(answer); }); });
    message.again_in = std::chrono::seconds(5);
    return settle(std::move(message));
  }
  if (owes_a_repair && task_->known) {
    row_ = *task_->known;
    row_.degraded = true;
    row_.reason = fmt::format("{}, and its record cannot be read: {}", task_->cause, why.text());
    enter(phase::committing, "noting what is owed");
    return commit({row_, event_of(event_topic::resource_degraded, task_->id, row_.reason, now())},
                  [this] { settle(settled_as_it_is()); });
  }
  if (!claim_) return settle(std::move(message));
  // It waited for the cloud to accept a claim, and there is nothing left to claim.
  auto ended = *std::exchange(claim_, std::nullopt);
  ended.state = job_state::failed;
  ended.waits_for.clear();
  ended.error_code = why.code;
  ended.error_message = why.message;
  ended.ended = now();
  enter(phase::committing, "ending the wait");
  commit({ended, event_of(event_topic::job_failed, ended, why.text(), now())}, [this, message] { settle(message); });
}

settled lifecycle_work::settled_with(const regent::job& ended) const {
  auto message = settled_as_it_is();
  message.ended = std::make_shared<const regent::job>(ended);
  return message;
}

settled lifecycle_work::settled_as_it_is() const {
  settled message;
  message.row = std::make_shared<const resource>(row_);
  message.updated = row_.updated;
  message.repairs = repairs_;
  message.letter = letter_;
  message.adopted = task_->adopt && execution_.has_value();
  return message;
}

/// Nothing to do: the state is noted, and in the queue the end of the grace period.
void lifecycle_work::note_rest(const record& what) {
  row_ = row_of(what, what.head.state, now());
  // A restored journal has the reason, and not the state that it is of.
  const bool was_so = task_->known && (task_->known->state == row_.state ||
                                       (task_->known->state == ignore && row_.state == unresourced));
  if (was_so) {
    row_.degraded = task_->known->degraded;
    row_.reason = task_->known->reason;
  }
  if (what.head.state == scrub_queue) {
    const auto config = context_->config();
    const auto since = parse_iso(what.head.updated).value_or(now());
    row_.due = since + config->policies.grace_period.value_or(what.grace);
    // Put off since, and not asked for anew.
    if (task_->known && task_->known->due && task_->known->updated == row_.updated)
      row_.due = std::max(*row_.due, *task_->known->due);
  }
  transaction change{row_};
  if (row_.state != running && row_.state != quiesced) supersede_repairs({}, change);
  if (!task_->known || task_->known->state != row_.state)
    change.push_back(
        event_of(event_topic::resource_state, row_.id, fmt::format("{}, the cloud says", name(row_.state)), now()));
  if (task_->letter && task_->known && task_->known->state != row_.state) decide(change);
  drop_claim(change);  // the cloud went another way
  enter(phase::committing, "noting the state");
  commit(std::move(change), [this] { settle(settled_as_it_is()); });
}

/// The cloud has been told of what was built. A user may have changed the record between our reading and that: then what
/// differs is done now.
void lifecycle_work::look_again(const record& what) {
  const auto config = context_->config();
  const auto steps_for = [&](const record& of) {
    std::string text;
    const auto planned = context_->kinds->make_plan(operation::update, of, *config, of.head.state == quiesced);
    if (!planned) return planned.error().text();
    for (const auto& one : steps_of(*planned, job_id(1), 0))
      text += fmt::format("{} {} {} {}\n", one.host.value(), one.primitive, one.verb, one.parameters);
    return text;
  };
  const auto stored = context_->document_of(task_->id);
  if (!stored) return give_up(stored.error().text());
  auto built = what;
  const auto document = parse_json(*stored);
  if (document) built.document = *document;
  if (document && steps_for(what) == steps_for(built)) return note_rest(what);
  in_ = lane::user;
  repair(what, operation::update, {});
}

/// Nothing stands on the one host that was to be looked after: what is owed elsewhere stays owed.
void lifecycle_work::nothing_there() {
  settled message;
  message.row = task_->known ? std::make_shared<const resource>(*task_->known) : nullptr;
  message.updated = task_->known ? task_->known->updated : std::string();
  settle(std::move(message));
}

/// What the cloud takes for granted is made so on the hosts, or on one of them.
void lifecycle_work::repair(const record& what, operation how, const host_id& only) {
  auto planned = context_->kinds->make_plan(how, what, *config_for_plan(), what.head.state == quiesced);
  if (!planned) {
    if (context_->facts.note("record " + task_->id.text(), planned.error().text()))
      log::error("{}: cannot be planned: {}", task_->id.text(), planned.error().text());
    return only.empty() ? note_rest(what) : nothing_there();
  }
  if (!only.empty()) {
    std::erase_if(planned->steps, [&](const plan_step& one) { return one.host != only; });
    for (auto& one : planned->steps) one.role = step_role::sole;
  }
  if (planned->steps.empty()) return only.empty() ? note_rest(what) : nothing_there();
  row_ = row_of(what, what.head.state, now());
  if (task_->known) {
    row_.degraded = task_->known->degraded;
    row_.reason = task_->known->reason;
  }
  if (!only.empty()) {  // what the other hosts are by is what was built before
    row_.document.clear();
    row_.unconfirmed = task_->known && task_->known->unconfirmed;
  }
  auto made = new_job(how);
  made.repair = true;
  made.only_host = only.value();
  transaction change;
  drop_claim(change);
  change.push_back(event_of(event_topic::job_started, made, made.cause, now()));
  begin(std::move(made), std::move(*planned), std::move(change));
}

regent::job lifecycle_work::new_job(operation what) const {
  regent::job made;
  made.id = context_->next_job();
  const bool is_sub_job = task_->of && is_done_by(task_->of->work, what);
  made.parent = is_sub_job ? task_->of->root : job_id{};
  made.root = is_sub_job ? task_->of->root : made.id;
  made.resource = task_->id;
  made.what = what;
  made.in = in_;
  made.cause = task_->cause;
  made.created = now();
  return made;
}

/// Scrubbing cannot be taken back, and a user may restore the resource until the cloud says otherwise: its word comes
/// first.
void lifecycle_work::claim(const record& what) {
  transaction change;
  if (!claim_) {
    claim_ = new_job(operation::scrub);
    claim_->wait_deadline = now() + limits::wait_for_resource;
    note_sub_job(*claim_, change);
    change.push_back(event_of(event_topic::job_waiting, *claim_, "the cloud to accept scrubbing", now()));
  }
  claim_->state = job_state::waiting;
  claim_->waits_for = "the cloud to accept scrubbing";
  row_ = row_of(what, what.head.state, now());
  row_.due = task_->known ? task_->known->due : std::nullopt;
  enter(phase::committing, "noting the claim");
  change.push_back(row_);
  change.push_back(*claim_);
  commit(std::move(change), [this] {
    enter(phase::claiming, "claiming scrubbing", claim_->waits_for);
    on_claim_ = [this](const claim_answer& said) {
      if (said.refused) return claim_refused(*said.refused);
      open(*record_, scrubbing, true);
    };
    caf::anon_send(directory_->region, claim_begins{task_->id, row_.project});
    caf::anon_send(directory_->reader, claim_wanted{task_->id, scrubbing, me()});
  });
}

void lifecycle_work::claim_refused(const error& why) {
  claim_->waits_for = fmt::format("the cloud to accept scrubbing ({})", why.text());
  self_->seen_as().failed(why.text());
  if (is_cancelled()) return end_claim(job_state::cancelled, "cancelled", claim_->cancel);
  if (claim_->wait_deadline && now() > *claim_->wait_deadline)
    return end_claim(job_state::failed, "wait_for_resource",
                     fmt::format("not accepted within {}: {}", span_text(limits::wait_for_resource), why.text()));
  enter(phase::claiming, "waiting for the claim", claim_->waits_for);
  commit_aside({*claim_});
  const milliseconds delay = why.kind == error_kind::transient ? milliseconds(2000) : milliseconds(limits::claim_retry);
  set_timer(delay, [this] { read_record([this](const result<record>& answer) { record_read(answer); }); });
}

/// The wait for a claim is over without it. Scrubbing is claimed again after another such wait.
void lifecycle_work::end_claim(job_state state, std::string code, std::string message) {
  auto ended = *std::exchange(claim_, std::nullopt);
  closing_ = true;
  ended.state = state;
  ended.waits_for.clear();
  ended.wait_deadline.reset();
  ended.error_code = std::move(code);
  ended.error_message = std::move(message);
  ended.ended = now();
  transaction change{ended, event_of(topic_of_end(state), ended, ended.error_message, now())};
  enter(phase::committing, "ending the wait");
  if (row_.id.empty()) return commit(std::move(change), [this] { settle({}); });  // nothing more is known of it
  row_.due = now() + limits::wait_for_resource;
  change.push_back(row_);
  commit(std::move(change), [this] { settle(settled_as_it_is()); });
}

/// A claim that is no longer waited for.
void lifecycle_work::drop_claim(transaction& change) {
  if (!claim_) return;
  supersede(*std::exchange(claim_, std::nullopt), now(), change);
}

/// The claim's job where it was for this, or a new one.
regent::job lifecycle_work::take_claim_for(operation what, transaction& change) {
  if (claim_ && claim_->what == what) return *std::exchange(claim_, std::nullopt);
  drop_claim(change);
  return new_job(what);
}

/// A quiesce takes down what is there and makes nothing. What is not known to stand whole, for its last job has failed or it is to be
/// rebuilt or repaired, is built instead, quiesced; and as nothing of it is new, nothing is undone.
result<plan> lifecycle_work::plan_of(operation work, const record& what, const region_config& config,
                                     lifecycle_state in_progress) const {
  const bool stands = task_->known && (task_->known->state == running || task_->known->state == quiesced) &&
                      !task_->known->degraded && repairs_.empty() && task_->rebuild.empty() && !task_->repair;
  if (work != operation::quiesce || stands)
    return context_->kinds->make_plan(work, what, config, settles_quiesced(in_progress));
  auto planned = context_->kinds->make_plan(operation::build, what, config, true);
  if (planned)
    for (auto& one : planned->steps) one.undo.clear();
  return planned;
}

void lifecycle_work::open(const record& what, lifecycle_state in_progress, bool cloud_knows) {
  const auto config = config_for_plan();
  const auto work = *row(in_progress).work;
  auto planned = plan_of(work, what, *config, in_progress);
  if (!planned) return open_failed(what, in_progress, cloud_knows, planned.error());
  row_ = row_of(what, in_progress, now());
  if (in_progress == scrub_prep) row_.due = now() + config->policies.grace_period.value_or(what.grace);
  if (task_->known) row_.degraded = task_->known->degraded;
  transaction change;
  auto made = take_claim_for(work, change);
  made.during = in_progress;
  resume(made, *planned);
  const auto count = planned->steps.size();
  change.push_back(event_of(event_topic::resource_state, made, std::string(name(in_progress)), now()));
  change.push_back(event_of(event_topic::job_started, made, fmt::format("{}, {} steps", made.cause, count), now()));
  if (!cloud_knows) change.push_back(report{0, row_.id, made.id, in_progress, now()});
  log::info("{}: {} as job {}, {} steps ({})", row_.id.text(), name(in_progress), made.id.value(), count, made.cause);
  begin(made, std::move(*planned), std::move(change));
}

/// Whoever begins a job has decided about the one that failed before.
void lifecycle_work::decide(transaction& change) {
  if (!task_->letter) return;
  letter_ = dead_letter{task_->id, {}, {}};
  change.push_back(*letter_);
}

/// With `policies.adopt_existing`, if an operator wants it for this once.
std::shared_ptr<const region_config> lifecycle_work::config_for_plan() const {
  auto config = context_->config();
  if (!task_->adopt) return config;
  auto adopting = std::make_shared<region_config>(*config);
  adopting->policies.adopt_existing = true;
  return adopting;
}

/// An operator wants a failed job gone on with. If this is to do something else, or by another plan, nothing done counts: to do
/// all of it is safe, and to leave something out is not.
void lifecycle_work::resume(regent::job& made, const plan& planned) {
  if (!task_->letter || task_->letter->from_step == 0) return;
  auto earlier = context_->whole_job_of(task_->letter->job);
  const bool same = earlier && *earlier && (*earlier)->job.during == made.during &&
                    same_steps(steps_of(planned, made.id, 0), (*earlier)->steps);
  made.cause += same ? fmt::format(", from step {} of job {}", task_->letter->from_step, task_->letter->job.value())
                     : fmt::format(", all of it: the plan of job {} was another", task_->letter->job.value());
  if (same) resumed_ = std::move(*earlier);
}

/// The job, its steps and `change` are to be in the journal before anything is done, and that is the intent of its first step; if it has
/// to wait for anything before that, at once.
void lifecycle_work::begin(regent::job made, plan planned, transaction change) {
  if (!made.repair) made.during = row_.state;
  made.state = job_state::active;
  made.waits_for.clear();
  made.wait_deadline.reset();
  made.started = now();
  made.deadline = planned.deadline;
  scope_ = planned.lease_scope;
  auto steps = steps_of(planned, made.id, 0);
  if (resumed_) count_as_done(steps, *resumed_, task_->letter->from_step);
  decide(change);
  execution_.emplace(made, std::move(steps), context_->journal_id,
                     execution_policy{context_->config()->policies.step_attempts});
  fresh_ = std::move(planned.steps);
  watch_deadline();
  if (task_->adopt) change.push_back(resource_held{task_->id, hold::adopt, {}, now()});
  saved_ = false;
  unsaved_ = {row_, std::move(made)};
  note_sub_job(execution_->job(), unsaved_);
  for (const auto& one : execution_->steps()) unsaved_.push_back(one);
  unsaved_.insert(unsaved_.end(), std::make_move_iterator(change.begin()), std::make_move_iterator(change.end()));
  lease_all();
}

/// Steps that have moved since are put in as they are now.
transaction lifecycle_work::with_unsaved(transaction what) {
  if (unsaved_.empty()) return what;
  auto all = std::exchange(unsaved_, {});
  std::unordered_map<int, std::size_t> places;
  for (std::size_t at = 0; at < all.size(); ++at)
    if (const auto* planned = std::get_if<step>(&all[at])) places[planned->index] = at;
  for (auto& row : what) {
    const auto* moved = std::get_if<step>(&row);
    const bool is_ours = moved != nullptr && moved->job == execution_->job().id && places.contains(moved->index);
    if (is_ours)
      all[places[moved->index]] = std::move(row);
    else
      all.push_back(std::move(row));
  }
  return all;
}

/// The tree learns of its sub-job in the transaction that makes it.
void lifecycle_work::note_sub_job(const regent::job& made, transaction& into) const {
  if (!task_->of || made.root != task_->of->root) return;
  auto known = *task_->of;
  known.job = made.id;
  into.push_back(std::move(known));
}

/// The record cannot be planned: nothing was done, and the cloud is told with the reason.
void lifecycle_work::open_failed(const record& what, lifecycle_state in_progress, bool cloud_knows, const error& why) {
  row_ = row_of(what, next(in_progress, lifecycle_event::failed, true).next, now());
  row_.reason = why.text();
  transaction change{row_};
  auto made = take_claim_for(*row(in_progress).work, change);
  made.during = in_progress;
  made.state = job_state::failed;
  made.waits_for.clear();
  made.error_code = why.code;
  made.error_message = why.message;
  made.ended = now();
  change.push_back(made);
  note_sub_job(made, change);
  change.push_back(event_of(event_topic::job_failed, made, why.text(), now()));
  change.push_back(event_of(event_topic::resource_state, made, "unresourced: " + why.text(), now()));
  letter_ = dead_letter{task_->id, made.id, now()};
  change.push_back(*letter_);
  change.push_back(event_of(event_topic::resource_dead, made, why.text(), now()));
  if (!cloud_knows) change.push_back(report{0, row_.id, made.id, in_progress, now()});
  change.push_back(report{0, row_.id, made.id, row_.state, now()});
  log::error("{}: cannot be planned: {}", row_.id.text(), why.text());
  enter(phase::committing, "noting the failure");
  commit(std::move(change), [this, made] { settle(settled_with(made)); });
}

}  // namespace regent
