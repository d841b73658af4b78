// The contract between the two sides of the wire: the real client of edge/ against the simulator, over a real socket.
#include <fstream>
#include <memory>
#include <sstream>

#include "edge/cloud_session.hpp"
#include "edge/cloudcix_wire.hpp"
#include "sim/cloud_server.hpp"
#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

const resource_id router_1{"virtual_router", "1"};

struct contract_fixture {
  stopped_clock time;
  std::unique_ptr<cloud_sim> sim;
  cloud_config config;
  std::shared_ptr<cloud_session> session;
  std::unique_ptr<cloud> client;
  int pauses = 0;

  explicit contract_fixture(std::size_t requests_per_second = 0,
                            std::vector<project_spec> projects = {small_project()}) {
    cloud_sim_options options;
    options.records.servers.emplace_back();
    options.records.projects = std::move(projects);
    options.face.requests_per_second = requests_per_second;
    auto started = start_cloud_sim(options, time);
    if (!started) FAIL(started.error().text());
    sim = std::move(*started);
    config.url = sim->url();
    config.email = options.face.robot.email;
    config.password = {secret_reference::source::inline_value, options.face.robot.password};
    config.api_key = {secret_reference::source::inline_value, options.face.robot.api_key};
    connect();
  }
  void connect() {
    session_options wishes;
    wishes.seed = 1;
    wishes.pause = [this](milliseconds span) {
      ++pauses;
      time.pass(span);
    };
    session = std::make_shared<cloud_session>(config, time, wishes);
    auto made = make_cloud(config, session);
    REQUIRE(made);
    client = std::move(*made);
  }
  answer play(const std::string& method, const std::string& target, const json::value& body = nullptr) const {
    return sim->handle({method, target, "", "application/json", body.is_null() ? "" : json::serialize(body), true})
        .what;
  }
  void fault(const json::value& wish) const { REQUIRE(play("POST", "/sim/faults", wish).status == 201); }
  void put(lifecycle_state state) const {
    REQUIRE(play("PATCH", "/sim/virtual_router/1?force=true", {{"state", number_of(state)}}).status == 200);
  }
  lifecycle_state state() const { return state_in(content_of(play("GET", "/sim/virtual_router/1"))); }
  int calls(const std::string& method, const std::string& path) const {
    const auto log = parsed_body(play("GET", "/sim/log"));
    int count = 0;
    for (const auto& one : log.at("calls").as_array())
      count += one.at("method") == json::string(method) && one.at("path") == json::string(path);
    return count;
  }
};

std::vector<std::string> names(const std::vector<record_head>& heads) {
  std::vector<std::string> out;
  for (const auto& head : heads) out.push_back(head.id.text());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("both sides of the wire have the same number for every state") {
  for (const auto& one : lifecycle_table) CHECK(wire_number(one.state) == number_of(one.state));
}

TEST_CASE("the client logs in by itself and hears of changes once, until there are new ones") {
  contract_fixture f;
  const auto first = f.client->changes();
  REQUIRE(first);
  CHECK(*first == std::vector<resource_id>{router_1});
  CHECK(f.client->acknowledge_changes());
  CHECK(f.client->changes().value().empty());
  f.put(quiesce);
  CHECK(f.client->changes().value() == std::vector<resource_id>{router_1});
  CHECK(f.calls("POST", "/auth/login/") == 1);
}

TEST_CASE("a wrong password is an error and no empty list") {
  contract_fixture f;
  f.config.password.what = "wrong";
  f.connect();
  CHECK_FALSE(f.client->changes());
  CHECK_FALSE(f.client->list("virtual_router", {requested}));
}

TEST_CASE("the client lists every page of what is in the states that it asks for") {
  std::vector<project_spec> projects;
  for (int i = 0; i < 7; ++i) {
    auto& project = projects.emplace_back();
    project.name = fmt::format("p{}", i % 3);
    project.router.state = i % 2 == 0 ? building : running;
  }
  contract_fixture f(0, projects);
  f.config.page_limit = 2;
  f.connect();
  const auto listing = f.client->list("virtual_router", {requested, building});
  REQUIRE(listing);
  CHECK(listing->bad.empty());
  CHECK(names(listing->heads) ==
        std::vector<std::string>{"virtual_router/1", "virtual_router/3", "virtual_router/5", "virtual_router/7"});
  for (const auto& head : listing->heads) CHECK(head.state == building);
}

TEST_CASE("a record that makes no sense is named and the others are listed") {
  project_spec other;
  other.name = "q";
  contract_fixture f(0, {small_project(), other});
  REQUIRE(f.play("PATCH", "/sim/virtual_router/2", {{"raw", {{"updated", 7}}}}).status == 200);
  const auto listing = f.client->list("virtual_router", {requested});
  REQUIRE(listing);
  CHECK(names(listing->heads) == std::vector<std::string>{"virtual_router/1"});
  REQUIRE(listing->bad.size() == 1);
  CHECK(listing->bad[0].id == "virtual_router/2");
  CHECK(listing->bad[0].field == "updated");
}

TEST_CASE("the client reads a whole router: public address, networks, rules, NAT, routes, sets") {
  auto project = small_project("alpha");
  project.grace_period = 2;
  project.router.public_address = "203.0.113.10";
  project.router.subnets.push_back({{}, "six", "fd00::1/64", 1777});
  project.router.routes = {{"10.9.0.0/16", "10.0.0.9", 50}};
  project.router.sets = {{"office", "ipv4", {"192.0.2.0/28"}}};
  contract_fixture f(0, {project});
  const auto got = f.client->read(router_1);
  if (!got) FAIL(got.error().text());
  CHECK(got->head.state == requested);
  CHECK(got->grace == std::chrono::hours(2));
  const auto text = [&](std::string_view path) {
    const auto* found = find_path(*got->document, path);
    return found ? json_text(*found) : std::string("(none)");
  };
  CHECK(text("project.name") == R"("alpha")");
  CHECK(text("public.address") == R"("203.0.113.10/24")");
  CHECK(text("public.gateway") == R"("203.0.113.1")");
  CHECK(text("networks.0.address") == R"("10.0.0.1/24")");
  CHECK(text("networks.2.address") == R"("fd00::1/64")");
  CHECK(text("networks.2.vlan") == "1777");
  CHECK(text("rules.1.destination") == R"("10.0.0.2/32")");
  CHECK(text("nat.0.public") == R"("203.0.113.200")");
  CHECK(text("nat.0.private") == R"("10.0.0.2")");
  CHECK(text("routes.0.metric") == "50");
  CHECK(text("sets.0.elements.0") == R"("192.0.2.0/28")");
}

TEST_CASE("the example's routers are records that the client understands") {
  std::ifstream file("test/data/sim/three_projects.yaml");
  std::ostringstream text;
  text << file.rdbuf();
  const auto records = parse_records(text.str());
  REQUIRE(records.problems.empty());
  contract_fixture f(0, records.value.projects);
  for (const auto id : {"1", "2", "3"}) {
    const auto got = f.client->read({"virtual_router", id});
    if (!got) FAIL(got.error().text());
    CHECK(find_path(*got->document, "networks")->Size() == 3);
    CHECK(find_path(*got->document, "public.gateway")->GetString() == std::string("203.0.113.1"));
  }
}

TEST_CASE("a phantom is known to the client by the group that the poll names it in") {
  auto project = small_project();
  project.router.phantom = true;
  contract_fixture f(0, {project});
  REQUIRE(f.client->changes());
  CHECK(f.client->read(router_1).value().phantom);
}

TEST_CASE("a record that is not there is not found, for good") {
  contract_fixture f;
  CHECK(f.client->read({"virtual_router", "77"}).error().code == "cloud_not_found");
}

TEST_CASE("a report arrives, and again when it stands already") {
  contract_fixture f;
  CHECK(f.client->report(router_1, building));
  CHECK(f.client->report(router_1, building));
  CHECK(f.client->report(router_1, running));
  CHECK(f.state() == running);
}

TEST_CASE("a report that the cloud refuses is a conflict with the cloud's own code") {
  contract_fixture f;
  f.put(running);
  const auto said = f.client->report(router_1, building);
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == error_kind::conflict);
  CHECK(said.error().message.find("iaas_virtual_router_update_103") != std::string::npos);
  CHECK(f.state() == running);
}

TEST_CASE("a scrub that the cloud refuses because of VMs says so") {
  contract_fixture f;
  f.put(scrub_queue);
  const auto said = f.client->report(router_1, scrubbing);
  REQUIRE_FALSE(said);
  CHECK(said.error().message.find("iaas_virtual_router_update_003") != std::string::npos);
}

TEST_CASE("a report that the server lost is written again") {
  contract_fixture f;
  f.fault({{"kind", "lost_update"}, {"times", 2}});
  CHECK(f.client->report(router_1, building));
  CHECK(f.state() == building);
  CHECK(f.calls("PATCH", "/virtual_router/1/") == 3);
}

TEST_CASE("a report whose answer was lost is found to have arrived") {
  contract_fixture f;
  REQUIRE(f.client->changes());
  f.fault({{"kind", "lost_reply"}, {"method", "PATCH"}});
  CHECK(f.client->report(router_1, building));
  CHECK(f.state() == building);
}

TEST_CASE("an expired token is renewed by a new login, unseen by the caller") {
  contract_fixture f;
  REQUIRE(f.client->changes());
  f.fault({{"kind", "expire_tokens"}});
  CHECK(f.client->list("virtual_router", {requested}));
  CHECK(f.client->report(router_1, building));
  CHECK(f.calls("POST", "/auth/login/") == 2);
}

TEST_CASE("a token is renewed before it ends") {
  contract_fixture f;
  REQUIRE(f.client->changes());
  for (int hour = 0; hour < 6; ++hour) {
    f.time.pass(std::chrono::minutes(45));
    CHECK(f.client->list("virtual_router", {requested}));
  }
  CHECK(f.calls("PUT", "/auth/login/") >= 4);
}

TEST_CASE("a throttled client waits as long as it is told, and goes on") {
  contract_fixture f(3);
  for (int i = 0; i < 8; ++i) CHECK(f.client->read(router_1));
  CHECK(f.pauses > 0);
}

TEST_CASE("500, garbage, half an answer and a dropped connection are errors, never an empty list, and pass") {
  for (const auto kind : {"status", "garbage", "truncated", "drop"}) {
    INFO(kind);
    contract_fixture f;
    REQUIRE(f.client->changes());
    f.fault({{"kind", kind}, {"times", 0}, {"path", "virtual_router"}});
    const auto bad = f.client->list("virtual_router", {requested});
    CHECK_FALSE(bad);
    CHECK(f.play("DELETE", "/sim/faults").status == 204);
    f.time.pass(std::chrono::minutes(10));
    const auto good = f.client->list("virtual_router", {requested});
    REQUIRE(good);
    CHECK(names(good->heads) == std::vector<std::string>{"virtual_router/1"});
  }
}

TEST_CASE("a scrub and a restore are asked for as a user would, and only with a user's account") {
  contract_fixture here;
  here.put(running);
  SECTION("without one") {
    const auto said = here.client->ask(router_1, scrub);
    REQUIRE_FALSE(said);
    CHECK(said.error().code == "cloud_no_user");
    CHECK(here.state() == running);
  }
  SECTION("with one") {
    const credentials user = face_options{}.user;
    here.config.user = cloud_account{user.email,
                                     {secret_reference::source::inline_value, user.password},
                                     {secret_reference::source::inline_value, user.api_key}};
    here.connect();
    CHECK(here.client->ask(router_1, scrub));
    CHECK(here.state() == scrub);
    CHECK(here.client->ask(router_1, scrub));  // it is asked for already
    here.put(scrub_queue);
    CHECK(here.client->ask(router_1, restart));
    CHECK(here.state() == restart);
    here.put(building);
    const auto refused = here.client->ask(router_1, scrub);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "cloud_refused");
    CHECK(refused.error().kind == error_kind::conflict);
    here.put(running);
    here.fault({{"kind", "lost_reply"}, {"method", "PATCH"}});
    CHECK(here.client->ask(router_1, scrub));
    CHECK(here.state() == scrub);
  }
}

}  // namespace regent::sim
