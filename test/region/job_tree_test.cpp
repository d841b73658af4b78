#include "region/job_tree.hpp"

#include <random>

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

const wall_time start_of_day{std::chrono::hours(24 * 365 * 50)};

branch mend(int number, std::vector<int> after = {}) {
  branch made;
  made.number = number;
  made.name = "b" + std::to_string(number);
  made.subject = "virtual_router/" + std::to_string(number);
  made.after = std::move(after);
  return made;
}

job_tree tree_of(std::vector<branch> branches, int at_once = 100, bool stops = false) {
  tree settings;
  settings.at_once = at_once;
  settings.stops = stops;
  return {settings, std::move(branches)};
}

tree_order order_of(std::vector<branch> branches) {
  tree_order made;
  made.branches = std::move(branches);
  return made;
}

}  // namespace

TEST_CASE("a branch may begin once all it comes after have ended well") {
  auto tree = tree_of({mend(0), mend(1), mend(2, {0, 1})});
  CHECK(tree.next() == 0);
  tree.start(0, start_of_day);
  CHECK(tree.next() == 1);
  tree.start(1, start_of_day);
  CHECK_FALSE(tree.next());
  tree.end(0, branch_state::done, "", start_of_day);
  CHECK_FALSE(tree.next());
  tree.end(1, branch_state::skipped, "nothing to do", start_of_day);
  CHECK(tree.next() == 2);
  tree.start(2, start_of_day);
  tree.end(2, branch_state::done, "", start_of_day);
  CHECK(tree.over());
  CHECK(tree.went_well());
}

TEST_CASE("no more branches are under way than may be at once") {
  auto tree = tree_of({mend(0), mend(1), mend(2)}, 2);
  tree.start(*tree.next(), start_of_day);
  tree.start(*tree.next(), start_of_day);
  CHECK_FALSE(tree.next());
  tree.end(0, branch_state::failed, "", start_of_day);
  CHECK(tree.next() == 2);
}

TEST_CASE("a failure leaves out all that comes after it, near and far, and nothing else") {
  auto tree = tree_of({mend(0), mend(1, {0}), mend(2, {1}), mend(3)});
  tree.start(0, start_of_day);
  CHECK(tree.end(0, branch_state::failed, "", start_of_day) == std::vector<int>{0, 1, 2});
  CHECK(tree.at(2).state == branch_state::skipped);
  CHECK(tree.at(2).told == "left out: it comes after b0, which has failed");
  CHECK(tree.next() == 3);
  CHECK_FALSE(tree.over());
}

TEST_CASE("with stops, a failure leaves out everything that has not begun") {
  auto tree = tree_of({mend(0), mend(1), mend(2)}, 2, true);
  tree.start(0, start_of_day);
  tree.start(1, start_of_day);
  CHECK(tree.end(0, branch_state::failed, "", start_of_day) == std::vector<int>{0, 2});
  CHECK_FALSE(tree.over());
  tree.end(1, branch_state::done, "", start_of_day);
  CHECK(tree.over());
  CHECK_FALSE(tree.went_well());
}

TEST_CASE("told twice, the first end counts") {
  auto tree = tree_of({mend(0)});
  tree.start(0, start_of_day);
  tree.end(0, branch_state::done, "", start_of_day);
  CHECK(tree.end(0, branch_state::failed, "", start_of_day).empty());
  CHECK(tree.went_well());
}

TEST_CASE("a branch under way is late after its deadline, and one without is never") {
  auto limited = mend(0), free = mend(1);
  limited.deadline = 5s;
  auto tree = tree_of({limited, free});
  CHECK(tree.late(start_of_day + 1h).empty());
  tree.start(0, start_of_day);
  tree.start(1, start_of_day);
  CHECK(tree.next_deadline() == start_of_day + 5s);
  CHECK(tree.late(start_of_day + 4999ms).empty());
  CHECK(tree.late(start_of_day + 5s) == std::vector<int>{0});
}

TEST_CASE("a tree that is taken up again at any point goes on as it would have") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    INFO("round " << round);
    std::vector<branch> branches;
    for (int i = 0; i < 12; ++i) {
      auto one = mend(i);
      for (int before = 0; before < i; ++before)
        if (random() % 5 == 0) one.after.push_back(before);
      branches.push_back(one);
    }
    auto lives = tree_of(branches, 3), dies = tree_of(branches, 3);
    while (!lives.over()) {
      dies = job_tree(dies.settings(), dies.branches());
      const auto next = lives.next();
      REQUIRE(dies.next() == next);
      REQUIRE(dies.under_way() == lives.under_way());
      if (next) {
        for (auto* each : {&lives, &dies}) each->start(*next, start_of_day);
        continue;
      }
      REQUIRE_FALSE(lives.under_way().empty());
      const auto ends = *lives.under_way().begin();
      const auto how = random() % 4 == 0   ? branch_state::failed
                       : random() % 3 == 0 ? branch_state::skipped
                                           : branch_state::done;
      for (auto* each : {&lives, &dies}) each->end(ends, how, "", start_of_day);
    }
    CHECK(dies.over());
    CHECK(dies.went_well() == lives.went_well());
  }
}

TEST_CASE("branches are numbered behind those they come after, whatever their places were") {
  auto order = order_of({mend(0, {2}), mend(1), mend(2, {1})});
  REQUIRE(put_in_order(order));
  for (const auto& one : order.branches)
    for (const auto before : one.after) CHECK(before < one.number);
  CHECK(order.branches[0].name == "b1");
  CHECK(order.branches[1].name == "b2");
  CHECK(order.branches[2].name == "b0");
  CHECK(order.branches[2].after == std::vector<int>{1});
}

TEST_CASE("a circle, a chain that is too long, too many branches and none at all are refused") {
  auto circle = order_of({mend(0, {1}), mend(1, {2}), mend(2, {0})});
  const auto told = put_in_order(circle);
  REQUIRE_FALSE(told);
  CHECK(told.error().message.find("in a circle") != std::string::npos);
  auto itself = order_of({mend(0, {0})});
  CHECK_FALSE(put_in_order(itself));
  std::vector<branch> chain{mend(0)};
  while (chain.size() < limits::tree_depth)
    chain.push_back(mend(static_cast<int>(chain.size()), {static_cast<int>(chain.size()) - 1}));
  auto longest = order_of(chain);
  CHECK(put_in_order(longest));
  chain.push_back(mend(static_cast<int>(chain.size()), {static_cast<int>(chain.size()) - 1}));
  auto longer = order_of(chain);
  CHECK_FALSE(put_in_order(longer));
  auto many = order_of(std::vector<branch>(limits::tree_branches + 1));
  CHECK_FALSE(put_in_order(many));
  auto none = order_of({});
  CHECK_FALSE(put_in_order(none));
}
