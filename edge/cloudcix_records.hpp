// The cloud's JSON → regent's neutral record, checked field by field: these values reach hosts as root.
// region/record.hpp describes the result. A bad field makes the whole record bad, and is named by its dot path in the
// cloud's JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip_network.hpp"
#include "edge/checked_field.hpp"
#include "region/record.hpp"

namespace regent {

/// The head of a row of a listing. The field_complaint is set if the row cannot be used.
record_head read_head(const rapidjson::Value& row, const std::string& kind, field_complaint& wrong);

struct router_network {
  std::int64_t id = 0;
  std::string name;
  ip_network address;  ///< the router's own
  std::int64_t vlan = 0;
};

struct router_rule {
  std::int64_t id = 0;
  std::int64_t order = 0;
  bool allow = false;
  bool log = false;  ///< debug_logging or pci_logging
  std::string protocol;
  ip_network source;
  ip_network destination;
  std::string port;  ///< "" for all
};

struct router_nat {
  ip_network public_address;
  ip_network private_address;
};

struct router_route {
  ip_network destination;
  ip_network gateway;
  std::int64_t metric = 0;
};

struct router_set {
  std::string name;
  int family = 4;
  std::vector<std::string> elements;
};

/// A virtual router, checked.
struct router_facts {
  record_head head;
  std::int64_t id = 0;
  std::string name;
  std::int64_t project = 0;
  std::string project_name;
  std::chrono::minutes grace{0};
  std::optional<bool> phantom;  ///< only if the record says so
  std::optional<ip_network> public_address;
  std::optional<ip_network> public_gateway;
  std::vector<router_network> networks;  ///< by id
  std::vector<router_rule> rules;        ///< by order
  std::vector<router_nat> nat;
  std::vector<router_route> routes;
  std::vector<router_set> sets;
};

/// All but NAT, which the router's record does not hold. Routes and sets are extra keys `routes` and `sets`, in the
/// form of region/record.hpp; `phantom` is one too.
router_facts read_router(const rapidjson::Value& content, field_complaint& wrong);

/// Adds the 1:1 NAT of an ip_address row. Rows without a public address add nothing.
void add_nat(router_facts& facts, const rapidjson::Value& row, field_complaint& wrong);

/// The neutral record. Errors: permanent `record_malformed` if it is larger than limits::document_bytes.
result<record> to_record(const router_facts& facts, bool phantom);

}  // namespace regent
