// Plans as people see them. UPDATE_GOLDEN=1 rewrites the files: read the difference before you commit it.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream out;
  out << stream.rdbuf();
  return out.str();
}

void is_as_in(const std::string& name, const std::string& text) {
  const auto path = "test/golden/" + name + ".txt";
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(path) << text;
  INFO(path);
  CHECK(text == text_of_file(path));
}

std::string plan_of(operation what, const region_config& region, bool settles_quiesced = false) {
  const auto made = test::built_in().make_plan(what, test::router_of(test::router_document), region, settles_quiesced);
  REQUIRE(made.has_value());
  return plan_text(*made);
}

constexpr const char* vlan = "tenant: {type: vlan, interface: private0}";
constexpr const char* vxlan =
    "tenant: {type: vxlan, interface: private0, peers: [198.51.100.1, 198.51.100.2]}, mtu: 1450";
constexpr const char* none = "tenant: {type: none}";

}  // namespace

TEST_CASE("the plans of a router on a pair with vlan networks are the golden ones") {
  const auto region = test::region_of(vlan);
  for (const auto what : {operation::read, operation::build, operation::update, operation::quiesce, operation::restart,
                          operation::scrub_prep, operation::scrub})
    is_as_in(fmt::format("virtual_router_{}_pair_vlan", name(what)), plan_of(what, region));
}

TEST_CASE("the plan of a router on a single node with vxlan networks is the golden one") {
  is_as_in("virtual_router_build_single_vxlan", plan_of(operation::build, test::region_of(vxlan, false)));
}

TEST_CASE("the plans of a router on a single node with host-only networks are the golden ones") {
  const auto region = test::region_of(none, false);
  is_as_in("virtual_router_build_single_none", plan_of(operation::build, region));
  is_as_in("virtual_router_scrub_single_none", plan_of(operation::scrub, region));
}

TEST_CASE("the update of a quiesced router, which leaves its links down, is the golden one") {
  is_as_in("virtual_router_update_quiesced", plan_of(operation::update, test::region_of(none, false), true));
}

TEST_CASE("a plan as JSON says the same as the plan as text") {
  const auto made = test::built_in().make_plan(operation::build, test::router_of(test::router_document),
                                               test::region_of(vlan), false);
  REQUIRE(made.has_value());
  const auto json = parse_json(plan_json(*made));
  REQUIRE(json.has_value());
  CHECK(std::string(find_path(**json, "resource")->GetString()) == "virtual_router/3");
  CHECK(find_path(**json, "steps")->Size() == made->steps.size());
  CHECK(std::string(find_path(**json, "steps.0.host")->GetString()) == "podnet-a");
  CHECK(std::string(find_path(**json, "steps.1.parameters.rules_source.2")->GetString()) == "@office");
}

TEST_CASE("a plan shows secrets neither as text nor as JSON") {
  const plan made{{"virtual_router", "3"},
                  operation::build,
                  {{host_id("podnet-a"),
                    "vpn",
                    "build",
                    {{"key", std::string("hunter2"), true},
                     {"keys", std::vector<std::string>{"hunter3"}, true},
                     {"peer", std::string("192.0.2.1"), false}},
                    step_role::sole,
                    milliseconds(1000),
                    "tunnel"}},
                  "virtual_router/3"};
  for (const auto& shown : {plan_text(made), plan_json(made)}) {
    CHECK(shown.find("hunter") == std::string::npos);
    CHECK(shown.find("***") != std::string::npos);
    CHECK(shown.find("192.0.2.1") != std::string::npos);
  }
}
