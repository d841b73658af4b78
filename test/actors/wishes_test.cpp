// Branches that ask the cloud for a scrub or a restore, as a user would; through crashes.
#include <algorithm>

#include "test/actors/trees.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

std::string wish_order(const std::string& what) {
  return fmt::format(
      "{{name: {0}, branches: [{{name: first, do: {0}, resource: virtual_router/1}}, "
      "{{name: second, do: {0}, resource: virtual_router/2, after: [first]}}]}}",
      what);
}

}  // namespace

TEST_CASE("a scrub and a restore ask the cloud, one after the other, and their jobs are the tree's") {
  region_fixture region;
  build_two(region);
  SECTION("the answer comes first") {}
  SECTION("the news comes first") { region.cloud_side.tells_of_wishes = true; }
  region.order(wish_order("scrub"));
  region.pass(5s);
  CHECK(region.cloud_side.wishes ==
        std::vector<std::pair<resource_id, lifecycle_state>>{{region.router, scrub}, {second_router, scrub}});
  CHECK(region.state_in_cloud("1") == scrub_queue);
  CHECK(region.state_in_cloud("2") == scrub_queue);
  CHECK(branch_states(region) == "first done, second done, ");
  const auto root = root_of(region);
  CHECK(root.state == job_state::succeeded);
  const auto jobs = below(region, root.id);
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0].what == operation::scrub_prep);
  CHECK(jobs[0].ended <= jobs[1].started);
  CHECK(region.branches(root.id)[0].job == jobs[0].id);
  region.order(wish_order("restore"));
  region.pass(5s);
  CHECK(region.state_in_cloud("1") == running);
  CHECK(region.state_in_cloud("2") == running);
  CHECK(branch_states(region) == "first done, second done, ");
  CHECK(region.cloud_side.wishes.size() == 4);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("what the cloud refuses, or what cannot be asked for, fails its branch and leaves out what follows") {
  region_fixture region;
  build_two(region);
  SECTION("refused") {
    region.cloud_side.refuses_wishes = "iaas_vm_update_109";
    region.order(wish_order("scrub"));
    region.pass(3s);
    CHECK(has(region.branches(root_of(region).id)[0].told, "iaas_vm_update_109"));
    CHECK(region.state_in_cloud("1") == running);
  }
  SECTION("not in that state") {
    region.cloud_side.ask(region.router, quiesce);
    region.pass(3s);
    region.order("{name: x, branches: [{name: first, do: restore, resource: virtual_router/1}]}");
    region.pass(3s);
    CHECK(branch_states(region) == "first skipped, ");
    return;
  }
  SECTION("its job fails") {
    region.hosts["a"].behaves = [](const run_request& run) { return run.verb == "scrub_prep" ? 1 : 0; };
    region.order(wish_order("scrub"));
    region.pass(60s);
    CHECK(region.state_in_cloud("1") == unresourced);
  }
  SECTION("paused by an operator") {
    region.tell({operator_verb::pause, {}, region.router, {}, "eve"});
    region.order(wish_order("scrub"));
    region.pass(3s);
    CHECK(region.branches(root_of(region).id)[0].told ==
          "nothing begins on virtual_router/1: operator: as the test wants");
  }
  CHECK(branch_states(region) == "first failed, second skipped, ");
  CHECK(root_of(region).state == job_state::failed);
  CHECK(region.state_in_cloud("2") == running);
}

TEST_CASE(
    "a crash after any message of a scrub under a tree: both are scrubbed once, the second when the cloud knows of the "
    "first") {
  std::size_t handled = 0;
  for (std::size_t at = 1; handled + 1 >= at && at < 600; ++at) {
    region_fixture region;
    build_two(region);
    INFO("crash after message " << at);
    region.cloud_side.at_wish = [&](const resource_id& id) {
      if (id == second_router) CHECK(region.state_in_cloud("1") == scrub_queue);
    };
    region.order_without_settling(wish_order("scrub"), [](const result<std::string>&) {});
    handled = region.pass_but_handle(250ms, at);
    region.restart();
    region.pass(20s);
    CHECK(region.open_jobs().empty());
    const bool begun = !region.cloud_side.wishes.empty();
    CHECK(region.state_in_cloud("1") == (begun ? scrub_queue : running));
    CHECK(region.state_in_cloud("2") == (begun ? scrub_queue : running));
    if (begun) CHECK(root_of(region).state == job_state::succeeded);
    const auto done = region.jobs(job_state::succeeded);
    CHECK(std::count_if(done.begin(), done.end(), [](const job& one) { return one.what == operation::scrub_prep; }) ==
          (begun ? 2 : 0));
    for (const auto& [run, times] : region.hosts["a"].executions) CHECK(times == 1);
  }
  CHECK(handled > 20);
}

TEST_CASE("a cloud that cannot be asked is asked again, and a tree that is over asks for nothing more") {
  region_fixture region;
  build_two(region);
  region.cloud_side.away = true;
  SECTION("it comes back") {
    region.order(wish_order("scrub"));
    region.pass(12s);
    CHECK(branch_states(region) == "first started, second planned, ");
    region.cloud_side.away = false;
    region.pass(15s);
    CHECK(branch_states(region) == "first done, second done, ");
  }
  SECTION("cancelled meanwhile") {
    region.order(wish_order("scrub"));
    region.pass(2s);
    const auto root = root_of(region);
    region.tell({operator_verb::cancel, root.id, root.resource, {}, {}});
    region.cloud_side.away = false;
    region.pass(15s);
    CHECK(branch_states(region) == "first cancelled, second cancelled, ");
    CHECK(region.cloud_side.wishes.empty());
  }
  SECTION("its deadline passes while the daemon is dead") {
    region.order(
        "{name: x, deadline: 1h, branches: [{name: first, do: scrub, resource: virtual_router/1}, "
        "{name: second, do: scrub, resource: virtual_router/2, after: [first]}]}");
    region.pass(2s);
    region.crash();
    region.time.pass(2h);
    region.cloud_side.away = false;
    region.start();
    region.pass(15s);
    CHECK(branch_states(region) == "first cancelled, second cancelled, ");
    CHECK(region.cloud_side.wishes.empty());
    CHECK(root_of(region).error_code == "operation_deadline");
  }
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a user's change that comes with a wish is not the tree's") {
  region_fixture region;
  build_two(region);
  region.cloud_side.refuses_wishes = "another change is under way";
  region.cloud_side.ask(region.router, running_update);
  region.order_without_settling(wish_order("scrub"), [](const result<std::string>&) {});
  region.pass(5s);
  CHECK(branch_states(region) == "first failed, second skipped, ");
  CHECK(region.state_in_cloud("1") == running);
  CHECK(below(region, root_of(region).id).empty());
  region.restart();
  region.pass(5s);
  CHECK(branch_states(region) == "first failed, second skipped, ");
}

TEST_CASE("a cancelled scrub under a tree ends its job, and asks the cloud for nothing more") {
  region_fixture region;
  build_two(region);
  region.hosts["a"].hangs = {"fw"};
  region.order(wish_order("scrub"));
  region.pass(1s);
  const auto root = root_of(region);
  region.hosts["a"].hangs.clear();
  region.tell({operator_verb::cancel, root.id, root.resource, {}, "eve"});
  region.pass(5s);
  CHECK(root_of(region).state == job_state::cancelled);
  CHECK(branch_states(region) == "first cancelled, second cancelled, ");
  CHECK(region.cloud_side.wishes.size() == 1);
  CHECK(region.open_jobs().empty());
}
