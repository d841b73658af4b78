#include <algorithm>

#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

std::string with(std::string document, const std::string& what, const std::string& instead) {
  const auto at = document.find(what);
  REQUIRE(at != std::string::npos);
  return document.replace(at, what.size(), instead);
}

result<plan> build(const std::string& document, bool pair = false, const std::string& id = "3") {
  return test::built_in().make_plan(operation::build, test::router_of(document, id),
                                    test::region_of("tenant: {type: none}", pair), false);
}

std::vector<std::string> verbs_of(const plan& made, const std::string& primitive, step_role role) {
  std::vector<std::string> out;
  for (const auto& step : made.steps)
    if (step.primitive == primitive && step.role == role) out.push_back(step.verb);
  return out;
}

std::string text_of(const plan_step& step, const std::string& parameter) {
  for (const auto& one : step.parameters)
    if (one.name == parameter) return std::get<std::string>(one.value);
  return "(none)";
}

const plan_step& first(const plan& made, const std::string& primitive) {
  const auto at =
      std::find_if(made.steps.begin(), made.steps.end(), [&](const auto& step) { return step.primitive == primitive; });
  REQUIRE(at != made.steps.end());
  return *at;
}

}  // namespace

TEST_CASE(
    "a pair gets the same steps twice, the enabled node's before the standby's, and only the enabled one's links go "
    "up") {
  const auto made = build(test::router_document, true);
  REQUIRE(made.has_value());
  const auto standby = std::find_if(made->steps.begin(), made->steps.end(),
                                    [](const auto& step) { return step.role == step_role::standby; });
  CHECK(std::all_of(made->steps.begin(), standby, [](const auto& step) {
    return step.role == step_role::enabled && step.host.value() == "podnet-a";
  }));
  CHECK(std::all_of(standby, made->steps.end(), [](const auto& step) {
    return step.role == step_role::standby && step.host.value() == "podnet-b";
  }));
  for (const auto& step : made->steps)
    if (step.primitive == "links_ns")
      CHECK(text_of(step, "state") == (step.role == step_role::standby ? "down" : "up"));
  CHECK(verbs_of(*made, "route_ns", step_role::standby) == std::vector<std::string>{"prune"});
  CHECK(verbs_of(*made, "network_ns", step_role::standby) == verbs_of(*made, "network_ns", step_role::enabled));
}

TEST_CASE("when the other node of the pair is enabled, it comes first") {
  auto region = test::region_of("tenant: {type: none}");
  region.podnet.enabled = host_id("podnet-b");
  const auto made =
      test::built_in().make_plan(operation::quiesce, test::router_of(test::router_document), region, false);
  REQUIRE(made.has_value());
  REQUIRE(made->steps.size() == 2);
  CHECK(made->steps[0].host.value() == "podnet-b");
  CHECK(made->steps[0].role == step_role::enabled);
  CHECK(made->steps[1].role == step_role::standby);
}

TEST_CASE("the firewall stands before any link is up") {
  const auto made = build(test::router_document);
  REQUIRE(made.has_value());
  const auto at = [&](const std::string& primitive) { return &first(*made, primitive) - made->steps.data(); };
  CHECK(at("firewall_ns") < at("bridgeif_ns"));
  CHECK(at("bridgeif_ns") < at("links_ns"));
  CHECK(at("links_ns") < at("route_ns"));
}

TEST_CASE("a router without a public address gets no public link, no NAT and no default route") {
  const auto made =
      build(with(test::router_document, R"({"address": "192.0.2.10/24", "gateway": "192.0.2.1"})", "null"));
  REQUIRE(made.has_value());
  CHECK(verbs_of(*made, "bridgeif_ns", step_role::sole).empty());
  CHECK(text_of(first(*made, "firewall_ns"), "public_device").empty());
  for (const auto& step : made->steps) CHECK(text_of(step, "device") != "public");
}

TEST_CASE("a phantom's plan has no steps") {
  auto phantom = test::router_of(R"({"anything": true})");
  phantom.phantom = true;
  const auto made =
      test::built_in().make_plan(operation::build, phantom, test::region_of("tenant: {type: none}"), false);
  REQUIRE(made.has_value());
  CHECK(made->steps.empty());
  CHECK(made->lease_scope == "virtual_router/3");
}

TEST_CASE("names on hosts fit an interface whatever the id, and differ for different ids") {
  const auto uuid = build(test::router_document, false, "8d6f0b7e-2c1a-4a53-9a3e-0d1d6e8f4f10");
  REQUIRE(uuid.has_value());
  const auto other = build(test::router_document, false, "8d6f0b7e-2c1a-4a53-9a3e-0d1d6e8f4f11");
  REQUIRE(other.has_value());
  const auto link = text_of(first(*uuid, "bridgeif_ns"), "host_link");
  CHECK(link.size() <= 15);
  CHECK(link != text_of(first(*other, "bridgeif_ns"), "host_link"));
  CHECK(text_of(first(*uuid, "vlanif_ns"), "host_link").size() <= 15);
}

TEST_CASE("a value that makes no sense is refused by name, place and value, before anything is sent") {
  struct row {
    const char* what;
    const char* instead;
    const char* code;
    std::vector<std::string> says;
  };
  const row rows[] = {
      {"10.0.0.1/24",
       "10.0.0.300/24",
       "plan_value_malformed",
       {"virtual_router/3 build", "record.networks.0", "10.0.0.300/24", "prefix"}},
      {"10.0.0.1/24", "$(touch /pwned)", "plan_value_malformed", {"$(touch /pwned)"}},
      {"10.0.0.1/24", "10.0.0.1/24\\nadd rule", "plan_value_malformed", {"\\nadd rule"}},
      {"\"vlan\": 1000", "\"vlan\": \"x'; reboot; '\"", "plan_value_malformed", {"record.networks.0"}},
      {"\"vlan\": 1000", "\"vlan\": 0", "plan_value_malformed", {"record.networks.0", "\"0\""}},
      {"\"vlan\": 1000", "\"vlan\": null", "plan_value_missing", {"item.vlan is missing"}},
      {"\"vlan\": 1000", "\"vlan\": {}", "plan_value_malformed", {"item.vlan is neither text nor whole number"}},
      {"10.0.1.1/24", "10.0.0.129/25", "plan_value_malformed", {"10.0.0.129/25 overlaps 10.0.0.1/24"}},
      {"80-90,22,85", "80-70", "plan_value_malformed", {"record.rules.0", "column port", "80-70"}},
      {"80-90,22,85", "22 accept", "plan_value_malformed", {"22 accept"}},
      {"10.0.0.2/32\", \"port", "2001:db8::2\", \"port", "plan_value_malformed", {"different families"}},
      {"\"tcp\"", "\"tcp accept\"", "plan_value_malformed", {"any, icmp, tcp, udp"}},
      {"@office", "@office; drop", "plan_value_malformed", {"@office; drop"}},
      {"\"office\"", "\"a b\"", "plan_value_malformed", {"record.sets.0", "column name"}},
      {"198.51.100.0/28", "198.51.100.0/33", "plan_value_malformed", {"column elements"}},
      {"\"10.0.0.9\"", "\"2001:db8::9\"", "plan_value_malformed", {"2001:db8::9"}},
      {"10.9.0.0/16", "10.9.1.0/16", "plan_value_malformed", {"10.9.1.0/16", "without host bits"}},
      {"\"id\": 21", "\"id\": \"1\\\" accept; \\\"\"", "plan_value_malformed", {"column id"}},
      {"\"networks\"", "\"nets\"", "plan_record_malformed", {"record.networks is missing"}},
      {"\"nat\": [{\"public\": \"192.0.2.77\", \"private\": \"10.0.0.2\"}]",
       "\"nat\": 5",
       "plan_record_malformed",
       {"record.nat is not of type list"}},
  };
  for (const auto& one : rows) {
    INFO(one.what << " -> " << one.instead);
    const auto made = build(with(test::router_document, one.what, one.instead));
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().kind == error_kind::permanent);
    CHECK(made.error().code == one.code);
    for (const auto& word : one.says) {
      INFO(made.error().message);
      CHECK(made.error().message.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("an error about a value of ten megabytes is short") {
  const auto made = build(with(test::router_document, "10.0.0.1/24", std::string(10'000'000, 'x')));
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().message.size() < 1000);
}

TEST_CASE("a record whose parameters are more than a run may carry is refused") {
  std::string elements;
  for (int i = 0; i < 70'000; ++i) elements += fmt::format("\"198.51.{}.{}\",", i / 250 % 250, i % 250);
  elements.pop_back();
  const auto made = build(with(test::router_document, "\"198.51.100.0/28\"", elements));
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == "plan_too_large");
}

TEST_CASE("a list with more elements than the kind allows is refused") {
  std::string networks;
  for (int i = 0; i < 1100; ++i)
    networks += fmt::format("{{\"address\": \"10.{}.{}.1/24\", \"vlan\": {}}},", i / 250, i % 250, i + 1);
  const auto made = build(with(test::router_document, "\"networks\": [", "\"networks\": [" + networks));
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().message.find("at most 1024") != std::string::npos);
}

TEST_CASE("an unknown kind, and a pair without an enabled node, are named") {
  auto stranger = test::router_of(test::router_document);
  stranger.head.id.kind = "vm";
  const auto region = test::region_of("tenant: {type: none}");
  CHECK(test::built_in().make_plan(operation::build, stranger, region, false).error().code == "plan_kind_unknown");
  auto headless = region;
  headless.podnet.enabled = host_id("podnet-c");
  const auto made =
      test::built_in().make_plan(operation::build, test::router_of(test::router_document), headless, false);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().code == "plan_host_missing");
}
