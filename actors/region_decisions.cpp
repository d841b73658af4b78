// What operators decide about resources and about jobs that failed or are stuck: pause, resume, release, adopt, mark-done,
// mark-failed; and what is put off while nobody has decided.
#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"
#include "region/lifecycle_machine.hpp"

namespace regent {

bool region_work::is_held(const resource_id& id) const {
  const auto found = at().holds.find(id);
  return found != at().holds.end() && found->second.what != hold::adopt;
}

void region_work::keep(const resource_held& held) {
  if (held.why.empty())
    at().holds.erase(held.resource);
  else
    at().holds[held.resource] = held;
}

void region_work::forget_letter(const resource_id& id) { at().letters.erase(id); }

/// Whatever was put off: the record says what is to be done, then come repairs and rebuilds.
void region_work::go_on(const resource_id& id, const std::string& why) {
  if (!entry(id).known.busy) wake(id, why);
  if (!entry(id).known.busy) wake_repairs(id);
  catch_up(id);
}

/// What stood on the host is to be built again there, once the resource is not paused any more.
void region_work::owe(const resource_id& id, const host_id& host) {
  if (at().owed[id].insert(host).second) commit_aside({rebuild_owed{id, host}});
}

void region_work::catch_up(const resource_id& id) {
  const auto found = at().owed.find(id);
  auto& one = entry(id);
  if (found == at().owed.end() || one.known.busy || one.unfinished || is_paused(id)) return;
  if (one.known.state != running && one.known.state != quiesced) return;  // when it stands again, if ever
  for (const auto& host : found->second) {
    const auto status = context_->facts.hosts.find(host);
    if (!status || status->state != "up" || !status->cordon.empty()) continue;
    wake(id, host.value() + " has rebooted while it was paused", lane::retry, {}, {}, host);
    if (one.known.busy) one.catching_up = host;
    return;
  }
}

/// It has come to rest after a build of what was owed: the outcome is its own affair from here on.
void region_work::caught_up(const resource_id& id) {
  auto& one = entry(id);
  const auto host = std::exchange(one.catching_up, host_id{});
  const auto found = at().owed.find(id);
  if (found == at().owed.end()) return;
  std::set<host_id> settled;
  if (one.known.state == closed) settled = found->second;
  if (!host.empty()) settled.insert(host);
  transaction change;
  for (const auto& each : settled) {
    found->second.erase(each);
    change.push_back(rebuild_owed{id, each, false});
  }
  if (found->second.empty()) at().owed.erase(found);
  commit_aside(std::move(change));
}

region_work::ordered region_work::pause(const operator_command& word) {
  const auto& id = word.resource;
  if (!is_known(id)) return not_there(id);
  const auto old = at().holds.find(id);
  if (old != at().holds.end() && old->second.what == hold::release)
    return refused("released", fmt::format("{} is released ({}): nothing begins on it", id.text(), old->second.why));
  if (old != at().holds.end() && old->second.what == hold::adopt && entry(id).known.busy) return at_work(id);
  const auto now = context_->time.wall();
  const resource_held held{id, hold::pause, word.by, now};
  operator_order made;
  made.says =
      fmt::format("{} is paused: nothing begins on it{}", id.text(), is_at_work(id) ? "; what has begun goes on" : "");
  made.change = {held, event_of(event_topic::resource_paused, id, word.by, now)};
  made.then = [this, held] { keep(held); };
  return made;
}

region_work::ordered region_work::resume(const operator_command& word) {
  const auto& id = word.resource;
  if (!is_known(id)) return not_there(id);
  const auto old = at().holds.find(id);
  const auto letter = at().letters.find(id);
  if (old == at().holds.end() && letter != at().letters.end()) {
    const auto job = letter->second.job.value();
    return refused("not_paused",
                   fmt::format("no operator has paused {}: its job {} has failed and waits for a decision: "
                               "retry {}, mark-done {} or mark-failed {}",
                               id.text(), job, id.text(), job, job));
  }
  if (old == at().holds.end()) return refused("not_paused", id.text() + " is not paused");
  if (old->second.what == hold::release)
    return refused("released", fmt::format("{} is released: regent adopt {} takes it back", id.text(), id.text()));
  if (old->second.what == hold::adopt && entry(id).known.busy) return at_work(id);
  const auto now = context_->time.wall();
  operator_order made;
  made.says = id.text() + (old->second.what == hold::adopt ? " is not to be taken over any more"
                                                           : " is resumed: jobs may begin on it");
  made.change = {resource_held{id, {}, {}, now}, event_of(event_topic::resource_resumed, id, word.by, now)};
  made.then = [this, id, by = word.by] {
    keep({id, {}, {}, {}});
    go_on(id, by);
  };
  return made;
}

/// It stays on its hosts as it is; what was to be done about it is dropped.
region_work::ordered region_work::release(const operator_command& word) {
  const auto& id = word.resource;
  if (!is_known(id)) return not_there(id);
  if (is_at_work(id)) return at_work(id);
  const auto old = at().holds.find(id);
  if (old != at().holds.end() && old->second.what == hold::release)
    return refused("released", fmt::format("{} is released already ({})", id.text(), old->second.why));
  const auto now = context_->time.wall();
  const resource_held held{id, hold::release, word.by, now};
  const auto repairs = entry(id).repairs;
  operator_order made;
  made.says = fmt::format("{} is released: it stays as it is, and regent does not look after it{}", id.text(),
                          repairs.empty() ? "" : fmt::format("; {} repairs that wait are dropped", repairs.size()));
  made.change = {held, event_of(event_topic::resource_released, id, word.by, now)};
  for (const auto& [job, steps] : repairs) supersede(job, now, made.change);
  if (at().letters.contains(id)) made.change.push_back(dead_letter{id, {}, {}});
  made.then = [this, held] {
    keep(held);
    forget_letter(held.resource);
    set_repairs(held.resource, {});
  };
  return made;
}

/// One job with `adopt` on: of what stands, a build of it on all its hosts; of what is unresourced, what had failed.
region_work::ordered region_work::adopt(const operator_command& word) {
  const auto& id = word.resource;
  if (!is_known(id)) return not_there(id);
  if (is_at_work(id)) return at_work(id);
  const auto old = at().holds.find(id);
  if (old != at().holds.end() && old->second.what == hold::pause)
    return refused("paused", fmt::format("{} is paused ({}): resume it first", id.text(), old->second.why));
  const auto& one = entry(id);
  if (one.known.state == closed) return refused("nothing_to_adopt", id.text() + " is closed");
  operator_order made;
  if (one.known.state == unresourced) {
    auto again = ask_again(word);
    if (!again) return again;
    made = std::move(**again);
  } else {
    made.says = id.text() + " is built on all its hosts as its record says";
  }
  const auto now = context_->time.wall();
  const resource_held held{id, hold::adopt, word.by, now};
  made.says += ", and what stands there and regent did not make is taken over";
  made.change.push_back(held);
  made.change.push_back(event_of(event_topic::resource_adopted, id, word.by, now));
  made.then = [this, held, then = std::move(made.then)] {
    keep(held);
    if (then) return then();
    wake(held.resource, held.why, lane::user, {}, {}, {}, true);
  };
  return made;
}

region_work::ordered region_work::mark(const operator_asked& message) {
  const auto& word = message.what;
  const auto& id = word.resource;
  auto& one = entry(id);
  const auto found = std::find_if(one.repairs.begin(), one.repairs.end(),
                                  [&](const auto& repair) { return repair.job.id == word.job; });
  if (found != one.repairs.end() && one.known.busy) return at_work(id);
  if (found != one.repairs.end()) return mark_waiting(word, *found);
  const auto letter = at().letters.find(id);
  if (letter != at().letters.end() && letter->second.job == word.job)
    return is_at_work(id) ? ordered(at_work(id)) : mark_dead(word);
  if (one.known.busy && one.actor) {
    caf::anon_send(one.actor, mark_asked{word, message.answer});
    return std::nullopt;
  }
  return refused("nothing_to_decide",
                 fmt::format("job {} of {} is neither stuck nor waits for a decision", word.job.value(), id.text()));
}

/// A repair that waits to begin: there is nothing to do on its host, or nothing that is to be done.
region_work::ordered region_work::mark_waiting(const operator_command& word, const job_with_steps& repair) {
  if (word.step != 0) return refused("not_stuck", fmt::format("job {} has not begun", word.job.value()));
  const auto id = word.resource;
  const bool done = word.what == operator_verb::mark_done;
  const auto now = context_->time.wall();
  auto ended = repair.job;
  ended.state = done ? job_state::succeeded : job_state::failed;
  ended.decided = fmt::format("{}: {}", done ? "done" : "failed", word.by);
  if (!done) {
    ended.error_code = "marked_failed";
    ended.error_message = fmt::format("{}: it waited for {}", word.by, ended.waits_for);
  }
  ended.waits_for.clear();
  ended.wait_deadline.reset();
  ended.ended = now;
  auto waiting = entry(id).repairs;
  std::erase_if(waiting, [&](const auto& other) { return other.job.id == ended.id; });
  auto row = entry(id).row;
  const bool mended = done && waiting.empty();
  row.degraded = !mended;
  row.reason = mended ? std::string() : done ? waiting.back().job.waits_for : ended.error_message;
  operator_order made;
  made.says = fmt::format("job {} counts as {}, and {} {}", ended.id.value(), done ? "done" : "failed", id.text(),
                          mended ? "lacks nothing" : "stays degraded");
  made.change = {ended, row, event_of(topic_of_end(ended.state), ended, ended.decided, now),
                 event_of(event_topic::resource_decided, ended, ended.decided, now)};
  if (mended) made.change.push_back(event_of(event_topic::resource_mended, ended, ended.decided, now));
  made.then = [this, id, row, waiting] {
    entry(id).row = row;
    set_repairs(id, waiting);
  };
  return made;
}

region_work::ordered region_work::mark_dead(const operator_command& word) {
  auto found = context_->whole_job_of(word.job);
  if (!found) return failure(found.error());
  if (!*found) return fail(error_kind::permanent, "not_found", "there is no job {}", word.job.value());
  if (word.step != 0) return mark_dead_step(word, std::move(**found));
  auto dead = (*found)->job;
  if (word.what == operator_verb::mark_done) return mark_dead_done(word, std::move(dead));
  const auto id = word.resource;
  dead.decided = "failed: " + word.by;
  operator_order made;
  made.says = fmt::format("job {} stays failed, and {} stays {}{}: nothing waits for a decision", dead.id.value(),
                          id.text(), name(entry(id).known.state), entry(id).row.degraded ? ", degraded" : "");
  made.change = {dead, dead_letter{id, {}, {}},
                 event_of(event_topic::resource_decided, dead, dead.decided, context_->time.wall())};
  made.then = [this, id] {
    forget_letter(id);
    wake_repairs(id);
    catch_up(id);
  };
  return made;
}

/// So that a retry can go on behind it. The job itself stays dead.
region_work::ordered region_work::mark_dead_step(const operator_command& word, job_with_steps dead) {
  const auto count = static_cast<int>(dead.steps.size());
  if (word.step > count) return refused("no_such_step", fmt::format("job {} has {} steps", word.job.value(), count));
  const auto index = word.step - 1;
  const auto& before = dead.steps[static_cast<std::size_t>(index)];
  if (word.what == operator_verb::mark_failed || before.state == step_state::done)
    return refused("nothing_to_decide", fmt::format("step {} of job {} is {}, and the job has ended", word.step,
                                                    word.job.value(), name(before.state)));
  job_execution marking(dead.job, dead.steps, context_->journal_id, {});
  marking.marked(index, true, word.by, context_->time.wall());
  auto ended = dead.job;
  ended.decided = fmt::format("step {} done: {}", word.step, word.by);
  operator_order made;
  made.says = fmt::format("step {} of job {} ({}) counts as done", word.step, word.job.value(), before.about);
  if (word.step < count)
    made.says += fmt::format(": regent retry {} --from {} goes on after it", word.resource.text(), word.step + 1);
  made.change = {
      ended, marking.steps()[static_cast<std::size_t>(index)],
      event_of(event_topic::step_marked, ended, fmt::format("{}: {}", made.says, word.by), context_->time.wall())};
  return made;
}

/// The resource is what the operation would have made it. The cloud lets an orchestrator leave `unresourced` only for what a user
/// may wish, so it is told the whole way: the wish, the work, its end.
region_work::ordered region_work::mark_dead_done(const operator_command& word, job dead) {
  const auto id = word.resource;
  const auto now = context_->time.wall();
  auto row = entry(id).row;
  operator_order made;
  const auto job = dead.id.value();
  if (dead.repair) {
    row.degraded = !entry(id).repairs.empty();
    row.reason = row.degraded ? entry(id).repairs.back().job.waits_for : std::string();
    made.says = fmt::format("job {} counts as done, and {} {}", job, id.text(),
                            row.degraded ? "is degraded still" : "lacks nothing");
    if (!row.degraded) made.change.push_back(event_of(event_topic::resource_mended, dead, word.by, now));
  } else {
    const auto wish = asked_by(dead.during);
    if (!wish || row.state != unresourced)
      return refused(
          "cannot_be_told",
          fmt::format("job {} left {} {}, and the cloud is told the end of an operation only from unresourced", job,
                      id.text(), name(row.state)));
    row.state = next(dead.during, lifecycle_event::succeeded, true).next;
    row.degraded = false;
    row.reason.clear();
    row.changed = now;
    row.due.reset();
    row.unconfirmed = row.state == running || row.state == quiesced;
    for (const auto state : {*wish, dead.during, row.state}) made.change.push_back(report{0, id, dead.id, state, now});
    made.says = fmt::format("job {} counts as done, and {} is {}; the cloud is told {}, {}, {}", job, id.text(),
                            name(row.state), name(*wish), name(dead.during), name(row.state));
    made.change.push_back(event_of(event_topic::resource_state, dead, std::string(name(row.state)), now));
  }
  dead.state = job_state::succeeded;
  dead.decided = "done: " + word.by;
  made.change.push_back(row);
  made.change.push_back(dead);
  made.change.push_back(dead_letter{id, {}, {}});
  made.change.push_back(event_of(event_topic::resource_decided, dead, dead.decided, now));
  made.then = [this, id, row] {
    auto& one = entry(id);
    one.row = row;
    one.known.state = row.state;
    one.known.due.reset();
    one.known.reported = context_->time.steady();  // a listing that was asked for by now is old
    set_due(one, id);
    forget_letter(id);
    wake_repairs(id);
    catch_up(id);
  };
  return made;
}

}  // namespace regent
