// An operator says what became of the step that a job is stuck at: its host is away, its outcome is unknown, or it backs off. The
// word is durable first; then the job goes on with it as if the host had said so.
#include "actors/lifecycle_rows.hpp"
#include "actors/lifecycle_work.hpp"

namespace regent {

std::optional<error> lifecycle_work::why_not_mark(const operator_command& word) const {
  const auto refusal = [](std::string code, std::string why) {
    return error{error_kind::conflict, std::move(code), std::move(why)};
  };
  const auto number = word.job.value();
  if (!execution_ || execution_->job().id != word.job)
    return refusal("job_not_open", fmt::format("job {} is not at work on {} now", number, task_->id.text()));
  const auto* at = execution_->current();
  if (closing_ || at == nullptr) return refusal("job_ending", fmt::format("job {} has just come to its end", number));
  if (is_stopping()) return refusal("job_stopping", fmt::format("job {} is being stopped: {}", number, why_stopping()));
  if (word.step != 0 && word.step != at->index + 1)
    return refusal("not_stuck", fmt::format("job {} is at step {} ({}), not at step {}", number, at->index + 1,
                                            at->about, word.step));
  const auto status = context_->facts.hosts.find(at->host);
  const bool away = !status || status->state != "up";
  const bool unknown = at->state == step_state::unknown;
  if (phase_ == phase::backing_off || (phase_ == phase::running && (away || unknown))) return std::nullopt;
  return refusal("not_stuck",
                 fmt::format("job {} is not stuck: {}; wait, or regent cancel {}", number, doing_, number));
}

void lifecycle_work::asked_to_mark(const mark_asked& message) {
  if (const auto why = why_not_mark(message.what)) return message.answer(tl::unexpected(*why));
  const auto& at = *execution_->current();
  const bool done = message.what.what == operator_verb::mark_done;
  const auto* then = done || at.role == "standby" ? "goes on" : "ends";
  const auto said = fmt::format("step {} of job {} ({}) on {} counts as {}, and the job {}", at.index + 1,
                                message.what.job.value(), at.about, at.host.value(), done ? "done" : "failed", then);
  if (message.what.preview) return message.answer(said);
  mark(message.what, at, said, message.answer);
}

void lifecycle_work::mark(const operator_command& word, const step& at, const std::string& said,
                          operator_answer answer) {
  stop_timer();
  const auto run = at.run;
  const auto host = directory_->host(at.host);
  const bool done = word.what == operator_verb::mark_done;
  waiting_run_.reset();
  dirty_.insert(at.index);
  job_dirty_ = true;
  execution_->job().decided = fmt::format("step {} {}: {}", at.index + 1, done ? "done" : "failed", word.by);
  change_steps([&, index = at.index] { execution_->marked(index, done, word.by, now()); });
  transaction change{
      event_of(event_topic::step_marked, execution_->job(), fmt::format("{}: {}", said, word.by), now())};
  take_dirty(change);
  enter(phase::committing, "committing an operator's word");
  then_ = [this, run, host] {
    // Whatever the host still says of it, it is decided.
    if (host && !run.empty()) caf::anon_send(host, run_withdrawn{run, "an operator has decided about it"});
    advance();
  };
  hand_in(std::move(change), ++commit_tag_, [answer = std::move(answer), said](const std::optional<error>& failed) {
    answer(failed ? result<std::string>(tl::unexpected(*failed)) : said);
  });
}

}  // namespace regent
