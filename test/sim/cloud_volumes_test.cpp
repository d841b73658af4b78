#include "test/sim/face_fixture.hpp"

namespace regent::sim {

namespace {

/// A running VM 1 and a running volume 1, in a region whose detach/ works.
struct volume_fixture : model_fixture {
  volume_fixture() {
    region_spec region;
    region.detach_works = true;
    model.set_region(region);
    put(kind::vm, 1, running);
    REQUIRE(add_volume(running) == 1);
  }
  answer change(const json::object& wish, caller by) { return model.patch(kind::ceph, 1, wish, by); }
  json::value parent() const { return read(kind::ceph, 1).at("parent_id"); }
  std::int64_t gb() const { return read(kind::ceph, 1).at("specs").at(0).at("quantity").as_int64(); }
  std::size_t rows_of_history() const { return read(kind::vm, 1).at("history").as_array().size(); }
  /// As after an attach that the orchestrator has carried out.
  void attach() {
    REQUIRE(model.attach(1, 1, caller::user).status == 204);
    put(kind::vm, 1, running);
  }
};

struct device_fixture : model_fixture {
  device_fixture() {
    device_spec attached;
    attached.vm = 1;
    REQUIRE(model.add(attached));
    REQUIRE(model.add(device_spec{}));
  }
  answer change(std::int64_t id, const json::object& wish, caller by = caller::orchestrator) {
    return model.patch(kind::device, id, wish, by);
  }
};

}  // namespace

TEST_CASE("a volume has its size when it is read alone, and null in lists") {
  const volume_fixture f;
  auto whole = f.read(kind::ceph, 1);
  CHECK(whole.erase("created") == 1);
  CHECK(whole == json::object{{"id", 1},
                              {"name", "volume"},
                              {"parent_id", nullptr},
                              {"project_id", 1},
                              {"resource_type", 3},
                              {"specs", json::array{{{"sku", "CEPH_001"}, {"quantity", 10}}}},
                              {"state", 4}});
  const auto listed = parsed_body(f.model.list(kind::ceph, {}));
  CHECK(listed.at("content").at(0).at("specs").is_null());
}

TEST_CASE("volumes are found by state, project and parent, but not by number") {
  volume_fixture f;
  f.add_volume(building, {{"parent_id", 2}});
  const auto found = [&](const std::string& query) { return ids_of(f.model.list(kind::ceph, parse_query(query))); };
  using ids = std::vector<std::int64_t>;
  CHECK(found("search[state__in]=(1,2)") == ids{2});
  CHECK(found("search[parent_id]=2") == ids{2});
  CHECK(found("search[project__name]=p&search[parent_id__isnull]=True") == ids{1});
  CHECK(found("search[project_id]=2").empty());
  CHECK(found("search[id]=1") == ids{1, 2});
  const auto said = parsed_body(f.model.list(kind::ceph, parse_query("search[id]=1")));
  CHECK(said.at("_metadata").at("warnings").as_array().size() == 1);
}

TEST_CASE("the orchestrator may change the state of a volume and nothing else") {
  volume_fixture f;
  for (const json::object& wish :
       {json::object{{"name", "x"}}, json::object{{"CEPH_001", 20}}, json::object{{"name", "x"}, {"state", 11}}}) {
    f.put(kind::ceph, 1, wish.contains("state") ? running_update : running);
    const auto before = f.read(kind::ceph, 1);
    const auto said = f.change(wish, caller::orchestrator);
    CHECK(said.status == 403);
    CHECK(error_code(said) == "iaas_ceph_update_002");
    CHECK(f.read(kind::ceph, 1) == before);
  }
  f.put(kind::ceph, 1, running_update);
  CHECK(f.change({{"state", 11}, {"colour", "red"}}, caller::orchestrator).status == 200);
  CHECK(f.state(kind::ceph, 1) == running_updating);
}

TEST_CASE("a volume that a user enlarges goes to its update") {
  for (const auto& [was, is] : {std::pair(running, running_update), std::pair(quiesced, quiesced_update)}) {
    volume_fixture f;
    f.put(kind::ceph, 1, was);
    CHECK(f.change({{"CEPH_001", 20}, {"name", "bigger"}}, caller::user).status == 200);
    CHECK(f.state(kind::ceph, 1) == is);
    CHECK(f.gb() == 20);
    CHECK(f.read(kind::ceph, 1).at("name") == "bigger");
    CHECK_FALSE(f.read(kind::ceph, 1).contains("history"));
  }
}

TEST_CASE("a volume takes no size that is smaller, or none, or comes at the wrong time") {
  volume_fixture f;
  const auto code = [&](const json::object& wish) { return error_code(f.change(wish, caller::user)); };
  CHECK(code({{"CEPH_001", nullptr}}) == "iaas_ceph_update_104");
  CHECK(code({{"CEPH_001", "big"}}) == "iaas_ceph_update_105");
  CHECK(code({{"CEPH_001", 9}}) == "iaas_ceph_update_106");
  CHECK(code({{"CEPH_001", 20}, {"state", 5}}) == "iaas_ceph_update_108");
  CHECK(code({{"name", ""}}) == "iaas_ceph_update_109");
  CHECK(code({{"CEPH_001", 10}}).empty());
  f.put(kind::ceph, 1, building);
  CHECK(code({{"CEPH_001", 20}}) == "iaas_ceph_update_107");
  CHECK(f.gb() == 10);
  CHECK(f.state(kind::ceph, 1) == building);
}

TEST_CASE("an attached volume is in 4 below its VM, which goes to its update without a row of history") {
  for (const auto& [was, is] : {std::pair(running, running_update), std::pair(quiesced, quiesced_update)}) {
    volume_fixture f;
    f.put(kind::vm, 1, was);
    f.put(kind::ceph, 1, was);
    content_of(f.model.poll());
    const auto rows = f.rows_of_history();
    CHECK(f.model.attach(1, 1, caller::user).status == 204);
    CHECK(f.parent() == 1);
    CHECK(f.state(kind::ceph, 1) == running);
    CHECK(f.state(kind::vm, 1) == is);
    CHECK(f.rows_of_history() == rows);
    CHECK(ids_of(f.model.list(kind::ceph, parse_query("search[parent_id]=1"))) == std::vector<std::int64_t>{1});
    const auto vms = content_of(f.model.poll()).at("vms");
    CHECK(numbers(vms.at(is == running_update ? "running_update" : "quiesced_update")) == std::vector<std::int64_t>{1});
  }
}

TEST_CASE("an attach is refused, with its code, to whom and where it cannot be") {
  volume_fixture f;
  auto other = small_project("q");
  other.router.nat.clear();
  other.vms.front().state = running;
  REQUIRE(f.model.add(other));
  const auto code = [&](std::int64_t volume, std::int64_t vm, caller by = caller::user) {
    return error_code(f.model.attach(volume, vm, by));
  };
  CHECK(f.model.attach(1, 1, caller::orchestrator).status == 403);
  CHECK(code(1, 1, caller::orchestrator) == "iaas_attach_update_201");
  CHECK(f.model.attach(77, 1, caller::user).status == 404);
  CHECK(code(77, 1) == "iaas_attach_update_001");
  CHECK(f.model.attach(1, 77, caller::user).status == 404);
  CHECK(code(1, 77) == "iaas_attach_update_005");
  CHECK(code(1, 3) == "iaas_attach_update_006");
  CHECK(code(1, 2) == "iaas_attach_update_007");  // only requested
  f.put(kind::ceph, 1, building);
  CHECK(code(1, 1) == "iaas_attach_update_004");
  CHECK(f.parent().is_null());
  f.put(kind::ceph, 1, running);
  f.attach();
  CHECK(code(1, 1) == "iaas_attach_update_003");
}

TEST_CASE("nobody changes a volume while it is attached") {
  volume_fixture f;
  f.attach();
  for (const auto by : {caller::user, caller::orchestrator}) {
    CHECK(f.ask(kind::ceph, 1, scrub, by).status == 403);
    CHECK(error_code(f.ask(kind::ceph, 1, scrub, by)) == "iaas_ceph_update_201");
  }
  CHECK(f.state(kind::ceph, 1) == running);
}

TEST_CASE("a user's detach asks for it: the volume to 6, the VM to its update; the orchestrator's has done it") {
  for (const auto& [was, is] : {std::pair(running, running_update), std::pair(quiesced, quiesced_update)}) {
    volume_fixture f;
    f.attach();
    f.put(kind::vm, 1, was);
    const auto rows = f.rows_of_history();
    CHECK(f.model.detach(1, caller::user).status == 204);
    CHECK(f.state(kind::ceph, 1) == quiesced);
    CHECK(f.parent() == 1);
    CHECK(f.state(kind::vm, 1) == is);
    CHECK(f.rows_of_history() == rows);
    CHECK(f.model.detach(1, caller::orchestrator).status == 204);
    CHECK(f.state(kind::ceph, 1) == running);
    CHECK(f.parent().is_null());
    CHECK(f.state(kind::vm, 1) == is);
    CHECK(ids_of(f.model.list(kind::ceph, parse_query("search[parent_id]=1"))).empty());
  }
}

TEST_CASE("a detach is refused, with its code, where there is nothing to detach or no time for it") {
  volume_fixture f;
  const auto code = [&](std::int64_t volume, caller by) { return error_code(f.model.detach(volume, by)); };
  CHECK(f.model.detach(77, caller::user).status == 404);
  CHECK(code(77, caller::user) == "iaas_detach_update_001");
  CHECK(code(1, caller::orchestrator) == "iaas_detach_update_003");
  f.attach();
  CHECK(code(1, caller::orchestrator) == "iaas_detach_update_004");
  f.put(kind::vm, 1, running_updating);
  CHECK(code(1, caller::user) == "iaas_detach_update_006");
  f.put(kind::ceph, 1, quiesced);
  CHECK(code(1, caller::user) == "iaas_detach_update_005");
  CHECK(f.parent() == 1);
}

TEST_CASE("as published, a detach answers 500 and nothing is done, and so does the creation of a volume") {
  face_fixture f;
  const auto play = [&](const std::string& method, const std::string& path, const json::value& body) {
    return content_of(f.send(method, "/sim/" + path, "", body));
  };
  play("PATCH", "vm/1?force=true", {{"state", 4}});
  play("POST", "volumes", {{"project_id", 1}, {"state", 4}});
  CHECK(f.send("PUT", "/attach/1/parent/1/", f.robot).status == 403);
  CHECK(f.send("PUT", "/attach/1/parent/1/", f.user).status == 204);
  play("PATCH", "vm/1?force=true", {{"state", 4}});
  for (const auto& token : {f.robot, f.user}) {
    const auto said = f.send("PUT", "/detach/1/", token);
    CHECK(said.status == 500);
    CHECK(said.type.starts_with("text/html"));
    CHECK(f.send("POST", "/ceph/", token, {{"project_id", 1}, {"CEPH_001", 5}, {"name", "n"}}).status == 500);
  }
  CHECK(content_of(f.get("/ceph/1/")).at("parent_id") == 1);
  CHECK(content_of(f.get("/ceph/1/")).at("state") == 4);
  CHECK(content_of(f.get("/vm/1/")).at("state") == 4);
  CHECK(ids_of(f.get("/ceph/")) == std::vector<std::int64_t>{1});
}

TEST_CASE("attach and detach are addresses for a PUT and nothing else") {
  face_fixture f;
  CHECK(f.send("PUT", "/attach/1/parent/1", f.user).status == 301);
  CHECK(f.send("PUT", "/attach/1/parent/1/", "").status == 401);
  for (const auto path : {"/attach/1/parent/1/", "/detach/1/"})
    for (const auto method : {"GET", "PATCH", "POST", "DELETE"}) CHECK(f.send(method, path, f.user).status == 405);
  for (const auto path : {"/attach/1/", "/attach/1/parent/", "/attach/1/parent/x/", "/attach/x/parent/1/",
                          "/attach/1/child/1/", "/ceph/1/parent/1/", "/detach/"}) {
    INFO(path);
    CHECK(f.send("PUT", path, f.user).status == 404);
  }
}

TEST_CASE("a device is answered with its type and server, and found by the VM that has it") {
  const device_fixture f;
  auto whole = f.read(kind::device, 1);
  CHECK(whole.at("server").at("type").at("name") == "KVM");
  whole.erase("server");
  CHECK(whole == json::object{{"device_type", {{"description", "GPU"}, {"id", 1}, {"sku", "GPU_A100"}}},
                              {"device_type_id", 1},
                              {"id", 1},
                              {"id_on_host", "0000:3b:00.0"},
                              {"server_id", 1},
                              {"vm_id", 1}});
  const auto found = [&](const std::string& query) { return ids_of(f.model.list(kind::device, parse_query(query))); };
  CHECK(found("search[vm_id]=1") == std::vector<std::int64_t>{1});
  CHECK(found("search[vm__project__name]=p") == std::vector<std::int64_t>{1});
  CHECK(found("search[vm_id__isnull]=True&search[device_type__sku__icontains]=gpu") == std::vector<std::int64_t>{2});
}

TEST_CASE("a device is released by a null VM, and goes to no other") {
  device_fixture f;
  CHECK(error_code(f.change(1, {{"vm_id", 2}})) == "iaas_device_update_109");
  CHECK(error_code(f.change(2, {{"vm_id", 1}})) == "iaas_device_update_109");
  CHECK(error_code(f.change(77, {{"vm_id", nullptr}})) == "iaas_device_update_001");
  CHECK(f.change(1, {{"vm_id", nullptr}}, caller::user).status == 403);
  CHECK(error_code(f.change(1, {{"vm_id", nullptr}}, caller::user)) == "iaas_device_update_201");
  CHECK(f.change(1, {{"vm_id", 1}}).status == 200);
  CHECK(f.read(kind::device, 1).at("vm_id") == 1);
  CHECK(content_of(f.change(1, {{"vm_id", nullptr}})).at("vm_id").is_null());
  CHECK(f.read(kind::device, 1).at("vm_id").is_null());
  CHECK(ids_of(f.model.list(kind::device, parse_query("search[vm_id]=1"))).empty());
}

TEST_CASE("volumes and devices are created by the play, for a project and a server that stand") {
  face_fixture f;
  CHECK(f.send("POST", "/sim/volumes", "", {{"project_id", 77}}).status == 400);
  CHECK(f.send("POST", "/sim/volumes", "", json::object()).status == 400);
  CHECK(f.send("POST", "/sim/devices", "", {{"server_id", 77}}).status == 400);
  f.get("/run_robot/");
  CHECK(content_of(f.send("POST", "/sim/volumes", "", {{"project_id", 1}})).at("state") == 1);
  CHECK(numbers(parsed_body(f.get("/run_robot/")).at("content").at("ceph").at("build")) ==
        std::vector<std::int64_t>{1});
  CHECK(content_of(f.send("POST", "/sim/devices", "", {{"server_id", 1}, {"vm_id", 1}})).at("vm_id") == 1);
  CHECK(content_of(f.send("PATCH", "/device/1/", f.robot, {{"vm_id", nullptr}})).at("vm_id").is_null());
  const auto resources = parsed_body(f.send("GET", "/sim/state", "")).at("resources").as_array();
  REQUIRE(resources.size() == 4);
  CHECK(resources.at(3).at("id") == "ceph/1");
  CHECK(resources.at(3).at("project") == 1);
}

}  // namespace regent::sim
