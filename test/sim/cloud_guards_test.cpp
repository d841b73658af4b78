#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

TEST_CASE("a VM with a GPU cannot be scrubbed") {
  model_fixture f;
  f.model.force(kind::vm, 1, {{"state", 4}, {"gpu", 1}});
  CHECK(error_code(f.ask(kind::vm, 1, scrub, caller::user)) == "iaas_vm_update_108");
  f.model.force(kind::vm, 1, {{"gpu", 0}});
  CHECK(f.ask(kind::vm, 1, scrub, caller::user).status == 200);
}

TEST_CASE("a VM with a snapshot that is not closed cannot be scrubbed") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  const auto snapshot = f.add_snapshot(running);
  CHECK(error_code(f.ask(kind::vm, 1, scrub, caller::user)) == "iaas_vm_update_109");
  f.put(kind::snapshot, snapshot, closed);
  CHECK(f.ask(kind::vm, 1, scrub, caller::user).status == 200);
}

TEST_CASE("no state of a VM changes while one of its snapshots is unstable, not even for the orchestrator") {
  for (const auto unstable : {requested, building, unresourced, scrub, running_updating}) {
    model_fixture f;
    f.put(kind::vm, 1, running);
    f.add_snapshot(unstable);
    CHECK(error_code(f.ask(kind::vm, 1, quiesce, caller::user)) == "iaas_vm_update_110");
    f.put(kind::vm, 1, quiesce);
    CHECK(error_code(f.ask(kind::vm, 1, quiescing, caller::orchestrator)) == "iaas_vm_update_110");
    CHECK(f.state(kind::vm, 1) == quiesce);
  }
}

TEST_CASE("a snapshot and a backup change their state only while their VM runs") {
  model_fixture f;
  f.put(kind::vm, 1, quiesced);
  const auto snapshot = f.add_snapshot(requested), backup = f.add_backup(requested);
  CHECK(error_code(f.ask(kind::snapshot, snapshot, building, caller::orchestrator)) == "iaas_snapshot_update_107");
  CHECK(error_code(f.ask(kind::backup, backup, building, caller::orchestrator)) == "iaas_backup_update_107");
  f.put(kind::vm, 1, running);
  CHECK(f.ask(kind::snapshot, snapshot, building, caller::orchestrator).status == 200);
  CHECK(f.ask(kind::backup, backup, building, caller::orchestrator).status == 200);
}

TEST_CASE("a router is not scrubbed while its project has a VM that is not closed") {
  model_fixture f;
  f.put(kind::virtual_router, 1, scrub_queue);
  f.put(kind::vm, 1, closed);
  const auto said = f.ask(kind::virtual_router, 1, scrubbing, caller::orchestrator);
  CHECK(said.status == 400);
  CHECK(error_code(said) == "iaas_virtual_router_update_003");
  CHECK(parsed_body(said).as_object().contains("error_code"));
  f.put(kind::vm, 2, closed);
  CHECK(f.ask(kind::virtual_router, 1, scrubbing, caller::orchestrator).status == 200);
}

TEST_CASE("a change of size moves a VM to its update, unguarded by snapshots, and leaves them both without a way out") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  const auto snapshot = f.add_snapshot(building);
  CHECK(f.model.patch(kind::vm, 1, {{"cpu", 4}}, caller::user).status == 200);
  CHECK(f.state(kind::vm, 1) == running_update);
  CHECK(error_code(f.ask(kind::vm, 1, running_updating, caller::orchestrator)) == "iaas_vm_update_110");
  CHECK(error_code(f.ask(kind::snapshot, snapshot, running, caller::orchestrator)) == "iaas_snapshot_update_107");
}

TEST_CASE("a change of size from quiesced is a quiesced update, from elsewhere it is refused") {
  model_fixture f;
  f.put(kind::vm, 1, quiesced);
  CHECK(f.model.patch(kind::vm, 1, {{"ram", 8}}, caller::user).status == 200);
  CHECK(f.state(kind::vm, 1) == quiesced_update);
  CHECK(error_code(f.model.patch(kind::vm, 1, {{"cpu", 9}}, caller::user)) == "iaas_vm_update_118");
  CHECK(f.model.patch(kind::vm, 1, {{"ram", 8}}, caller::user).status == 200);  // no change
  f.put(kind::vm, 2, running);
  CHECK(error_code(f.model.patch(kind::vm, 2, {{"cpu", 9}, {"state", 5}}, caller::user)) == "iaas_vm_update_119");
}

TEST_CASE("the newest history row of a VM says what an update changes only until it is claimed") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  f.model.patch(kind::vm, 1, {{"cpu", 7}}, caller::user);
  const auto asked = f.read(kind::vm, 1).at("history").as_array();
  CHECK(asked.at(0).at("cpu_quantity") == 7);
  CHECK(asked.at(0).at("ram_quantity").is_null());
  CHECK(asked.at(0).at("state") == 10);
  f.ask(kind::vm, 1, running_updating, caller::orchestrator);
  const auto claimed = f.read(kind::vm, 1).at("history").as_array();
  CHECK(claimed.size() == asked.size() + 1);
  CHECK(claimed.at(0).at("cpu_quantity").is_null());
  CHECK(claimed.at(0).at("state") == 11);
}

TEST_CASE("closing a VM closes its addresses, and updates the router only if one had a public address") {
  model_fixture f;
  f.put(kind::virtual_router, 1, running);
  f.put(kind::vm, 2, scrubbing);
  CHECK(f.ask(kind::vm, 2, closed, caller::orchestrator).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == running);
  f.put(kind::vm, 1, scrubbing);
  CHECK(f.ask(kind::vm, 1, closed, caller::orchestrator).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == running_update);
  CHECK(f.read(kind::vm, 1).at("ip_addresses").as_array().empty());
  CHECK(f.model.rows().where(kind::ip_address, "address", "203.0.113.200").empty());
}

TEST_CASE("closing a VM with NAT sets a quiesced router to 15 and leaves any other as it is") {
  for (const auto& [was, is] : {std::pair(quiesced, quiesced_update), std::pair(building, building)}) {
    model_fixture f;
    f.put(kind::virtual_router, 1, was);
    f.put(kind::vm, 1, scrubbing);
    CHECK(f.ask(kind::vm, 1, closed, caller::orchestrator).status == 200);
    CHECK(f.state(kind::virtual_router, 1) == is);
  }
}

TEST_CASE("closing a router deletes what belongs to it and closes its project, but it can still be read") {
  model_fixture f;
  content_of(f.model.create(kind::vpn, {{"virtual_router_id", 1}}));
  f.put(kind::vm, 1, closed);
  f.put(kind::vm, 2, closed);
  f.put(kind::virtual_router, 1, scrubbing);
  CHECK(f.ask(kind::virtual_router, 1, closed, caller::orchestrator).status == 200);
  const auto router = f.read(kind::virtual_router, 1);
  CHECK(router.at("state") == 99);
  CHECK(router.at("subnets").as_array().empty());
  CHECK(router.at("firewall_rules").as_array().empty());
  CHECK(router.at("ip_address").is_null());
  CHECK(router.at("project").at("closed") == true);
  CHECK(f.model.rows().all(kind::vpn).empty());
  CHECK(f.model.rows().all(kind::ip_address).empty());
}

TEST_CASE("a user's change of a VPN updates a router in 4 and in 6 to 10, and is refused in any other state") {
  for (const auto was : {running, quiesced}) {
    model_fixture f;
    content_of(f.model.create(kind::vpn, {{"virtual_router_id", 1}}));
    f.put(kind::virtual_router, 1, was);
    CHECK(f.model.patch(kind::vpn, 1, {{"description", "d"}}, caller::user).status == 200);
    CHECK(f.state(kind::virtual_router, 1) == running_update);
    CHECK(error_code(f.model.patch(kind::vpn, 1, {{"description", "e"}}, caller::user)) == "iaas_vpn_update_002");
    CHECK(error_code(f.model.remove_vpn(1)) == "iaas_vpn_update_002");
    f.put(kind::virtual_router, 1, was);
    CHECK(f.model.remove_vpn(1).status == 204);
    CHECK(f.model.rows().all(kind::vpn).empty());
  }
}

TEST_CASE("the orchestrator's change of a VPN leaves the router alone and always clears send_email") {
  model_fixture f;
  content_of(f.model.create(kind::vpn, {{"virtual_router_id", 1}}));
  f.put(kind::virtual_router, 1, building);
  CHECK(f.read(kind::vpn, 1).at("emails").as_array().size() == 1);
  CHECK(f.model.patch(kind::vpn, 1, {{"send_email", true}}, caller::orchestrator).status == 200);
  CHECK(f.read(kind::vpn, 1).at("send_email") == false);
  CHECK(f.read(kind::vpn, 1).at("emails").as_array().empty());
  CHECK(f.state(kind::virtual_router, 1) == building);
}

TEST_CASE("reverting to a snapshot makes it the active one") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  const auto first = f.add_snapshot(running), second = f.add_snapshot(running);
  CHECK(f.ask(kind::snapshot, first, running_update, caller::user).status == 200);
  CHECK(f.read(kind::snapshot, first).at("active") == true);
  CHECK(f.read(kind::snapshot, second).at("active") == false);
}

TEST_CASE("a snapshot scrubbed with its subtree takes its children through 17 and 99") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  const auto root = f.add_snapshot(running);
  const auto child = f.add_snapshot(running, {{"parent_id", root}}),
             leaf = f.add_snapshot(running, {{"parent_id", child}});
  const auto stranger = f.add_snapshot(running);
  CHECK(f.model.patch(kind::snapshot, root, {{"state", 8}, {"remove_subtree", true}}, caller::user).status == 200);
  CHECK(f.state(kind::snapshot, child) == running);
  CHECK(f.ask(kind::snapshot, root, scrubbing, caller::orchestrator).status == 200);
  CHECK(f.state(kind::snapshot, child) == scrubbing);
  CHECK(f.state(kind::snapshot, leaf) == scrubbing);
  CHECK(f.ask(kind::snapshot, root, closed, caller::orchestrator).status == 200);
  CHECK(f.state(kind::snapshot, leaf) == closed);
  CHECK(f.state(kind::snapshot, stranger) == running);
}

TEST_CASE("a finished backup takes its time from the orchestrator only, in one format") {
  model_fixture f;
  f.put(kind::vm, 1, running);
  const auto id = f.add_backup(building);
  CHECK(error_code(f.model.patch(kind::backup, id, {{"time_valid", "2026-11-20T10:00:00Z"}}, caller::orchestrator)) ==
        "iaas_backup_update_108");
  CHECK(error_code(f.model.patch(kind::backup, id, {{"time_valid", "2026-11-20 10:00:00"}}, caller::user)) ==
        "iaas_backup_update_204");
  const auto done =
      f.model.patch(kind::backup, id, {{"state", 4}, {"time_valid", "2026-11-20 10:00:00"}}, caller::orchestrator);
  CHECK(content_of(done).at("time_valid") == "2026-11-20T10:00:00");
}

TEST_CASE("a project is scrubbed whole and restored to what each part was") {
  model_fixture f;
  f.put(kind::virtual_router, 1, running);
  f.put(kind::vm, 1, running);
  f.put(kind::vm, 2, quiesced);
  CHECK(f.model.patch(kind::project, 1, {{"state", 8}}, caller::orchestrator).status == 403);
  CHECK(f.model.patch(kind::project, 1, {{"state", 8}}, caller::user).status == 200);
  for (const auto& [what, id] : {std::pair(kind::virtual_router, 1), std::pair(kind::vm, 1), std::pair(kind::vm, 2)}) {
    CHECK(f.state(what, id) == scrub);
    CHECK(f.ask(what, id, scrub_prep, caller::orchestrator).status == 200);
    CHECK(f.ask(what, id, scrub_queue, caller::orchestrator).status == 200);
  }
  CHECK(f.read(kind::project, 1).at("shut_down") == true);
  CHECK(f.model.patch(kind::project, 1, {{"state", 4}}, caller::user).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == restart);
  CHECK(f.state(kind::vm, 1) == restart);
  CHECK(f.state(kind::vm, 2) == quiesced);
}

TEST_CASE("restoring a project sends a closed router to 7, as the published server does") {
  model_fixture f;
  f.put(kind::virtual_router, 1, closed);
  CHECK(f.model.patch(kind::project, 1, {{"state", 4}}, caller::user).status == 200);
  CHECK(f.state(kind::virtual_router, 1) == restart);
}

TEST_CASE("a project is not scrubbed while something in it is under way") {
  model_fixture f;
  f.put(kind::virtual_router, 1, running);
  f.put(kind::vm, 1, building);
  f.put(kind::vm, 2, running);
  CHECK(f.model.patch(kind::project, 1, {{"state", 8}}, caller::user).status == 400);
  CHECK(f.state(kind::virtual_router, 1) == running);
}

TEST_CASE("changed rules, subnets, NAT, routes and sets update a router in 4 and 6, and leave any other in its state") {
  const std::map<std::string, std::string> wishes{
      {"firewall_rules", R"([{"source":"0.0.0.0/0","destination":"10.0.0.9","protocol":"tcp","port":"22"}])"},
      {"subnets", R"([{"name":"new","address":"10.0.9.1/24"}])"},
      {"nat", R"([{"public":"203.0.113.77","private":"10.0.1.7"}])"},
      {"routes", R"([{"destination":"10.7.0.0/16","gateway":"10.0.0.9"}])"},
      {"sets", R"([{"name":"s","family":"ipv6","elements":["2001:db8::/32"]}])"}};
  for (const auto& [part, text] : wishes)
    for (const auto& [was, is] :
         {std::pair(running, running_update), std::pair(quiesced, quiesced_update), std::pair(building, building)}) {
      INFO(part);
      model_fixture f;
      f.put(kind::virtual_router, 1, was);
      const auto wish = parse_router_part(part, text);
      REQUIRE(wish.problems.empty());
      const auto before = text_in(f.read(kind::virtual_router, 1), "updated");
      CHECK(f.model.replace(1, part, wish.value).status == 200);
      CHECK(f.state(kind::virtual_router, 1) == is);
      CHECK(text_in(f.read(kind::virtual_router, 1), "updated") > before);
    }
}

TEST_CASE("replaced rules are exactly the new ones, in their order, with addresses as networks") {
  model_fixture f;
  const auto wish = parse_router_part("firewall_rules",
                                      R"([{"id":50,"source":"10.0.0.9/24","destination":"2001:db8::1","port":"80,443"},
                            {"allow":false,"source":"10.0.0.2","destination":"0.0.0.0/0","protocol":"icmp"}])");
  REQUIRE(wish.problems.empty());
  const auto rules = content_of(f.model.replace(1, "firewall_rules", wish.value)).at("firewall_rules").as_array();
  REQUIRE(rules.size() == 2);
  CHECK(rules.at(0).at("id") == 50);
  CHECK(rules.at(0).at("source") == "10.0.0.0/24");
  CHECK(rules.at(0).at("destination") == "2001:db8::1/128");
  CHECK(rules.at(0).at("port") == "80,443");
  CHECK(rules.at(1).at("allow") == false);
  CHECK(rules.at(1).at("order") == 1);
  CHECK(rules.at(1).at("port").is_null());
}

TEST_CASE("a refused replacement changes nothing") {
  model_fixture f;
  const auto before = f.read(kind::virtual_router, 1);
  const auto wish = parse_router_part("nat", R"([{"public":"203.0.113.77","private":"172.16.0.1"}])");
  CHECK(f.model.replace(1, "nat", wish.value).status == 400);
  CHECK(f.read(kind::virtual_router, 1) == before);
  CHECK(f.model.rows().where(kind::ip_address, "address", "203.0.113.200").size() == 1);
}

TEST_CASE("a subnet that is replaced takes its addresses with it") {
  model_fixture f;
  const auto wish = parse_router_part("subnets", R"([{"id":2,"name":"dmz","address":"10.0.1.1/24"}])");
  CHECK(f.model.replace(1, "subnets", wish.value).status == 200);
  CHECK(f.model.rows().where(kind::ip_address, "address", "10.0.0.2").empty());
  CHECK(f.model.rows().where(kind::ip_address, "address", "203.0.113.200").empty());
  CHECK(f.model.rows().where(kind::ip_address, "address", "10.0.1.2").size() == 1);
}

TEST_CASE("a PATCH of subnets renames those with a number, adds the others, and updates the router") {
  model_fixture f;
  f.put(kind::virtual_router, 1, running);
  const json::object change{{"subnets", json::array{{{"id", 1}, {"name", "renamed"}, {"address_range", "10.0.0.1/24"}},
                                                    {{"name", "more"}, {"address_range", "10.0.5.1/24"}}}}};
  CHECK(f.model.patch(kind::virtual_router, 1, change, caller::user).status == 200);
  const auto subnets = f.read(kind::virtual_router, 1).at("subnets").as_array();
  REQUIRE(subnets.size() == 3);
  CHECK(subnets.at(0).at("name") == "renamed");
  CHECK(subnets.at(2).at("name") == "more");
  CHECK(f.state(kind::virtual_router, 1) == running_update);
  CHECK(error_code(f.model.patch(kind::virtual_router, 1, {{"subnets", json::array{1}}}, caller::user)) ==
        "iaas_virtual_router_update_108");
}

}  // namespace regent::sim
