// Hosts, their keys and the pair.
#include "region/region_config.hpp"

#include "test/region/region_file.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

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

TEST_CASE("a list of hosts that is empty, and a podnet host without a pair, are problems", "[region_config]") {
  auto text = good_file();
  text.replace(text.find("podnet: "), text.find("networks:") - text.find("podnet: "), "");
  CHECK(config_of(text).podnet.a.empty());
  text.insert(text.find("    address: 192.0.2.2"), "    role: podnet\n");
  CHECK(problems_of(text) == "r:1:1: podnet: is missing, but 'pod-b' has the role podnet; add `podnet: {a: pod-b}`\n");
  text.replace(text.find("hosts:"), text.find("networks:") - text.find("hosts:"), "hosts: {}\n");
  CHECK(problems_of(text) == "r:9:8: hosts: no hosts; list at least one: see `regent config example`\n");
}
