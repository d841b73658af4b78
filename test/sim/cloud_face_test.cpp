#include "test/sim/face_fixture.hpp"

namespace regent::sim {

TEST_CASE("a login answers 201 with a token, 200 with nothing without an api_key, and 400 for wrong words") {
  face_fixture f;
  const auto as = [&](json::object body) { return f.send("POST", "/auth/login/", "", body); };
  CHECK(as({{"email", "robot@sim.test"}, {"password", "robot-password"}}).body == "{}");
  CHECK(as({{"email", "robot@sim.test"}, {"password", "wrong"}, {"api_key", "robot-key"}}).status == 400);
  CHECK(as({{"email", "robot@sim.test"}, {"password", "robot-password"}, {"api_key", "user-key"}}).status == 400);
  CHECK(error_code(as({{"email", 7}})) == "membership_token_create_101");
}

TEST_CASE("a token is good for two hours, and a renewed one for one more") {
  face_fixture f;
  CHECK(f.get("/virtual_router/").status == 200);
  f.time.pass(std::chrono::minutes(119));
  const auto renewed = f.send("PUT", "/auth/login/", f.robot);
  REQUIRE(renewed.status == 200);
  f.robot = std::string(parsed_body(renewed).at("token").as_string());
  f.time.pass(std::chrono::minutes(59));
  CHECK(f.get("/virtual_router/").status == 200);
  f.time.pass(std::chrono::minutes(1));
  const auto late = f.get("/virtual_router/");
  CHECK(late.status == 401);
  CHECK(parsed_body(late).at("detail") == "JWT token is expired. Please login again.");
  CHECK(f.send("PUT", "/auth/login/", f.robot).status == 401);
}

TEST_CASE("no token, a strange one and a bent one are 401") {
  face_fixture f;
  auto bent = f.robot;
  bent[bent.find('.') + 3] ^= 1;
  for (const auto& token : {std::string(), std::string("x"), std::string("a.b.c"), bent, std::string("..")})
    CHECK(f.send("GET", "/virtual_router/", token).status == 401);
}

TEST_CASE("a user may not read the poll, and the orchestrator may not do what users do") {
  face_fixture f;
  CHECK(error_code(f.send("GET", "/run_robot/", f.user)) == "iaas_run_robot_list_201");
  CHECK(error_code(f.send("POST", "/run_robot/", f.user, {{"project_ids", json::array{1}}})) ==
        "iaas_run_robot_turn_off_201");
  CHECK(f.send("PATCH", "/project/1/", f.robot, {{"state", 8}}).status == 403);
  CHECK(f.send("DELETE", "/vpn/1/", f.robot).status == 403);
}

TEST_CASE("the twenty-first request of a user within a second is 429, and others are not held up") {
  face_fixture f;
  for (int i = 0; i < 20; ++i) CHECK(f.get("/virtual_router/1/").status == 200);
  const auto said = f.get("/virtual_router/1/");
  CHECK(said.status == 429);
  CHECK(said.headers == std::vector<std::pair<std::string, std::string>>{{"Retry-After", "1"}});
  CHECK(parsed_body(said).as_object().contains("detail"));
  CHECK(f.send("GET", "/virtual_router/1/", f.user).status == 200);
  f.time.pass(std::chrono::seconds(1));
  CHECK(f.get("/virtual_router/1/").status == 200);
}

TEST_CASE("a missing final slash is a 301 to the same query, even for a PATCH and without a token") {
  face_fixture f;
  const auto said = f.send("GET", "/virtual_router?search[state]=1", "");
  CHECK(said.status == 301);
  CHECK(said.headers.at(0).second == "/virtual_router/?search[state]=1");
  CHECK(f.send("PATCH", "/virtual_router/1", f.robot, {{"state", 2}}).status == 301);
  CHECK(f.router_state() == 1);
}

TEST_CASE("an unknown path is HTML, an unknown record is JSON") {
  face_fixture f;
  for (const auto path :
       {"/", "/nothing/", "/virtual_router/x/", "/virtual_router/1/2/", "/firewall_rule/", "/virtual_routers/"}) {
    INFO(path);
    const auto said = f.get(path);
    CHECK(said.status == 404);
    CHECK(said.type.starts_with("text/html"));
  }
  const auto unknown = f.get("/virtual_router/77/");
  CHECK(unknown.status == 404);
  CHECK(error_code(unknown) == "iaas_virtual_router_read_001");
}

TEST_CASE("a wrong method, a wrong type and bad JSON are told by detail only") {
  face_fixture f;
  CHECK(f.send("DELETE", "/virtual_router/1/", f.robot).status == 405);
  CHECK(f.send("POST", "/virtual_router/", f.robot, {{"a", 1}}).status == 405);
  CHECK(f.send("PATCH", "/server/1/", f.robot, {{"enabled", false}}).status == 405);
  const auto bad = f.handle("PATCH", "/virtual_router/1/", f.robot, "{\"state\":").what;
  CHECK(bad.status == 400);
  CHECK(parsed_body(bad).as_object().size() == 1);
  CHECK(f.face.handle({"PATCH", "/virtual_router/1/", f.robot, "text/plain", "{}", true}).what.status == 415);
  CHECK(f.send("PATCH", "/virtual_router/1/", f.robot, json::array{1}).status == 400);
}

TEST_CASE("the errors of one field and of a rule have the two shapes of the page") {
  face_fixture f;
  const auto field = parsed_body(f.patch_router({{"state", 4}})).as_object();
  CHECK(field.at("detail") == "Bad request.");
  CHECK(field.at("errors").at("state").at("error_code") == "iaas_virtual_router_update_104");
  CHECK(field.at("errors").at("state").as_object().contains("detail"));
}

TEST_CASE("a status fault answers that status as often as asked and does nothing") {
  face_fixture f;
  f.fault({{"kind", "status"}, {"status", 503}, {"path", "virtual_router"}, {"method", "PATCH"}, {"times", 2}});
  CHECK(f.get("/virtual_router/1/").status == 200);
  CHECK(f.patch_router({{"state", 2}}).status == 503);
  CHECK(f.patch_router({{"state", 2}}).type.starts_with("text/html"));
  CHECK(f.router_state() == 1);
  CHECK(f.patch_router({{"state", 2}}).status == 200);
}

TEST_CASE("a fault without an end stays until it is deleted") {
  face_fixture f;
  f.fault({{"kind", "status"}, {"status", 500}, {"times", 0}});
  for (int i = 0; i < 3; ++i) CHECK(f.get("/virtual_router/").status == 500);
  CHECK(parsed_body(f.send("GET", "/sim/faults", "")).at("faults").as_array().size() == 1);
  CHECK(f.send("DELETE", "/sim/faults/1", "").status == 204);
  CHECK(f.send("DELETE", "/sim/faults/1", "").status == 404);
  CHECK(f.get("/virtual_router/").status == 200);
}

TEST_CASE("a slow answer is made at once and sent late, and may fail as well") {
  face_fixture f;
  f.fault({{"kind", "slow"}, {"delay_ms", 1500}});
  f.fault({{"kind", "lost_reply"}});
  const auto done = f.handle("PATCH", "/virtual_router/1/", f.robot, R"({"state":2})");
  CHECK(done.delay == std::chrono::milliseconds(1500));
  CHECK(done.hang_up);
  CHECK(f.router_state() == 2);
}

TEST_CASE("garbage is no JSON and nothing is done; a truncated answer is no JSON and all is done") {
  face_fixture f;
  boost::system::error_code bad;
  f.fault({{"kind", "garbage"}, {"method", "PATCH"}});
  const auto garbage = f.patch_router({{"state", 2}});
  json::parse(garbage.body, bad);
  CHECK(bad);
  CHECK(f.router_state() == 1);
  f.fault({{"kind", "truncated"}, {"method", "PATCH"}});
  const auto half = f.patch_router({{"state", 2}});
  CHECK(half.status == 200);
  json::parse(half.body, bad);
  CHECK(bad);
  CHECK(f.router_state() == 2);
}

TEST_CASE("a lost reply is done without an answer, a drop is neither") {
  face_fixture f;
  f.fault({{"kind", "lost_reply"}, {"method", "PATCH"}});
  CHECK(f.handle("PATCH", "/virtual_router/1/", f.robot, R"({"state":2})").hang_up);
  CHECK(f.router_state() == 2);
  f.fault({{"kind", "drop"}, {"method", "PATCH"}});
  CHECK(f.handle("PATCH", "/virtual_router/1/", f.robot, R"({"state":4})").hang_up);
  CHECK(f.router_state() == 2);
}

TEST_CASE("a lost update answers 200 with the new state, and the record falls back") {
  face_fixture f;
  f.fault({{"kind", "lost_update"}, {"path", "virtual_router"}});
  CHECK(f.get("/virtual_router/1/").status == 200);  // only a PATCH uses it up
  const auto before = text_in(content_of(f.get("/virtual_router/1/")), "updated");
  CHECK(content_of(f.patch_router({{"state", 2}})).at("state") == 2);
  CHECK(f.router_state() == 1);
  CHECK(text_in(content_of(f.get("/virtual_router/1/")), "updated") > before);
  CHECK(f.patch_router({{"state", 2}}).status == 200);
  CHECK(f.router_state() == 2);
}

TEST_CASE("expired tokens are expired at once, and a new login is good") {
  face_fixture f;
  f.fault({{"kind", "expire_tokens"}});
  const auto said = f.get("/virtual_router/");
  CHECK(said.status == 401);
  CHECK(parsed_body(said).at("detail") == "JWT token is expired. Please login again.");
  f.robot = f.log_in(f.options.robot);
  CHECK(f.get("/virtual_router/").status == 200);
}

TEST_CASE("a fault that makes no sense is refused") {
  face_fixture f;
  for (const json::value& wish :
       {json::value{{"kind", "fire"}}, json::value{{"kind", "status"}, {"status", 99}},
        json::value{{"kind", "slow"}, {"delay_ms", -1}}, json::value{{"kind", "drop"}, {"times", -1}}})
    CHECK(f.send("POST", "/sim/faults", "", wish).status == 400);
}

TEST_CASE("the play is for this machine only") {
  face_fixture f;
  CHECK(f.face.handle({"GET", "/sim/state", "", "", "", false}).what.status == 403);
  CHECK(f.send("GET", "/sim/state", "").status == 200);
}

TEST_CASE("the state of everything is one answer, with names and numbers") {
  face_fixture f;
  const auto resources = parsed_body(f.send("GET", "/sim/state", "")).at("resources").as_array();
  REQUIRE(resources.size() == 3);
  CHECK(resources.at(0).at("id") == "virtual_router/1");
  CHECK(resources.at(0).at("state") == "requested");
  CHECK(resources.at(0).at("number") == 1);
}

TEST_CASE("the log keeps the calls of the dialect, without secrets, and can be read from where one was") {
  face_fixture f;
  f.patch_router({{"state", 2}});
  const auto all = parsed_body(f.send("GET", "/sim/log", "")).at("calls").as_array();
  REQUIRE(all.size() == 3);
  CHECK(all.at(0).at("path") == "/auth/login/");
  CHECK(all.at(0).at("body") == "(not shown)");
  CHECK(all.at(2).at("method") == "PATCH");
  CHECK(all.at(2).at("body") == R"({"state":2})");
  CHECK(all.at(2).at("status") == 200);
  CHECK(parsed_body(f.send("GET", "/sim/log?after=2", "")).at("calls").as_array().size() == 1);
  CHECK(f.send("DELETE", "/sim/log", "").status == 204);
  CHECK(parsed_body(f.send("GET", "/sim/log", "")).at("calls").as_array().empty());
}

TEST_CASE("a user played over HTTP has a user's ways, and force has every way") {
  face_fixture f;
  CHECK(f.send("PATCH", "/sim/virtual_router/1", "", {{"state", 5}}).status == 400);
  CHECK(f.send("PATCH", "/sim/virtual_router/1?force=true", "", {{"state", 4}}).status == 200);
  CHECK(f.send("PATCH", "/sim/virtual_routers/1/", "", {{"state", 5}}).status == 200);
  CHECK(f.router_state() == 5);
  CHECK(f.send("PATCH", "/sim/virtual_router/1?force=true", "", {{"state", "x"}}).status == 200);
  CHECK(content_of(f.get("/virtual_router/1/")).at("state") == "x");
}

TEST_CASE("a project is created whole, from JSON or YAML, and its news are polled") {
  face_fixture f;
  const auto yaml = f.handle("POST", "/sim/projects", "",
                             "name: fresh\nrouter: {subnets: [{address: 10.4.0.1/24}], rules: [{source: 0.0.0.0/0, "
                             "destination: 10.4.0.9, protocol: icmp}]}\n");
  REQUIRE(yaml.what.status == 201);
  const auto router = content_of(yaml.what).at("virtual_router_id").as_int64();
  const auto read = content_of(f.get(fmt::format("/virtual_router/{}/", router)));
  CHECK(read.at("project").at("name") == "fresh");
  CHECK(read.at("subnets").at(0).at("address_range") == "10.4.0.1/24");
  CHECK(read.at("ip_address").at("subnet").at("address_range") == "203.0.113.1/24");
  const auto build = parsed_body(f.get("/run_robot/")).at("content").at("virtual_routers").at("build");
  CHECK(numbers(build) == std::vector<std::int64_t>{1, router});
  CHECK(f.send("POST", "/sim/projects", "", {{"name", "json"}}).status == 201);
  CHECK(f.send("POST", "/sim/projects", "", {{"name", "again"}, {"id", 1}}).status == 400);
  CHECK(f.handle("POST", "/sim/projects", "", "{nonsense: 1, name: [}").what.status == 400);
}

TEST_CASE("rules are replaced, added, edited and deleted over HTTP, and each updates a running router") {
  face_fixture f;
  const auto running_again = [&] { f.send("PATCH", "/sim/virtual_router/1?force=true", "", {{"state", 4}}); };
  const json::object rule{{"source", "0.0.0.0/0"}, {"destination", "10.0.0.9"}, {"protocol", "tcp"}, {"port", "22"}};
  running_again();
  CHECK(f.send("PUT", "/sim/virtual_router/1/firewall_rules", "", json::array{rule, rule}).status == 200);
  CHECK(f.router_state() == 10);
  running_again();
  const auto added = content_of(f.send("POST", "/sim/virtual_router/1/firewall_rules", "", rule));
  REQUIRE(added.at("firewall_rules").as_array().size() == 3);
  CHECK(f.router_state() == 10);
  const auto id = added.at("firewall_rules").at(0).at("id").as_int64();
  running_again();
  CHECK(f.send("PATCH", fmt::format("/sim/firewall_rule/{}", id), "", {{"allow", false}}).status == 200);
  CHECK(f.router_state() == 10);
  CHECK(content_of(f.get("/virtual_router/1/")).at("firewall_rules").at(0).at("allow") == false);
  running_again();
  CHECK(f.send("DELETE", fmt::format("/sim/virtual_router/1/firewall_rules/{}", id), "").status == 204);
  CHECK(f.router_state() == 10);
  CHECK(content_of(f.get("/virtual_router/1/")).at("firewall_rules").as_array().size() == 2);
  CHECK(f.send("PUT", "/sim/virtual_router/1/firewall_rules", "", json::array{{{"source", "x"}}}).status == 400);
}

TEST_CASE("records are created in a project that stands, and deleted") {
  face_fixture f;
  CHECK(f.send("POST", "/sim/projects/1/vms", "", {{"name", "third"}, {"addresses", json::array{"10.0.0.3"}}}).status ==
        201);
  CHECK(
      f.send("POST", "/sim/projects/1/vms", "", {{"name", "lost"}, {"addresses", json::array{"172.16.0.1"}}}).status ==
      400);
  CHECK(f.send("POST", "/sim/snapshots", "", {{"vm_id", 1}}).status == 201);
  CHECK(f.send("POST", "/sim/snapshots", "", {{"vm_id", 77}}).status == 400);
  CHECK(f.send("DELETE", "/sim/virtual_router/1", "").status == 400);  // a user cannot scrub what is only requested
  f.send("PATCH", "/sim/virtual_router/1?force=true", "", {{"state", 4}});
  CHECK(f.send("DELETE", "/sim/virtual_router/1", "").status == 200);
  CHECK(f.router_state() == 8);
  CHECK(f.send("DELETE", "/sim/virtual_router/1?force=true", "").status == 204);
  CHECK(f.get("/virtual_router/1/").status == 404);
}

TEST_CASE("an address under /sim/ that is not there is a 404 that says so") {
  face_fixture f;
  for (const auto path : {"/sim", "/sim/", "/sim/none", "/sim/virtual_router/x", "/sim/virtual_router/1/colours",
                          "/sim/vm/1/subnets", "/sim/virtual_router/1/subnets/1/2"}) {
    INFO(path);
    CHECK(f.send("PUT", path, "", json::array()).status == 404);
  }
}

}  // namespace regent::sim
