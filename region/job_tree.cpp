#include "region/job_tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace regent {

std::string text_of(const branch& what) {
  switch (what.work) {
    case branch_work::until_state: return fmt::format("wait for {} to be {}", what.subject, what.wanted);
    case branch_work::until_job: return fmt::format("wait for the end of job {}", what.subject);
    case branch_work::until_event:
      return fmt::format("wait for {}{}{}", what.wanted, what.subject.empty() ? "" : " of ", what.subject);
    case branch_work::until_time: return "wait until " + what.subject;
    case branch_work::cancel: return "cancel job " + what.subject;
    default: return fmt::format("{} {}", name(what.work), what.subject);
  }
}

job_tree::job_tree(tree settings, std::vector<branch> branches)
    : settings_(std::move(settings)),
      branches_(std::move(branches)),
      followers_(branches_.size()),
      waits_for_(branches_.size(), 0) {
  for (const auto& one : branches_) {
    for (const auto before : one.after) {
      followers_[static_cast<std::size_t>(before)].push_back(one.number);
      // A skipped one had nothing to do: else this one would have been left out with it.
      const auto how = at(before).state;
      if (how != branch_state::done && how != branch_state::skipped) ++waits_for_[static_cast<std::size_t>(one.number)];
    }
    if (is_open(one.state)) ++open_;
    if (one.state == branch_state::failed || one.state == branch_state::cancelled) ++bad_;
    if (one.state == branch_state::started) under_way_.insert(one.number);
    if (one.state == branch_state::planned && waits_for_[static_cast<std::size_t>(one.number)] == 0)
      ready_.insert(one.number);
  }
}

std::optional<int> job_tree::next() const {
  if (ready_.empty() || static_cast<int>(under_way_.size()) >= settings_.at_once) return std::nullopt;
  return *ready_.begin();
}

void job_tree::start(int number, wall_time now) {
  auto& one = at(number);
  one.state = branch_state::started;
  one.started = now;
  ready_.erase(number);
  under_way_.insert(number);
}

void job_tree::close(int number, branch_state how, std::string told, wall_time now) {
  auto& one = at(number);
  one.state = how;
  one.told = std::move(told);
  one.ended = now;
  ready_.erase(number);
  under_way_.erase(number);
  --open_;
  if (how == branch_state::failed || how == branch_state::cancelled) ++bad_;
}

std::vector<int> job_tree::end(int number, branch_state how, std::string told, wall_time now) {
  if (!is_open(at(number).state)) return {};
  const bool had_nothing_to_do = how == branch_state::skipped;
  close(number, how, std::move(told), now);
  std::vector<int> changed{number};
  if (how == branch_state::done || had_nothing_to_do) {
    for (const auto follower : followers_[static_cast<std::size_t>(number)])
      if (--waits_for_[static_cast<std::size_t>(follower)] == 0 && at(follower).state == branch_state::planned)
        ready_.insert(follower);
    return changed;
  }
  if (settings_.stops) {
    const auto rest = stop(branch_state::skipped, fmt::format("left out: {} has {}", at(number).name, name(how)), now);
    changed.insert(changed.end(), rest.begin(), rest.end());
  } else {
    leave_out_followers(number, fmt::format("left out: it comes after {}, which has {}", at(number).name, name(how)),
                        now, changed);
  }
  return changed;
}

void job_tree::leave_out_followers(int of, const std::string& why, wall_time now, std::vector<int>& changed) {
  std::vector<int> left{of};
  while (!left.empty()) {
    const auto from = left.back();
    left.pop_back();
    for (const auto follower : followers_[static_cast<std::size_t>(from)]) {
      if (at(follower).state != branch_state::planned) continue;
      close(follower, branch_state::skipped, why, now);
      changed.push_back(follower);
      left.push_back(follower);
    }
  }
}

std::vector<int> job_tree::stop(branch_state how, const std::string& why, wall_time now) {
  std::vector<int> changed;
  for (const auto& one : branches_)
    if (one.state == branch_state::planned) changed.push_back(one.number);
  for (const auto number : changed) close(number, how, why, now);
  return changed;
}

std::vector<int> job_tree::late(wall_time now) const {
  std::vector<int> found;
  for (const auto number : under_way_) {
    const auto& one = branches_[static_cast<std::size_t>(number)];
    if (one.deadline.count() > 0 && *one.started + one.deadline <= now) found.push_back(number);
  }
  return found;
}

std::optional<wall_time> job_tree::next_deadline() const {
  std::optional<wall_time> first;
  for (const auto number : under_way_) {
    const auto& one = branches_[static_cast<std::size_t>(number)];
    if (one.deadline.count() > 0 && (!first || *one.started + one.deadline < *first))
      first = *one.started + one.deadline;
  }
  return first;
}

std::string job_tree::text() const {
  constexpr std::size_t named = 3;
  std::vector<std::string> at_work;
  for (const auto number : under_way_) {
    if (at_work.size() == named) break;
    at_work.push_back(text_of(branches_[static_cast<std::size_t>(number)]));
  }
  auto text = fmt::format("{} of {} branches have ended", branches_.size() - open_, branches_.size());
  if (bad_ > 0) text += fmt::format(", {} of them badly", bad_);
  if (!at_work.empty()) text += fmt::format("; under way: {}", fmt::join(at_work, ", "));
  if (under_way_.size() > named) text += fmt::format(" and {} more", under_way_.size() - named);
  return text;
}

// -- orders

namespace {

/// `after`, as places: depth-first, each behind those it comes after.
class sorter {
 public:
  explicit sorter(const std::vector<branch>& from) : from_(from), depth_(from.size(), 0) {}

  result<void> run() {
    for (std::size_t i = 0; i < from_.size(); ++i)
      if (auto done = visit(static_cast<int>(i)); !done) return done;
    return {};
  }
  const std::vector<int>& order() const { return order_; }

 private:
  static constexpr int under_way = -1;

  /// Without recursion: a chain may be as long as there are branches, before it is found to be too long.
  result<void> visit(int first) {
    std::vector<std::pair<int, std::size_t>> path{{first, 0}};
    while (!path.empty()) {
      auto& [place, looked_at] = path.back();
      auto& depth = depth_[static_cast<std::size_t>(place)];
      const auto& after = from_[static_cast<std::size_t>(place)].after;
      if (depth > 0) {
        path.pop_back();
        continue;
      }
      depth = under_way;
      if (looked_at < after.size()) {
        const auto before = after[looked_at++];
        if (depth_[static_cast<std::size_t>(before)] == under_way)
          return fail(error_kind::permanent, "bad_tree",
                      "branches.{}.after: {} and {} wait for each other, in a circle", place,
                      from_[static_cast<std::size_t>(place)].name, from_[static_cast<std::size_t>(before)].name);
        path.emplace_back(before, 0);
        continue;
      }
      int deepest = 0;
      for (const auto before : after) deepest = std::max(deepest, depth_[static_cast<std::size_t>(before)]);
      depth = deepest + 1;
      if (depth > static_cast<int>(limits::tree_depth))
        return fail(error_kind::permanent, "bad_tree",
                    "branches.{}.after: {} is the end of a chain of more than {} branches", place,
                    from_[static_cast<std::size_t>(place)].name, limits::tree_depth);
      order_.push_back(place);
      path.pop_back();
    }
    return {};
  }

  const std::vector<branch>& from_;
  std::vector<int> depth_;  // 0: not looked at
  std::vector<int> order_;
};

}  // namespace

result<void> put_in_order(tree_order& order) {
  if (order.branches.empty()) return fail(error_kind::permanent, "bad_tree", "branches: there is none");
  if (order.branches.size() > limits::tree_branches)
    return fail(error_kind::permanent, "bad_tree", "branches: {} are too many; a tree may have {}",
                order.branches.size(), limits::tree_branches);
  sorter sorted(order.branches);
  if (auto done = sorted.run(); !done) return done;
  std::vector<int> number_of(order.branches.size());
  for (std::size_t i = 0; i < sorted.order().size(); ++i)
    number_of[static_cast<std::size_t>(sorted.order()[i])] = static_cast<int>(i);
  std::vector<branch> moved;
  moved.reserve(order.branches.size());
  for (const auto place : sorted.order()) {
    moved.push_back(std::move(order.branches[static_cast<std::size_t>(place)]));
    moved.back().number = static_cast<int>(moved.size()) - 1;
    for (auto& before : moved.back().after) before = number_of[static_cast<std::size_t>(before)];
  }
  order.branches = std::move(moved);
  std::sort(order.settings.hold.begin(), order.settings.hold.end());
  order.settings.hold.erase(std::unique(order.settings.hold.begin(), order.settings.hold.end()),
                            order.settings.hold.end());
  return {};
}

}  // namespace regent
