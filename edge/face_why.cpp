#include <algorithm>

#include "edge/face_handlers.hpp"
#include "edge/why_tree.hpp"

namespace regent {

std::string face_handlers::unknown_text(const resource_id& id) const {
  why_facts facts;
  facts.what.id = id;
  facts.actors = facts_.probes.list(time_.steady(), 0, 1, "lifecycle", id.text());
  facts.problems = facts_.problems();
  facts.now = time_.wall();
  const auto listed = facts_.last_listing_ms.load();
  return explain_unknown(facts, listed > 0 ? std::optional(wall_time(milliseconds(listed))) : std::nullopt);
}

result<why_facts> face_handlers::gather(const resource_id& id) {
  return journal([&](journal_reader& from) -> result<why_facts> {
    auto what = from.find_resource(id);
    if (!what) return failure(what.error());
    if (!*what) return not_found(unknown_text(id));
    auto open = from.jobs({id.text(), "open"}, {}, details_shown);
    if (!open) return failure(open.error());
    auto last = from.jobs({id.text(), {}}, {}, 1);
    if (!last) return failure(last.error());
    auto reports = from.reports(id);
    if (!reports) return failure(reports.error());
    auto marks = from.marks(id);
    if (!marks) return failure(marks.error());
    why_facts facts;
    facts.marks = std::move(*marks);
    facts.what = std::move(**what);
    facts.open = std::move(open->rows);
    if (!last->rows.empty() && !is_open(last->rows.front().state)) facts.last = std::move(last->rows.front());
    facts.reports = std::move(*reports);
    if (const auto job = explained_job(facts)) {
      auto steps = from.steps(job->id);
      if (!steps) return failure(steps.error());
      facts.steps = std::move(*steps);
      facts.runs = runs_of(facts.steps);
    }
    facts.problems = facts_.problems();
    facts.now = time_.wall();
    facts.hosts = facts_.hosts.list();
    if (auto holders = gather_holders(from, facts); !holders) return failure(holders.error());
    gather_actors(facts);
    return facts;
  });
}

/// Keeps the hosts that the job is on or queues at, and names the jobs that hold their leases.
result<void> face_handlers::gather_holders(journal_reader& from, why_facts& facts) {
  const auto job = explained_job(facts);
  const auto is_queued = [&](const auto& host) {
    return job &&
           std::any_of(host.queue.begin(), host.queue.end(), [&](const auto& claim) { return claim.job == job->id; });
  };
  std::erase_if(facts.hosts, [&](const auto& host) {
    return !is_queued(host) && std::none_of(facts.steps.begin(), facts.steps.end(),
                                            [&](const auto& step) { return step.host == host.host; });
  });
  auto leases = from.leases();
  if (!leases) return failure(leases.error());
  facts.leases = std::move(*leases);
  std::vector<job_id> holders;
  for (const auto& host : facts.hosts) {
    if (!is_queued(host)) continue;
    for (const auto& claim : host.held) holders.push_back(claim.job);
    for (const auto& lease : facts.leases)
      if (lease.host == host.host) holders.push_back(lease.job);
  }
  for (const auto id : holders) {
    auto owner = from.find_job(id);
    if (!owner) return failure(owner.error());
    if (*owner) facts.others.emplace(id, std::move(**owner));
  }
  return {};
}

std::map<run_id, run_sign> face_handlers::runs_of(const std::vector<step>& steps) const {
  std::map<run_id, run_sign> under_way;
  for (const auto& each : steps)
    if (each.state == step_state::sent || each.state == step_state::unknown)
      if (auto sign = facts_.runs.find(each.run, time_.steady())) under_way.emplace(each.run, std::move(*sign));
  return under_way;
}

void face_handlers::gather_actors(why_facts& facts) {
  const auto add = [&](const std::string& type, const std::string& key) {
    for (auto& each : facts_.probes.list(time_.steady(), 0, 1, type, key)) facts.actors.push_back(std::move(each));
  };
  add("lifecycle", facts.what.id.text());
  for (const auto& host : facts.hosts) add("host", host.host.value());
  for (const auto* type : {"region", "journal", "reporter"}) add(type, {});
}

/// What is under way of a tree, through all pages of its branches.
result<why_tree_facts> face_handlers::gather_tree(const std::string& number) {
  const auto id = parse_number(number);
  return journal([&](journal_reader& from) -> result<why_tree_facts> {
    auto root = from.find_job(job_id(id && *id <= INT64_MAX ? static_cast<std::int64_t>(*id) : 0));
    if (!root) return failure(root.error());
    if (!*root || !is_tree(**root)) return not_found(fmt::format("no tree {} is known", number.substr(0, 100)));
    auto settings = from.find_tree((*root)->id);
    if (!settings) return failure(settings.error());
    why_tree_facts facts;
    facts.root = std::move(**root);
    facts.name = *settings ? (*settings)->name : "";
    facts.now = time_.wall();
    if (!is_open(facts.root.state)) return facts;
    for (std::string after;;) {
      auto some = from.branches(facts.root.id, after, limits::page_rows_most);
      if (!some) return failure(some.error());
      facts.total = static_cast<std::size_t>(some->total);
      for (auto& one : some->rows) {
        if (!is_open(one.state)) ++facts.ended;
        if (one.state != branch_state::started || ++facts.under_way_count > limits::told_at_once) continue;
        auto own = one.job.empty() ? result<std::optional<job>>(std::nullopt) : from.find_job(one.job);
        if (!own) return failure(own.error());
        if (*own) facts.jobs.emplace(one.job, std::move(**own));
        facts.under_way.push_back(std::move(one));
      }
      if (some->next.empty()) return facts;
      after = some->next;
    }
  });
}

namespace {

void write_explanation(json_writer& out, const explanation& said, wall_time now) {
  out.text("sentence", said.sentence);
  out.open_array("causes");
  for (const auto& each : said.causes) {
    out.open_object();
    out.text("code", each.code);
    out.text("text", each.text);
    out.text("host", each.host.value());
    out.maybe_number("job", each.job.empty() ? std::nullopt : std::optional(each.job.value()));
    out.maybe_number("step", each.step ? std::optional<std::int64_t>(*each.step) : std::nullopt);
    out.time_and_age("since", each.since, now);
    out.close_object();
  }
  out.close_array();
}

}  // namespace

result<std::string> face_handlers::why(const route_request& asked) {
  json_writer out;
  out.open_object();
  if (asked.captured[0] == tree_kind) {
    const auto facts = gather_tree(asked.captured[1]);
    if (!facts) return failure(facts.error());
    out.text("resource", facts->root.resource.text());
    out.text("state", name(facts->root.state));
    out.time_and_age("since", facts->root.started, facts->now);
    write_explanation(out, explain_tree(*facts), facts->now);
  } else {
    const auto facts = gather({asked.captured[0], asked.captured[1]});
    if (!facts) return failure(facts.error());
    out.text("resource", facts->what.id.text());
    out.text("state", name(facts->what.state));
    out.time_and_age("since", facts->what.changed, facts->now);
    write_explanation(out, explain(*facts), facts->now);
  }
  out.close_object();
  return out.take();
}

}  // namespace regent
