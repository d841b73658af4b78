// Records sent whole, and the lists that they must carry.
#include "test/sim/face_fixture.hpp"

namespace regent::sim {

namespace {

struct put_fixture : model_fixture {
  put_fixture() {
    put(kind::virtual_router, 1, running);
    put(kind::vm, 1, running);
    put(kind::vm, 2, running);
  }
  answer put_whole(kind what, std::int64_t id, const json::object& record, caller by = caller::user) {
    return model.put(what, id, record, by);
  }
  answer patch_addresses(std::int64_t vm, const json::value& list) {
    return model.patch(kind::vm, vm, {{"ip_addresses", list}}, caller::user);
  }
  json::value public_ip(std::int64_t vm) const { return read(kind::vm, vm).at("ip_addresses").at(0).at("public_ip"); }
};

json::array nat_of(std::string_view address, bool nat) { return json::array{{{"address", address}, {"nat", nat}}}; }

}  // namespace

TEST_CASE("a VM sent whole must carry its addresses, a router its subnets, and a PATCH no empty list of them") {
  put_fixture f;
  CHECK(error_code(f.put_whole(kind::vm, 1, {{"name", "renamed"}})) == "iaas_vm_update_112");
  CHECK(error_code(f.put_whole(kind::virtual_router, 1, {{"state", 5}})) == "iaas_virtual_router_update_106");
  for (const auto& [list, vm, router] :
       {std::tuple(json::value(json::array()), 112, 106), std::tuple(json::value(nullptr), 112, 106),
        std::tuple(json::value(7), 111, 105)}) {
    CHECK(error_code(f.patch_addresses(1, list)) == fmt::format("iaas_vm_update_{}", vm));
    CHECK(error_code(f.model.patch(kind::virtual_router, 1, {{"subnets", list}}, caller::user)) ==
          fmt::format("iaas_virtual_router_update_{}", router));
  }
  CHECK(f.read(kind::vm, 1).at("name") == "web");
  CHECK(f.state(kind::virtual_router, 1) == running);
}

TEST_CASE("a PUT goes to VMs and routers, over HTTP too") {
  face_fixture f;
  f.send("PATCH", "/sim/vm/1?force=true", "", {{"state", 4}});
  const json::object whole{{"state", 5}, {"name", "put"}, {"ip_addresses", nat_of("10.0.0.2", true)}};
  CHECK(f.send("PUT", "/vm/1/", f.user, whole).status == 200);
  CHECK(content_of(f.get("/vm/1/")).at("state") == 5);
  CHECK(content_of(f.get("/vm/1/")).at("name") == "put");
  CHECK(error_code(f.send("PUT", "/vm/77/", f.user, whole)) == "iaas_vm_update_001");
  CHECK(f.send("PUT", "/vm/1/", f.user, json::array()).status == 400);
  CHECK(f.send("PUT", "/server/1/", f.robot, json::object()).status == 405);
  CHECK(f.send("PUT", "/vm/", f.user, whole).status == 405);
}

TEST_CASE("a VPN that a user sends whole updates its router, and only one that stands") {
  put_fixture f;
  content_of(f.model.create(kind::vpn, {{"virtual_router_id", 1}}));
  f.put(kind::virtual_router, 1, running);
  auto whole = f.read(kind::vpn, 1);
  whole["description"] = "sent whole";
  whole["id"] = 77;
  whole["virtual_router_id"] = 88;
  CHECK(f.put_whole(kind::vpn, 1, whole).status == 200);
  CHECK(f.read(kind::vpn, 1).at("description") == "sent whole");
  CHECK(f.read(kind::vpn, 1).at("virtual_router_id") == 1);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
  CHECK(error_code(f.put_whole(kind::vpn, 1, whole)) == "iaas_vpn_update_002");
  CHECK(error_code(f.put_whole(kind::vpn, 4711, whole)) == "iaas_vpn_update_001");
  CHECK(f.put_whole(kind::vpn, 1, whole, caller::orchestrator).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
}

TEST_CASE("a VM sent back as it was read loses its public address, and its router is updated") {
  put_fixture f;
  const auto read = f.read(kind::vm, 1);
  CHECK(f.public_ip(1).at("address") == "203.0.113.200");
  CHECK(f.put_whole(kind::vm, 1, read).status == 200);
  CHECK(f.public_ip(1).is_null());
  CHECK(f.model.rows().where(kind::ip_address, "address", "203.0.113.200").empty());
  CHECK(f.state(kind::vm, 1) == running);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
  const auto history = f.read(kind::vm, 1).at("history").as_array();
  CHECK(history.size() == read.at("history").as_array().size() + 1);
  CHECK(history.at(0).at("nat_quantity") == 0);
  CHECK(history.at(0).at("cpu_quantity").is_null());
}

TEST_CASE("a VM sent with what it has changes nothing and leaves its router alone") {
  put_fixture f;
  const auto before = f.read(kind::vm, 1);
  CHECK(f.patch_addresses(1, nat_of("10.0.0.2", true)).status == 200);
  CHECK(f.public_ip(1).at("address") == "203.0.113.200");
  CHECK(f.read(kind::vm, 1).at("history") == before.at("history"));
  CHECK(f.state(kind::virtual_router, 1) == running);
}

TEST_CASE("an address in the gateway subnet is given a public one, from any state of the router") {
  for (const auto& [was, is] :
       {std::pair(running, running_update), std::pair(quiesced, quiesced_update), std::pair(building, building)}) {
    put_fixture f;
    REQUIRE(f.patch_addresses(1, nat_of("10.0.0.2", false)).status == 200);
    f.put(kind::virtual_router, 1, was);
    CHECK(f.patch_addresses(1, nat_of("10.0.0.2", true)).status == 200);
    const auto outside = std::string(f.public_ip(1).at("address").as_string());
    CHECK(lies_in(outside, "203.0.113.1/24"));
    CHECK(f.model.rows().where(kind::ip_address, "address", outside).size() == 1);
    CHECK(f.read(kind::vm, 1).at("history").at(0).at("nat_quantity") == 1);
    CHECK(f.state(kind::virtual_router, 1) == is);
  }
}

TEST_CASE(
    "a public address for what is not the VM's, or outside the gateway subnet, or when none is free, is refused") {
  put_fixture f;
  CHECK(error_code(f.patch_addresses(2, nat_of("10.0.1.2", true))) == "iaas_vm_update_113");
  CHECK(error_code(f.patch_addresses(1, nat_of("10.0.1.2", true))) == "iaas_vm_update_115");
  CHECK(error_code(f.patch_addresses(1, json::array{7})) == "iaas_vm_update_115");
  REQUIRE(f.patch_addresses(1, nat_of("10.0.0.2", false)).status == 200);
  region_spec full;
  full.public_subnet = "203.0.113.1/30";  // the router's own address is the only one
  f.model.set_region(full);
  f.put(kind::virtual_router, 1, running);
  CHECK(error_code(f.patch_addresses(1, nat_of("10.0.0.2", true))) == "iaas_vm_update_114");
  CHECK(f.public_ip(1).is_null());
  CHECK(f.state(kind::virtual_router, 1) == running);
}

TEST_CASE("a router sent back as it was read stays what it is, and is updated all the same") {
  put_fixture f;
  const auto read = f.read(kind::virtual_router, 1);
  CHECK(f.put_whole(kind::virtual_router, 1, read).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
  CHECK(f.read(kind::virtual_router, 1).at("subnets") == read.at("subnets"));
  CHECK(f.read(kind::virtual_router, 1).at("firewall_rules") == read.at("firewall_rules"));
}

TEST_CASE("the orchestrator that sends a whole router with 4 finds it in 10") {
  put_fixture f;
  f.put(kind::virtual_router, 1, running_updating);
  auto whole = f.read(kind::virtual_router, 1);
  whole["state"] = 4;
  CHECK(f.put_whole(kind::virtual_router, 1, whole, caller::orchestrator).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
}

}  // namespace regent::sim
