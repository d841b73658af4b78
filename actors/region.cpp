#include "actors/region.hpp"

#include <algorithm>

#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"
#include "persistence/journal_reader.hpp"

namespace regent {

void region_work::start(const journal_contents& open) {
  at().permits.configure(context_->config()->throttles);
  std::map<job_id, job_with_steps> jobs;
  for (const auto& one : open.jobs) jobs[one.id].job = one;
  for (const auto& one : open.steps)
    if (const auto found = jobs.find(one.job); found != jobs.end()) found->second.steps.push_back(one);
  std::map<host_id, std::vector<lease>> held;
  transaction orphans;
  for (const auto& one : open.leases) {
    if (jobs.contains(one.job))
      held[one.host].push_back(one);
    else
      orphans.push_back(end_lease{one.host, one.scope, one.job});
  }
  orphans.push_back(
      event_of(event_topic::daemon_started, resource_id{}, fmt::format("epoch {}", open.epoch), context_->time.wall()));
  commit_aside(std::move(orphans));
  for (const auto& one : open.cordons) {
    at().cordons[one.host] = one;
    // Given out before a crash, though never used: it is not to be that of a job after the cordon.
    context_->last_job = std::max(context_->last_job.load(), one.last_job.value());
  }
  for (const auto& one : open.holds) at().holds[one.resource] = one;
  for (const auto& one : open.dead_letters) at().letters[one.resource] = one;
  for (const auto& one : open.rebuilds_owed) at().owed[one.resource].insert(one.host);
  for (const auto& config : context_->config()->hosts) {
    hosts_[config.name] = config;
    start_host(config, held[config.name]);
  }
  for (const auto& row : open.resources) {
    auto& one = entry(row.id);
    one.row = row;
    one.known.state = row.state;
    one.known.updated = row.updated;
    one.known.due = row.due;
    set_due(one, row.id);
  }
  start_trees(open);
  for (const auto& one : open.hosts) at().boots[one.host] = one.boot_id;
  for (const auto& one : open.reports) ++entry(one.resource).known.reports_pending;
  std::map<resource_id, std::vector<job_with_steps>> repairs;
  for (auto& [id, one] : jobs)
    if (waits_to_begin(one.job)) repairs[one.job.resource].push_back(one);
  for (auto& [id, waiting] : repairs) set_repairs(id, std::move(waiting));
  for (auto& [id, one] : jobs)
    if (!waits_to_begin(one.job) && !is_tree(one.job)) wake(one.job.resource, one.job.cause, one.job.in, one);
  for (const auto& row : open.resources) look_again(row.id);
  log::info("region: {} resources known, {} jobs taken up", at().entries.size(), jobs.size());
  context_->facts.ready = true;
  show();
  once_a_second();
}

void region_work::show() {
  self_->seen_as().state(fmt::format("{} resources, {} at work", at().entries.size(), at().actors.size()));
}

void region_work::set_due(region_entry& one, const resource_id& id) {
  const bool waits = one.known.due && one.known.state == scrub_queue;
  at().due.set(id, waits ? std::vector{*one.known.due} : std::vector<wall_time>{});
}

void region_work::wake(const resource_id& id, std::string cause, lane in, std::optional<job_with_steps> open,
                       std::optional<steady_time> seen_at, const host_id& rebuild, bool repair) {
  auto& one = entry(id);
  if (at().stopping || one.known.busy) return;
  if (one.unfinished) {
    auto left = context_->open_job_of(id);
    if (!left) {
      log::error("{}: {}", id.text(), left.error().text());
      return look_later(id, std::chrono::seconds(5));
    }
    if (*left) open = std::move(*left);
    one.unfinished = false;
  }
  if (!open && is_held(id)) {
    one.look_again = std::move(cause);
    return;
  }
  auto task = std::make_shared<lifecycle_task>();
  task->id = id;
  task->cause = std::move(cause);
  task->in = in;
  if (!one.row.id.empty()) task->known = one.row;
  task->open = std::move(open);
  task->repairs = one.repairs;
  task->seen_at = seen_at;
  task->rebuild = rebuild;
  // A branch that an earlier reign had begun: the job it asked for may be this one.
  if (!one.of && !one.branches.empty() && one.branches.front().resumed) {
    one.of = one.branches.front().what;
    if (is_wish(one.of->work)) one.unasked = one.branches.front();
    one.branches.erase(one.branches.begin());
  }
  task->of = one.of;
  task->repair = one.mends = repair || one.mends;
  if (const auto dead = at().letters.find(id); dead != at().letters.end()) task->letter = dead->second;
  const auto held = at().holds.find(id);
  const bool planned = task->open && !task->open->steps.empty();
  task->adopt = !planned && held != at().holds.end() && held->second.what == hold::adopt;
  one.known.busy = true;
  one.look_at.reset();
  if (!task->open || task->open->steps.empty()) one.look_again.clear();  // else no record is read
  one.actor =
      self_->spawn<caf::monitored>(run_lifecycle, context_, directory_, std::shared_ptr<const lifecycle_task>(task));
  at().actors[one.actor.address()] = id;
  show();
}

void region_work::seen(const heads_seen& message) {
  transaction aside;
  for (const auto& head : *message.heads) {
    const auto found = at().entries.find(head.id);
    const auto what = decide(found == at().entries.end() ? nullptr : &found->second.known, head, message.asked_at);
    if (what != decision::nothing) act_on(head, what, aside);
  }
  commit_aside(std::move(aside));
}

void region_work::act_on(const record_head& head, decision what, transaction& aside) {
  auto& one = entry(head.id);
  if (one.unfinished) return;  // it is taken up from the journal soon: until then what is known of it here is old
  switch (what) {
    case decision::nothing: return;
    case decision::work:
      if (!is_refused_often(head.id)) wake(head.id, fmt::format("cloud: {}", name(head.state)));
      return;
    case decision::queue_scrub: return wake(head.id, "cloud: scrub_queue", lane::audit);
    case decision::report_again:
      log::warn("{}: the cloud has lost {}: reported again", head.id.text(), name(one.known.state));
      // Whatever else of the record was written meanwhile has moved no state.
      if (one.known.state == running || one.known.state == quiesced) {
        one.row.unconfirmed = true;
        aside.push_back(one.row);
      }
      aside.push_back(report{0, head.id, {}, one.known.state, context_->time.wall()});
      aside.push_back(
          event_of(event_topic::report_repeated, head.id, std::string(name(one.known.state)), context_->time.wall()));
      return;
    case decision::take_over: break;
  }
  if (at().letters.contains(head.id) && one.row.state != head.state) {
    aside.push_back(dead_letter{head.id, {}, {}});
    forget_letter(head.id);
  }
  if (head.state != running && head.state != quiesced) {
    for (const auto& [old, steps] : one.repairs) supersede(old, context_->time.wall(), aside);
    set_repairs(head.id, {});
  }
  // Not at the first listing of a region: what has always been so is no news.
  if (!one.row.id.empty() && one.row.state != head.state)
    aside.push_back(event_of(event_topic::resource_state, head.id, fmt::format("{}, the cloud says", name(head.state)),
                             context_->time.wall()));
  one.known.state = head.state;
  one.known.updated = head.updated;
  one.known.due.reset();
  set_due(one, head.id);
  one.row.id = head.id;
  one.row.state = head.state;
  one.row.project = head.project;
  one.row.updated = head.updated;
  one.row.changed = context_->time.wall();
  one.row.due.reset();
  one.row.unconfirmed = false;
  aside.push_back(one.row);
}

void region_work::hint(const hinted& message) {
  for (const auto& id : message.ids) {
    auto& one = entry(id);
    // Our own last word is still on its way: what the cloud says of this resource is old.
    if (one.known.busy || one.known.reports_pending > 0)
      one.look_again = "cloud: named as changed meanwhile";
    else if (!is_refused_often(id))
      wake(id, "cloud: named as changed", lane::user, {}, message.seen_at);
  }
}

void region_work::rested(const settled& message, const caf::actor_addr& who) {
  const auto found = at().actors.find(who);
  if (found == at().actors.end()) return;
  const auto id = found->second;
  at().actors.erase(found);
  move_out(id);
  auto& one = entry(id);
  if (message.row) {
    one.row = *message.row;
    one.row.document.clear();
    one.known.state = one.row.state;
    one.known.updated = message.updated;
    one.known.due = one.row.due;
    set_due(one, id);
  }
  if (message.repairs) set_repairs(id, *message.repairs);
  if (message.letter) {
    forget_letter(id);
    if (!message.letter->job.empty()) at().letters[id] = *message.letter;
  }
  if (message.adopted) at().holds.erase(id);
  if (message.row) {
    one.mends = false;
    caught_up(id);
  }
  if (message.again_in) {
    one.unfinished = true;
    one.catching_up = {};
    look_later(id, *message.again_in);
  }
  if (!message.row) put_off(one, id);
  // Nobody else would ask again: once its record can be read, nothing of it may be news.
  if (!message.row && !message.again_in && one.row.unconfirmed) look_later(id, limits::claim_retry);
  branch_rested(id, message);
  // A user's news first: a repair reads no record.
  if (!one.look_again.empty() && one.known.reports_pending == 0 && !is_refused_often(id))
    wake(id, std::string(one.look_again));
  if (message.row) look_again(id);
  wake_repairs(id);
  catch_up(id);
  next_branch(id);
  go_on_rebuilding();
  show();
}

/// What could not be read is not read again every second.
void region_work::put_off(region_entry& one, const resource_id& id) {
  const auto now = context_->time.wall();
  if (!one.known.due || *one.known.due > now) return;
  one.known.due = now + limits::claim_retry;
  set_due(one, id);
}

/// Before the cloud is asked: what it says to others from then on may be what is waited for.
void region_work::claims(const claim_begins& message) {
  auto& one = entry(message.id);
  if (!one.known.busy || message.project.empty()) return;
  one.claims_in = message.project;
  at().claiming[message.project].insert(message.id);
}

void region_work::reports(const resource_id& id, int more) { entry(id).known.reports_pending += more; }

void region_work::reported(const report_settled& message) {
  auto& one = entry(message.id);
  one.known.reports_pending = std::max(0, one.known.reports_pending - 1);
  one.known.reported = message.at;
  one.refusals = message.delivered ? 0 : one.refusals + 1;
  if (message.delivered) wake_claiming(message.id);
  if (one.known.reports_pending > 0 || one.known.busy) return;
  if (message.delivered) wish_came(message.id);
  if (is_refused_often(message.id))
    one.look_again.clear();
  else if (!one.look_again.empty())
    wake(message.id, std::string(one.look_again));
  else if (!message.delivered)
    look_later(message.id, std::chrono::seconds(5));
  else
    look_again(message.id);
  next_branch(message.id);
}

/// The cloud takes none of its states, and goes on to say that there is work: what would be done is done already, so it is looked at
/// now and then only, however often it is named. True then. A look is due in any case.
bool region_work::is_refused_often(const resource_id& id) {
  const auto& one = entry(id);
  if (one.refusals < 2) return false;
  const auto after = std::chrono::seconds(5) * (1 << std::min(one.refusals - 2, 3));
  look_later(id, std::min<milliseconds>(after, limits::claim_retry));
  return true;
}

/// What was built is compared with the record once more after the cloud has been told: see lifecycle_work::look_again. Few at once:
/// a user's change is not to queue behind those of thousands that have just been built.
void region_work::look_again(const resource_id& id) {
  auto& one = entry(id);
  if (!one.row.unconfirmed || one.known.busy || one.known.reports_pending > 0 || is_paused(id)) return;
  if (is_refused_often(id)) return;
  if (at().confirming.size() >= limits::confirmations_at_once) {
    if (!std::exchange(one.to_confirm, true)) at().to_confirm.push_back(id);
    return;
  }
  wake(id, "the record has changed while it was built", lane::audit);
  if (one.known.busy) at().confirming.insert(id);
}

void region_work::confirmed(const resource_id& id) {
  if (at().confirming.erase(id) == 0) return;
  while (!at().to_confirm.empty() && at().confirming.size() < limits::confirmations_at_once) {
    const auto next = at().to_confirm.front();
    at().to_confirm.pop_front();
    entry(next).to_confirm = false;
    look_again(next);
  }
}

/// Whoever waits for the cloud to accept a claim waits for others of its project: one of them has just moved.
void region_work::wake_claiming(const resource_id& id) {
  if (at().claiming.empty()) return;
  const auto found = at().claiming.find(entry(id).row.project);
  if (found == at().claiming.end()) return;
  for (const auto& other : found->second)
    caf::anon_send(entry(other).actor, woken{id.text() + " is " + std::string(name(entry(id).known.state))});
}

/// It is at work no longer: what it held in memory is others'.
void region_work::move_out(const resource_id& id) {
  auto& one = entry(id);
  one.actor = lifecycle_actor{};
  one.known.busy = false;
  if (const auto all = at().claiming.find(std::exchange(one.claims_in, {})); all != at().claiming.end()) {
    all->second.erase(id);
    if (all->second.empty()) at().claiming.erase(all);
  }
  at().permits.end(id);
  free_permits();
  confirmed(id);
}

void region_work::reconfigure(const region_config& config) {
  std::map<host_id, host_config> wanted;
  for (const auto& host : config.hosts) wanted[host.name] = host;
  for (const auto& [name, old] : hosts_) {
    const auto actor = directory_->host(name);
    const auto found = wanted.find(name);
    if (found == wanted.end())
      caf::anon_send(directory_->take_host(name), host_config_changed{});
    else if (found->second != old)
      caf::anon_send(actor, host_config_changed{found->second});
  }
  for (const auto& [name, host] : wanted) {
    if (hosts_.contains(name)) continue;
    auto held = context_->leases_on(name);  // of a host that was taken out and is back before its jobs have ended
    if (!held) log::error("host {}: {}", name.value(), held.error().text());
    start_host(host, held ? std::move(*held) : std::vector<lease>{});
  }
  hosts_ = std::move(wanted);
  at().permits.configure(config.throttles);
  grant_permits();
  commit_aside({event_of(event_topic::config_reloaded, resource_id{}, fmt::format("{} hosts", hosts_.size()),
                         context_->time.wall())});
}

/// A lifecycle actor that ended without a word: its job is as the journal has it, and is taken up again.
void region_work::died(const caf::actor_addr& who) {
  if (tree_died(who)) return;
  const auto found = at().actors.find(who);
  if (found == at().actors.end() || at().stopping) return;
  const auto id = found->second;
  at().actors.erase(found);
  move_out(id);
  auto& one = entry(id);
  one.unfinished = true;
  one.catching_up = {};  // it stays owed
  log::error("{}: its actor died; it is taken up again from the journal", id.text());
  look_later(id, std::chrono::seconds(1));
  if (const auto open = context_->open_job_of(id); one.of && !one.unwanted.empty() && open && !*open)
    end_branch(id, branch_state::cancelled, std::string(one.unwanted));
  go_on_rebuilding();
}

void region_work::once_a_second() {
  self_->delayed_send(self_, std::chrono::seconds(1), tick{});
  const auto now = context_->time.steady();
  while (!at().retries.empty() && at().retries.begin()->first <= now) {
    const auto [due, id] = *at().retries.begin();
    at().retries.erase(at().retries.begin());
    if (entry(id).look_at != due) continue;  // somebody has looked since
    entry(id).look_at.reset();
    wake(id, "once more", lane::retry);
  }
  const auto wall = context_->time.wall();
  for (const auto& id : at().repairs_due.take(wall)) {  // first all, for each is noted anew on the way
    end_overdue_repairs(id);
    wake_repairs(id);  // if it is busy now, when it rests
  }
  for (const auto& id : at().due.due(wall))
    if (!entry(id).known.busy && entry(id).known.reports_pending == 0) wake(id, "the grace period is over");
  ask_again_for_wishes();
  watch_drains();
  take_up_trees();
  grant_permits();
  tell_who_waits();
  context_->facts.throttles.publish(at().permits.list(now));
}

void region_work::stop_all() {
  at().stopping = true;
  for (const auto& [address, id] : at().actors)
    if (auto& actor = entry(id).actor; actor) self_->send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& [name, config] : hosts_)
    if (const auto actor = directory_->take_host(name)) self_->send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& [root, tree] : at().trees) self_->send_exit(tree, caf::exit_reason::user_shutdown);
  at().trees.clear();
  at().actors.clear();
  at().entries.clear();
  self_->quit();
}

region_actor::behavior_type run_region(region_shell* self, context_ptr context, directory_ptr directory) {
  self->seen_as().called("region", context->config()->name);
  const auto work = std::make_shared<region_work>(self, std::move(context), std::move(directory));
  self->set_down_handler([=](const caf::down_msg& gone) { work->died(gone.source); });
  return {
      [=](const reign_begun& m) { work->start(*m.open); },
      [=](const heads_seen& m) { work->seen(m); },
      [=](const hinted& m) { work->hint(m); },
      [=](const permit_wanted& m) { work->wanted(m); },
      [=](const permit_rests& m) { work->rests(m); },
      [=](const permit_returned& m) { work->returned(m); },
      [=](const permits_freed&) { work->grant_permits(); },
      [=](const settled& m) { work->rested(m, caf::actor_cast<caf::actor_addr>(self->current_sender())); },
      [=](const reports_queued& m) { work->reports(m.id, m.count); },
      [=](const report_settled& m) { work->reported(m); },
      [=](const claim_begins& m) { work->claims(m); },
      [=](const host_reachable& m) { work->host_news(m); },
      [=](const config_changed& m) { work->reconfigure(*m.config); },
      [=](const operator_asked& m) { work->asked(m); },
      [=](const tree_asked& m) { work->asked(m); },
      [=](const bulk_asked& m) { work->asked(m); },
      [=](const tree_begun& m) { work->begin(m); },
      [=](const tree_over& m) { work->ended(m); },
      [=](const branch_wanted& m) { work->wanted(m); },
      [=](const branch_unwanted& m) { work->unwanted(m); },
      [=](const branch_answered& m) { work->answered(m); },
      [=](const tick&) { work->once_a_second(); },
      [=](const stop&) { work->stop_all(); },
  };
}

}  // namespace regent
