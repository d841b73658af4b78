#include "region/tree_order.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

tree_order good(const std::string& text) {
  auto parsed = parse_tree_order(text);
  INFO(parsed.text("order"));
  REQUIRE(parsed.order);
  return std::move(*parsed.order);
}

/// The problems of one branch, beside another that is sound.
std::string wrong_branch(const std::string& branch) {
  return parse_tree_order("name: x\nbranches:\n- {name: a, do: mend, resource: virtual_router/1}\n- " + branch + "\n")
      .text("order");
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an order with everything in it is read as it stands") {
  const auto order = good(R"(
name: night
lane: audit
at_once: 4
on_failure: stop
deadline: 8h
hold: [podnet-b, podnet-a]
branches:
  - {name: a, do: mend, resource: virtual_router/3}
  - {name: b, wait: {resource: virtual_router/3, state: [running, quiesced]}, after: [a], deadline: 1h, at_deadline: go_on}
  - {name: c, wait: {job: 17}}
  - {name: d, wait: {event: "host.*", of: host/podnet-a}}
  - {name: e, wait: {time: "2026-12-01T02:00:00Z"}}
  - {name: f, do: cancel, job: 18}
  - {name: g, do: uncordon, host: podnet-a, after: [e, b]}
)");
  CHECK(order.settings.name == "night");
  CHECK(order.in == lane::audit);
  CHECK(order.settings.at_once == 4);
  CHECK(order.settings.stops);
  CHECK(order.deadline == 8h);
  CHECK(order.settings.hold == std::vector{host_id("podnet-a"), host_id("podnet-b")});
  REQUIRE(order.branches.size() == 7);
  CHECK(text_of(order.branches[0]) == "mend virtual_router/3");
  CHECK(text_of(order.branches[1]) == "wait for virtual_router/3 to be running,quiesced");
  CHECK(order.branches[1].deadline == 1h);
  CHECK_FALSE(order.branches[1].fails_late);
  CHECK(text_of(order.branches[2]) == "wait for the end of job 17");
  CHECK(order.branches[2].deadline == limits::tree_deadline);
  CHECK(text_of(order.branches[3]) == "wait for host.* of host/podnet-a");
  CHECK(text_of(order.branches[4]) == "wait until 2026-12-01T02:00:00Z");
  CHECK(text_of(order.branches[5]) == "cancel job 18");
  CHECK(order.branches[6].after == std::vector<int>{4, 1});
}

TEST_CASE("JSON is an order as well") {
  CHECK(good(R"({"name": "x", "branches": [{"name": "a", "do": "retry", "resource": "virtual_router/3"}]})")
            .branches.size() == 1);
}

TEST_CASE("each thing that is wrong with a branch is told with its place") {
  CHECK(has(wrong_branch("{name: b}"), "order:4:3: branches.1: neither does nor waits"));
  CHECK(has(wrong_branch("{name: b, do: mend, resource: virtual_router/1, wait: {job: 1}}"), "both do and wait"));
  CHECK(has(wrong_branch("{name: b, do: explode, resource: virtual_router/1}"), "explode"));
  CHECK(has(wrong_branch("{name: b, do: mend}"), "resource"));
  CHECK(has(wrong_branch("{name: b, do: mend, resource: nonsense}"), "is not a resource"));
  CHECK(has(wrong_branch("{name: b, do: cancel, job: -4}"), "not a job's number"));
  CHECK(has(wrong_branch("{name: b, wait: {}}"), "waits for nothing"));
  CHECK(has(wrong_branch("{name: b, wait: {resource: virtual_router/1, state: purple}}"), "'purple' is no state"));
  CHECK(has(wrong_branch("{name: b, wait: {event: no.such.topic}}"), "no.such.topic"));
  CHECK(has(wrong_branch("{name: b, wait: {time: tomorrow}}"), "is not a time"));
  CHECK(has(wrong_branch("{name: b, wait: {job: 1, colour: red}}"), "colour"));
  CHECK(has(wrong_branch("{name: b, do: mend, resource: virtual_router/1, after: [nobody]}"),
            "there is no branch 'nobody'"));
  CHECK(has(wrong_branch("{name: a, do: mend, resource: virtual_router/1}"), "is the name of another branch"));
  CHECK(has(wrong_branch("{name: b, do: mend, resource: virtual_router/1, depends_on: [a]}"), "did you mean after?"));
  CHECK(has(wrong_branch("{name: b, do: mend, resource: virtual_router/1, at_deadline: maybe}"), "maybe"));
}

TEST_CASE("what is wrong with the whole of it is told too") {
  CHECK(has(parse_tree_order("- a").text("order"), "not a tree of jobs"));
  CHECK(has(parse_tree_order("name: x").text("order"), "not a list of branches"));
  CHECK(has(parse_tree_order("name: x\nbranches: []").text("order"), "there is none"));
  CHECK(has(parse_tree_order("name: x\nat_once: 0\nbranches: [{name: a, wait: {job: 1}}]").text("order"), "at_once"));
  CHECK(has(parse_tree_order(
                "name: x\nbranches: [{name: a, wait: {job: 1}, after: [b]}, {name: b, wait: {job: 1}, after: [a]}]")
                .text("order"),
            "in a circle"));
  CHECK(has(parse_tree_order("name: [").text("order"), "order:"));
}
