#include <fstream>
#include <sstream>

#include "region/region_config.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

constexpr auto key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

std::string robot_config() {
  std::ifstream in("test/data/region/robot_config.json");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string imported(const std::string& json) {
  const auto made = import_robot_config(json);
  INFO((made ? "" : made.error().text()));
  REQUIRE(made.has_value());
  return *made;
}

std::string refusal(const std::string& json) {
  const auto made = import_robot_config(json);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().kind == error_kind::permanent);
  CHECK(made.error().code == "import_malformed");
  return made.error().message;
}

/// What an operator does with an imported file.
std::string filled_in(std::string yaml) {
  yaml = replaced(yaml, "'<https://address of the IaaS API/>'", "https://iaas.example.com/");
  yaml = replaced(yaml, "'<https://address of the login service/>'", "https://membership.example.com/");
  yaml = replaced(yaml, "'<login of the robot user>'", "robot@example.com");
  yaml = replaced(yaml, "'<path of the private key>'", "/etc/regent/id_rsa");
  yaml = replaced(yaml, "'<host key of podnet-a>'", key);
  yaml = replaced(yaml, "'<host key of podnet-b>'", key);
  return replaced(yaml, "'<bridge>'", "br-floating");
}

}  // namespace

TEST_CASE("an imported config.json lacks only what Robot did not know", "[robot_import]") {
  const auto check = parse_region_config(imported(robot_config()));
  std::vector<std::string> paths;
  for (const auto& problem : check.problems) {
    CHECK(problem.message.find("is a placeholder") != std::string::npos);
    paths.push_back(problem.path);
  }
  CHECK(paths == std::vector<std::string>{"cloud.url", "cloud.membership_url", "cloud.email", "ssh.key_file",
                                          "hosts.0.host_key", "hosts.1.host_key", "networks.public_bridge"});
}

TEST_CASE("an imported config.json that is filled in is a good region file", "[robot_import]") {
  const auto check = parse_region_config(filled_in(imported(robot_config())));
  INFO(check.text("imported"));
  REQUIRE(check.config.has_value());
  const auto& config = *check.config;
  CHECK(config.name == "pod4");
  REQUIRE(config.hosts.size() == 2);
  CHECK(config.hosts[0].address == "2001:db8:9::10:0:2");
  CHECK(config.hosts[1].address == "2001:db8:9::10:0:3");
  CHECK(config.podnet.enabled == host_id("podnet-b"));
  CHECK(config.networks.tenant_type == "vlan");
  CHECK(config.networks.public_bridge == "br-floating");
}

TEST_CASE("the enabled node follows the flag that is true", "[robot_import]") {
  auto json = replaced(robot_config(), "\"podnet_a_enabled\": false", "\"podnet_a_enabled\": true");
  json = replaced(json, "\"podnet_b_enabled\": true", "\"podnet_b_enabled\": false");
  const auto check = parse_region_config(filled_in(imported(json)));
  REQUIRE(check.config.has_value());
  CHECK(check.config->podnet.enabled == host_id("podnet-a"));
}

TEST_CASE("what is not carried over stands in a comment, and unknown values are not shown", "[robot_import]") {
  const auto yaml = imported(replaced(robot_config(), "\"blend\": 4", "\"blend\": 4, \"smtp_password\": \"hunter2\""));
  CHECK(yaml.find("#   dns_ips: \"192.0.2.53,198.51.100.53\"\n") != std::string::npos);
  CHECK(yaml.find("a: enp3s0, b: enp3s0\n") != std::string::npos);
  CHECK(yaml.find("#   smtp_password (unknown)\n") != std::string::npos);
  CHECK(yaml.find("hunter2") == std::string::npos);
}

TEST_CASE("a pod without a name is called by its number", "[robot_import]") {
  const auto json = replaced(robot_config(), "\"pod_name\": \"pod4\",", "");
  CHECK(imported(json).find("region: \"pod-4\"\n") != std::string::npos);
}

TEST_CASE("every missing or contradictory key of a config.json is listed", "[robot_import]") {
  CHECK(refusal("{}") ==
        "pod_name is missing, and there is no pod_number to name the region by; podnet_a_enabled is missing; "
        "podnet_b_enabled is missing; ipv6_subnet is missing");
  CHECK(refusal(replaced(robot_config(), "\"podnet_a_enabled\": false", "\"podnet_a_enabled\": true")) ==
        "podnet_a_enabled and podnet_b_enabled are both true: exactly one must be true");
  CHECK(refusal(replaced(robot_config(), "\"podnet_b_enabled\": true", "\"podnet_b_enabled\": false")) ==
        "podnet_a_enabled and podnet_b_enabled are both false: exactly one must be true");
  CHECK(refusal(replaced(robot_config(), "\"podnet_b_enabled\": true", "\"podnet_b_enabled\": \"true\"")) ==
        "podnet_b_enabled must be true or false");
  CHECK(refusal(replaced(robot_config(), "\"pod_number\": 4", "\"pod_number\": 255")) ==
        "pod_number must be 0 to 254, not '255'");
  CHECK(refusal(replaced(robot_config(), "\"pod4\"", "4")) == "pod_name must be a string");
  CHECK(refusal(replaced(robot_config(), "\"enp1s0\"", "\"enp 1\"")) ==
        "podnet_a_public_ifname is 'enp 1', which names no interface");
}

TEST_CASE("an ipv6_subnet that is no /48 is refused", "[robot_import]") {
  const auto* subnet = GENERATE("2001:db8:9::/64", "2001:db8:9::", "2001:db8:9::1/48", "192.0.2.0/24", "/48", "x/48");
  CHECK(refusal(replaced(robot_config(), "2001:db8:9::/48", subnet)) ==
        "ipv6_subnet must be an IPv6 network with /48, not '" + std::string(subnet) + "'");
}

TEST_CASE("what is no config.json is refused", "[robot_import]") {
  CHECK(refusal("").find("not JSON: ") == 0);
  CHECK(refusal("region: x").find("not JSON: ") == 0);
  CHECK(refusal("[]") == "a config.json is one JSON object, and this is not");
}

TEST_CASE("hostile values leave the import a region file like any other", "[robot_import]") {
  const auto* value =
      GENERATE("x\\\"; $(touch /pwned)", "a\\nhosts: {}", "\\u0000", "\\u2028\\u0085 #", "<x>", "-", "{}");
  auto json = replaced(robot_config(), "\"pod4\"", std::string("\"") + value + "\"");
  json = replaced(json, "\"192.0.2.0/24\"", std::string("\"") + value + "\"");
  json = replaced(json, "\"blend\"", std::string("\"") + value + "\"");
  const auto check = parse_region_config(filled_in(imported(json)));
  INFO(check.text("imported"));
  REQUIRE(check.config.has_value());
  CHECK(check.config->hosts.size() == 2);
}

TEST_CASE("a value nested deeper than any stack is refused or left out", "[robot_import]") {
  const auto deep = std::string(500'000, '[') + std::string(500'000, ']');
  CHECK(imported(replaced(robot_config(), "\"192.0.2.0/24\"", deep)).find("#   primary_ipv4_subnet: a list\n") !=
        std::string::npos);
  CHECK(refusal(replaced(robot_config(), "\"pod_number\": 4", "\"pod_number\": " + deep)) ==
        "pod_number must be 0 to 254, not 'a list'");
}
