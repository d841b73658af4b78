// Trees of jobs: roots, sub-jobs and waits, through crashes.
#include <fmt/format.h>

#include "test/actors/trees.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

const char* const one_after_the_other = R"(
name: both
branches:
  - {name: second, do: mend, resource: virtual_router/2, after: [first]}
  - {name: first, do: mend, resource: virtual_router/1}
)";

}  // namespace

TEST_CASE("branches run in their order, each as a job under one root") {
  region_fixture region;
  build_two(region);
  CHECK(region.order(one_after_the_other).find("both, 2 branches") != std::string::npos);
  region.pass(3s);
  const auto root = root_of(region);
  CHECK(root.state == job_state::succeeded);
  CHECK(branch_states(region) == "first done, second done, ");
  const auto jobs = below(region, root.id);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].resource == region.router);
  CHECK(jobs[1].resource == second_router);
  CHECK(jobs[0].parent == root.id);
  CHECK(jobs[0].ended <= jobs[1].started);
  CHECK(region.branches(root.id)[0].job == jobs[0].id);
  for (const auto& said : region.store->events)
    if (said.job == jobs[0].id) CHECK(said.root == root.id);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("what comes after a branch that fails is left out, the rest goes on, and the root says so") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].behaves = [&](const run_request& asked) {
    return asked.run.value().find("x") == std::string::npos && region.hosts["a"].log.size() == 1 ? 1 : 0;
  };
  region.order(R"({name: three, at_once: 1, branches: [
    {name: bad, do: mend, resource: virtual_router/1},
    {name: late, do: mend, resource: virtual_router/1, after: [bad]},
    {name: good, do: mend, resource: virtual_router/2}]})");
  region.pass(5s);
  CHECK(branch_states(region) == "bad failed, late skipped, good done, ");
  const auto root = root_of(region);
  CHECK(root.state == job_state::failed);
  CHECK(root.error_code == "branch_failed");
  CHECK(root.error_message == "3 of 3 branches have ended, 1 of them badly");
}

TEST_CASE("on_failure stop begins nothing more") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].behaves = [](const run_request&) { return 1; };
  region.order(R"({name: stops, at_once: 1, on_failure: stop, branches: [
    {name: bad, do: mend, resource: virtual_router/1}, {name: other, do: mend, resource: virtual_router/2}]})");
  region.pass(5s);
  CHECK(branch_states(region) == "bad failed, other skipped, ");
}

TEST_CASE("a branch that has nothing to do is skipped, and what comes after it goes on") {
  region_fixture region;
  build_two(region);
  region.order(R"({name: needless, branches: [
    {name: sound, do: retry, resource: virtual_router/1}, {name: then, do: mend, resource: virtual_router/2, after: [sound]}]})");
  region.pass(3s);
  CHECK(branch_states(region) == "sound skipped, then done, ");
  CHECK(root_of(region).state == job_state::succeeded);
}

TEST_CASE("a retry under a tree asks the cloud, and the job that follows is the branch's") {
  region_fixture region;
  region.hosts["a"].behaves = [](const run_request&) { return 1; };
  asks_for_build(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.state_in_cloud() == unresourced);
  region.hosts["a"].behaves = {};
  region.order("{name: again, branches: [{name: a, do: retry, resource: virtual_router/1}]}");
  region.pass(5s);
  CHECK(region.state_in_cloud() == running);
  CHECK(branch_states(region) == "a done, ");
  const auto root = root_of(region);
  REQUIRE_FALSE(below(region, root.id).empty());
  CHECK(below(region, root.id)[0].what == operation::build);
}

TEST_CASE("a tree comes to its end through a crash after any message, and no run is executed twice") {
  std::size_t handled = 0;
  for (std::size_t at = 1; handled + 1 >= at && at < 400; ++at) {
    region_fixture region;
    build_two(region);
    std::string answered;
    region.order_without_settling(
        one_after_the_other, [&](const result<std::string>& said) { answered = said ? *said : said.error().code; });
    handled = region.settle(at);
    const bool promised = !answered.empty();  // what is answered while it dies went nowhere
    region.crash();
    region.start();
    region.pass(10s);
    INFO("crash after message " << at << ", " << answered);
    CHECK(region.open_jobs().empty());
    CHECK(region.store->leases.empty());
    std::size_t roots = 0;
    for (const auto& [number, one] : region.store->jobs) roots += is_tree(one) ? 1 : 0;
    if (promised) REQUIRE(roots == 1);
    if (roots == 1) {
      CHECK(root_of(region).state == job_state::succeeded);
      CHECK(branch_states(region) == "first done, second done, ");
    }
    for (const auto& [name, host] : region.hosts)
      for (const auto& [run, times] : host.executions) CHECK(times == 1);
  }
  CHECK(handled > 20);
}

TEST_CASE("cancelling a root ends its sub-job's run, begins nothing more, and holds through a crash") {
  for (const bool crashes : {false, true}) {
    region_fixture region;
    build_two(region);
    region.hosts["a"].hangs = {"fw"};
    region.order(one_after_the_other);
    region.pass(1s);
    region.hosts["a"].hangs.clear();
    const auto root = root_of(region);
    REQUIRE(root.state == job_state::waiting);
    CHECK(root.waits_for == "0 of 2 branches have ended; under way: mend virtual_router/1");
    CHECK(root.wait_deadline);
    std::string answered;
    region.tell_without_settling({operator_verb::cancel, root.id, root.resource, {}, "enough"},
                                 [&](const result<std::string>& said) { answered = said ? *said : said.error().code; });
    for (int i = 0; i < 200 && answered.empty(); ++i) region.settle(1);
    CHECK(answered.find("is cancelled") != std::string::npos);
    if (crashes) {
      region.crash();
      region.start();
    }
    region.pass(5s);
    CHECK(root_of(region).state == job_state::cancelled);
    CHECK(branch_states(region) == "first cancelled, second cancelled, ");
    CHECK(region.hosts["a"].cancels >= 1);
    CHECK(region.store->leases.empty());
    CHECK(region.tell({operator_verb::cancel, root.id, root.resource, {}, {}}) == "job_not_open");
  }
}

TEST_CASE("a cancel at any moment leaves no branch open, and nothing is done for one that counts as cancelled") {
  std::string order = one_after_the_other;
  SECTION("of mends") {}
  SECTION("of wishes") {
    for (auto at = order.find("mend"); at != std::string::npos; at = order.find("mend")) order.replace(at, 4, "scrub");
  }
  std::size_t cancelled = 0;
  for (std::size_t handled = 1; handled < 90; ++handled) {
    region_fixture region;
    build_two(region);
    region.order_without_settling(order, [](const auto&) {});
    region.settle(handled);
    const auto orders = region.told("job.started");
    std::optional<job> root;
    for (const auto& [number, one] : region.store->jobs)
      if (is_tree(one)) root = one;
    if (!root) continue;
    region.tell_without_settling({operator_verb::cancel, root->id, root->resource, {}, "enough"}, [](const auto&) {});
    region.pass(10s);
    INFO("after " << handled << " messages, " << orders << " jobs begun; " << branch_states(region));
    CHECK(region.open_jobs().empty());
    CHECK(region.store->leases.empty());
    for (const auto& one : region.branches(root->id)) {
      CHECK_FALSE(is_open(one.state));
      if (one.state != branch_state::cancelled) continue;
      ++cancelled;
      for (const auto& job : below(region, root->id))
        if (job.resource.text() == one.subject) CHECK(job.state == job_state::cancelled);
    }
  }
  CHECK(cancelled > 20);
}

TEST_CASE("branches wait for a state, a job, an event and a time, also through a crash") {
  for (const bool crashes : {false, true}) {
    region_fixture region;
    build_two(region);
    region.order(fmt::format(R"({{name: waits, branches: [
      {{name: state, wait: {{resource: virtual_router/1, state: [quiesced, closed]}}}},
      {{name: event, wait: {{event: host.down, of: host/b}}}},
      {{name: time, wait: {{time: "{}"}}}},
      {{name: last, do: mend, resource: virtual_router/2, after: [state, event, time]}}]}})",
                             iso_text(region.time.wall() + 30s)));
    region.pass(2s);
    CHECK(branch_states(region) == "state started, event started, time started, last planned, ");
    if (crashes) {
      region.crash();
      region.start();
      region.pass(1s);
    }
    region.cloud_side.ask(region.router, quiesce);
    region.pass(10s);
    CHECK(branch_states(region) == "state done, event started, time started, last planned, ");
    region.host_down("b");
    region.pass(1s);
    region.host_up("b");
    region.pass(1s);
    CHECK(branch_states(region) == "state done, event done, time started, last planned, ");
    region.pass(30s);
    CHECK(branch_states(region) == "state done, event done, time done, last done, ");
    CHECK(root_of(region).state == job_state::succeeded);
  }
}

TEST_CASE("at a wait's deadline: fail, or go on") {
  region_fixture region;
  build_two(region);
  region.order(R"({name: late, branches: [
    {name: fails, wait: {resource: virtual_router/1, state: closed}, deadline: 5s},
    {name: never, do: mend, resource: virtual_router/1, after: [fails]},
    {name: gives-up, wait: {resource: virtual_router/2, state: closed}, deadline: 5s, at_deadline: go_on},
    {name: goes-on, do: mend, resource: virtual_router/2, after: [gives-up]}]})");
  region.pass(4s);
  CHECK(branch_states(region) == "fails started, never planned, gives-up started, goes-on planned, ");
  region.pass(5s);
  CHECK(branch_states(region) == "fails failed, never skipped, gives-up skipped, goes-on done, ");
  CHECK(region.branches(root_of(region).id)[0].told == "not within its deadline of 5s");
}

TEST_CASE("the deadline of a whole tree ends what is under way") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].hangs = {"net"};
  region.order("{name: short, deadline: 3s, branches: [{name: a, do: mend, resource: virtual_router/1}]}");
  region.pass(2s);
  region.hosts["a"].hangs.clear();
  region.pass(5s);
  const auto root = root_of(region);
  CHECK(root.state == job_state::failed);
  CHECK(root.error_code == "operation_deadline");
  CHECK(branch_states(region) == "a cancelled, ");
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a root that holds a whole host lets its own branches in, and nobody else until it ends") {
  for (const bool crashes : {false, true}) {
    region_fixture region;
    build_two(region);
    region.hosts["a"].hangs = {"fw"};
    region.order("{name: alone, hold: [a], branches: [{name: mine, do: mend, resource: virtual_router/1}]}");
    region.pass(1s);
    CHECK(region.hosts["a"].log == strings{"net.update", "fw.update"});
    region.cloud_side.ask(second_router, running_update);
    region.pass(10s);
    CHECK(region.hosts["a"].log == strings{"net.update", "fw.update"});
    if (crashes) {
      region.crash();
      region.start();
      region.pass(10s);
      CHECK(region.hosts["a"].log == strings{"net.update", "fw.update"});
    }
    region.host_finishes("a");
    region.pass(10s);
    CHECK(root_of(region).state == job_state::succeeded);
    CHECK(region.state_in_cloud("2") == running);
    CHECK(region.hosts["a"].log.size() == 4);
    CHECK(region.store->leases.empty());
  }
}

TEST_CASE("a branch on a resource that is at work begins when it rests") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].hangs = {"fw"};
  region.cloud_side.ask(region.router, running_update);
  region.pass(6s);
  region.order("{name: later, branches: [{name: a, do: mend, resource: virtual_router/1}]}");
  region.pass(1s);
  CHECK(below(region, root_of(region).id).empty());
  region.hosts["a"].hangs.clear();
  region.host_finishes("a");
  region.pass(5s);
  CHECK(branch_states(region) == "a done, ");
  CHECK(below(region, root_of(region).id).size() == 1);
}

TEST_CASE("ten thousand jobs on one resource come one after the other, and a cancel ends them all") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].hangs = {"fw"};
  std::string text = "{name: many, at_once: 1000, branches: [";
  for (int n = 0; n < 10'000; ++n) text += fmt::format("{{name: b{}, do: mend, resource: virtual_router/1}},", n);
  region.order(text + "]}");
  region.pass(2s);
  const auto root = root_of(region);
  CHECK(below(region, root.id).size() == 1);
  CHECK(region.tell({operator_verb::retry, {}, region.router, {}, {}}) == "at_work");
  region.host_finishes("a");
  region.pass(500ms);
  CHECK(below(region, root.id).size() > 1);
  region.tell({operator_verb::cancel, root.id, root.resource, {}, {}});
  region.pass(5s);
  CHECK(region.open_jobs().empty());
  std::size_t open = 0, done = 0;
  for (const auto& one : region.branches(root.id)) {
    open += is_open(one.state) ? 1 : 0;
    done += one.state == branch_state::done ? 1 : 0;
  }
  CHECK(open == 0);
  CHECK(done >= 1);
  CHECK(region.store->leases.empty());
}

TEST_CASE("a tree of what does not exist is refused whole") {
  region_fixture region;
  build_two(region);
  const auto jobs = region.store->jobs.size();
  CHECK(region.order("{name: x, branches: [{name: a, do: mend, resource: virtual_router/1}, {name: b, do: mend, "
                     "resource: virtual_router/9}]}") == "not_found");
  CHECK(region.order("{name: x, branches: [{name: a, wait: {resource: virtual_router/9, state: running}}]}") ==
        "not_found");
  CHECK(region.order("{name: x, branches: [{name: a, wait: {job: 4711}}]}") == "not_found");
  CHECK(region.order("{name: x, branches: [{name: a, do: cordon, host: nobody}]}") == "not_found");
  CHECK(region.order("{name: x, hold: [nobody], branches: [{name: a, do: mend, resource: virtual_router/1}]}") ==
        "not_found");
  CHECK(region.store->jobs.size() == jobs);
}

TEST_CASE(
    "branches of a root that began before a drain may still begin, and the host is drained when they have ended") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].hangs = {"fw"};
  region.order(one_after_the_other);
  region.pass(1s);
  const bool drains = GENERATE(true, false);
  region.tell({drains ? operator_verb::drain : operator_verb::cordon, {}, {}, host_id("a"), {}});
  if (GENERATE(false, true)) region.restart();
  region.host_finishes("a");
  region.pass(10s);
  CHECK(branch_states(region) == (drains ? "first done, second done, " : "first done, second started, "));
  CHECK(service_of(*region.facts->hosts.find(host_id("a"))) == (drains ? "drained" : "cordoned"));
  region.tell({operator_verb::uncordon, {}, {}, host_id("a"), {}});
  region.pass(10s);
  CHECK(branch_states(region) == "first done, second done, ");
}

TEST_CASE("a tree cordons a host, works, and opens it again") {
  region_fixture region;
  build_two(region);
  region.order(R"({name: looked-after, branches: [
    {name: shut, do: cordon, host: b}, {name: work, do: mend, resource: virtual_router/1, after: [shut]},
    {name: open, do: uncordon, host: b, after: [work]}]})");
  region.pass(5s);
  CHECK(branch_states(region) == "shut done, work done, open done, ");
  CHECK(region.store->cordons.empty());
}
