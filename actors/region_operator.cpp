// What operators ask of the region: each word is computed whole, shown or made durable, and only then answered. Here are cancel
// and retry; region_decisions.cpp has the other words about resources and their jobs, region_hosts.cpp those about hosts.
#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"
#include "region/lifecycle_machine.hpp"
#include "region/resume_point.hpp"

namespace regent {

void region_work::asked(const operator_asked& message) {
  if (at().stopping) return message.answer(refused("stopping", "the daemon is about to stop"));
  auto made = order_of(message);
  if (!made) return message.answer(tl::unexpected(made.error()));
  if (!*made) return;
  auto& order = **made;
  if (message.what.preview) return message.answer(order.says);
  commit_and_answer(std::move(order.change), std::move(order.says), message.answer);
  if (order.then) order.then();
}

region_work::ordered region_work::order_of(const operator_asked& message) {
  const auto& word = message.what;
  switch (word.what) {
    case operator_verb::cancel: return cancel(message);
    case operator_verb::retry: return retry(word);
    case operator_verb::pause: return pause(word);
    case operator_verb::resume: return resume(word);
    case operator_verb::release: return release(word);
    case operator_verb::adopt: return adopt(word);
    case operator_verb::mark_done:
    case operator_verb::mark_failed: return mark(message);
    case operator_verb::cordon:
    case operator_verb::drain:
    case operator_verb::maintenance: return close_host(word);
    case operator_verb::uncordon:
    case operator_verb::attach: return open_host(word);
    case operator_verb::evacuate: return evacuate(word);
    case operator_verb::force_detach: return force_detach(word);
    case operator_verb::schedule_pause:
    case operator_verb::schedule_resume:
    case operator_verb::schedule_run: caf::anon_send(directory_->scheduler, message); return std::nullopt;
  }
  return fail(error_kind::bug, "unknown_word", "there is no such word");
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

failure region_work::not_there(const resource_id& id) const {
  return fail(error_kind::permanent, "not_found", "there is no {} here", id.text());
}

bool region_work::is_known(const resource_id& id) const {
  const auto found = at().entries.find(id);
  return found != at().entries.end() && (found->second.known.busy || !found->second.row.id.empty());
}

bool region_work::is_at_work(const resource_id& id) {
  const auto& one = entry(id);
  return one.known.busy || one.unfinished || one.known.reports_pending > 0;
}

failure region_work::at_work(const resource_id& id) const {
  return refused("at_work", id.text() + " is at work; regent why " + id.text() + " says with what");
}

region_work::ordered region_work::cancel(const operator_asked& message) {
  const auto& word = message.what;
  if (const auto tree = at().trees.find(word.job); tree != at().trees.end()) {
    caf::anon_send(tree->second, cancel_asked{word.job, word.by, message.answer, word.preview});
    return std::nullopt;
  }
  if (std::any_of(at().dead_trees.begin(), at().dead_trees.end(),
                  [&](const auto& dead) { return dead.second == word.job; }))
    return refused("at_work",
                   fmt::format("job {} is being taken up again: say it once more in a moment", word.job.value()));
  const auto& id = word.resource;
  auto& one = entry(id);
  const auto found = std::find_if(one.repairs.begin(), one.repairs.end(),
                                  [&](const auto& repair) { return repair.job.id == word.job; });
  if (found != one.repairs.end() && one.known.busy)
    return refused("at_work", fmt::format("{} is at work: cancel its repair when it rests", id.text()));
  if (found != one.repairs.end()) return cancel_waiting(message, *found);
  if (!one.known.busy) {  // it is between two attempts, such as to read the record
    auto open = context_->open_job_of(id);
    if (!open) return failure(open.error());
    if (*open && (*open)->job.id == word.job) wake(id, (*open)->job.cause, (*open)->job.in, std::move(*open));
  }
  if (!one.known.busy || !one.actor)
    return refused("job_not_open", fmt::format("job {} is not at work on {} now", word.job.value(), id.text()));
  caf::anon_send(one.actor, cancel_asked{word.job, word.by, message.answer, word.preview});
  return std::nullopt;
}

region_work::ordered region_work::cancel_waiting(const operator_asked& message, const job_with_steps& repair) {
  const auto id = message.what.resource;
  const auto& by = message.what.by;
  auto ended = repair.job;
  ended.state = job_state::cancelled;
  ended.cancel = by;
  ended.error_code = "cancelled";
  ended.error_message = fmt::format("{}: it waited for {}", by, ended.waits_for);
  ended.waits_for.clear();
  ended.wait_deadline.reset();
  ended.ended = context_->time.wall();
  auto waiting = entry(id).repairs;
  std::erase_if(waiting, [&](const auto& other) { return other.job.id == ended.id; });
  auto row = entry(id).row;
  row.reason =
      fmt::format("the repair of {} was cancelled: {} (regent retry {} does it again)", ended.only_host, by, id.text());
  operator_order made;
  made.says = fmt::format("job {} is cancelled; it was waiting", ended.id.value());
  made.change = {ended, row, event_of(event_topic::job_cancelled, ended, ended.error_message, context_->time.wall())};
  made.then = [this, id, row, waiting] {
    set_repairs(id, waiting);
    entry(id).row = row;
  };
  return made;
}

region_work::ordered region_work::retry(const operator_command& word) {
  const auto& id = word.resource;
  if (!is_known(id)) return not_there(id);
  auto& one = entry(id);
  if (is_at_work(id)) return at_work(id);
  if (is_held(id))
    return refused("paused",
                   fmt::format("{} is kept as it is ({}): resume or adopt it first", id.text(), at().holds.at(id).why));
  const bool stands = one.known.state == running || one.known.state == quiesced;
  if (word.step != 0 && one.known.state != unresourced)
    return refused("nothing_to_retry",
                   fmt::format("{} is {}: only an operation that failed is gone on with from a step", id.text(),
                               name(one.known.state)));
  if (one.row.degraded && stands) {
    operator_order made;
    made.says = id.text() + " is made what its record says on all its hosts";
    made.change = {event_of(event_topic::resource_retry, id, word.by, context_->time.wall())};
    made.then = [this, id, by = word.by] { wake(id, by, lane::user, {}, {}, {}, true); };
    return made;
  }
  if (one.row.degraded && one.known.state == closed) return repair_what_is_left(word);
  if (one.known.state != unresourced)
    return refused("nothing_to_retry", fmt::format("{} is {} and lacks nothing", id.text(), name(one.known.state)));
  return ask_again(word);
}

/// The cloud is asked for what the last operation was about, as a user would.
region_work::ordered region_work::ask_again(const operator_command& word) {
  const auto& id = word.resource;
  const auto now = context_->time.wall();
  const auto last = context_->last_operation_of(id);
  if (!last) return failure(last.error());
  const auto wish = *last ? asked_by((*last)->during) : std::nullopt;
  if (!wish) return refused("nothing_to_retry", "no job of " + id.text() + " says what it was to become");
  operator_order made;
  made.says = fmt::format("{} is asked for again: {}", id.text(), name(*wish));
  made.change = {report{0, id, {}, *wish, now}, event_of(event_topic::resource_retry, id, word.by, now)};
  const auto letter = at().letters.find(id);
  if (word.step != 0) {
    if (letter == at().letters.end()) return refused("nothing_to_retry", "no failed job of " + id.text() + " waits");
    const auto why_not = why_not_from_step(word);
    if (!why_not) return failure(why_not.error());
    if (*why_not) return refused("not_from_there", **why_not);
    made.says += fmt::format(", from step {} of job {}", word.step, letter->second.job.value());
  }
  std::optional<dead_letter> asked;
  if (letter != at().letters.end()) {
    asked = letter->second;
    asked->from_step = word.step;
    asked->by = word.by;
    made.change.push_back(*asked);
  }
  made.then = [this, id, by = word.by, asked] {
    entry(id).look_again = by;
    if (asked) at().letters[id] = *asked;
  };
  return made;
}

result<std::optional<std::string>> region_work::why_not_from_step(const operator_command& word) {
  const auto& id = word.resource;
  const auto dead = context_->whole_job_of(at().letters.at(id).job);
  if (!dead) return failure(dead.error());
  if (!*dead) return std::optional<std::string>("its job is not kept any more");
  std::map<host_id, std::string> boots;
  for (const auto& status : context_->facts.hosts.list()) boots[status.host] = status.boot_id;
  return regent::why_not_from(**dead, word.step, boots);
}

/// It is scrubbed, but for a host that did not answer, and whose repair has ended without success: its steps, once more.
region_work::ordered region_work::repair_what_is_left(const operator_command& word) {
  const auto id = word.resource;
  auto waiting = entry(id).repairs;
  if (!waiting.empty())
    return refused("nothing_to_retry", fmt::format("job {} of {} waits for {}", waiting[0].job.id.value(), id.text(),
                                                   waiting[0].job.waits_for));
  const auto last = context_->last_repair_of(id);
  if (!last) return failure(last.error());
  if (!*last) return refused("nothing_to_retry", "no job of " + id.text() + " says what is left on which host");
  const auto now = context_->time.wall();
  auto again = repair_anew(**last, word.preview ? job_id(context_->last_job + 1) : context_->next_job(), word.by, now);
  auto row = entry(id).row;
  row.reason = again.job.waits_for;
  operator_order made;
  made.change = {row, again.job, event_of(event_topic::resource_retry, again.job, word.by, now)};
  for (const auto& one : again.steps) made.change.push_back(one);
  if (at().letters.contains(id)) made.change.push_back(dead_letter{id, {}, {}});
  made.says = fmt::format("{} is scrubbed once more on {} as job {}", id.text(),
                          again.job.only_host.empty() ? "its hosts" : again.job.only_host, again.job.id.value());
  waiting.push_back(std::move(again));
  made.then = [this, id, row, waiting] {
    entry(id).row = row;
    forget_letter(id);
    set_repairs(id, waiting);
    wake_repairs(id);
  };
  return made;
}

}  // namespace regent
