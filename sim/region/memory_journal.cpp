#include "sim/region/memory_journal.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/limits.hpp"

namespace regent {

namespace {

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

template <class Enum>
bool within(Enum value, std::size_t count) {
  return static_cast<std::size_t>(value) < count;
}

// What the schema refuses (persistence/schema), rule by rule; nothing if the row is sound.
using refusal = std::optional<std::string>;

refusal check(const memory_store&, const resource& row) {
  constexpr auto plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  if (row.id.kind.empty() || row.id.id.empty()) return "a resource needs a kind and an id";
  if (!all_of(row.id.kind, plain) || !all_of(row.id.id, plain)) return "a resource's kind and id are plain";
  if (!within(row.state, lifecycle_state_count)) return "no such state";
  if (row.document.size() > limits::document_bytes) return "the document is too large";
  return {};
}

refusal check(const memory_store& store, const job& row) {
  if (row.id.value() <= 0 || row.root.value() <= 0 || row.parent.value() < 0) return "a job needs a number and a root";
  if (row.resource.kind.empty() || row.resource.id.empty()) return "a job needs a resource";
  if (!within(row.what, operation_names.size()) || !within(row.state, job_state_names.size()) ||
      !within(row.in, lane_names.size())) {
    return "no such operation, state or lane";
  }
  const auto old = store.jobs.find(row.id.value());
  if (old != store.jobs.end() && old->second.resource != row.resource) return "this job exists for another resource";
  return {};
}

refusal check(const memory_store& store, const step& row) {
  if (store.jobs.count(row.job.value()) == 0) return "a step needs its job";
  if (row.index < 0 || row.attempt < 0 || row.deadline.count() < 0 || row.stall.count() < 0)
    return "a number is negative";
  if (!within(row.state, step_state_names.size())) return "no such state";
  if (row.run.value().size() > 64 || !all_of(row.run.value(), "abcdefghijklmnopqrstuvwxyz0123456789-"))
    return "not a run id";
  return {};
}

refusal check(const memory_store& store, const lease& row) {
  if (row.host.empty()) return "a lease needs a host";
  if (store.jobs.count(row.job.value()) == 0) return "a lease needs its job";
  return {};
}

refusal check(const memory_store&, const report& row) {
  if (row.resource.kind.empty() || row.resource.id.empty()) return "a report needs a resource";
  return within(row.state, lifecycle_state_count) ? refusal{} : "no such state";
}

refusal check(const memory_store&, const event& row) {
  return row.topic.empty() ? refusal("an event needs a topic") : refusal{};
}
refusal check(const memory_store&, const host_seen& row) {
  return row.host.empty() ? refusal("which host?") : refusal{};
}
refusal check(const memory_store&, const host_cordoned& row) {
  if (!within(row.how, closure_names.size())) return "no such closure";
  return row.host.empty() && !row.why.empty() ? refusal("which host?") : refusal{};
}
refusal check(const memory_store&, const resource_held& row) {
  if (row.why.empty()) return {};
  if (row.resource.kind.empty() || row.resource.id.empty()) return "a hold needs a resource";
  return within(row.what, hold_names.size()) ? refusal{} : "no such hold";
}
refusal check(const memory_store& store, const dead_letter& row) {
  if (row.job.empty()) return {};
  if (row.resource.kind.empty() || row.resource.id.empty()) return "a dead letter needs a resource";
  if (row.from_step < 0) return "a number is negative";
  return store.jobs.count(row.job.value()) == 0 ? refusal("a dead letter needs its job") : refusal{};
}
refusal check(const memory_store&, const rebuild_owed& row) {
  if (!row.owed) return {};
  return row.resource.kind.empty() || row.resource.id.empty() || row.host.empty() ? refusal("what is owed where?")
                                                                                  : refusal{};
}
refusal check(const memory_store&, const sink_cursor& row) {
  if (row.sink.empty() && row.after) return "which sink?";
  return row.after && *row.after < 0 ? refusal("no event has that number") : refusal{};
}
refusal check(const memory_store&, const schedule_mark& row) {
  if (row.schedule.empty()) return "which schedule?";
  if (row.job.value() < 0) return "no job has that number";
  return row.paused.empty() == row.paused_since.has_value() ? refusal("paused since when?") : refusal{};
}
refusal check(const memory_store&, const forget_schedule&) { return {}; }
refusal check(const memory_store& store, const tree& row) {
  if (store.jobs.count(row.root.value()) == 0) return "a tree needs its root";
  return row.name.empty() || row.at_once < 1 ? refusal("a tree needs a name, and a branch at once") : refusal{};
}
refusal check(const memory_store& store, const branch& row) {
  if (store.trees.count(row.root.value()) == 0) return "a branch needs its tree";
  if (row.name.empty() || row.number < 0 || row.deadline.count() < 0 || row.cursor < 0 || row.job.value() < 0)
    return "a branch needs a name, and numbers that are not negative";
  if (!within(row.work, branch_work_names.size()) || !within(row.state, branch_state_names.size()))
    return "no such work or state";
  return {};
}
refusal check(const memory_store&, const end_lease&) { return {}; }
refusal check(const memory_store&, const end_report&) { return {}; }
refusal check(const memory_store&, const forget_resource&) { return {}; }

/// Applies rows one by one and can take all of them back.
class attempt {
 public:
  explicit attempt(memory_store& store) : store_(store) {}

  void apply(resource& row) {
    auto kept = row;
    const auto old = store_.resources.find({row.id.kind, row.id.id});
    if (kept.document.empty() && old != store_.resources.end()) kept.document = old->second.document;
    put(store_.resources, {row.id.kind, row.id.id}, std::move(kept));
  }
  void apply(job& row) {
    put(store_.jobs, row.id.value(), row);
    change(store_.last_job, std::max(store_.last_job, row.id.value()));
  }
  void apply(step& row) { put(store_.steps, {row.job.value(), row.index}, row); }
  void apply(lease& row) { put(store_.leases, {row.host.value(), row.scope}, row); }
  void apply(host_seen& row) { put(store_.hosts, row.host.value(), row); }
  void apply(host_cordoned& row) {
    if (row.why.empty())
      drop(store_.cordons, row.host.value());
    else
      put(store_.cordons, row.host.value(), row);
  }
  void apply(sink_cursor& row) {
    if (row.after)
      put(store_.sinks, row.sink, row);
    else
      drop(store_.sinks, row.sink);
  }
  void apply(schedule_mark& row) {
    auto kept = row;
    const auto old = store_.schedules.find(row.schedule);
    if (kept.job.empty() && old != store_.schedules.end() && old->second.fired == kept.fired)
      kept.job = old->second.job;
    put(store_.schedules, row.schedule, std::move(kept));
  }
  void apply(forget_schedule& what) { drop(store_.schedules, what.schedule); }
  void apply(resource_held& row) {
    if (row.why.empty())
      drop(store_.holds, {row.resource.kind, row.resource.id});
    else
      put(store_.holds, {row.resource.kind, row.resource.id}, row);
  }
  void apply(dead_letter& row) {
    if (row.job.empty())
      drop(store_.dead_letters, {row.resource.kind, row.resource.id});
    else
      put(store_.dead_letters, {row.resource.kind, row.resource.id}, row);
  }
  void apply(rebuild_owed& row) {
    const auto key = row.resource.text() + " " + row.host.value();
    if (row.owed)
      put(store_.rebuilds_owed, key, row);
    else
      drop(store_.rebuilds_owed, key);
  }
  void apply(tree& row) { put(store_.trees, row.root.value(), row); }
  void apply(branch& row) { put(store_.branches, {row.root.value(), row.number}, row); }
  void apply(report& row) {
    change(store_.last_report, store_.last_report + 1);
    auto kept = row;
    kept.sequence = store_.last_report;
    given_.emplace_back(&row.sequence, kept.sequence);
    put(store_.reports, kept.sequence, kept);
  }
  void apply(event& row) {
    change(store_.last_event, store_.last_event + 1);
    store_.events.push_back(row);
    store_.events.back().sequence = store_.last_event;
    given_.emplace_back(&row.sequence, store_.last_event);
    undo_.emplace_back([this] { store_.events.pop_back(); });
  }
  void apply(end_lease& what) {
    const auto held = store_.leases.find({what.host.value(), what.scope});
    if (held != store_.leases.end() && held->second.job == what.job)
      drop(store_.leases, {what.host.value(), what.scope});
  }
  void apply(end_report& what) { drop(store_.reports, what.sequence); }
  void apply(forget_resource& what) { drop(store_.resources, {what.id.kind, what.id.id}); }

  void take_back() {
    for (auto one = undo_.rbegin(); one != undo_.rend(); ++one) (*one)();
  }
  void keep() {
    for (const auto& [into, number] : given_) *into = number;
    while (store_.events.size() > limits::events_kept) store_.events.pop_front();
    ++store_.commits;
  }

 private:
  template <class Map>
  void restore_later(Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    if (found == map.end()) {
      undo_.emplace_back([&map, key] { map.erase(key); });
    } else {
      undo_.emplace_back([&map, key, old = found->second] { map[key] = old; });
    }
  }
  template <class Map>
  void put(Map& map, const typename Map::key_type& key, typename Map::mapped_type row) {
    restore_later(map, key);
    map[key] = std::move(row);
  }
  template <class Map>
  void drop(Map& map, const typename Map::key_type& key) {
    restore_later(map, key);
    map.erase(key);
  }
  void change(std::int64_t& number, std::int64_t to) {
    undo_.emplace_back([&number, old = number] { number = old; });
    number = to;
  }

  memory_store& store_;
  std::vector<std::function<void()>> undo_;
  std::vector<std::pair<std::int64_t*, std::int64_t>> given_;
};

class memory_journal final : public journal {
 public:
  explicit memory_journal(std::shared_ptr<memory_store> store) : store_(std::move(store)) {}

  result<journal_contents> begin_reign() override {
    journal_contents found;
    found.epoch = ++store_->epoch;
    found.journal_id = store_->journal_id;
    found.last_job = store_->last_job;
    for (const auto& [key, row] : store_->resources) {
      found.resources.push_back(row);
      found.resources.back().document.clear();
    }
    for (const auto& [key, row] : store_->jobs) {
      if (is_open(row.state)) found.jobs.push_back(row);
    }
    for (const auto& [key, row] : store_->steps) {
      if (is_open(store_->jobs.at(key.first).state)) found.steps.push_back(row);
    }
    for (const auto& [key, row] : store_->trees) {
      if (is_open(store_->jobs.at(key).state)) found.trees.push_back(row);
    }
    for (const auto& [key, row] : store_->branches) {
      if (is_open(store_->jobs.at(key.first).state)) found.branches.push_back(row);
    }
    for (const auto& [key, row] : store_->leases) found.leases.push_back(row);
    for (const auto& [key, row] : store_->reports) found.reports.push_back(row);
    for (const auto& [key, row] : store_->hosts) found.hosts.push_back(row);
    for (const auto& [key, row] : store_->cordons) found.cordons.push_back(row);
    for (const auto& [key, row] : store_->sinks) found.sinks.push_back(row);
    for (const auto& [key, row] : store_->schedules) found.schedules.push_back(row);
    for (const auto& [key, row] : store_->holds) found.holds.push_back(row);
    for (const auto& [key, row] : store_->dead_letters) found.dead_letters.push_back(row);
    for (const auto& [key, row] : store_->rebuilds_owed) found.rebuilds_owed.push_back(row);
    return found;
  }

  result<void> commit(std::span<transaction> group) override {
    if (group.empty()) return {};
    if (auto failing = std::exchange(store_->next_commit, std::nullopt)) return failure(*failing);
    attempt work(*store_);
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (std::size_t k = 0; k < group[i].size(); ++k) {
        if (auto why = std::visit([&](const auto& row) { return check(*store_, row); }, group[i][k])) {
          work.take_back();
          return fail(error_kind::bug, "journal_constraint", "transaction {}, row {}: {}", i, k, *why);
        }
        std::visit([&](auto& row) { work.apply(row); }, group[i][k]);
      }
    }
    work.keep();
    return {};
  }

 private:
  std::shared_ptr<memory_store> store_;
};

}  // namespace

std::unique_ptr<journal> open_memory_journal(std::shared_ptr<memory_store> store) {
  return std::make_unique<memory_journal>(std::move(store));
}

}  // namespace regent
