#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

json::object polled(cloud_model& model) { return content_of(model.poll()); }

std::vector<std::int64_t> listed(const json::object& poll, std::string_view group, std::string_view list) {
  return numbers(poll.at(group).at(list));
}

void settle(model_fixture& f) {
  for (const auto& [id, row] : f.model.rows().all(kind::project))
    f.model.acknowledge({{"project_ids", json::array{id}}});
  polled(f.model);
}

}  // namespace

TEST_CASE("the poll answers every group with every list") {
  model_fixture f;
  const auto poll = polled(f.model);
  const auto resource = poll.at("resource").as_object();
  CHECK(resource.size() == 11);
  for (const auto group : {"backup_hyperv", "backup_kvm", "ceph", "gpu", "snapshot_hyperv", "snapshot_kvm",
                           "virtual_router", "virtual_router_phantom", "vm_hyperv", "vm_kvm", "vm_phantom"})
    CHECK(resource.at(group).as_object().size() == 9);
  for (const auto group : {"backups", "ceph", "snapshots", "virtual_routers", "vms"})
    CHECK(poll.at(group).as_object().size() == 9);
  CHECK(listed(poll, "virtual_routers", "build") == std::vector<std::int64_t>{1});
  CHECK(numbers(resource.at("vm_kvm").at("build")) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("the GET itself clears the region's flag: who dies after it has lost the news") {
  model_fixture f;
  polled(f.model);
  CHECK(polled(f.model).at("project_ids").as_array().empty());
  f.put(kind::virtual_router, 1, running);
  CHECK(f.ask(kind::virtual_router, 1, quiesce, caller::user).status == 200);
  CHECK(listed(polled(f.model), "virtual_routers", "quiesce") == std::vector<std::int64_t>{1});
}

TEST_CASE("the POST clears the project's flag, also for a change made since the GET") {
  model_fixture f;
  f.put(kind::virtual_router, 1, running);
  polled(f.model);
  CHECK(f.ask(kind::virtual_router, 1, quiesce, caller::user).status == 200);
  CHECK(f.model.acknowledge({{"project_ids", json::array{1}}}).status == 200);
  CHECK(polled(f.model).at("project_ids").as_array().empty());
}

TEST_CASE("without a POST a project is named again at the next news of any project") {
  model_fixture f;
  auto other = small_project("q");
  other.router.nat.clear();
  REQUIRE(f.model.add(other));
  polled(f.model);
  f.put(kind::virtual_router, 2, running);
  CHECK(f.ask(kind::virtual_router, 2, quiesce, caller::user).status == 200);
  const auto poll = polled(f.model);
  CHECK(listed(poll, "virtual_routers", "build") == std::vector<std::int64_t>{1});
  CHECK(listed(poll, "virtual_routers", "quiesce") == std::vector<std::int64_t>{2});
}

TEST_CASE("the orchestrator's own changes are no news, but for a router's scrub and a VM's end") {
  model_fixture f;
  settle(f);
  CHECK(f.ask(kind::virtual_router, 1, building, caller::orchestrator).status == 200);
  CHECK(polled(f.model).at("project_ids").as_array().empty());
  f.put(kind::vm, 1, scrubbing);
  settle(f);
  CHECK(f.ask(kind::vm, 1, closed, caller::orchestrator).status == 200);
  CHECK_FALSE(polled(f.model).at("project_ids").as_array().empty());
}

TEST_CASE("project_ids repeats a project once per VM") {
  model_fixture f;
  CHECK(numbers(polled(f.model).at("project_ids")) == std::vector<std::int64_t>{1, 1});
}

TEST_CASE("what is in progress is never named") {
  for (const auto state :
       {building, running_updating, quiescing, restarting, scrub_prep, quiesced_updating, scrubbing}) {
    model_fixture f;
    f.put(kind::virtual_router, 1, state);
    const auto poll = polled(f.model);
    for (const auto& [list, ids] : poll.at("virtual_routers").as_object()) CHECK(ids.as_array().empty());
  }
}

TEST_CASE("a project with anything in 14 is listed at every GET") {
  model_fixture f;
  f.put(kind::virtual_router, 1, scrub_prep);
  settle(f);
  const auto poll = polled(f.model);
  CHECK_FALSE(poll.at("project_ids").as_array().empty());
  CHECK(listed(poll, "vms", "build") == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("a router and a VM in 8 stand in scrub and in scrubprep, a snapshot only in scrub") {
  model_fixture f;
  f.put(kind::virtual_router, 1, scrub);
  f.put(kind::vm, 1, scrub);
  const auto snapshot = f.add_snapshot(scrub);
  const auto poll = polled(f.model);
  for (const auto list : {"scrub", "scrubprep"}) {
    CHECK(listed(poll, "virtual_routers", list) == std::vector<std::int64_t>{1});
    CHECK(listed(poll, "vms", list) == std::vector<std::int64_t>{1});
  }
  CHECK(listed(poll, "snapshots", "scrub") == std::vector<std::int64_t>{snapshot});
  CHECK(listed(poll, "snapshots", "scrubprep").empty());
}

TEST_CASE("an expired 9 is named only while both flags are set") {
  auto project = small_project();
  project.grace_period = 1;
  model_fixture f(project);
  f.put(kind::virtual_router, 1, scrub_queue);
  CHECK(listed(polled(f.model), "virtual_routers", "scrub").empty());
  f.time.pass(std::chrono::hours(1));
  CHECK(polled(f.model).at("project_ids").as_array().empty());
  CHECK(f.model.patch(kind::project, 1, {{"note", "news"}}, caller::user).status == 200);
  CHECK(listed(polled(f.model), "virtual_routers", "scrub") == std::vector<std::int64_t>{1});
  CHECK(listed(polled(f.model), "virtual_routers", "scrub").empty());
}

TEST_CASE("a 9 to 9 starts the grace period again") {
  auto project = small_project();
  project.grace_period = 1;
  model_fixture f(project);
  f.put(kind::virtual_router, 1, scrub_queue);
  f.time.pass(std::chrono::minutes(59));
  CHECK(f.ask(kind::virtual_router, 1, scrub_queue, caller::orchestrator).status == 200);
  f.time.pass(std::chrono::minutes(59));
  CHECK(listed(polled(f.model), "virtual_routers", "scrub").empty());
}

TEST_CASE("a null grace period and a VM in 9 make the poll answer 500 after the flag is gone") {
  auto project = small_project();
  project.grace_period.reset();
  model_fixture f(project);
  f.put(kind::vm, 1, scrub_queue);
  const auto broken = f.model.poll();
  CHECK(broken.status == 500);
  CHECK(broken.type.starts_with("text/html"));
  CHECK(polled(f.model).at("project_ids").as_array().empty());
}

TEST_CASE("snapshots and backups are named only if the flag was set, and never on phantom servers") {
  model_fixture f;
  REQUIRE(f.model.add(server_spec{2, "ghost", "Phantom", "2001:db8::2"}));
  f.put(kind::vm, 1, running);
  const auto snapshot = f.add_snapshot(requested), backup = f.add_backup(requested);
  f.put(kind::vm, 2, scrub_prep);
  auto poll = polled(f.model);
  CHECK(listed(poll, "snapshots", "build") == std::vector<std::int64_t>{snapshot});
  CHECK(listed(poll, "backups", "build") == std::vector<std::int64_t>{backup});
  poll = polled(f.model);
  CHECK_FALSE(poll.at("project_ids").as_array().empty());
  CHECK(listed(poll, "snapshots", "build").empty());
  f.model.force(kind::vm, 1, {{"server_id", 2}});
  poll = polled(f.model);
  CHECK(listed(poll, "snapshots", "build").empty());
}

TEST_CASE("volumes are named, in both of their groups, only if the flag was set, and scrubbed without preparation") {
  model_fixture f;
  const auto fresh = f.add_volume(requested), old = f.add_volume(scrub), grown = f.add_volume(running_update);
  f.add_volume(building);
  f.put(kind::virtual_router, 1, scrub_prep);
  auto poll = polled(f.model);
  const auto names = [&](const json::value& group) {
    CHECK(numbers(group.at("build")) == std::vector<std::int64_t>{fresh});
    CHECK(numbers(group.at("scrub")) == std::vector<std::int64_t>{old});
    CHECK(numbers(group.at("scrubprep")).empty());
    CHECK(numbers(group.at("updaterunning")) == std::vector<std::int64_t>{grown});
  };
  names(poll.at("ceph"));
  names(poll.at("resource").at("ceph"));
  poll = polled(f.model);
  CHECK_FALSE(poll.at("project_ids").as_array().empty());
  CHECK(listed(poll, "ceph", "build").empty());
  CHECK(numbers(poll.at("resource").at("ceph").at("build")).empty());
}

TEST_CASE("phantoms stand in groups of their own, and in the merged ones") {
  auto project = small_project();
  project.router.phantom = true;
  model_fixture f(project);
  const auto poll = polled(f.model);
  CHECK(numbers(poll.at("resource").at("virtual_router").at("build")).empty());
  CHECK(numbers(poll.at("resource").at("virtual_router_phantom").at("build")) == std::vector<std::int64_t>{1});
  CHECK(listed(poll, "virtual_routers", "build") == std::vector<std::int64_t>{1});
}

TEST_CASE("each list is ordered by the age of the change") {
  model_fixture f;
  f.put(kind::vm, 1, quiesce);
  f.put(kind::vm, 2, quiesce);
  f.put(kind::vm, 1, quiesce);
  CHECK(listed(polled(f.model), "vms", "quiesce") == std::vector<std::int64_t>{2, 1});
}

TEST_CASE("the POST refuses what is no list of projects, each with its code") {
  model_fixture f;
  const auto code = [&](const json::value& body) { return error_code(f.model.acknowledge(body)); };
  CHECK(code({{"project_ids", "1"}}) == "iaas_run_robot_turn_off_101");
  CHECK(code(json::object{}) == "iaas_run_robot_turn_off_102");
  CHECK(code({{"project_ids", json::array()}}) == "iaas_run_robot_turn_off_102");
  CHECK(code({{"project_ids", json::array{"x"}}}) == "iaas_run_robot_turn_off_103");
  CHECK(code({{"project_ids", json::array{77}}}) == "iaas_run_robot_turn_off_104");
}

}  // namespace regent::sim
