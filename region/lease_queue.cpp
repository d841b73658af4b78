#include "region/lease_queue.hpp"

#include <algorithm>
#include <set>

namespace regent {

lease_queue::lease_queue(std::size_t capacity, milliseconds age_step)
    : capacity_(std::max<std::size_t>(capacity, 1)), age_step_(age_step) {}

void lease_queue::restore(const lease_request& held) { held_[held.scope] = held; }

std::vector<lease_request> lease_queue::held() const {
  std::vector<lease_request> all;
  for (const auto* some : {&held_, &within_})
    for (const auto& [scope, one] : *some) all.push_back(one);
  return all;
}

bool lease_queue::holds(job_id job, const std::string& scope) const {
  const auto in = [&](const holders& some) {
    const auto found = some.find(scope);
    return found != some.end() && found->second.job == job;
  };
  return in(held_) || in(within_);
}

void lease_queue::ask(const lease_request& wanted) {
  if (holds(wanted.job, wanted.scope)) return;
  const bool queued = std::any_of(waiting_.begin(), waiting_.end(), [&](const lease_request& other) {
    return other.job == wanted.job && other.scope == wanted.scope;
  });
  if (!queued) waiting_.push_back(wanted);
}

bool lease_queue::end(job_id job, const std::string& scope) {
  for (auto* some : {&held_, &within_}) {
    const auto found = some->find(scope);
    if (found == some->end() || found->second.job != job) continue;
    some->erase(found);
    return true;
  }
  return std::erase_if(waiting_, [&](const lease_request& other) { return other.job == job && other.scope == scope; }) >
         0;
}

lease_queue::holders& lease_queue::room_of(const lease_request& wanted) {
  const auto all = held_.find(std::string(whole_host));
  const bool is_let_in =
      all != held_.end() && !wanted.root.empty() && all->second.job == wanted.root && wanted.job != wanted.root;
  return is_let_in ? within_ : held_;
}

bool lease_queue::grantable(const lease_request& wanted) {
  const auto& room = room_of(wanted);
  if (room.size() >= capacity_ || room.contains(wanted.scope) || room.contains(std::string(whole_host))) return false;
  return wanted.scope != whole_host || room.empty();
}

int lease_queue::rank(const lease_request& request, wall_time now) const {
  const auto waited = std::max(now - request.since, milliseconds{0});
  return static_cast<int>(request.in) - static_cast<int>(std::min<std::int64_t>(waited / age_step_, 1000));
}

std::vector<std::size_t> lease_queue::in_order(wall_time now) const {
  std::vector<std::pair<int, std::size_t>> ranked;
  ranked.reserve(waiting_.size());
  for (std::size_t at = 0; at < waiting_.size(); ++at) ranked.emplace_back(rank(waiting_[at], now), at);
  std::sort(ranked.begin(), ranked.end());  // those of one rank in order of arrival
  std::vector<std::size_t> order;
  order.reserve(ranked.size());
  for (const auto& [rank, at] : ranked) order.push_back(at);
  return order;
}

std::vector<lease_request> lease_queue::waiting(wall_time now) const {
  std::vector<lease_request> sorted;
  sorted.reserve(waiting_.size());
  for (const auto at : in_order(now)) sorted.push_back(waiting_[at]);
  return sorted;
}

namespace {

bool goes_on(const lease_request& request, job_id admitted) {
  const bool child = !request.root.empty() && request.root != request.job;
  return request.begun || (child && request.root.value() <= admitted.value());
}

}  // namespace

bool lease_queue::empties(job_id admitted) const {
  return held_.empty() && within_.empty() &&
         std::none_of(waiting_.begin(), waiting_.end(),
                      [&](const lease_request& one) { return goes_on(one, admitted); });
}

std::vector<lease_request> lease_queue::grant(wall_time now, bool closed, job_id admitted) {
  const bool all_held = held_.contains(std::string(whole_host));
  if (waiting_.empty() || (held_.size() >= capacity_ && !all_held)) return {};  // the same, without a look at who waits
  std::vector<lease_request> granted;
  std::set<std::size_t> gone;
  for (const auto at : in_order(now)) {
    const auto& candidate = waiting_[at];
    if (closed && !goes_on(candidate, admitted)) continue;
    if (grantable(candidate)) {
      room_of(candidate)[candidate.scope] = candidate;
      granted.push_back(candidate);
      gone.insert(at);
    } else if (candidate.scope == whole_host && !held_.contains(std::string(whole_host))) {
      break;  // nobody overtakes a job that waits for the whole host, or it would never be alone
    }
  }
  if (gone.empty()) return granted;
  std::vector<lease_request> left;
  left.reserve(waiting_.size() - gone.size());
  for (std::size_t at = 0; at < waiting_.size(); ++at)
    if (!gone.contains(at)) left.push_back(std::move(waiting_[at]));
  waiting_ = std::move(left);
  return granted;
}

}  // namespace regent
