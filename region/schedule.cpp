#include "region/schedule.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace regent {

namespace {

/// FNV-1a, 64 bits (draft-eastlake-fnv): the same in every build, as std::hash need not be.
class fnv_hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) eat(static_cast<unsigned char>(c));
    eat(0);  // between two texts
  }
  void add(std::int64_t number) {
    for (int i = 0; i < 8; ++i) eat(static_cast<unsigned char>(number >> (8 * i)));
  }
  std::uint64_t value() const { return value_; }

 private:
  void eat(unsigned char byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
  std::uint64_t value_ = 0xcbf29ce484222325;
};

bool is_late(const firing& one, wall_time now) { return now - one.due > limits::schedule_late; }

}  // namespace

std::string rule_of(const schedule_config& of) { return of.when.text() + " " + of.zone.name(); }

firing firing_at(const schedule_config& of, const std::string& region, wall_time at) {
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(of.jitter).count();
  fnv_hash hash;
  hash.add(region);
  hash.add(of.name);
  hash.add(at.time_since_epoch().count());
  return {at, at + std::chrono::seconds(hash.value() % static_cast<std::uint64_t>(most + 1))};
}

std::vector<firing> next_firings(const schedule_config& of, const std::string& region, wall_time after,
                                 std::size_t count) {
  std::vector<firing> found;
  while (found.size() < count) {
    const auto at = of.when.next(of.zone, after);
    if (!at) break;
    found.push_back(firing_at(of, region, *at));
    after = *at;
  }
  return found;
}

due_firings due_at(const schedule_config& of, const std::string& region, wall_time dealt, wall_time now) {
  due_firings found;
  for (auto next = of.when.next(of.zone, dealt); next; next = of.when.next(of.zone, *next)) {
    const auto one = firing_at(of, region, *next);
    if (one.due > now) break;
    // More are not counted: only the last of them matter.
    if (++found.count == limits::schedule_missed_counted)
      next = std::max(*next,
                      now - of.jitter - static_cast<int>(limits::schedule_catch_up_most) * of.when.shortest_interval());
    if (found.newest.size() == limits::schedule_catch_up_most) found.newest.erase(found.newest.begin());
    found.newest.push_back(one);
  }
  return found;
}

schedule_step next_step(catch_up policy, const due_firings& due, wall_time now, bool open) {
  using kind = schedule_step::kind;
  if (due.count == 0) return {};
  const auto& last = due.newest.back();
  const bool on_time = !is_late(last, now);
  if (due.count == 1 && on_time) return {open ? kind::skip : kind::fire, last.at, last.at, 0};
  // Whoever has dealt with all that comes before a firing has dealt with the time right before it.
  const auto before = [](const firing& one) { return one.at - milliseconds(1); };
  switch (policy) {
    case catch_up::skip:
      return on_time ? schedule_step{kind::pass, {}, before(last), due.count - 1}
                     : schedule_step{kind::pass, {}, last.at, due.count};
    case catch_up::once:
      if (open) return {kind::wait, {}, {}, 0};
      return {kind::fire, last.at, last.at, due.count - 1};
    case catch_up::all: break;
  }
  const auto& first = due.newest.front();
  const auto too_many = due.count - static_cast<std::int64_t>(due.newest.size());
  if (too_many > 0) return {kind::pass, {}, before(first), too_many};
  if (open) return {kind::wait, {}, {}, 0};
  return {kind::fire, first.at, first.at, 0};
}

}  // namespace regent
