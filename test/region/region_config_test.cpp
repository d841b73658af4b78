#include "region/region_config.hpp"

#include <sstream>

#include "test/region/region_file.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

TEST_CASE("a short region file gives a whole configuration", "[region_config]") {
  const auto config = config_of(good_file());
  CHECK(config.name == "cork-1");
  CHECK(config.cloud.url == "https://iaas.example.com/");
  CHECK(config.cloud.membership_url.empty());
  CHECK(config.cloud.password.from == secret_reference::source::file);
  CHECK(config.cloud.password.what == "/etc/regent/password");
  CHECK(config.cloud.api_key.from == secret_reference::source::environment);
  CHECK(config.cloud.poll_interval == 5s);
  REQUIRE(config.hosts.size() == 2);
  CHECK(config.hosts[1].name == host_id("pod-b"));
  CHECK(config.hosts[1].host_key == std::string(key_a) + " root@b");
  CHECK(config.hosts[1].key_file == "/etc/regent/id");
  CHECK(config.hosts[1].role == "podnet");
  CHECK(config.podnet.enabled == host_id("pod-b"));
  CHECK(config.networks.tenant_interface == "eth1");
  CHECK(config.find_host(host_id("pod-a")) == &config.hosts[0]);
  CHECK(config.find_host(host_id("pod-c")) == nullptr);
}

TEST_CASE("the example has no problems and shows every section", "[region_config]") {
  const auto config = config_of(example_region_config());
  CHECK(config.hosts.size() == 3);
  CHECK(config.hosts[0].known_hosts_file == "/etc/regent/known_hosts");
  CHECK(config.hosts[1].known_hosts_file.empty());
  CHECK(config.hosts[2].port == 2222);
  CHECK(config.hosts[2].become);
  CHECK(config.listen.unix_socket == "/run/regent/regent.sock");
}

TEST_CASE("what the example calls a default is the default", "[region_config]") {
  std::istringstream lines(example_region_config());
  std::string without;
  int left_out = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool is_default = line.find("the default") != std::string::npos && line.find('#') > line.find(':');
    left_out += is_default;
    if (!is_default) without += line + "\n";
  }
  CHECK(left_out > 10);
  const auto whole = config_of(example_region_config());
  const auto short_one = config_of(without);
  CHECK(json_text(*short_one.document) == json_text(*whole.document));
}

TEST_CASE("the document has every default that kind files look up", "[region_config]") {
  const auto config = config_of(good_file());
  CHECK(text_at(config, "name") == R"("cork-1")");
  CHECK(text_at(config, "networks.public_bridge") == R"("br-public")");
  CHECK(text_at(config, "networks.tenant_type") == R"("vlan")");
  CHECK(text_at(config, "networks.tenant_interface") == R"("eth1")");
  CHECK(text_at(config, "networks.vxlan_group") == R"("239.1.1.1")");
  CHECK(text_at(config, "networks.vxlan_port") == "4789");
  CHECK(text_at(config, "networks.vxlan_peers") == "[]");
  CHECK(text_at(config, "networks.mtu") == "1500");
  CHECK(text_at(config, "policies.adopt_existing") == "false");
  CHECK(text_at(config, "hosts.1.name") == R"("pod-b")");
  CHECK(text_at(config, "podnet.enabled") == R"("pod-b")");
}

TEST_CASE("a secret written into the file is masked in the document", "[region_config]") {
  const auto config = config_of(file_with(5, "  password: 'hunter2: #'"));
  CHECK(config.cloud.password.from == secret_reference::source::inline_value);
  CHECK(config.cloud.password.what == "hunter2: #");
  CHECK(text_at(config, "cloud.password") == R"("***")");
  CHECK(json_text(*config.document).find("hunter2") == std::string::npos);
}

TEST_CASE("a secret is not repeated in a problem", "[region_config]") {
  for (const auto* line : {"  password: \"hunter2\\n\"", "  password: [hunter2]"}) {
    const auto problems = problems_of(file_with(5, line));
    CHECK(problems.find("r:5:13: cloud.password: ") == 0);
    CHECK(problems.find("hunter2") == std::string::npos);
  }
  CHECK(problems_of(file_with(3, "  url: https://me:hunter2@iaas.example.com/")).find("hunter2") == std::string::npos);
  CHECK(problems_of(file_with(3, "  url: https://iaas.example.com/?token=hunter2")).find("hunter2") ==
        std::string::npos);
}

TEST_CASE("spans of time are read with their unit, and several in a row", "[region_config]") {
  const auto config =
      config_of(good_file() +
                "policies: {grace_period: 1d 2h30m, wait_for_host: 1500ms, wait_for_standby: 0, step_attempts: 2}\n");
  CHECK(config.policies.grace_period == 26h + 30min);
  CHECK(config.policies.wait_for_host == 1500ms);
  CHECK(config.policies.wait_for_standby == 0ms);
  CHECK(config.policies.step_attempts == 2);
  CHECK_FALSE(config_of(good_file()).policies.grace_period.has_value());
}

TEST_CASE("a value of the wrong kind or out of range is named with its place", "[region_config]") {
  check_each({
      {1, "region: [x]", "r:1:9: region: a list where a single value belongs; write one value after the ':'"},
      {1, "region:", "r:1:1: region: has no value; give it one, or remove the key"},
      {1, "region: ''", "r:1:9: region: is empty; give the region a name"},
      {1, "region: cork 1",
       "r:1:9: region: 'cork 1' is not a name; use at most 64 letters, digits, '_', '.' and '-', a letter or digit "
       "first"},
      {1, "region: \"a\\0b\"",
       "r:1:9: region: 'a?b' has a line break or another control character in it; write it on one line"},
      {2, "cloud: yes\nx:",
       "r:2:8: cloud: a single value where a map belongs; write `key: value` lines\n"
       "r:3:1: unknown key 'x'; known here: region, state_directory, log_level, cloud, ssh, hosts, podnet, "
       "networks, policies, listen, events, schedules, throttles, kinds"},
      {4, "  email: robot", "r:4:10: cloud.email: 'robot' is not a mail address; write it like robot@example.com"},
      {11, "    address: 192.0.2.1\n    port: 99999",
       "r:12:11: hosts.0.port: 99999 is not a port (1 to 65535); 22 if left out"},
      {11, "    address: 192.0.2.1\n    port: '22'",
       "r:12:11: hosts.0.port: '22' is not a port (1 to 65535); write it without quotes"},
      {11, "    address: 192.0.2.1\n    port: 22x",
       "r:12:11: hosts.0.port: '22x' is not a port (1 to 65535); 22 if left out"},
      {11, "    address: 192.0.2.1\n    become: maybe",
       "r:12:13: hosts.0.become: 'maybe' is neither true nor false; false if left out"},
      {11, "    address: 192.0.2.1\n    labels: ssd",
       "r:12:13: hosts.0.labels: a single value where a list belongs; write it in brackets: [ssd]"},
      {19, "log_level: inof",
       "r:19:12: log_level: 'inof' is not one of trace, debug, info, warning, error; did you mean info?"},
      {19, "state_directory: regent", "r:19:18: state_directory: 'regent' is not an absolute path; begin it with '/'"},
      {19, "policies: {grace_period: 90s}",
       "r:19:26: policies.grace_period: 1m 30s is not a whole number of minutes; grace periods are counted in minutes"},
      {19, "policies: {wait_for_host: 10}",
       "r:19:27: policies.wait_for_host: '10' is not a span of time; add the unit: 10s"},
      {19, "policies: {wait_for_host: 99999999999999999999d}",
       "r:19:27: policies.wait_for_host: '99999999999999999999d' is not a span of time; write it like 500ms, 5s, 10m, "
       "2h or 7d"},
      {19, "policies: {wait_for_host: 2d}", "r:19:27: policies.wait_for_host: '2d' is too long; between 0ms and 1d 0h"},
      {19, "policies: {step_attempts: 0}",
       "r:19:27: policies.step_attempts: 0 is not a number of attempts (1 to 4); 4 if left out"},
      {6, "  api_key: k\n  poll_interval: 1h\n  listing_interval: 1m",
       "r:8:21: cloud.listing_interval: the full listing, every 1m 0s, would be more frequent than the poll, every 1h "
       "0m; make "
       "listing_interval the longer of the two"},
      {19, "kinds: [/a, b, /a]",
       "r:19:13: kinds.1: 'b' is not an absolute path; begin it with '/'\n"
       "r:19:16: kinds.2: '/a' is in the list already; remove it"},
  });
}

TEST_CASE("an unknown or duplicate key is named, with the key that was meant", "[region_config]") {
  check_each({
      {11, "    adress: 192.0.2.1\n    address: 192.0.2.1",
       "r:11:5: hosts.0: unknown key 'adress'; did you mean address?"},
      {11, "    <<: 192.0.2.1\n    address: 192.0.2.1",
       "r:11:5: hosts.0: unknown key '<<'; merge keys are not read: the `ssh` section gives every host its defaults"},
      {11, "    address: 192.0.2.1\n    address: 192.0.2.9",
       "r:12:5: hosts.0: duplicate key 'address'; it stands in line 11 already: remove one of them"},
      {11, "    address: 192.0.2.1\n    ? [a]\n    : b",
       "r:12:7: hosts.0: a list where a key belongs; write `key: value`"},
      {19, "polices: {}", "r:19:1: unknown key 'polices'; did you mean policies?"},
      {19, "region: again", "r:19:1: duplicate key 'region'; it stands in line 1 already: remove one of them"},
      {18, "  tenant: {type: none}\n  tenant_type: vlan",
       "r:19:3: networks: unknown key 'tenant_type'; known here: public_bridge, tenant, mtu"},
  });
}

TEST_CASE("the cloud's address keeps the password from the open net", "[region_config]") {
  const std::string start = "r:3:8: cloud.url: ";
  const std::string form = " is not the address of a web service; write it like https://iaas.example.com/";
  check_each({
      {3, "  url: http://iaas.example.com/",
       start + "'http://iaas.example.com/' would send the password in the clear; use https"},
      {3, "  url: iaas.example.com/v1",
       start + "'iaas.example.com/v1' is not the address of a web service; did you mean https://iaas.example.com/v1?"},
      {3, "  url: ftp://iaas.example.com/", start + "'ftp://iaas.example.com/'" + form},
      {3, "  url: https://iaas.example.com:99999/", start + "'https://iaas.example.com:99999/'" + form},
      {3, "  url: https:///x", start + "'https:///x'" + form},
      {3, "  url: 'https://[::1/'", start + "'https://[::1/'" + form},
      {3, "  url: https://me@iaas.example.com/",
       start + "an address with an '@' in it; leave the login out: `email` and `password` name it"},
      {5, "  password: {}",
       "r:5:13: cloud.password: names neither a file nor a variable; write password: {file: "
       "/etc/regent/secrets/password} or {environment: REGENT_PASSWORD}"},
      {5, "  password: {environment: $PASSWORD}",
       "r:5:27: cloud.password.environment: '$PASSWORD' is not the name of an environment variable; leave the '$' out"},
      {6, "",
       "r:3:3: cloud.api_key: is missing; write api_key: {file: /etc/regent/secrets/api_key} or {environment: "
       "REGENT_API_KEY}"},
      {6, "  api_key: {file: /k, environment: K}",
       "r:6:12: cloud.api_key: both a file and a variable; write api_key: {file: /etc/regent/secrets/api_key} or "
       "{environment: "
       "REGENT_API_KEY}"},
  });
  CHECK(config_of(file_with(3, "  url: http://127.0.0.1:8000")).cloud.url == "http://127.0.0.1:8000/");
  CHECK(config_of(file_with(3, "  url: 'http://[::1]:8000/iaas'")).cloud.url == "http://[::1]:8000/iaas/");
}

TEST_CASE("tenant networks need what their type needs, and nothing else", "[region_config]") {
  check_each({
      {18, "  tenant: {type: vlan}",
       "r:18:11: networks.tenant.interface: is missing; the interface that carries the tenant networks"},
      {18, "  tenant: {type: vxlan, interface: ''}",
       "r:18:36: networks.tenant.interface: is empty; the interface that carries the tenant networks"},
      {18, "  tenant: {type: vlan, interface: eth1, port: 4789}",
       "r:18:47: networks.tenant.port: means nothing without type vxlan; remove it"},
      {18, "  tenant: {type: none, interface: eth1}",
       "r:18:35: networks.tenant.interface: means nothing without type vlan or vxlan; remove it"},
      {18, "  tenant: {type: vlan, interface: sixteen-letters-}",
       "r:18:35: networks.tenant.interface: 'sixteen-letters-' is not the name of an interface; it has 16 characters, "
       "and the kernel "
       "takes 15"},
      {18, "  tenant: {type: vlan, interface: ../eth}",
       "r:18:35: networks.tenant.interface: '../eth' is not the name of an interface; use 1 to 15 characters without "
       "spaces, '/' and "
       "':'"},
      {18, "  tenant: {type: vxlan, interface: eth1, group: 192.0.2.1}",
       "r:18:49: networks.tenant.group: '192.0.2.1' is not a multicast address; use one of 239.0.0.0/8, or name the "
       "other ends in "
       "`peers`"},
      {18, "  mtu: 9000",
       "r:18:3: networks.tenant: is missing; say how tenant networks reach other hosts: `tenant: {type: vlan, "
       "interface: NAME}`"},
  });
}

TEST_CASE("a section with nothing in it says nothing", "[region_config]") {
  CHECK(json_text(*config_of(good_file() + "policies:\nlisten: {}\n").document) ==
        json_text(*config_of(good_file()).document));
  CHECK(problems_of(file_with(16, "podnet:")) == "r:16:1: podnet.a: is missing; the name of a host\n");
}

TEST_CASE("only loopback addresses and short socket paths are listened on", "[region_config]") {
  const std::string open =
      " is not a loopback address, and what is listened on can be read without a password; use 127.0.0.1 or ::1, "
      "and reach it through `ssh -L` or a proxy that asks who is there";
  const auto long_path = "/" + std::string(107, 'x');
  check_each({
      {19, "listen: {address: 0.0.0.0}", "r:19:19: listen.address: '0.0.0.0'" + open},
      {19, "listen: {address: '::'}", "r:19:19: listen.address: '::'" + open},
      {19, "listen: {port: 65536}", "r:19:16: listen.port: 65536 is not a port (0 to 65535); 8420 if left out"},
      {19, "listen: {unix_socket: " + long_path + "}",
       "r:19:23: listen.unix_socket: '" + long_path.substr(0, 60) +
           "…' is too long for a socket: 108 bytes, and 107 fit; use a path under /run"},
      {19, "state_directory: " + long_path,
       "r:19:18: state_directory: '" + long_path.substr(0, 60) +
           "…' is too long for a socket: 120 bytes, and 107 fit; name a shorter path in "
           "listen.unix_socket"},
  });
  CHECK(config_of(file_with(19, "listen: {address: localhost, port: 0}")).listen.address == "127.0.0.1");
  CHECK(config_of(file_with(19, "listen: {address: '::1', tcp: off}")).listen.tcp == false);
}
