// What is to be done on hosts that were away: repairs that wait for them, and rebuilds of what a reboot has taken.
#include <algorithm>

#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"

namespace regent {

void region_work::set_repairs(const resource_id& id, std::vector<job_with_steps> waiting) {
  std::vector<wall_time> times;
  for (const auto& [job, steps] : waiting) {
    // An attempt that is due and has not begun waits for its host or its resource: their news wake it, not the clock.
    if (job.not_before && *job.not_before > context_->time.wall()) times.push_back(*job.not_before);
    if (job.wait_deadline) times.push_back(*job.wait_deadline);
  }
  at().repairs_due.set(id, times);
  if (waiting.empty())
    at().to_repair.erase(id);
  else
    at().to_repair.insert(id);
  entry(id).repairs = std::move(waiting);
}

/// Its hosts answer, and it may begin there. A standby of several hosts is not waited for.
bool region_work::can_be_repaired(const job_with_steps& repair) const {
  return std::all_of(repair.steps.begin(), repair.steps.end(), [&](const step& one) {
    const auto status = context_->facts.hosts.find(one.host);
    return one.role == "standby" || (status && status->state == "up" && lets_begin(*status, root_of_child(repair.job)));
  });
}

void region_work::wake_repairs(const resource_id& id) {
  const auto now = context_->time.wall();
  if (entry(id).unfinished || is_paused(id)) return;  // when that rests, or somebody has decided
  for (const auto& waiting : entry(id).repairs) {
    if (waiting.job.not_before && now < *waiting.job.not_before) continue;
    if (!can_be_repaired(waiting)) continue;
    const auto copy = waiting;
    return wake(id, copy.job.cause, lane::retry, copy);
  }
}

/// A repair whose host has not come back for so long is not waited for any more. What it would have mended stays degraded.
void region_work::end_overdue_repairs(const resource_id& id) {
  auto& one = entry(id);
  if (one.known.busy) return;
  auto waiting = one.repairs;
  transaction change;
  std::erase_if(waiting, [&](const job_with_steps& repair) {
    if (!repair.job.wait_deadline || context_->time.wall() < *repair.job.wait_deadline) return false;
    auto ended = repair.job;
    ended.state = job_state::failed;
    ended.error_code = "wait_for_repair";
    ended.error_message =
        fmt::format("not done within {}: waited for {}", span_text(limits::wait_for_repair), ended.waits_for);
    ended.waits_for.clear();
    ended.ended = context_->time.wall();
    change.push_back(ended);
    change.push_back(event_of(event_topic::job_failed, ended, ended.error_message, context_->time.wall()));
    at().letters[id] = {id, ended.id, *ended.ended};
    change.push_back(at().letters[id]);
    change.push_back(event_of(event_topic::resource_dead, ended, ended.error_message, context_->time.wall()));
    return true;
  });
  commit_aside(std::move(change));
  set_repairs(id, std::move(waiting));
}

namespace {

/// Once it rests: a quiesce that an earlier reign had begun makes nothing of what a reboot has taken. After a restore, `ignore` as
/// well: what the journal does not know, the record will say.
bool may_stand(lifecycle_state state, const std::string& known_boot) {
  return state == running || state == quiesced || state == quiescing ||
         (state == ignore && known_boot == restored_boot_id);
}

std::string cause_of_rebuild(const host_id& host, const std::string& known_boot) {
  if (known_boot == restored_boot_id) return host.value() + " is looked after: the journal was restored";
  return host.value() + (known_boot == detached_boot_id ? " is attached again" : " has rebooted");
}

}  // namespace

/// Who waits for a permit until this host is up is looked after within a second: what had begun there, and rests, is to count first.
void region_work::host_news(const host_reachable& message) {
  for (const auto& id : std::set(at().to_repair)) wake_repairs(id);
  const auto known = at().boots[message.host];
  if (known == message.boot_id) return;
  if (at().cordons.contains(message.host)) return;  // told again when it is uncordoned
  if (const auto begun = at().rebuilds.find(message.host);
      begun != at().rebuilds.end() && begun->second.boot_id == message.boot_id)
    return go_on_rebuilding(message.host);
  auto& rebuild = at().rebuilds[message.host];
  rebuild = {message.boot_id, {}, {}};
  if (!known.empty() && known != detached_boot_id)
    commit_aside(
        {event_of(event_topic::host_rebooted, subject_of(message.host), message.boot_id, context_->time.wall())});
  if (!known.empty())
    for (const auto& [id, one] : at().entries)
      if (may_stand(one.known.state, known)) rebuild.waiting.insert(id);
  if (!rebuild.waiting.empty())
    log::warn("host {}: {} resources to make anew", cause_of_rebuild(message.host, known), rebuild.waiting.size());
  go_on_rebuilding(message.host);
}

void region_work::go_on_rebuilding() {
  std::vector<host_id> rebuilding;
  for (const auto& [host, rebuild] : at().rebuilds) rebuilding.push_back(host);
  for (const auto& host : rebuilding) go_on_rebuilding(host);
}

void region_work::go_on_rebuilding(const host_id& host) {
  const auto found = at().rebuilds.find(host);
  if (found == at().rebuilds.end()) return;
  auto& [boot_id, waiting, at_work] = found->second;
  for (const auto& id : std::set(at_work)) {
    if (entry(id).known.busy) continue;
    at_work.erase(id);
    if (entry(id).unfinished) waiting.insert(id);  // its actor died: perhaps before the job was there
  }
  for (auto next = waiting.begin(); next != waiting.end() && at_work.size() < limits::rebuilds_at_once;) {
    const auto id = *next;
    if (entry(id).known.busy || entry(id).unfinished) {  // when it rests
      ++next;
      continue;
    }
    next = waiting.erase(next);
    if (!may_stand(entry(id).known.state, at().boots[host])) continue;
    if (is_paused(id)) {
      owe(id, host);
      continue;
    }
    wake(id, cause_of_rebuild(host, at().boots[host]), lane::retry, {}, {}, host);
    at_work.insert(id);
  }
  if (!waiting.empty() || !at_work.empty()) return;
  at().boots[host] = boot_id;
  commit_aside({host_seen{host, boot_id, context_->time.wall()}});
  at().rebuilds.erase(found);
}

}  // namespace regent
