#include "actors/lifecycle.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "actors/lifecycle_rows.hpp"
#include "actors/step_parameters.hpp"
#include "region/lifecycle_machine.hpp"

namespace regent {

/// The way of one operation. Each phase ends by one message; `then_` and `on_timer_` say what that message leads to.
class lifecycle_work {
 public:
  lifecycle_work(lifecycle_shell* self, context_ptr context, directory_ptr directory,
                 std::shared_ptr<const lifecycle_task> task)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)), task_(std::move(task)) {}

  void start() {
    self_->seen_as().called("lifecycle", task_->id.text());
    if (task_->open && !task_->open->steps.empty()) return take_up();
    if (task_->open) job_ = task_->open->job;
    read_record([this](const result<record>& answer) { record_read(answer); });
  }

  void answered(const record_answer& message) { pass(on_record_, *message.answer); }
  void answered(const claim_answer& message) { pass(on_claim_, message); }
  void answered(const commit_answer& message) {
    if (message.tag != commit_tag_) return;
    if (message.failed) return give_up("journal: " + message.failed->text());
    pass(then_);
  }
  void granted(const lease_granted& message) {
    if (phase_ != phase::leasing || message.host != hosts_[leased_]) return;
    ++leased_;
    take_next_lease();
  }
  void waits(const run_waits& message);
  void ended(const run_ended& message);
  void woken_up() {
    if (phase_ == phase::claiming) pass(on_timer_);
  }
  void timer_over(const timer& message) {
    if (message.number == timer_number_) pass(on_timer_);
  }

 private:
  enum class phase { reading, claiming, committing, leasing, running, backing_off, settled };

  // -- small tools
  wall_time now() const { return context_->time.wall(); }
  lifecycle_actor me() const { return caf::actor_cast<lifecycle_actor>(self_); }
  void enter(phase next, const std::string& text, const std::string& waits_for = {}) {
    phase_ = next;
    self_->seen_as().state(text);
    self_->seen_as().waits_for(waits_for);
  }
  /// Calls what was set for this message, once.
  template <class F, class... Args>
  static void pass(F& what, Args&&... args) {
    if (!what) return;
    const auto call = std::exchange(what, nullptr);
    call(std::forward<Args>(args)...);
  }
  void set_timer(milliseconds after, std::function<void()> then) {
    on_timer_ = std::move(then);
    self_->delayed_send(self_, after, timer{++timer_number_});
  }
  void stop_timer() {
    ++timer_number_;
    on_timer_ = nullptr;
  }
  void commit(transaction what, std::function<void()> then) {
    then_ = std::move(then);
    caf::anon_send(directory_->journal,
                   commit_wanted{std::make_shared<transaction>(std::move(what)), ++commit_tag_, me()});
  }
  void commit_aside(transaction what) {
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(what)), 0, {}});
  }
  void read_record(std::function<void(const result<record>&)> then) {
    enter(phase::reading, "reading the record", "the cloud's record of " + task_->id.text());
    on_record_ = std::move(then);
    caf::anon_send(directory_->reader, record_wanted{task_->id, me()});
  }
  bool is_repair() const { return !job_.only_host.empty(); }

  // -- ends
  void settle(settled message) {
    enter(phase::settled, "settled");
    self_->send(directory_->region, std::move(message));  // the region knows us by the sender
    self_->quit();
  }
  void give_up(const std::string& why) {
    self_->seen_as().failed(why);
    log::error("{}: {}", task_->id.text(), why);
    settled message;
    message.again_in = std::chrono::seconds(5);
    settle(std::move(message));
  }

  // -- from the record to the job
  void record_read(const result<record>& answer);
  void note_rest(const record& what);
  void claim(const record& what);
  void claim_refused(const error& why);
  void open(const record& what, lifecycle_state in_progress, bool cloud_knows);
  void open_failed(const record& what, lifecycle_state in_progress, bool cloud_knows, const error& why);
  regent::job new_job(operation what) const;

  // -- from the job to its end
  void take_up();
  void lease_all();
  void take_next_lease();
  void advance();
  void send_step(const job_execution::send& what);
  void skip_standby(const host_id& host, const std::string& why);
  void dispatch(const step& what, bool read_back, bool resumed);
  result<std::vector<run_parameter>> parameters_of(const step& what);
  void confirm();
  void confirmed(const result<record>& answer);
  void close(bool good);
  void close_repair(bool good, transaction what);
  void close_operation(bool good, transaction what);
  void closed(settled message);
  void note_wait(const std::string& why, milliseconds most);
  void take_dirty(transaction& into);

  lifecycle_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  std::shared_ptr<const lifecycle_task> task_;

  phase phase_ = phase::reading;
  std::uint64_t commit_tag_ = 0;
  std::uint64_t timer_number_ = 0;
  std::function<void()> then_, on_timer_;
  std::function<void(const result<record>&)> on_record_;
  std::function<void(const claim_answer&)> on_claim_;

  std::optional<record> record_;
  resource row_;
  regent::job job_;  // until there is an execution
  std::optional<job_execution> execution_;
  std::vector<plan_step> fresh_;  // by index; with secrets, never stored
  std::string scope_;
  std::vector<host_id> hosts_;  // of the plan, sorted: the order in which leases are taken
  std::size_t leased_ = 0;
  bool leases_committed_ = false;
  bool job_dirty_ = false;
  std::set<int> dirty_;
  int confirm_rounds_ = 0;
  std::optional<run_id> waiting_run_;  // withdrawn when its wait is over
  bool first_run_ = true;
};

// -- from the record to the job ------------------------------------------------------------------------------------

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

// -- from the job to its end ---------------------------------------------------------------------------------------

void lifecycle_work::take_up() {
  const auto config = context_->config();
  job_ = task_->open->job;
  row_ = task_->known.value_or(resource{});
  row_.id = task_->id;
  scope_ = task_->id.text();
  execution_.emplace(job_, task_->open->steps, context_->journal_id, execution_policy{config->policies.step_attempts});
  auto& taken = execution_->job();
  taken.state = job_state::active;
  taken.waits_for.clear();
  taken.wait_deadline.reset();
  if (!taken.started) taken.started = now();
  job_dirty_ = true;
  lease_all();
}

void lifecycle_work::lease_all() {
  std::set<host_id> all;
  for (const auto& one : execution_->steps()) all.insert(one.host);
  hosts_.assign(all.begin(), all.end());
  leased_ = 0;
  take_next_lease();
}

void lifecycle_work::take_next_lease() {
  stop_timer();
  if (leased_ == hosts_.size()) return advance();
  const auto& wanted = hosts_[leased_];
  const auto host = directory_->host(wanted);
  if (!host) {
    auto& failing = execution_->job();
    failing.error_code = "host_unknown";
    failing.error_message = fmt::format("{} is not in the region file", wanted.value());
    return close(false);
  }
  enter(phase::leasing, "taking leases", "the lease of " + wanted.value());
  caf::anon_send(host, lease_wanted{execution_->job().id, scope_, execution_->job().in, me()});
  set_timer(limits::wait_noted_after, [this, wanted] {
    note_wait("the lease of " + wanted.value(), limits::wait_for_lease);
    set_timer(limits::wait_for_lease, [this, wanted] {
      auto& failing = execution_->job();
      failing.error_code = "lease_deadline";
      failing.error_message =
          fmt::format("the lease of {} was not to be had within {}", wanted.value(), span_text(limits::wait_for_lease));
      close(false);
    });
  });
}

/// A wait that is worth telling is in the job, with its cause and its deadline.
void lifecycle_work::note_wait(const std::string& why, milliseconds most) {
  auto& waiting = execution_->job();
  waiting.state = job_state::waiting;
  waiting.waits_for = why;
  waiting.wait_deadline = now() + most;
  job_dirty_ = true;
  self_->seen_as().waits_for(why);
  commit_aside({waiting});
}

void lifecycle_work::take_dirty(transaction& into) {
  if (job_dirty_) {
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
  if (const auto* to_send = std::get_if<job_execution::send>(&what)) return send_step(*to_send);
  if (const auto* attached = std::get_if<job_execution::attach>(&what))
    return dispatch(execution_->steps()[static_cast<std::size_t>(attached->index)], false, true);
  if (const auto* delay = std::get_if<job_execution::wait_until>(&what)) {
    enter(phase::backing_off, "backing off", fmt::format("the next attempt of step {}", delay->index + 1));
    const auto& failing = execution_->steps()[static_cast<std::size_t>(delay->index)];
    note_wait(
        fmt::format("the next attempt of step {} at {} ({})", delay->index + 1, iso_text(delay->at), failing.error),
        std::chrono::duration_cast<milliseconds>(delay->at - now()) + std::chrono::seconds(1));
    transaction change;
    take_dirty(change);
    commit_aside(std::move(change));
    job_dirty_ = true;
    return set_timer(std::max(delay->at - now(), milliseconds(1)), [this] { advance(); });
  }
  const bool good = std::get<job_execution::finished>(what).ok;
  return good ? confirm() : close(false);
}

void lifecycle_work::send_step(const job_execution::send& what) {
  const auto& target = execution_->steps()[static_cast<std::size_t>(what.index)];
  const auto status = context_->facts.hosts.find(target.host);
  if (target.role == "standby" && status && status->down_since &&
      now() - *status->down_since > context_->config()->policies.wait_for_standby)
    return skip_standby(target.host, fmt::format("{} has been down for {}: {}", target.host.value(),
                                                 span_text(now() - *status->down_since), status->reason));
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

/// A standby that has been away for long delays nobody.
void lifecycle_work::skip_standby(const host_id& host, const std::string& why) {
  execution_->skip_standby(host, why, now());
  for (const auto& one : execution_->steps())
    if (one.state == step_state::skipped) dirty_.insert(one.index);
  job_dirty_ = true;
  advance();
}

/// From the journal, with secrets filled in from the plan made in this life.
result<std::vector<run_parameter>> lifecycle_work::parameters_of(const step& what) {
  auto stored = parse_parameters(what.parameters);
  if (!stored) return tl::unexpected(stored.error());
  for (const auto& secret : stored->secrets) {
    const auto index = static_cast<std::size_t>(what.index);
    const auto* planned = index < fresh_.size() ? &fresh_[index] : nullptr;
    const bool same = planned != nullptr && planned->primitive == what.primitive && planned->host == what.host;
    const auto* found = same ? &planned->parameters : nullptr;
    const auto at = found == nullptr ? std::vector<plan_parameter>::const_iterator{}
                                     : std::find_if(found->begin(), found->end(),
                                                    [&](const auto& one) { return one.name == secret; });
    if (found == nullptr || at == found->end())
      return fail(error_kind::permanent, "secret_unknown", "{} is a secret that the record no longer gives", secret);
    stored->values.push_back({at->name, at->value});
  }
  return std::move(stored->values);
}

void lifecycle_work::dispatch(const step& what, bool read_back, bool resumed) {
  const auto host = directory_->host(what.host);
  const auto* script = context_->kinds->find_script(what.primitive);
  auto parameters = parameters_of(what);
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
  request->script = script->text;
  request->script_hash = script->hash;
  request->verb = read_back ? "read" : what.verb;
  request->parameters = std::move(*parameters);
  request->deadline = what.deadline;
  enter(
      phase::running,
      fmt::format("step {} of {} on {}: {}", what.index + 1, execution_->steps().size(), what.host.value(), what.about),
      fmt::format("run {} on {}", what.run.value(), what.host.value()));
  if (std::exchange(first_run_, false) && task_->seen_at)
    context_->facts.poll_to_run_us =
        std::chrono::duration_cast<std::chrono::microseconds>(context_->time.steady() - *task_->seen_at).count();
  caf::anon_send(host, run_wanted{std::move(request), resumed, what.boot_id, me()});
}

void lifecycle_work::waits(const run_waits& message) {
  if (phase_ != phase::running) return;
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

void lifecycle_work::ended(const run_ended& message) {
  if (phase_ != phase::running) return;
  const auto found = std::find_if(execution_->steps().begin(), execution_->steps().end(),
                                  [&](const step& one) { return one.run == message.run; });
  if (found == execution_->steps().end()) return;
  const auto index = found->index;
  if (std::exchange(waiting_run_, std::nullopt)) job_dirty_ = true;
  execution_->ended(index, *message.outcome, now());
  // A failed standby takes its other steps with it.
  for (const auto& one : execution_->steps())
    if (one.index == index || one.state == step_state::skipped) dirty_.insert(one.index);
  advance();
}

/// A user may have changed the record between our reading and the cloud's taking note of our work: look once more.
void lifecycle_work::confirm() {
  const auto what = execution_->job().what;
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

lifecycle_actor::behavior_type run_lifecycle(lifecycle_shell* self, context_ptr context, directory_ptr directory,
                                             std::shared_ptr<const lifecycle_task> task) {
  const auto work = std::make_shared<lifecycle_work>(self, std::move(context), std::move(directory), std::move(task));
  self->state.work = work;
  work->start();
  return {
      [=](const record_answer& m) { work->answered(m); },
      [=](const claim_answer& m) { work->answered(m); },
      [=](const commit_answer& m) { work->answered(m); },
      [=](const lease_granted& m) { work->granted(m); },
      [=](const run_waits& m) { work->waits(m); },
      [=](const run_ended& m) { work->ended(m); },
      [=](const woken&) { work->woken_up(); },
      [=](const timer& m) { work->timer_over(m); },
  };
}

}  // namespace regent
