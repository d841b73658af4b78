#include "region/region_config.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <random>
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

TEST_CASE("JSON is read like YAML, tabs and escapes included", "[region_config]") {
  const std::string json =
      "{\n\t\"region\":\t\"cork-1\",\n\t\"cloud\": "
      "{\"url\":\"https:\\/\\/iaas.example.com\\u002f\",\"email\":\"r@x.example\",\n"
      "\t\t\"password\":{\"file\":\"/p\"},\"api_key\":{\"file\":\"/k\"}},\n"
      "\t\"hosts\":{\"me\":{\"local\":true,\"port\":2022}},\n\t\"podnet\":{\"a\":\"me\"},\n"
      "\t\"networks\":{\"tenant\":{\"type\":\"none\"}}\n}\n";
  const auto config = config_of(json);
  CHECK(config.cloud.url == "https://iaas.example.com/");
  REQUIRE(config.hosts.size() == 1);
  CHECK(config.hosts[0].local);
  CHECK(config.hosts[0].port == 2022);
  CHECK(config.podnet.enabled == host_id("me"));
}

TEST_CASE("hosts may be a map by name, and inherit what ssh says", "[region_config]") {
  const auto config = config_of(
      "region: r\n"
      "cloud: {url: 'http://127.0.0.1:8000/', email: a@b, password: p, api_key: k}\n"
      "ssh: {user: robot, become: yes, port: 2200, agent: true, host_ca: " +
      std::string(key_a) +
      ", state_directory: /srv/regent, concurrency: 3, certificate_file: /c}\n"
      "hosts:\n"
      "  kvm-1: {address: kvm-1.example.com, role: kvm, labels: [ssd, rack-4]}\n"
      "  kvm-2: {address: 'fe80::2%eth0', role: kvm, user: root, become: no, port: 22, key_file: /k, known_hosts_file: "
      "/h}\n"
      "networks: {tenant: {type: vxlan, interface: eth1, peers: [192.0.2.1, '2001:db8::1'], port: 8472}, mtu: 1450}\n");
  REQUIRE(config.hosts.size() == 2);
  const auto& one = *config.find_host(host_id("kvm-1"));
  CHECK((one.user == "robot" && one.become && one.port == 2200 && one.agent && one.concurrency == 3));
  CHECK(one.host_ca == key_a);
  CHECK(one.state_directory == "/srv/regent");
  CHECK(one.certificate_file == "/c");
  CHECK(one.labels == std::vector<std::string>{"ssd", "rack-4"});
  const auto& two = *config.find_host(host_id("kvm-2"));
  CHECK((two.user == "root" && !two.become && two.port == 22 && two.key_file == "/k"));
  CHECK(two.host_ca.empty());
  CHECK(two.known_hosts_file == "/h");
  CHECK(two.certificate_file.empty());
  CHECK(config.networks.vxlan_peers == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(config.networks.vxlan_port == 8472);
  CHECK(config.podnet.a.empty());
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

TEST_CASE("each kind of host key is taken", "[region_config]") {
  const auto* key = GENERATE(
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPI8Q9qyAYQLQzIIj+UuLBh43LDM"
      "/P6ZtFA6P4qvn6Qix/+2MnUMapBgQZz7S/Au8sFzCk4RPErUnNTWo0Zb+uM=",
      "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDmhohH4pMSaBHQ3uIZZ20i8OPNTliOgihdo1EcAbrr8lbtQFPKRdOYGrZUONJr"
      "tSS8ubt3ZIQIsFj6s01UQdxZJv5K3YbRG/zxHtPL4SHv6JrsNTHFSpQ4QgQTVPOr+huXzK5BJcGVXqtTO2nh1d9Etu8Hetp5EgVA"
      "vGNE/oTjWiN7KR1UT2pNmBPQda77AxFB6wQOaDxiZGq6W23KCtFVa1/KeKO5VZu7MenV0zFPNXmf02u9WxEoMQXVZyzX1mkziUhi"
      "bT+HBqteOPs56OebeRvbdBGs9r5Pklk+bCeRcFAhqiT929vLoCNjv/hf1HlbUroIPNQlQIYLkgiDoq8t");
  CHECK(config_of(file_with(12, std::string("    host_key: ") + key)).hosts[0].host_key == key);
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

TEST_CASE("an address that cannot be right is refused, with what was probably meant", "[region_config]") {
  const std::string forms = "write it like 192.0.2.10, 2001:db8::10 or host.example.com";
  const std::string start = "r:11:14: hosts.0.address: ";
  const std::string neither = " is neither an IPv4 or IPv6 address nor a host name; ";
  check_each({
      {11, "    address: 192.0.2.256", start + "'192.0.2.256'" + neither + forms},
      {11, "    address: 192.0.2.1/24", start + "'192.0.2.1/24'" + neither + "did you mean 192.0.2.1?"},
      {11, "    address: 192.0.2.1:22",
       start + "'192.0.2.1:22'" + neither + "put what stands after the ':' into `port`"},
      {11, "    address: root@pod", start + "'root@pod'" + neither + "put what stands before the '@' into `user`"},
      {11, "    address: '[2001:db8::1]'", start + "'[2001:db8::1]'" + neither + "did you mean 2001:db8::1?"},
      {11, "    address: $(reboot)", start + "'$(reboot)'" + neither + forms},
      {11, "    address: -oProxyCommand=x", start + "'-oProxyCommand=x'" + neither + forms},
      {11, "    address: under_score.example.com", start + "'under_score.example.com'" + neither + forms},
  });
  CHECK(problems_of(file_with(11, "    address: '" + std::string(200'000, ':') + "'")).find("r:11:14: ") == 0);
}

TEST_CASE("a host is named once, reached in one way, logged in to and known", "[region_config]") {
  check_each({
      {13, "  - name: pod-a",
       "r:13:11: hosts.1: a host named 'pod-a' stands in line 10 already; give each host a name of its own\n"
       "r:16:23: podnet.b: 'pod-b' is not one of the hosts; did you mean pod-a?"},
      {14, "    address: 192.0.2.1",
       "r:14:14: hosts.1: has the address and port of 'pod-a': 192.0.2.1 port 22; two names for one host "
       "would give it two lease queues: remove one"},
      {14, "    port: 22",
       "r:13:5: hosts.1.address: is missing; an IPv4 or IPv6 address, a host name, or `local: true` for this machine"},
      {8, "  user: root",
       "r:10:5: hosts.0: no way to log in: neither key_file nor agent; add key_file here or in the `ssh` section\n"
       "r:13:5: hosts.1: no way to log in: neither key_file nor agent; add key_file here or in the `ssh` section"},
      {8, "  agent: false",
       "r:10:5: hosts.0: no way to log in: neither key_file nor agent; add key_file here or in the `ssh` section\n"
       "r:13:5: hosts.1: no way to log in: neither key_file nor agent; add key_file here or in the `ssh` section"},
      {12, "    port: 23",
       "r:10:5: hosts.0: the host's key is not known, and unknown hosts are not talked to; ask for it by "
       "`ssh-keyscan -t ed25519 -p 23 192.0.2.1`, compare it on the host, and add it as host_key"},
      {12, "    host_key: " + std::string(key_a) + "\n    host_ca: " + std::string(key_a),
       "r:13:14: hosts.0.host_ca: stands beside host_key: a host is known in one way only; remove one of them"},
      {8, "  key_file: /k\n  host_key: " + std::string(key_a),
       "r:9:13: ssh.host_key: a host key belongs to one host; move it there, or name a host_ca or known_hosts_file "
       "here"},
  });
}

TEST_CASE("a host key is one whole public key", "[region_config]") {
  const std::string start = "r:12:15: hosts.0.host_key: ";
  const std::string known = "Ed25519, RSA and ECDSA keys are known, as in /etc/ssh/ssh_host_ed25519_key.pub";
  const std::string whole = " key; copy the line again, from `ssh-ed25519` or the like to the end";
  check_each({
      {12, "    host_key: 192.0.2.1 " + std::string(key_a),
       start + "'192.0.2.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCA…' begins with a host's name or a mark; "
               "leave '192.0.2.1' out"},
      {12, "    host_key: SHA256:abc",
       start + "'SHA256:abc' is not a public key of the form `ssh-ed25519 AAAA…`; this is a fingerprint: the key "
               "itself is needed"},
      {12, "    host_key: ssh-dss AAAA",
       start + "'ssh-dss AAAA' is not a public key of the form `ssh-ed25519 AAAA…`; " + known},
      {12, "    host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgME",
       start + "'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgME' is not a whole ssh-ed25519" + whole},
      {12, "    host_key: ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
       start + "'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ…' is not a whole ssh-rsa" + whole},
      {12, "    host_key: -----BEGIN OPENSSH PRIVATE KEY-----",
       start + "this is a private key; put the public key here, and change the one that was shown"},
      {12, "    host_key: '<fill me in>'", start + "'<fill me in>' is a placeholder; fill in the value"},
  });
}

TEST_CASE("the pair is made of hosts, and one of them is enabled", "[region_config]") {
  check_each({
      {16, "podnet: {a: pod-a, b: pod-c, enabled: pod-a}",
       "r:16:23: podnet.b: 'pod-c' is not one of the hosts; did you mean pod-a?"},
      {16, "podnet: {a: pod-a, b: pod-a, enabled: a}",
       "r:16:23: podnet.b: 'pod-a' is a already; name another host, or remove b if there is no pair"},
      {16, "podnet: {a: pod-a, b: pod-b, enabled: kvm}",
       "r:16:39: podnet.enabled: 'kvm' is not one of the pair; use pod-a or pod-b"},
      {16, "podnet: {a: pod-a, b: pod-b}",
       "r:16:9: podnet.enabled: is missing; say which of the two is in use: the name of one of them, or a or b"},
      {16, "podnet: {b: pod-b, enabled: b}", "r:16:9: podnet.a: is missing; the name of a host"},
  });
}

TEST_CASE("enabled may be a or b", "[region_config]") {
  CHECK(config_of(file_with(16, "podnet: {a: pod-a, b: pod-b, enabled: b}")).podnet.enabled == host_id("pod-b"));
  CHECK(config_of(file_with(16, "podnet: {a: pod-b}")).podnet.enabled == host_id("pod-b"));
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

TEST_CASE("a file that is no YAML says where it stops being it", "[region_config]") {
  struct broken {
    std::string text;
    std::string expected;
  };
  const std::vector<broken> cases{
      {"", "r:1:1: the file is empty; start from `regent config example`"},
      {"# only a comment\n", "r:1:1: the file is empty; start from `regent config example`"},
      {"---\n", "r:1:1: the file is empty; start from `regent config example`"},
      {"- region\n", "r:1:1: the file is not a map of sections; start from `regent config example`"},
      {"region: a\ncloud:\n\turl: x\n", "r:3:1: not valid YAML: a tab in the indentation; indent with spaces"},
      {"region: a: b\n",
       "r:1:10: not valid YAML: a ':' where no key can be; quote the value if the ':' belongs to it, and check the "
       "indentation"},
      {"region: a\nhosts: [{name: x}\nlisten: {}\n",
       "r:2:8: not valid YAML: the '[' opened here is never closed; add the missing ']', or a comma before here"},
      {"{\"region\": \"a\",\n \"hosts\": [1, 2\n}\n",
       "r:3:1: not valid YAML: this bracket closes nothing, or another kind of bracket; compare it with the brackets "
       "before here"},
      {"{\"region\": \"a\"",
       "r:1:1: not valid YAML: the '{' opened here is never closed; add the missing '}', or a comma before here"},
      {"region: @a\n", "r:1:9: not valid YAML: a value cannot begin with this character; quote the value"},
      {"region: 'a", "r:1:1: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: a\nkinds: ['a\n",
       "r:2:8: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: \"a\n", "r:1:1: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: *a\n",
       "r:1:9: not valid YAML: the referenced anchor is not defined; look for a missing quote, bracket or indentation"},
      {"region: \"\\ud83d\\ude00\"\n",
       "r:1:16: not valid YAML: invalid unicode: 55357; write the character itself instead of \\u escapes"},
      {std::string("region: a\0b\n", 12),
       "r:1:10: control character U+0000 in the file; save the file as plain UTF-8 text"},
      {"region: a\nx: \x1b[31m\n", "r:2:4: control character U+001B in the file; save the file as plain UTF-8 text"},
      {"region: \xff\xfe\n", "r:1:9: byte 0xff is not valid UTF-8; save the file as plain UTF-8 text"},
      {std::string(100, '[') + std::string(100, ']'),
       "r:1:65: lists and maps nested more than 64 deep; is it the right file?"},
  };
  for (const auto& each : cases) {
    INFO(each.text.substr(0, 80));
    CHECK(problems_of(each.text) == each.expected + "\n");
  }
  CHECK(problems_of(good_file() + "---\nx: 1\n") ==
        "r:19:1: a second document begins here, and only one is read; check the indentation, and remove '---' and "
        "'...'\n");
}

TEST_CASE("anchors are followed, and one that contains itself ends", "[region_config]") {
  const auto config = config_of(file_with(12, "    host_key: &key " + std::string(key_a)) + "kinds: &k [/a]\n");
  CHECK(config.hosts[0].host_key == key_a);
  CHECK(config_of(file_with(12, "    host_key: &key " + std::string(key_a) + "\n    labels: &l [x]") + "kinds: []\n")
            .hosts[0]
            .labels.size() == 1);
  CHECK(problems_of("&r region: *r\nkinds: &k [*k]\n").find("kinds.0: a list where a single value belongs") !=
        std::string::npos);
}

TEST_CASE("more problems than anybody reads are cut, and that is said", "[region_config]") {
  std::string text = good_file();
  for (int i = 0; i < 5000; ++i) text += "unknown" + std::to_string(i) + ": x\n";
  const auto check = parse_region_config(text);
  CHECK(check.problems.size() == limits::region_problems + 1);
  CHECK(check.problems.back().message == "there are more problems than these");
  CHECK(problems_of(std::string(limits::region_file_bytes + 1, '#')).find("r: the file has more than") == 0);
}

TEST_CASE("a list of hosts that is empty, and a podnet host without a pair, are problems", "[region_config]") {
  auto text = good_file();
  text.replace(text.find("podnet: "), text.find("networks:") - text.find("podnet: "), "");
  CHECK(config_of(text).podnet.a.empty());
  text.insert(text.find("    address: 192.0.2.2"), "    role: podnet\n");
  CHECK(problems_of(text) == "r:1:1: podnet: is missing, but 'pod-b' has the role podnet; add `podnet: {a: pod-b}`\n");
  text.replace(text.find("hosts:"), text.find("networks:") - text.find("hosts:"), "hosts: {}\n");
  CHECK(problems_of(text) == "r:9:8: hosts: no hosts; list at least one: see `regent config example`\n");
}

TEST_CASE("problems come in the order of the file, each with a suggestion", "[region_config]") {
  const auto check = load_region_config("test/data/region/every_mistake.yaml");
  CHECK(check.problems.size() > 40);
  int line = 0;
  int column = 0;
  for (const auto& problem : check.problems) {
    INFO(problem.line << ":" << problem.column << " " << problem.path << " " << problem.message);
    CHECK((problem.line > line || (problem.line == line && problem.column >= column)));
    CHECK_FALSE(problem.suggestion.empty());
    line = problem.line;
    column = problem.column;
  }
}

TEST_CASE("a file that cannot be read is one problem without a line", "[region_config]") {
  CHECK(load_region_config("/nonexistent/region.yaml").text("f") ==
        "f: there is no such file; write one with `regent config example`\n");
  CHECK(load_region_config("test/data").text("f") == "f: is a directory; name the file in it\n");
}

namespace {

/// A file that goes with the test.
class temporary_file {
 public:
  explicit temporary_file(const std::string& content) {
    path_ = std::filesystem::temp_directory_path() / "regent-test-XXXXXX";
    std::string form = path_.string();
    const int file = mkstemp(form.data());
    REQUIRE(file >= 0);
    REQUIRE(write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    close(file);
    path_ = form;
  }
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

using source = secret_reference::source;

std::string secret_of(const secret_reference& reference) {
  const auto secret = read_secret(reference);
  return secret ? *secret : secret.error().text();
}

}  // namespace

TEST_CASE("a good file is loaded from its path", "[region_config]") {
  const temporary_file file(good_file());
  CHECK(load_region_config(file.path()).config.has_value());
}

TEST_CASE("a secret is read when it is needed, without its last line end", "[region_config]") {
  CHECK(secret_of({source::inline_value, " x "}) == " x ");
  CHECK(secret_of({source::file, temporary_file("").path()}).find("secret_unreadable: file ") == 0);
  for (const auto& [content, secret] :
       {std::pair{"hunter2\n", "hunter2"}, {"hunter2", "hunter2"}, {"a\n\n", "a\n"}, {"a\r\n", "a"}}) {
    const temporary_file file(content);
    CHECK(secret_of({source::file, file.path()}) == secret);
  }
  setenv("REGENT_TEST_SECRET", "from outside", 1);
  CHECK(secret_of({source::environment, "REGENT_TEST_SECRET"}) == "from outside");
  unsetenv("REGENT_TEST_SECRET");
}

TEST_CASE("a secret that cannot be read is an error that names its place and not its content", "[region_config]") {
  const temporary_file empty("\n");
  const temporary_file huge(std::string(limits::secret_bytes + 1, 'x'));
  CHECK(secret_of({}) == "secret_unreadable: the region file names no source for this secret");
  CHECK(secret_of({source::file, "/nonexistent"}) ==
        "secret_unreadable: file /nonexistent: does not exist or is out of reach");
  CHECK(secret_of({source::file, "/dev/null"}) == "secret_unreadable: file /dev/null: is not a file");
  CHECK(secret_of({source::file, empty.path()}) == "secret_unreadable: file " + empty.path() + ": is empty");
  CHECK(secret_of({source::file, huge.path()}) ==
        "secret_unreadable: file " + huge.path() + ": has more than 65536 bytes");
  CHECK(secret_of({source::environment, "REGENT_NOT_SET"}) ==
        "secret_unreadable: environment variable REGENT_NOT_SET: is not set");
}

namespace {

/// Whatever the text: a configuration or problems, and never both or neither.
void check_answers(const std::string& text) {
  const auto check = parse_region_config(text);
  const bool answers = check.config.has_value() == check.problems.empty();
  if (!answers) FAIL("neither a configuration nor a problem, or both, from:\n" << text);
  for (const auto& problem : check.problems)
    if (problem.message.empty() || problem.line < 0 || problem.column < 0) FAIL("a bad problem from:\n" << text);
}

std::string example_without_comments() {
  std::istringstream lines(example_region_config());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(' ') != std::string::npos) text += line + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the example cut off at any byte gives a configuration or problems", "[region_config]") {
  const auto text = example_without_comments();
  CHECK(parse_region_config(text).config.has_value());
  for (std::size_t size = 0; size < text.size(); ++size) check_answers(text.substr(0, size));
}

TEST_CASE("the example with bytes changed, removed and repeated gives a configuration or problems", "[region_config]") {
  const auto* given = std::getenv("SEED");
  const auto seed = given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  INFO("replay with SEED=" << seed);
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  const auto original = example_without_comments();
  const std::string telling = "{}[]:,-#&*!|>'\"%@`?~<= \n\t\r\\0a\xc3\xff";
  for (int round = 0; round < 1000; ++round) {
    auto text = original;
    for (auto changes = random() % 5 + 1; changes > 0; --changes) {
      const auto at = random() % text.size();
      const auto length = random() % 20;
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text[at] = telling[random() % telling.size()]; break;
        case 2: text.erase(at, length); break;
        default: text.insert(random() % text.size(), text.substr(at, length));
      }
      if (text.empty()) text = "x";
    }
    check_answers(text);
  }
}
