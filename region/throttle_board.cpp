#include "region/throttle_board.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {

namespace {

bool is_about(const throttle_config& throttle, const permit_request& asked) {
  return (throttle.kind.empty() || throttle.kind == asked.resource.kind) &&
         (throttle.project.empty() || throttle.project == asked.project) &&
         (throttle.host.empty() || asked.hosts.contains(throttle.host));
}

}  // namespace

void throttle_board::configure(std::vector<throttle_config> throttles) {
  auto before = std::exchange(counts_, {});
  throttles_ = std::move(throttles);
  for (auto& [id, one] : members_) {
    one.counts = counts_of(one.asked);
    enter(one, 1);
  }
  for (auto& old : before) {
    const auto& was = old.second.config;
    const auto same = std::find_if(throttles_.begin(), throttles_.end(), [&](const throttle_config& one) {
      return one.name == was.name && one.kind == was.kind && one.project == was.project && one.host == was.host &&
             one.each == was.each && one.begin > 0;
    });
    if (same == throttles_.end()) continue;
    auto& now = counts_[old.first];
    now.config = *same;
    now.begun = std::move(old.second.begun);
  }
}

std::vector<throttle_board::count_key> throttle_board::counts_of(const permit_request& asked) {
  std::vector<count_key> keys;
  for (const auto& throttle : throttles_) {
    if (!is_about(throttle, asked)) continue;
    const auto add = [&](std::string whose) {
      keys.emplace_back(throttle.name, std::move(whose));
      auto& of = counts_[keys.back()];
      of.config = throttle;
      ++of.members;
    };
    switch (throttle.each) {
      case throttle_each::all: add({}); break;
      case throttle_each::kind: add("kind " + asked.resource.kind); break;
      case throttle_each::project: add("project " + asked.project); break;
      case throttle_each::host:
        for (const auto& host : asked.hosts)
          if (throttle.host.empty() || throttle.host == host) add("host " + host.value());
    }
  }
  return keys;
}

void throttle_board::enter(member& one, int by) {
  for (const auto& key : one.counts) {
    auto& of = counts_.at(key);
    auto& number = one.working ? of.working : of.waiting;
    if (!one.resting) number += static_cast<std::size_t>(by);
  }
}

void throttle_board::ask(permit_request wanted, steady_time now) {
  end(wanted.resource);
  if (throttles_.empty()) wanted.begun = true;
  auto& one = members_[wanted.resource];
  one.counts = counts_of(wanted);
  one.asked = std::move(wanted);
  one.since = now;
  one.working = one.asked.begun;
  enter(one, 1);
  if (!one.working) waiting_[static_cast<std::size_t>(one.asked.in)].emplace(now, one.asked.resource);
}

void throttle_board::rests(const resource_id& resource, bool resting) {
  const auto found = members_.find(resource);
  if (found == members_.end() || !found->second.working || found->second.resting == resting) return;
  if (resting) enter(found->second, -1);
  found->second.resting = resting;
  if (!resting) enter(found->second, 1);
}

void throttle_board::end(const resource_id& resource) {
  const auto found = members_.find(resource);
  if (found == members_.end()) return;
  enter(found->second, -1);
  for (const auto& key : found->second.counts) --counts_.at(key).members;
  leave_queue(found->second);
  members_.erase(found);
}

void throttle_board::leave_queue(const member& one) {
  if (one.working) return;
  auto& line = waiting_[static_cast<std::size_t>(one.asked.in)];
  const auto [first, last] = line.equal_range(one.since);
  const auto found =
      std::find_if(first, last, [&](const auto& waiting) { return waiting.second == one.asked.resource; });
  if (found != last) line.erase(found);
}

void throttle_board::forget_old(steady_time now) {
  for (auto at = counts_.begin(); at != counts_.end();) {
    auto& of = at->second;
    while (!of.begun.empty() && now - of.begun.front() >= of.config.within) of.begun.pop_front();
    at = of.members == 0 && of.begun.empty() ? counts_.erase(at) : std::next(at);
  }
}

bool throttle_board::has_room(const count& of) {
  return (of.config.at_once == 0 || of.working < of.config.at_once) &&
         (of.config.begin == 0 || of.begun.size() < of.config.begin);
}

/// `name`: of that count, which does not change while it is the same one.
const throttle_board::count* throttle_board::full_for(const member& one, std::string* name) const {
  for (const auto& key : one.counts) {
    const auto& of = counts_.at(key);
    if (has_room(of)) continue;
    if (name != nullptr) *name = key.first + ' ' + key.second;
    return &of;
  }
  return nullptr;
}

/// There is room for it; and its host? That is waited for only so long.
bool throttle_board::may_begin(member& one, steady_time now, const hosts_away& away, milliseconds patience) const {
  if (lacks(one.asked, away) == nullptr) {
    one.lacks_since.reset();
    return true;
  }
  if (!one.lacks_since) one.lacks_since = now;
  return now - *one.lacks_since >= patience;
}

void throttle_board::take(member& one, steady_time now) {
  leave_queue(one);
  enter(one, -1);
  one.working = true;
  enter(one, 1);
  for (const auto& key : one.counts)
    if (auto& of = counts_.at(key); of.config.begin > 0) of.begun.push_back(now);
}

bool throttle_board::somebody_waits() const {
  return std::any_of(waiting_.begin(), waiting_.end(), [](const queue& line) { return !line.empty(); });
}

const host_id* throttle_board::lacks(const permit_request& asked, const hosts_away& away) {
  const auto found =
      std::find_if(asked.needs.begin(), asked.needs.end(), [&](const host_id& host) { return away.contains(host); });
  return found == asked.needs.end() ? nullptr : &*found;
}

std::vector<resource_id> throttle_board::grant(steady_time now, const hosts_away& away, milliseconds patience) {
  std::vector<resource_id> granted;
  if (!somebody_waits()) return granted;
  forget_old(now);
  // The lanes are in order of arrival each; the next of all is among their heads.
  std::array<queue::iterator, lane_names.size()> heads;
  for (std::size_t i = 0; i < heads.size(); ++i) heads[i] = waiting_[i].begin();
  const auto rank = [&](std::size_t i) {
    const auto lanes_up = (now - heads[i]->first) / age_step_;
    return std::pair(static_cast<std::int64_t>(i) - static_cast<std::int64_t>(lanes_up), heads[i]->first);
  };
  for (;;) {
    std::size_t best = heads.size();
    for (std::size_t i = 0; i < heads.size(); ++i)
      if (heads[i] != waiting_[i].end() && (best == heads.size() || rank(i) < rank(best))) best = i;
    if (best == heads.size()) return granted;
    auto& next = members_.at((heads[best]++)->second);
    if (const auto* full = full_for(next)) {
      const auto& config = full->config;
      const bool about_all =
          config.kind.empty() && config.project.empty() && config.host.empty() && config.each == throttle_each::all;
      if (about_all) return granted;  // nobody behind can have room
      continue;
    }
    if (!may_begin(next, now, away, patience)) continue;
    granted.push_back(next.asked.resource);
    take(next, now);
  }
}

bool throttle_board::grant_newcomer(const resource_id& resource, steady_time now, const hosts_away& away) {
  const auto found = members_.find(resource);
  if (found == members_.end() || found->second.working) return false;
  forget_old(now);
  if (full_for(found->second) != nullptr || lacks(found->second.asked, away) != nullptr) return false;
  take(found->second, now);
  return true;
}

std::string throttle_board::why(const resource_id& resource, const hosts_away& away) const {
  const auto found = members_.find(resource);
  if (found == members_.end() || found->second.working) return {};
  std::string name;
  if (const auto* full = full_for(found->second, &name)) {
    const auto& of = *full;
    const auto whose = name.substr(of.config.name.size() + 1);
    const auto who = whose.empty() ? std::string() : whose + " has ";
    if (of.config.at_once > 0 && of.working >= of.config.at_once)
      return fmt::format("throttle {}: {}{} of {} at work", of.config.name, who, of.working, of.config.at_once);
    return fmt::format("throttle {}: {}{} of {} begun within {}", of.config.name, who, of.begun.size(), of.config.begin,
                       span_text(of.config.within));
  }
  if (const auto* host = lacks(found->second.asked, away)) return host->value() + ' ' + away.at(*host);
  return "its turn";
}

std::vector<std::pair<resource_id, std::string>> throttle_board::news(const hosts_away& away) {
  std::vector<std::pair<resource_id, std::string>> all;
  for (const auto& line : waiting_) {
    for (const auto& [since, id] : line) {
      auto& one = members_.at(id);
      std::string name;
      if (full_for(one, &name) == nullptr) {
        const auto* host = lacks(one.asked, away);
        name = host != nullptr ? "host " + host->value() : "turn";
      }
      if (name == one.told) continue;
      one.told = name;
      all.emplace_back(id, why(id, away));
    }
  }
  return all;
}

std::vector<throttle_status> throttle_board::list(steady_time now) const {
  std::vector<throttle_status> all;
  for (const auto& throttle : throttles_) {
    const auto before = all.size();
    for (auto at = counts_.lower_bound({throttle.name, {}}); at != counts_.end() && at->first.first == throttle.name;
         ++at) {
      const auto& of = at->second;
      const auto begun = std::count_if(of.begun.begin(), of.begun.end(),
                                       [&](steady_time when) { return now - when < of.config.within; });
      all.push_back({throttle, at->first.second, of.working, of.waiting, static_cast<std::size_t>(begun)});
    }
    if (all.size() == before) all.push_back({throttle, {}, 0, 0, 0});
  }
  return all;
}

void throttle_facts::publish(std::vector<throttle_status> all) {
  const std::lock_guard lock(guard_);
  all_ = std::move(all);
}

std::vector<throttle_status> throttle_facts::list() const {
  const std::lock_guard lock(guard_);
  return all_;
}

}  // namespace regent
