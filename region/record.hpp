// What the cloud says about a resource, validated once at the edge and neutral: no wire numbers, no names of one cloud.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "region/json.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

/// The part of a record that a listing gives: enough to know who has work.
struct record_head {
  resource_id id;
  lifecycle_state state = lifecycle_state::ignore;
  std::string updated;  ///< the cloud's own stamp, verbatim
  std::string project;  ///< the cloud's id of the project; empty if it has none
};

/// A whole record. Its document is what kind files look into ({record.…}); for a virtual_router it is
/// {"id","name","project":{"id","name"},
///  "public":{"address":"192.0.2.10/24","gateway":"192.0.2.1"} or null,
///  "networks":[{"id","name","address":"10.0.0.1/24","vlan":1000}],          address: the router's own, with prefix
///  length "rules":[{"id","order","allow":true,"log":false,"protocol":"any|icmp|tcp|udp","source":"0.0.0.0/0",
///            "destination":"10.0.0.2/32","port":"22,80-90"}],               sorted by order; port is "" for all
///  "nat":[{"public":"91.103.3.4","private":"10.0.0.2"}],
///  "routes":[{"destination":"10.9.0.0/16","gateway":"10.0.0.9","metric":100}],
///  "sets":[{"name":"office","family":"ipv4|ipv6","elements":["192.0.2.0/28"]}]}
struct record {
  record_head head;
  std::string name;               ///< for people
  std::chrono::minutes grace{0};  ///< the wait in scrub_queue
  bool phantom = false;           ///< every step succeeds and no host is touched
  json_document document;
};

}  // namespace regent
