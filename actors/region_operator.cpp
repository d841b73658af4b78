// What operators ask of the region. Each word is durable before it is answered.
#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"
#include "region/lifecycle_machine.hpp"

namespace regent {

namespace {

failure refused(std::string code, std::string why) {
  return failure(error{error_kind::conflict, std::move(code), std::move(why)});
}

}  // namespace

void region_work::asked(const operator_asked& message) {
  if (at().stopping) return message.answer(refused("stopping", "the daemon is about to stop"));
  switch (message.what.what) {
    case operator_verb::cancel: return cancel(message);
    case operator_verb::retry: return retry(message);
    case operator_verb::cordon:
    case operator_verb::uncordon: return cordon(message);
    case operator_verb::pause:
    case operator_verb::resume:
    case operator_verb::run: return caf::anon_send(directory_->scheduler, message);
  }
}

void region_work::commit_and_answer(transaction what, std::string sentence, const operator_answer& answer) {
  caf::anon_send(directory_->journal,
                 commit_wanted{std::make_shared<transaction>(std::move(what)),
                               0,
                               {},
                               [answer, said = std::move(sentence)](const std::optional<error>& no) {
                                 answer(no ? result<std::string>(tl::unexpected(*no)) : said);
                               }});
}

void region_work::cancel(const operator_asked& message) {
  const auto& [what, job, id, host, by, schedule] = message.what;
  if (const auto tree = at().trees.find(job); tree != at().trees.end())
    return caf::anon_send(tree->second, cancel_asked{job, by, message.answer});
  auto& one = entry(id);
  auto waiting = one.repairs;
  const auto found = std::find_if(waiting.begin(), waiting.end(),
                                  [&, wanted = job](const auto& repair) { return repair.job.id == wanted; });
  if (found != waiting.end() && one.known.busy)
    return message.answer(refused("at_work", fmt::format("{} is at work: cancel its repair when it rests", id.text())));
  if (found == waiting.end() && !one.known.busy) {  // it is between two attempts, such as to read the record
    auto open = context_->open_job_of(id);
    if (!open) return message.answer(tl::unexpected(open.error()));
    if (*open && (*open)->job.id == job) wake(id, (*open)->job.cause, (*open)->job.in, std::move(*open));
  }
  if (found == waiting.end() && one.known.busy && one.actor)
    return caf::anon_send(one.actor, cancel_asked{job, by, message.answer});
  if (found == waiting.end())
    return message.answer(
        refused("job_not_open", fmt::format("job {} is not at work on {} now", job.value(), id.text())));
  auto ended = found->job;
  ended.state = job_state::cancelled;
  ended.cancel = by;
  ended.error_code = "cancelled";
  ended.error_message = fmt::format("{}: it waited for {}", by, ended.waits_for);
  ended.waits_for.clear();
  ended.wait_deadline.reset();
  ended.ended = context_->time.wall();
  waiting.erase(found);
  set_repairs(id, std::move(waiting));
  one.row.reason =
      fmt::format("the repair of {} was cancelled: {} (regent retry {} does it again)", ended.only_host, by, id.text());
  const auto said = event_of(event_topic::job_cancelled, ended, ended.error_message, context_->time.wall());
  commit_and_answer({ended, one.row, said}, fmt::format("job {} is cancelled; it was waiting", ended.id.value()),
                    message.answer);
}

void region_work::retry(const operator_asked& message) {
  const auto id = message.what.resource;
  const auto by = message.what.by;
  const auto found = at().entries.find(id);
  if (found == at().entries.end() || found->second.row.id.empty())
    return message.answer(fail(error_kind::permanent, "not_found", "there is no {} here", id.text()));
  auto& one = found->second;
  if (one.known.busy || one.unfinished || one.known.reports_pending > 0)
    return message.answer(refused("at_work", id.text() + " is at work; regent why " + id.text() + " says with what"));
  const auto now = context_->time.wall();
  const auto said = event_of(event_topic::resource_retry, id, by, now);
  if (one.row.degraded && (one.known.state == running || one.known.state == quiesced)) {
    commit_and_answer({said}, id.text() + " is made what its record says on all its hosts", message.answer);
    return wake(id, by, lane::user, {}, {}, {}, true);
  }
  if (one.row.degraded && one.known.state == closed) return repair_what_is_left(message);
  if (one.known.state != unresourced)
    return message.answer(
        refused("nothing_to_retry", fmt::format("{} is {} and lacks nothing", id.text(), name(one.known.state))));
  const auto last = context_->last_operation_of(id);
  if (!last) return message.answer(tl::unexpected(last.error()));
  const auto wish = *last ? asked_by((*last)->during) : std::nullopt;
  if (!wish)
    return message.answer(refused("nothing_to_retry", "no job of " + id.text() + " says what it was to become"));
  one.look_again = by;
  commit_and_answer({report{0, id, {}, *wish, now}, said},
                    fmt::format("{} is asked for again: {}", id.text(), name(*wish)), message.answer);
}

/// It is scrubbed, but for a host that did not answer, and whose repair has ended without success: its steps, once more.
void region_work::repair_what_is_left(const operator_asked& message) {
  const auto& id = message.what.resource;
  auto waiting = entry(id).repairs;
  if (!waiting.empty())
    return message.answer(refused(
        "nothing_to_retry",
        fmt::format("job {} of {} waits for {}", waiting[0].job.id.value(), id.text(), waiting[0].job.waits_for)));
  const auto last = context_->last_repair_of(id);
  if (!last) return message.answer(tl::unexpected(last.error()));
  if (!*last)
    return message.answer(refused("nothing_to_retry", "no job of " + id.text() + " says what is left on which host"));
  const auto now = context_->time.wall();
  auto again = repair_anew(**last, context_->next_job(), message.what.by, now);
  auto& row = entry(id).row;
  row.reason = again.job.waits_for;
  transaction change{row, again.job, event_of(event_topic::resource_retry, again.job, message.what.by, now)};
  for (const auto& one : again.steps) change.push_back(one);
  const auto sentence =
      fmt::format("{} is scrubbed once more on {} as job {}", id.text(),
                  again.job.only_host.empty() ? "its hosts" : again.job.only_host, again.job.id.value());
  waiting.push_back(std::move(again));
  set_repairs(id, std::move(waiting));
  commit_and_answer(std::move(change), sentence, message.answer);
  wake_repairs(id);
}

void region_work::cordon(const operator_asked& message) {
  const auto& host = message.what.host;
  const bool closed = message.what.what == operator_verb::cordon;
  const auto actor = directory_->host(host);
  if (!actor)
    return message.answer(
        fail(error_kind::permanent, "not_found", "there is no host {} in the region file", host.value()));
  if (!closed && !at().cordons.contains(host))
    return message.answer(refused("not_cordoned", host.value() + " is not cordoned"));
  const auto now = context_->time.wall();
  const auto why = closed ? message.what.by : std::string();
  if (closed)
    at().cordons[host] = why;
  else
    at().cordons.erase(host);
  caf::anon_send(actor, cordon_changed{why});
  commit_and_answer(
      {host_cordoned{host, why, now}, event_of(closed ? event_topic::host_cordoned : event_topic::host_uncordoned,
                                               subject_of(host), message.what.by, now)},
      closed ? host.value() + " is cordoned: no new job begins there" : host.value() + " is open again",
      message.answer);
}

}  // namespace regent
