// A journal in memory for the HTTP face: what is put in is what is read.
#pragma once

#include <algorithm>

#include "edge/routes.hpp"
#include "persistence/journal_reader.hpp"

namespace regent::test {

struct fake_journal {
  std::vector<resource> resources;
  std::vector<job> jobs;
  std::vector<step> steps;
  std::vector<tree> trees;
  std::vector<branch> branches;
  std::vector<lease> leases;
  std::vector<schedule_mark> schedules;
  std::vector<report> reports;
  std::vector<event> events;
  std::vector<resource_held> holds;
  std::vector<dead_letter> letters;
  std::optional<error> broken;  ///< every call fails with it
  int opened = 0;

  routes::journal_opener opener();
};

class fake_reader final : public journal_reader {
 public:
  explicit fake_reader(const fake_journal& from) : from_(from) {}

  result<page<resource>> resources(const resource_filter& filter, const std::string& after,
                                   std::size_t limit) override {
    return some(from_.resources, after, limit, [&](const resource& each) {
      return (filter.kind.empty() || each.id.kind == filter.kind) &&
             (filter.state.empty() || name(each.state) == filter.state) &&
             (filter.project.empty() || each.project == filter.project) &&
             (!filter.degraded || each.degraded == *filter.degraded);
    });
  }
  result<std::optional<resource>> find_resource(const resource_id& id) override {
    return one(from_.resources, [&](const resource& each) { return each.id == id; });
  }
  result<page<job>> jobs(const job_filter& filter, const std::string& after, std::size_t limit) override {
    auto newest_first = from_.jobs;
    std::reverse(newest_first.begin(), newest_first.end());
    return some(newest_first, after, limit, [&](const job& each) {
      return (filter.resource.empty() || each.resource.text() == filter.resource) &&
             (filter.root.empty() || each.root == filter.root) &&
             (filter.state.empty() ||
              (filter.state == "open" ? is_open(each.state) : name(each.state) == filter.state));
    });
  }
  result<std::optional<job>> find_job(job_id id) override {
    return one(from_.jobs, [&](const job& each) { return each.id == id; });
  }
  result<std::vector<step>> steps(job_id id) override {
    if (from_.broken) return failure(*from_.broken);
    std::vector<step> found;
    for (const auto& each : from_.steps)
      if (each.job == id) found.push_back(each);
    return found;
  }
  result<std::optional<tree>> find_tree(job_id root) override {
    return one(from_.trees, [&](const tree& each) { return each.root == root; });
  }
  result<page<branch>> branches(job_id root, const std::string& after, std::size_t limit) override {
    return some(from_.branches, after, limit, [&](const branch& each) { return each.root == root; });
  }
  result<std::vector<lease>> leases() override {
    if (from_.broken) return failure(*from_.broken);
    return from_.leases;
  }
  result<std::vector<schedule_mark>> schedules() override {
    if (from_.broken) return failure(*from_.broken);
    return from_.schedules;
  }
  result<std::vector<report>> reports(const resource_id& id) override {
    if (from_.broken) return failure(*from_.broken);
    std::vector<report> found;
    for (const auto& each : from_.reports)
      if (id.empty() || each.resource == id) found.push_back(each);
    return found;
  }
  result<page<event>> events(const resource_id& resource, const std::string& after, std::size_t limit) override {
    return some(from_.events, after, limit,
                [&](const event& each) { return resource.empty() || each.resource == resource; });
  }
  /// `events` is newest first.
  result<event_look> look_at_events(const event_filter& filter, event_order order, std::optional<std::int64_t> from,
                                    std::size_t limit) override {
    if (from_.broken) return failure(*from_.broken);
    const bool forward = order == event_order::oldest_first;
    auto all = from_.events;
    if (forward) std::reverse(all.begin(), all.end());
    event_look found;
    found.newest = from_.events.empty() ? 0 : from_.events.front().sequence;
    found.cursor = from.value_or(forward ? 0 : found.newest + 1);
    if (forward && found.cursor > found.newest)
      return fail(error_kind::permanent, "bad_cursor", "there is no event {} yet", found.cursor);
    if (forward && !all.empty()) found.lost = std::max<std::int64_t>(0, all.front().sequence - 1 - found.cursor);
    for (const auto& each : all) {
      if (forward ? each.sequence <= found.cursor : each.sequence >= found.cursor) continue;
      if (found.rows.size() == limit) {
        found.more = true;
        return found;
      }
      found.cursor = each.sequence;
      if (filter.topics.matches(each.topic) && (filter.resource.empty() || each.resource == filter.resource))
        found.rows.push_back(each);
    }
    return found;
  }
  result<resource_marks> marks(const resource_id& id) override {
    if (from_.broken) return failure(*from_.broken);
    resource_marks found;
    for (const auto& each : from_.holds)
      if (each.resource == id) found.held = each;
    for (const auto& each : from_.letters)
      if (each.resource == id) found.letter = each;
    return found;
  }
  result<page<dead_letter>> dead_letters(const std::string& after, std::size_t limit) override {
    return some(from_.letters, after, limit, [](const dead_letter&) { return true; });
  }
  result<std::vector<std::pair<std::string, std::int64_t>>> resource_counts() override {
    return counts(from_.resources);
  }
  result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() override { return counts(from_.jobs); }

 private:
  template <class Row, class Wanted>
  result<page<Row>> some(const std::vector<Row>& all, const std::string& after, std::size_t limit, Wanted wanted) {
    if (from_.broken) return failure(*from_.broken);
    page<Row> found;
    const std::size_t skip = after.empty() ? 0 : std::stoul(after);
    for (const auto& each : all) {
      if (!wanted(each)) continue;
      if (static_cast<std::size_t>(found.total) >= skip && found.rows.size() < limit) found.rows.push_back(each);
      ++found.total;
    }
    if (skip + found.rows.size() < static_cast<std::size_t>(found.total))
      found.next = std::to_string(skip + found.rows.size());
    return found;
  }
  template <class Row, class Wanted>
  result<std::optional<Row>> one(const std::vector<Row>& all, Wanted wanted) {
    if (from_.broken) return failure(*from_.broken);
    const auto found = std::find_if(all.begin(), all.end(), wanted);
    return found == all.end() ? std::optional<Row>() : *found;
  }
  template <class Row>
  result<std::vector<std::pair<std::string, std::int64_t>>> counts(const std::vector<Row>& all) {
    if (from_.broken) return failure(*from_.broken);
    std::map<std::string, std::int64_t> found;
    for (const auto& each : all) ++found[std::string(name(each.state))];
    return std::vector<std::pair<std::string, std::int64_t>>(found.begin(), found.end());
  }
  const fake_journal& from_;
};

inline routes::journal_opener fake_journal::opener() {
  return [this]() -> result<std::unique_ptr<journal_reader>> {
    ++opened;
    if (broken && broken->code == "journal_missing") return failure(*broken);
    return std::make_unique<fake_reader>(*this);
  };
}

/// A clock that stands still until it is told.
struct still_clock final : clock {
  wall_time now = *parse_iso("2026-11-20T10:00:00.000Z");
  wall_time wall() const override { return now; }
  steady_time steady() const override { return steady_time(std::chrono::hours(1)); }
  wall_time ago(milliseconds span) const { return now - span; }
};

inline resource make_resource(const std::string& id, lifecycle_state state, wall_time changed) {
  resource made;
  made.id = *resource_id::parse(id);
  made.state = state;
  made.name = "name of " + id;
  made.project = "7";
  made.changed = changed;
  return made;
}

inline job make_job(std::int64_t id, const std::string& resource, operation what, job_state state, wall_time created) {
  job made;
  made.id = made.root = job_id(id);
  made.resource = *resource_id::parse(resource);
  made.what = what;
  made.state = state;
  made.created = created;
  made.cause = "cloud: requested";
  return made;
}

inline step make_step(std::int64_t job, int index, const std::string& host, const std::string& about,
                      step_state state) {
  step made;
  made.job = job_id(job);
  made.index = index;
  made.host = host_id(host);
  made.primitive = "address";
  made.verb = "build";
  made.about = about;
  made.parameters = "{\"device\":\"eth0\"}";
  made.deadline = std::chrono::seconds(30);
  made.state = state;
  return made;
}

inline host_picture make_host(const std::string& name, const std::string& state) {
  host_picture made;
  made.host = host_id(name);
  made.role = "podnet";
  made.address = "192.0.2.1";
  made.state = state;
  return made;
}

inline void publish_host(host_board& board, const host_picture& all) {
  board.publish(all);
  board.publish_leases(all.host, all);
}

}  // namespace regent::test
