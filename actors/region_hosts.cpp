// What operators say of hosts: cordon, drain, maintenance and their end; evacuate, which is refused; force-detach and attach.
#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"

namespace regent {

namespace {

closure closure_of(operator_verb verb) {
  switch (verb) {
    case operator_verb::drain: return closure::drain;
    case operator_verb::maintenance: return closure::maintenance;
    default: return closure::cordon;
  }
}

event_topic topic_of(closure how) {
  switch (how) {
    case closure::drain: return event_topic::host_draining;
    case closure::maintenance: return event_topic::host_maintenance;
    case closure::detached: return event_topic::host_detached;
    case closure::cordon: break;
  }
  return event_topic::host_cordoned;
}

/// What is told of a list that may be long.
std::string first_of(const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), limits::told_at_once); ++i) text += (i == 0 ? "" : ", ") + all[i];
  if (all.size() > limits::told_at_once) text += fmt::format(" and {} more", all.size() - limits::told_at_once);
  return text;
}

failure no_such_host(const host_id& host) {
  return fail(error_kind::permanent, "not_found", "there is no host {} in the region file", host.value());
}

}  // namespace

/// "job 17 (virtual_router/3), …": who holds a lease there; empty if nobody does.
std::string region_work::at_work_on(const host_id& host) const {
  const auto leases = context_->facts.hosts.leases(host);
  std::vector<std::string> all;
  if (leases)
    for (const auto& one : leases->held) all.push_back(fmt::format("job {} ({})", one.job.value(), one.scope));
  return first_of(all);
}

region_work::ordered region_work::close_host(const operator_command& word) {
  const auto& host = word.host;
  const auto actor = directory_->host(host);
  if (!actor) return no_such_host(host);
  const auto old = at().cordons.find(host);
  if (old != at().cordons.end() && old->second.how == closure::detached)
    return refused("detached", fmt::format("{} is detached ({}): attach it first", host.value(), old->second.why));
  const auto how = closure_of(word.what);
  host_cordoned row{host, word.by, context_->time.wall(), how, job_id(context_->last_job), {}};
  if (old != at().cordons.end()) {  // what was closed stays so, and what was promised
    row.drained = old->second.drained;
    if (old->second.how != closure::cordon) row.last_job = old->second.last_job;
  }
  const auto busy = at_work_on(host);
  operator_order made;
  switch (how) {
    case closure::drain: made.says = fmt::format("{} is draining: no new job begins there", host.value()); break;
    case closure::maintenance:
      made.says = fmt::format("{} is to be empty, and may be off then: no new job begins there", host.value());
      break;
    default: made.says = fmt::format("{} is cordoned: no new job begins there", host.value());
  }
  if (how != closure::cordon)
    made.says += busy.empty() ? "; nothing is at work there" : fmt::format("; {} goes on to its end", busy);
  made.change = {row, event_of(topic_of(how), subject_of(host), word.by, row.since)};
  made.then = [this, row, actor] {
    at().cordons[row.host] = row;
    caf::anon_send(actor, cordon_changed{row});
  };
  return made;
}

region_work::ordered region_work::open_host(const operator_command& word) {
  const auto& host = word.host;
  const auto actor = directory_->host(host);
  if (!actor) return no_such_host(host);
  const auto old = at().cordons.find(host);
  const bool attaches = old != at().cordons.end() && old->second.how == closure::detached;
  if (word.what == operator_verb::attach && !attaches)
    return refused("not_detached", host.value() + " is not detached");
  if (old == at().cordons.end()) return refused("not_cordoned", host.value() + " is not cordoned");
  operator_order made;
  made.says = attaches ? fmt::format("{} is attached: all that should stand there is looked after as after a reboot",
                                     host.value())
                       : host.value() + " is open again";
  const auto now = context_->time.wall();
  made.change = {
      host_cordoned{host, "", now},
      event_of(attaches ? event_topic::host_attached : event_topic::host_uncordoned, subject_of(host), word.by, now)};
  made.then = [this, host, actor] {
    at().cordons.erase(host);
    caf::anon_send(actor, cordon_changed{});
    for (const auto& [id, hosts] : std::map(at().owed))
      if (hosts.contains(host)) catch_up(id);
  };
  return made;
}

/// A job that a drain still lets begin, and that could do so now. One whose host is away cannot, and is not waited for.
bool region_work::child_may_begin(const host_status& host) const {
  if (host.state != "up") return false;
  for (const auto& id : at().to_repair)
    for (const auto& [job, steps] : at().entries.at(id).repairs)
      if (!is_paused(id) && lets_begin(host, root_of_child(job)) &&
          std::any_of(steps.begin(), steps.end(), [&](const step& one) { return one.host == host.host; }))
        return true;
  return false;
}

/// A host is drained when nothing is held there and nobody who came before is still to begin; its actor, which grants, decides. That
/// is durable before it is said, and from then on nobody is let in.
void region_work::watch_drains() {
  for (auto& [host, row] : at().cordons) {
    if (row.drained || (row.how != closure::drain && row.how != closure::maintenance)) continue;
    const auto status = context_->facts.hosts.find(host);
    const auto leases = context_->facts.hosts.leases(host);
    const auto actor = directory_->host(host);
    if (!status || !leases || !actor) continue;
    if (status->sealed) {
      row.drained = context_->time.wall();
      transaction change{row, event_of(event_topic::host_drained, subject_of(host), row.why, *row.drained)};
      caf::anon_send(
          directory_->journal,
          commit_wanted{
              std::make_shared<transaction>(std::move(change)), 0, {}, [actor](const std::optional<error>& no) {
                if (!no) caf::anon_send(actor, drain_over{true});
              }});
    } else if (leases->held.empty() && !child_may_begin(*status)) {
      caf::anon_send(actor, drain_over{});
    }
  }
}

/// Why the resource cannot leave the host; empty if it is not there.
std::string region_work::why_it_stays(const resource_id& id, const host_id& host) {
  const auto& one = entry(id);
  const auto document = context_->document_of(id);
  const auto parsed = document ? parse_json(*document) : result<json_document>(failure(document.error()));
  if (!parsed) return "it is not known where it is: " + parsed.error().text();
  record what;
  what.head = {id, one.known.state, one.row.updated, one.row.project};
  what.name = one.row.name;
  what.document = *parsed;
  const auto planned =
      context_->kinds->make_plan(operation::build, what, *context_->config(), one.known.state == quiesced);
  if (!planned) return "it is not known where it is: " + planned.error().text();
  std::map<host_id, std::string> places;
  for (const auto& each : planned->steps) places[each.host] = name(each.role);
  if (!places.contains(host)) return {};
  std::string all;
  for (const auto& [place, role] : places)
    all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", place.value(), role);
  return fmt::format("its kind is placed by the region file, on {}, and on no other host", all);
}

/// Refused, with the reason for each resource: no kind can be moved to another host yet.
region_work::ordered region_work::evacuate(const operator_command& word) {
  const auto& host = word.host;
  if (!directory_->host(host)) return no_such_host(host);
  std::set<resource_id> standing;
  for (const auto& [id, one] : at().entries)
    if (one.known.state != closed && one.known.state != ignore && !one.row.id.empty()) standing.insert(id);
  std::string reasons;
  std::size_t looked_at = 0;
  for (const auto& id : standing) {
    if (++looked_at > limits::told_at_once) break;
    if (const auto why = why_it_stays(id, host); !why.empty()) reasons += fmt::format("\n  {}: {}", id.text(), why);
  }
  if (standing.size() > limits::told_at_once)
    reasons += fmt::format("\n  and {} more, which were not looked at", standing.size() - limits::told_at_once);
  return refused(
      "evacuate_not_yet",
      fmt::format("{} cannot be evacuated{}{}\nWhat can be done: drain {}, then maintenance; of a pair, make "
                  "the other host the enabled one in the region file",
                  host.value(), reasons.empty() ? ": nothing that could be moved stands there" : ":", reasons,
                  host.value()));
}

/// The repairs that wait for the host end, into `change`. Those that stay, by resource, where any has ended.
std::map<resource_id, std::vector<job_with_steps>> region_work::end_repairs_on(const host_id& host,
                                                                               const std::string& by,
                                                                               transaction& change) {
  const auto now = context_->time.wall();
  std::map<resource_id, std::vector<job_with_steps>> left;
  for (const auto& id : at().to_repair) {
    auto repairs = entry(id).repairs;
    const auto ended = std::erase_if(repairs, [&](const job_with_steps& one) {
      // What is closed stands nowhere: the rest of it there is owed, and waits.
      const bool needs_it = std::any_of(one.steps.begin(), one.steps.end(),
                                        [&](const step& each) { return each.host == host && each.role != "standby"; });
      if (!needs_it || entry(id).known.state == closed) return false;
      auto over = one.job;
      over.state = job_state::failed;
      over.error_code = "host_detached";
      over.error_message = fmt::format("{} is detached: {}; it waited for {}", host.value(), by, over.waits_for);
      over.waits_for.clear();
      over.wait_deadline.reset();
      over.ended = now;
      change.push_back(event_of(event_topic::job_failed, over, over.error_message, now));
      change.push_back(std::move(over));
      return true;
    });
    if (ended > 0) left[id] = std::move(repairs);
  }
  return left;
}

region_work::ordered region_work::force_detach(const operator_command& word) {
  const auto host = word.host;
  const auto actor = directory_->host(host);
  if (!actor) return no_such_host(host);
  if (const auto old = at().cordons.find(host); old != at().cordons.end() && old->second.how == closure::detached)
    return refused("detached", fmt::format("{} is detached already ({})", host.value(), old->second.why));
  const auto now = context_->time.wall();
  const host_cordoned row{host, word.by, now, closure::detached, {}, {}};
  operator_order made;
  made.change = {row, host_seen{host, detached_boot_id, now},
                 event_of(event_topic::host_detached, subject_of(host), word.by, now)};
  const auto left = end_repairs_on(host, word.by, made.change);
  std::vector<std::string> repaired;
  for (const auto& [id, repairs] : left) repaired.push_back(id.text());
  made.says = host.value() + " is given up: ";
  if (const auto busy = at_work_on(host); !busy.empty())
    made.says += busy + " ends or goes on without it, and what was under way there is lost; ";
  if (!repaired.empty()) made.says += fmt::format("the repairs of {} that wait for it end; ", first_of(repaired));
  made.says +=
      fmt::format("nothing is sent there until regent attach {}, and all that should stand there is looked after then",
                  host.value());
  made.then = [this, row, actor, left] {
    at().cordons[row.host] = row;
    at().boots[row.host] = detached_boot_id;
    at().rebuilds.erase(row.host);
    for (const auto& [id, repairs] : left) set_repairs(id, repairs);
    caf::anon_send(actor, cordon_changed{row});
  };
  return made;
}

}  // namespace regent
