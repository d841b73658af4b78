#include "sim/region/sim_judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/region/sim_kinds.hpp"

namespace regent::sim {

namespace {

// The longest deadline of a step with its grace, and what leases and back-offs take besides.
constexpr auto moves_within = std::chrono::minutes(60);
// A wait that is over is noticed by a timer of the daemon, and committed.
constexpr auto deadline_slack = std::chrono::minutes(5);

std::string moment(const std::optional<wall_time>& at) { return at ? iso_text(*at) : "-"; }

/// What a reign finds, as lines that can be compared. Documents are left out, as the journal leaves them.
std::vector<std::string> lines_of(const journal_contents& all) {
  std::vector<std::string> lines;
  for (const auto& one : all.resources)
    lines.push_back(fmt::format("resource {} {} {} degraded {} unconfirmed {} due {}: {}", one.id.text(),
                                name(one.state), one.updated, one.degraded, one.unconfirmed, moment(one.due),
                                one.reason));
  for (const auto& one : all.jobs)
    lines.push_back(fmt::format("job {} {} {} {} repair {} attempt {} cancel '{}' waits '{}' until {} not before {}",
                                one.id.value(), one.resource.text(), name(one.what), name(one.state), one.repair,
                                one.attempt, one.cancel, one.waits_for, moment(one.wait_deadline),
                                moment(one.not_before)));
  for (const auto& one : all.steps)
    lines.push_back(fmt::format("step {}.{} {} run {} attempt {} exit {}: {} {}", one.job.value(), one.index,
                                name(one.state), one.run.value(), one.attempt, one.exit_code.value_or(-1), one.output,
                                one.error));
  for (const auto& one : all.leases)
    lines.push_back(fmt::format("lease {} {} of {}", one.host.value(), one.scope, one.job.value()));
  for (const auto& one : all.reports)
    lines.push_back(fmt::format("report {} {} {}", one.sequence, one.resource.text(), name(one.state)));
  for (const auto& one : all.hosts) lines.push_back(fmt::format("host {} {}", one.host.value(), one.boot_id));
  for (const auto& one : all.cordons)
    lines.push_back(fmt::format("cordon {} {} {} {}", one.host.value(), name(one.how), one.why, moment(one.drained)));
  for (const auto& one : all.holds)
    lines.push_back(fmt::format("hold {} {} {}", one.resource.text(), name(one.what), one.why));
  for (const auto& one : all.dead_letters)
    lines.push_back(fmt::format("dead letter {} job {} from {}", one.resource.text(), one.job.value(), one.from_step));
  for (const auto& one : all.rebuilds_owed)
    lines.push_back(fmt::format("rebuild owed {} {}", one.resource.text(), one.host.value()));
  lines.push_back(fmt::format("last job {}", all.last_job));
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// The first line that only one of them has.
std::string difference(const std::vector<std::string>& wanted, const std::vector<std::string>& found) {
  std::vector<std::string> lost, extra;
  std::set_difference(wanted.begin(), wanted.end(), found.begin(), found.end(), std::back_inserter(lost));
  std::set_difference(found.begin(), found.end(), wanted.begin(), wanted.end(), std::back_inserter(extra));
  return fmt::format("lost '{}', found '{}' instead ({} and {} such lines)", lost.empty() ? "" : lost.front(),
                     extra.empty() ? "" : extra.front(), lost.size(), extra.size());
}

std::vector<std::string> lines_in(memory_store store) {
  const auto contents = open_memory_journal(std::make_shared<memory_store>(std::move(store)))->begin_reign();
  return lines_of(*contents);
}

/// The number of the job and of the step in a run's id: JOURNAL-JOB-STEP-ATTEMPT, with an r for a read-back.
std::optional<std::pair<std::int64_t, int>> step_of(const run_id& run) {
  long long job = 0;
  int index = 0;
  if (std::sscanf(run.value().c_str(), "%*[0-9a-f]-%lld-%d-", &job, &index) != 2) return std::nullopt;
  return std::pair(std::int64_t{job}, index);
}

}  // namespace

std::string_view name(invariant which) {
  switch (which) {
    case invariant::acknowledged_is_kept: return "acknowledged is kept";
    case invariant::one_holder: return "one holder";
    case invariant::intent_before_effect: return "intent before effect";
    case invariant::executed_once: return "executed once";
    case invariant::wait_has_cause_and_end: return "wait has cause and end";
    case invariant::converges: return "converges";
  }
  return "";
}

void sim_judge::reign_begins(const journal_contents& found) {
  seen_.clear();
  const auto there = lines_of(found);
  const auto sure = lines_in(*store_);
  if (there != sure && uncertain_) {
    const auto journal = open_memory_journal(store_);
    if (!journal->commit(*uncertain_)) violated(invariant::acknowledged_is_kept, "what was asked for is malformed");
    if (const auto both = lines_in(*store_); there != both)
      violated(invariant::acknowledged_is_kept, difference(sure, there));
  } else if (there != sure) {
    violated(invariant::acknowledged_is_kept, difference(sure, there));
  }
  uncertain_.reset();
  store_->epoch = found.epoch;
  store_->journal_id = found.journal_id;
}

void sim_judge::commits(std::vector<transaction> group, bool acknowledged) {
  if (!acknowledged) {
    uncertain_ = std::move(group);
    return;
  }
  uncertain_.reset();
  if (const auto done = open_memory_journal(store_)->commit(group); !done)
    violated(invariant::acknowledged_is_kept, "the journal took what its schema refuses: " + done.error().message);
}

void sim_judge::run_starts(const sim_host& host, const run_request& request) {
  const auto& run = request.run.value();
  if (++executions_[run] > 1)
    violated(invariant::executed_once, fmt::format("{} was executed again on {}", run, host.name()));
  const auto key = step_of(request.run);
  const auto found = key ? store_->steps.find(*key) : store_->steps.end();
  const auto job = found == store_->steps.end() ? store_->jobs.end() : store_->jobs.find(found->first.first);
  if (job == store_->jobs.end() || found->second.run.empty() || found->second.host.value() != host.name())
    return violated(invariant::intent_before_effect, fmt::format("{} on {} has no step", run, host.name()));
  if (found->second.run != request.run)
    violated(invariant::intent_before_effect,
             fmt::format("{} on {}: its step's run is {}", run, host.name(), found->second.run.value()));
  const auto scope = job->second.resource.text();
  const auto lease = store_->leases.find({host.name(), scope});
  // What was on the wire when the host was given up, and its lease with it, still arrives: nobody else is let in there.
  const auto cordon = store_->cordons.find(host.name());
  const bool was_on_the_wire = cordon != store_->cordons.end() && cordon->second.how == closure::detached &&
                               found->second.started && *found->second.started <= cordon->second.since;
  const bool is_held = lease != store_->leases.end() && lease->second.job == job->second.id;
  if (!is_held && !was_on_the_wire)
    violated(invariant::one_holder, fmt::format("{} on {} acts on {} without its lease", run, host.name(), scope));
  for (const auto& [other, process] : host.processes())
    if (parameter_of(process.request, "resource") == scope && other != request.run)
      violated(invariant::one_holder,
               fmt::format("{} and {} act on {} of {} at once", run, other.value(), scope, host.name()));
}

void sim_judge::cancel_acknowledged(job_id id) {
  const auto found = store_->jobs.find(id.value());
  if (found == store_->jobs.end() || found->second.cancel.empty())
    violated(invariant::acknowledged_is_kept, fmt::format("job {} was said to be cancelled, and is not", id.value()));
}

void sim_judge::look_at_waits(bool excused) {
  std::map<job_id, seen_job> now;
  for (const auto& [number, one] : store_->jobs) {
    if (!is_open(one.state)) continue;
    auto as = fmt::format("{} {} {}", name(one.state), one.waits_for, moment(one.wait_deadline));
    for (auto at = store_->steps.lower_bound({number, 0}); at != store_->steps.end() && at->first.first == number; ++at)
      as += fmt::format(" {}{}", name(at->second.state), at->second.attempt);
    const auto before = seen_.find(one.id);
    const bool same = before != seen_.end() && before->second.as == as;
    const auto since = same && !excused ? before->second.since : time_.passed();
    now[one.id] = {as, since};
    const auto text = fmt::format("job {} of {} ({})", number, one.resource.text(), name(one.what));
    if (one.state == job_state::waiting && (one.waits_for.empty() || !one.wait_deadline))
      violated(invariant::wait_has_cause_and_end, text + " waits without a cause or a deadline");
    else if (one.state == job_state::waiting && !excused &&
             time_.wall() > *one.wait_deadline + deadline_slack + time_.jumped() &&
             time_.passed() - since > deadline_slack)
      violated(invariant::wait_has_cause_and_end, text + " waits beyond its deadline: " + one.waits_for);
    else if (one.state != job_state::waiting && time_.passed() - since > moves_within)
      violated(invariant::wait_has_cause_and_end,
               fmt::format("{} has not moved for {}: {}", text, span_text(time_.passed() - since), as));
  }
  seen_ = std::move(now);
}

std::vector<std::string> sim_judge::unrest(const sim_cloud& cloud, const std::vector<const sim_host*>& hosts,
                                           const region_config& config) const {
  std::vector<std::string> left;
  for (const auto& [number, one] : store_->jobs)
    if (is_open(one.state)) left.push_back(fmt::format("job {} of {} is open", number, one.resource.text()));
  for (const auto& [key, one] : store_->leases)
    left.push_back(fmt::format("lease of {} on {} for job {}", one.scope, one.host.value(), one.job.value()));
  for (const auto& [number, one] : store_->reports)
    left.push_back(fmt::format("{} of {} is not reported", name(one.state), one.resource.text()));
  for (const auto& [id, one] : cloud.records()) {
    if (one.state != running && one.state != quiesced && one.state != closed)
      left.push_back(fmt::format("{} is {} in the cloud", id.text(), name(one.state)));
    const auto row = store_->resources.find({id.kind, id.id});
    if (row == store_->resources.end() || row->second.state != one.state)
      left.push_back(fmt::format("{} is {} in the cloud and {} in the journal", id.text(), name(one.state),
                                 row == store_->resources.end() ? "nothing" : name(row->second.state)));
    else if (row->second.degraded)
      left.push_back(fmt::format("{} is degraded: {}", id.text(), row->second.reason));
    for (const auto& host : hosts_of(id, config))
      for (const auto* primitive : sim_primitives) {
        const auto on = std::find_if(hosts.begin(), hosts.end(),
                                     [&](const sim_host* each) { return each->name() == host.value(); });
        const auto key = fmt::format("{} {}", id.text(), primitive);
        const auto there = (*on)->kernel().find(key);
        const auto has = there == (*on)->kernel().end() ? std::string("nothing") : there->second;
        const auto wanted = one.state == closed ? std::string("nothing")
                                                : fmt::format("{} {}", one.value, one.state == running ? "up" : "down");
        if (has != wanted)
          left.push_back(fmt::format("{} on {} is {} and should be {}", key, host.value(), has, wanted));
      }
  }
  return left;
}

void sim_judge::does_not_converge(const std::vector<std::string>& why) {
  violated(invariant::converges, fmt::format("{} things are not at rest; the first: {}", why.size(), why.front()));
}

}  // namespace regent::sim
