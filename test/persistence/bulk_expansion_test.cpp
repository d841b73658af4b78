#include "persistence/bulk_expansion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "test/persistence/temp_journal.hpp"
#include "test/support/catch.hpp"
#include "test/support/journal_rows.hpp"

using namespace regent;
using namespace regent::test;

namespace {

const kind_needs house{{"snapshot", {"vm"}}, {"vm", {"router"}}, {"router", {}}, {"lamp", {}}};

/// A project with a router, two VMs, a snapshot and a lamp; and a VM of another.
struct house_of_kinds {
  explicit house_of_kinds(lifecycle_state state) {
    auto open = must_open(place);
    transaction all;
    int number = 0;
    for (const auto& [kind, project] :
         {std::pair("router", "7"), {"vm", "7"}, {"vm", "7"}, {"snapshot", "7"}, {"lamp", "7"}, {"vm", "8"}}) {
      resource row;
      row.id = {kind, std::to_string(++number)};
      row.project = project;
      row.state = state;
      all.push_back(row);
    }
    must_commit(*open, {all});
  }
  result<tree_order> order(bulk_verb verb, const kind_needs& needs = house) const {
    return expand({verb, "", "", "7", {}}, *must_read(place.path()), needs);
  }
  file_place place;
};

std::string branch_lines(const result<tree_order>& order) {
  if (!order) return order.error().code;
  std::string all;
  for (const auto& one : order->branches) all += fmt::format("{} {} after {}\n", one.number, text_of(one), one.after);
  return all;
}

}  // namespace

TEST_CASE("a project is scrubbed from the top, and restored from the ground") {
  CHECK(branch_lines(house_of_kinds(running).order(bulk_verb::scrub)) ==
        "0 scrub lamp/5 after []\n"
        "1 scrub snapshot/4 after []\n"
        "2 scrub vm/2 after [1]\n"
        "3 scrub vm/3 after [1]\n"
        "4 scrub router/1 after [1, 2, 3]\n");
  CHECK(branch_lines(house_of_kinds(scrub_queue).order(bulk_verb::restore)) ==
        "0 restore lamp/5 after []\n"
        "1 restore router/1 after []\n"
        "2 restore vm/2 after [1]\n"
        "3 restore vm/3 after [1]\n"
        "4 restore snapshot/4 after [1, 2, 3]\n");
}

TEST_CASE("what cannot be scrubbed or restored now is not meant") {
  CHECK(branch_lines(house_of_kinds(scrub_queue).order(bulk_verb::scrub)) == "nothing_meant");
  CHECK(branch_lines(house_of_kinds(running).order(bulk_verb::restore)) == "nothing_meant");
  CHECK(branch_lines(house_of_kinds(closed).order(bulk_verb::scrub)) == "nothing_meant");
}

TEST_CASE("where nothing is said of needs, all go beside each other") {
  const auto order = house_of_kinds(quiesced).order(bulk_verb::scrub, {});
  REQUIRE(order);
  CHECK(order->branches.size() == 5);
  for (const auto& one : order->branches) CHECK(one.after.empty());
}
