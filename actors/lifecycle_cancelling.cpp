// An end before the end. An operator's cancel: durable first, then the run is ended on its host, what it left is read back,
// and the job comes to rest as cancelled. A reign that dies on the way does the rest in its next life, for the job says that
// it is cancelled. The operation's deadline: the same, but the job fails; when it began and how long it may take is durable.
#include <algorithm>

#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"

namespace regent {

/// The cancel before this one may still be on its way into the journal: whatever comes behind it is durable after it.
void lifecycle_work::answer_once_durable(const cancel_asked& message, const std::string& sentence) {
  hand_in({}, 0, [answer = message.answer, sentence](const std::optional<error>& failed) {
    answer(failed ? result<std::string>(tl::unexpected(*failed)) : sentence);
  });
}

void lifecycle_work::asked_to_cancel(const cancel_asked& message) {
  auto* target = execution_ ? &execution_->job() : claim_ ? &*claim_ : nullptr;
  const bool for_branch = message.job.empty();
  if (for_branch && target == nullptr && phase_ == phase::reading) {
    message.answer("nothing was begun");
    on_record_ = nullptr;
    return begin_anew(milliseconds(0));  // others may have wanted something as well
  }
  const bool is_it =
      target != nullptr && (for_branch ? task_->of && target->root == task_->of->root : target->id == message.job);
  if (!is_it)
    return message.answer(fail(error_kind::conflict, "job_not_open", "job {} is not at work on {} now",
                               message.job.value(), task_->id.text()));
  if (closing_)
    return message.answer(fail(error_kind::conflict, "job_ending", "job {} has just come to its end: {}",
                               target->id.value(), name(target->state)));
  if (!target->cancel.empty())
    return answer_once_durable(
        message, fmt::format("job {} is being cancelled already ({})", target->id.value(), target->cancel));
  const auto sentence = fmt::format("job {} is cancelled; it was: {}", target->id.value(), doing_);
  if (message.preview) return message.answer(sentence);
  target->cancel = message.by;
  transaction change{*target, event_of(event_topic::job_cancel_asked, *target, message.by, now())};
  hand_in(std::move(change), cancel_tag, [answer = message.answer, sentence](const std::optional<error>& failed) {
    answer(failed ? result<std::string>(tl::unexpected(*failed)) : sentence);
  });
}

/// From its start, of whichever reign. Within one it runs on the clock that nobody sets.
void lifecycle_work::watch_deadline() {
  const auto& job = execution_->job();
  if (job.deadline.count() == 0) return;
  const auto left = std::clamp(*job.started + job.deadline - now(), milliseconds(0), job.deadline);
  deadline_ = context_->time.steady() + left;
  overdue_ = left.count() == 0;
  if (!overdue_) look_at_deadline();
}

/// Now and then, not once at its end: a delayed message keeps its actor in memory until it is delivered.
void lifecycle_work::look_at_deadline() {
  if (closing_ || is_stopping()) return;
  const auto left = std::chrono::ceil<milliseconds>(*deadline_ - context_->time.steady());
  overdue_ = left.count() <= 0;
  if (overdue_) return stop_early("its operation's deadline is over");
  self_->delayed_send(self_, std::min(left, milliseconds(limits::operation_deadline_look)), timer{deadline_timer});
}

/// From here on everything that goes on by itself (an answered commit, a granted lease) sees that it is stopping.
void lifecycle_work::stop_early(std::string_view why) {
  log::info("{}: {} ({})", task_->id.text(), why, doing_);
  switch (phase_) {
    case phase::committing:
    case phase::settled: return;
    case phase::reading:
      on_record_ = nullptr;
      return execution_ ? advance() : end_claim(job_state::cancelled, "cancelled", claim_->cancel);
    case phase::claiming:
      if (!on_timer_) return;  // the cloud is being asked: its answer decides
      stop_timer();
      return end_claim(job_state::cancelled, "cancelled", claim_->cancel);
    case phase::permitting:
    case phase::leasing:
    case phase::backing_off: return advance();
    case phase::running: return end_run();
  }
}

void lifecycle_work::end_run() {
  // What is sent is ended; what is unknown is being read back, which ends by itself, but is not waited for without end either.
  const auto running = std::find_if(execution_->steps().begin(), execution_->steps().end(), [](const step& one) {
    return one.state == step_state::sent || one.state == step_state::unknown;
  });
  if (running == execution_->steps().end()) return;
  const auto host = directory_->host(running->host);
  if (!host) return;
  enter(phase::running, fmt::format("ending step {} on {}", running->index + 1, running->host.value()),
        fmt::format("run {} on {} to end", running->run.value(), running->host.value()));
  if (running->state == step_state::sent) caf::anon_send(host, run_cancelled{running->run});
  set_timer(limits::cancel_answer, [host, run = running->run] {
    caf::anon_send(host, run_withdrawn{run, fmt::format("it was to end, and the host has not said so within {}",
                                                        span_text(limits::cancel_answer))});
  });
}

void lifecycle_work::run_ended_early(int index, const run_outcome& outcome) {
  stop_timer();
  dirty_.insert(index);
  if (execution_->steps()[static_cast<std::size_t>(index)].state == step_state::unknown) {
    execution_->found_after_stop(index, outcome, why_stopping());
    return close(false);
  }
  if (!execution_->stopped(index, outcome, why_stopping(), now())) return advance();
  const auto status = context_->facts.hosts.find(execution_->steps()[static_cast<std::size_t>(index)].host);
  if (!status || status->state != "up") return close(false);
  const job_execution::send back{index, true};
  const auto& ended = execution_->steps()[static_cast<std::size_t>(index)];
  execution_->sending(back, now(), ended.boot_id);
  transaction change;
  take_dirty(change);
  enter(phase::committing, fmt::format("reading back step {}", index + 1));
  commit(std::move(change),
         [this, index] { dispatch(execution_->steps()[static_cast<std::size_t>(index)], true, false); });
}

}  // namespace regent
