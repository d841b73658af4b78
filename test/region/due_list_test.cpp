#include "region/due_list.hpp"

#include <map>
#include <random>

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {
const wall_time due_noon{std::chrono::hours(24 * 365 * 50 + 12)};
const resource_id early{"virtual_router", "1"}, late{"virtual_router", "2"};
using due_in_order = std::vector<resource_id>;
using who_is_due = std::set<resource_id>;
}  // namespace

TEST_CASE("who is due comes in order of time, and stays until the times are set anew") {
  due_list list;
  list.set(late, {due_noon});
  list.set(early, {due_noon - 1s, due_noon + 1h});
  CHECK(list.due(due_noon - 2s).empty());
  CHECK(list.due(due_noon) == due_in_order{early, late});
  CHECK(list.due(due_noon) == due_in_order{early, late});
  list.set(early, {due_noon + 2h});
  CHECK(list.due(due_noon + 1h) == due_in_order{late});
  list.set(late, {});
  CHECK(list.due(due_noon + 2h) == due_in_order{early});
  CHECK(list.size() == 1);
}

TEST_CASE("what is taken is gone, and later times of the same one are not") {
  due_list list;
  list.set(early, {due_noon, due_noon + 1s, due_noon + 1h});
  list.set(late, {due_noon + 2s});
  CHECK(list.take(due_noon + 1s) == who_is_due{early});
  CHECK(list.take(due_noon + 1s).empty());
  CHECK(list.take(due_noon + 3s) == who_is_due{late});
  CHECK(list.take(due_noon + 1h) == who_is_due{early});
  CHECK(list.size() == 0);
}

TEST_CASE("two things at the same time are both there, and one of them may go") {
  due_list list;
  list.set(early, {due_noon, due_noon});
  list.set(late, {due_noon});
  CHECK(list.due(due_noon) == due_in_order{early, late});
  list.set(early, {});
  CHECK(list.due(due_noon) == due_in_order{late});
}

TEST_CASE("a due list says what a plain table of times says") {
  std::mt19937 dice(7);
  due_list list;
  std::map<resource_id, std::vector<wall_time>> table;
  wall_time now = due_noon;
  for (int turn = 0; turn < 5000; ++turn) {
    const resource_id id{"vm", std::to_string(dice() % 20)};
    std::vector<wall_time> times;
    for (auto n = dice() % 3; n > 0; --n) times.push_back(now + std::chrono::seconds(dice() % 50));
    list.set(id, times);
    table[id] = times;
    now += std::chrono::seconds(dice() % 3);
    who_is_due wanted;
    for (auto& [of, all] : table)
      if (std::erase_if(all, [&](wall_time when) { return when <= now; }) > 0) wanted.insert(of);
    const auto due = list.due(now);
    CHECK(who_is_due(due.begin(), due.end()) == wanted);
    CHECK(list.take(now) == wanted);
  }
}
