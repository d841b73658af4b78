// What a player writes, in a comfortable form: a file of projects, or one project in a request. YAML, of which JSON is
// a part. test/data/sim/three_projects.yaml describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sim/cloud_answer.hpp"
#include "sim/cloud_states.hpp"

namespace regent::sim {

struct subnet_spec {
  std::optional<std::int64_t> id;
  std::string name;
  std::string address_range;  ///< gateway form: the router's own address and the prefix length
  std::optional<std::int64_t> vlan;
};

struct rule_spec {
  std::optional<std::int64_t> id;
  bool allow = true;
  bool log = false;
  std::string description;
  std::string protocol = "any";
  std::string source;
  std::string destination;
  std::string port;  ///< empty for all
};

struct nat_spec {
  std::string public_address;
  std::string private_address;
};

struct route_spec {
  std::string destination;
  std::string gateway;
  std::int64_t metric = 100;
};

struct set_spec {
  std::string name;
  std::string family = "ipv4";
  std::vector<std::string> elements;
};

struct router_spec {
  std::optional<std::int64_t> id;
  lifecycle_state state = requested;
  bool phantom = false;
  std::string public_address;  ///< empty: the next free one of the region's public subnet
  std::vector<subnet_spec> subnets;
  std::vector<rule_spec> rules;
  std::vector<nat_spec> nat;
  std::vector<route_spec> routes;
  std::vector<set_spec> sets;
  json::object raw;  ///< fields forced into the answer verbatim
};

struct vm_spec {
  std::optional<std::int64_t> id;
  std::string name;
  lifecycle_state state = requested;
  std::int64_t cpu = 1;
  std::int64_t ram = 1;
  std::int64_t gpu = 0;
  std::int64_t gb = 20;
  std::int64_t server = 1;
  std::vector<std::string> addresses;
  json::object raw;
};

struct volume_spec {
  std::optional<std::int64_t> id;
  std::string name = "volume";
  lifecycle_state state = requested;
  std::int64_t gb = 10;
  std::optional<std::int64_t> vm;  ///< attached to this VM of the project
};

struct project_spec {
  std::optional<std::int64_t> id;
  std::string name;
  std::optional<std::int64_t> grace_period = 168;  ///< hours; none is the null that makes the poll fail
  std::string note;
  router_spec router;
  std::vector<vm_spec> vms;
  std::vector<volume_spec> volumes;
};

struct server_spec {
  std::int64_t id = 1;
  std::string hostname = "kvm-1";
  std::string type = "KVM";  ///< HyperV, KVM, Phantom
  std::string address = "2001:db8::30:0:1";
};

struct device_spec {
  std::optional<std::int64_t> id;
  std::string id_on_host = "0000:3b:00.0";
  std::string sku = "GPU_A100";
  std::int64_t server = 1;
  std::optional<std::int64_t> vm;  ///< attached to this VM
};

struct region_spec {
  std::int64_t id = 100;
  std::string public_subnet = "203.0.113.1/24";  ///< gateway form
  bool detach_works = false;                     ///< as published, detach/ answers 500
};

struct records_spec {
  region_spec region;
  std::vector<server_spec> servers;
  std::vector<project_spec> projects;
  std::vector<device_spec> devices;
};

/// One complaint. Line and column count from 1.
struct record_problem {
  int line = 0;
  int column = 0;
  std::string path;     ///< "projects.0.router.subnets.1.address"
  std::string message;  ///< names the offending value
};

template <class T>
struct parsed {
  T value;
  std::vector<record_problem> problems;
};

/// "records.yaml:12:7: projects.0.name: is missing", one line each.
std::string problems_text(const std::vector<record_problem>& problems, const std::string& file);

/// Every problem at once; the value is of use only without problems.
parsed<records_spec> parse_records(const std::string& text);
parsed<project_spec> parse_project(const std::string& text);
parsed<vm_spec> parse_vm(const std::string& text);
/// One or several entries of a router's part: "subnets", "firewall_rules", "nat", "routes", "sets".
parsed<router_spec> parse_router_part(const std::string& part, const std::string& text);

/// "10.0.0.2" → "10.0.0.2/32", "10.0.0.9/24" → "10.0.0.0/24": how the cloud stores a rule's addresses. None if
/// malformed.
std::optional<std::string> network_text(const std::string& address);
/// True if `address` lies in the network of `range`.
bool lies_in(const std::string& address, const std::string& range);
/// True for an address with a prefix length, IPv4 or IPv6.
bool is_address_range(const std::string& text);
bool is_address(const std::string& text);

}  // namespace regent::sim
