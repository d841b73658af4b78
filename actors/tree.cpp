#include "actors/tree_work.hpp"

#include <algorithm>

namespace regent {

namespace {

constexpr std::uint64_t cancel_tag = ~std::uint64_t{0};

branch_state state_of_end(job_state how) {
  switch (how) {
    case job_state::succeeded: return branch_state::done;
    case job_state::cancelled: return branch_state::cancelled;
    default: return branch_state::failed;
  }
}

}  // namespace

void tree_work::start() {
  self_->seen_as().called("tree", fmt::format("{} {}", root_.id.value(), tree_.settings().name));
  self_->delayed_send(self_, limits::tree_look, tick{});
  take_next_lease();
}

/// Hosts that the root holds while its branches run: all of them first, in order of name, so that no two roots wait for each other.
void tree_work::take_next_lease() {
  const auto& hold = tree_.settings().hold;
  if (leased_ == hold.size() || !root_.cancel.empty()) return resume();
  const auto host = directory_->host(hold[leased_]);
  if (!host) return denied({hold[leased_], hold[leased_].value() + " is not in the region file"});
  self_->seen_as().waits_for("the whole of " + hold[leased_].value());
  caf::anon_send(host, lease_wanted{root_.id, root_.id, std::string(whole_host), root_.in, false, me()});
}

void tree_work::granted(const lease_granted& message) {
  const auto& hold = tree_.settings().hold;
  if (leased_ == hold.size() || message.host != hold[leased_]) return;
  ++leased_;
  take_next_lease();
}

void tree_work::denied(const lease_denied& message) {
  if (leased_ == tree_.settings().hold.size()) return;
  root_.error_code = "host_unknown";
  root_.error_message = message.why;
  leased_ = tree_.settings().hold.size();
  leases_committed_ = true;  // none is
  mark(tree_.stop(branch_state::skipped, "left out: " + message.why, now()));
  resume();
}

/// What an earlier reign left under way goes on; whatever it had asked for is asked for again, by whoever can tell whether that is needed.
void tree_work::resume() {
  look_at_its_own_deadline();
  const auto why_over = !root_.cancel.empty() ? root_.cancel : overdue_ ? why_overdue() : std::string();
  if (!root_.cancel.empty()) stop(branch_state::cancelled, root_.cancel);
  const auto under_way = tree_.under_way();
  for (const auto number : under_way) {
    const auto& one = tree_.at(number);
    if (!has_job(one.work)) {
      begin(number);
    } else if (is_wish(one.work) && one.job.empty() && !why_over.empty()) {
      end(number, branch_state::cancelled, why_over + "; the cloud may have been asked for it all the same");
    } else if (one.job.empty() || is_wish(one.work)) {
      caf::anon_send(directory_->region, branch_wanted{one, root_.in, root_.cause, true});
    } else if (const auto known = context_->job_of(one.job); known && *known && !is_open((*known)->state)) {
      settled({number, state_of_end((*known)->state), (*known)->error_message, one.job});
    }
  }
  if (!why_over.empty()) end_under_way(why_over);
  go_on();
}

/// Begins whatever may begin: first it is durable that it has.
void tree_work::go_on() {
  const bool is_ours = leased_ == tree_.settings().hold.size();
  while (const auto next = is_ours ? tree_.next() : std::nullopt) {
    tree_.start(*next, now());
    auto& one = tree_.at(*next);
    if (one.work == branch_work::until_event) {
      const auto newest = newest_event();
      if (!newest) log::error("{}: {}", about(), newest.error().text());
      one.cursor = newest.value_or(0);
    }
    dirty_.insert(*next);
    to_begin_.push_back(*next);
  }
  flush();
}

void tree_work::begin(int number) {
  const auto& one = tree_.at(number);
  if (!is_open(one.state)) return;
  if (has_job(one.work)) return caf::anon_send(directory_->region, branch_wanted{one, root_.in, root_.cause, false});
  switch (one.work) {
    case branch_work::cancel: return begin_cancel(one);
    case branch_work::cordon:
    case branch_work::uncordon: return begin_cordon(one);
    default: return look_at(one);
  }
}

void tree_work::begin_cancel(const branch& what) {
  const auto known = context_->job_of(job_id(std::stoll(what.subject)));
  if (!known) return end(what.number, branch_state::failed, known.error().text());
  if (!*known || !is_open((*known)->state))
    return end(what.number, branch_state::skipped, fmt::format("job {} has ended already", what.subject));
  operator_command command;
  command.what = operator_verb::cancel;
  command.job = (*known)->id;
  command.resource = (*known)->resource;
  ask_operator(std::move(command), what.number);
}

void tree_work::begin_cordon(const branch& what) {
  operator_command command;
  command.what = what.work == branch_work::cordon ? operator_verb::cordon : operator_verb::uncordon;
  command.host = host_id(what.subject);
  ask_operator(std::move(command), what.number);
}

void tree_work::ask_operator(operator_command what, int number) {
  what.by = root_.cause;
  caf::anon_send(directory_->region,
                 operator_asked{std::move(what), [tree = me(), number](const result<std::string>& said) {
                                  const bool needless = !said && (said.error().code == "not_cordoned" ||
                                                                  said.error().code == "job_not_open");
                                  caf::anon_send(tree, branch_settled{number,
                                                                      said       ? branch_state::done
                                                                      : needless ? branch_state::skipped
                                                                                 : branch_state::failed,
                                                                      said ? *said : said.error().message,
                                                                      {}});
                                }});
}

void tree_work::settled(const branch_settled& message) {
  if (!is_open(tree_.at(message.number).state)) return;
  if (!message.job.empty()) tree_.at(message.number).job = message.job;
  const bool cut = cut_short_.contains(message.number) && message.how == branch_state::cancelled;
  end(message.number, cut ? branch_state::failed : message.how,
      cut ? fmt::format("stopped: deadline of {}", span_text(tree_.at(message.number).deadline)) : message.told);
  go_on();
}

void tree_work::end(int number, branch_state how, std::string told) {
  mark(tree_.end(number, how, std::move(told), now()));
}

void tree_work::mark(const std::vector<int>& changed) {
  for (const auto number : changed) {
    const auto& one = tree_.at(number);
    dirty_.insert(number);
    auto said = event_of(
        event_topic::branch_ended, root_,
        fmt::format("{} ({}): {}{}{}", one.name, text_of(one), name(one.state), one.told.empty() ? "" : ": ", one.told),
        now());
    if (!one.job.empty()) said.job = one.job;
    told_.push_back(std::move(said));
  }
}

void tree_work::asked_to_cancel(const cancel_asked& message) {
  if (ending_)
    return message.answer(
        fail(error_kind::conflict, "job_ending", "job {} has just come to its end", root_.id.value()));
  const bool again = !root_.cancel.empty();
  const auto sentence = again ? fmt::format("job {} is being cancelled already ({})", root_.id.value(), root_.cancel)
                              : fmt::format("job {} is cancelled; {}", root_.id.value(), tree_.text());
  if (message.preview) return message.answer(sentence);
  // A cancel that is still on its way into the journal is durable before whatever comes behind it.
  transaction change;
  if (!again) {
    root_.cancel = message.by;
    change = {root_, event_of(event_topic::job_cancel_asked, root_, message.by, now())};
  }
  caf::anon_send(directory_->journal,
                 commit_wanted{std::make_shared<transaction>(std::move(change)), again ? 0 : cancel_tag, me(),
                               [answer = message.answer, sentence](const std::optional<error>& failed) {
                                 answer(failed ? result<std::string>(tl::unexpected(*failed)) : sentence);
                               }});
}

/// Nothing more begins, and what is under way is ended: sub-jobs by cancelling them, waits at once.
void tree_work::stop(branch_state how, const std::string& why) { mark(tree_.stop(how, why, now())); }

void tree_work::end_under_way(const std::string& why) {
  const auto under_way = tree_.under_way();
  for (const auto number : under_way) {
    const auto& one = tree_.at(number);
    if (has_job(one.work))
      caf::anon_send(directory_->region, branch_unwanted{one, why});
    else if (is_wait(one.work))
      end(number, branch_state::cancelled, why);
  }
}

void tree_work::look() {
  if (!ending_) {
    look_at_deadlines();
    look_at_waits();
    go_on();
  }
  self_->delayed_send(self_, waits_for_something() ? milliseconds(limits::tree_look) : milliseconds(1000), tick{});
}

void tree_work::look_at_deadlines() {
  for (const auto number : tree_.late(now())) {
    const auto& one = tree_.at(number);
    const auto said = fmt::format("deadline of {}", span_text(one.deadline));
    if (is_wait(one.work))
      end(number, one.fails_late ? branch_state::failed : branch_state::skipped,
          fmt::format("not within its {}{}", said, one.fails_late ? "" : ": what comes after it goes on"));
    else if (has_job(one.work) && cut_short_.insert(number).second)
      caf::anon_send(directory_->region, branch_unwanted{one, said});
  }
  if (look_at_its_own_deadline()) end_under_way(why_overdue());
}

std::string tree_work::why_overdue() const {
  return fmt::format("deadline of {} for {}", span_text(root_.deadline), tree_.settings().name);
}

/// Whether it is over now, and was not before.
bool tree_work::look_at_its_own_deadline() {
  if (overdue_ || now() < *root_.started + root_.deadline) return false;
  overdue_ = true;
  log::warn("{}: its {} is over", about(), why_overdue());
  stop(branch_state::cancelled, why_overdue());
  return true;
}

void tree_work::write_root(transaction& into) {
  root_.waits_for = tree_.text();
  root_.wait_deadline = *root_.started + root_.deadline;
  self_->seen_as().state(root_.waits_for);
  const auto first = tree_.next_deadline();
  self_->seen_as().waits_for(first ? "its branches, the first of which ends by " + iso_text(*first) : "its branches");
  into.push_back(root_);
}

void tree_work::write_end(transaction& into) {
  ending_ = true;
  const bool cancelled = !root_.cancel.empty();
  const bool good = tree_.went_well() && !overdue_ && root_.error_code.empty();
  root_.state = cancelled ? job_state::cancelled : good ? job_state::succeeded : job_state::failed;
  root_.waits_for.clear();
  root_.wait_deadline.reset();
  root_.ended = now();
  if (cancelled)
    root_.error_code = "cancelled";
  else if (!good && root_.error_code.empty())
    root_.error_code = overdue_ ? "operation_deadline" : "branch_failed";
  root_.error_message +=
      (root_.error_message.empty() ? "" : "; ") + (cancelled ? root_.cancel + ": " : "") + (good ? "" : tree_.text());
  into.push_back(root_);
  for (const auto& host : tree_.settings().hold) into.push_back(end_lease{host, std::string(whole_host), root_.id});
  const auto topic = cancelled ? event_topic::job_cancelled
                     : good    ? event_topic::job_succeeded
                               : event_topic::job_failed;
  into.push_back(event_of(topic, root_, good ? tree_.text() : root_.error_message, now()));
}

/// One commit at a time: what changes meanwhile goes with the next one.
void tree_work::flush() {
  if (committing_ || ending_ || (dirty_.empty() && !tree_.over())) return;
  transaction change;
  for (const auto number : dirty_) change.push_back(tree_.at(number));
  dirty_.clear();
  std::move(told_.begin(), told_.end(), std::back_inserter(change));
  told_.clear();
  if (!leases_committed_ && leased_ == tree_.settings().hold.size() && !tree_.over()) {
    for (const auto& host : tree_.settings().hold)
      change.push_back(lease{host, std::string(whole_host), root_.id, context_->epoch, now()});
    leases_committed_ = true;
  }
  if (tree_.over())
    write_end(change);
  else
    write_root(change);
  beginning_ = std::exchange(to_begin_, {});
  committing_ = true;
  caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(change)), ++tag_, me()});
}

void tree_work::answered(const commit_answer& message) {
  if (message.tag == cancel_tag) {
    if (message.failed) return root_.cancel.clear();
    log::info("{}: cancelled ({})", about(), root_.cancel);
    stop(branch_state::cancelled, root_.cancel);
    end_under_way(root_.cancel);
    return go_on();
  }
  if (message.tag != tag_) return;
  committing_ = false;
  if (message.failed) {  // it dies, and is taken up again from the journal
    log::error("{}: {}", about(), message.failed->text());
    self_->seen_as().failed(message.failed->text());
    return self_->quit(caf::sec::runtime_error);
  }
  if (ending_) return over();
  for (const auto number : std::exchange(beginning_, {})) begin(number);
  go_on();
}

void tree_work::over() {
  for (const auto& name : tree_.settings().hold)
    if (const auto host = directory_->host(name)) caf::anon_send(host, lease_end{root_.id, std::string(whole_host)});
  log::info("{}: {}", about(), name(root_.state));
  caf::anon_send(directory_->region, tree_over{root_.id});
  self_->quit();
}

tree_actor::behavior_type run_tree(tree_shell* self, context_ptr context, directory_ptr directory,
                                   std::shared_ptr<const tree_rows> rows) {
  const auto work = std::make_shared<tree_work>(self, std::move(context), std::move(directory), *rows);
  self->state.work = work;
  work->start();
  return {
      [=](const commit_answer& m) { work->answered(m); },
      [=](const branch_settled& m) { work->settled(m); },
      [=](const cancel_asked& m) { work->asked_to_cancel(m); },
      [=](const lease_granted& m) { work->granted(m); },
      [](const lease_queued&) {},  // it is in the journal as waiting before it asks
      [=](const lease_denied& m) { work->denied(m); },
      [=](const woken&) {},
      [=](const tick&) { work->look(); },
  };
}

}  // namespace regent
