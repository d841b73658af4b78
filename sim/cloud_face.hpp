// Calls in, answers out: the dialect's addresses and, under /sim/, the player's. No sockets.
//
// The play, for the loopback and without a token (JSON; a trailing slash may be there or not; kinds by name or plural):
//   GET    /sim/state                          every resource: id, state, number
//   GET    /sim/log?after=N                    calls received, oldest first; DELETE empties it
//   POST   /sim/faults {"kind":…}              see cloud_faults.hpp; GET lists, DELETE /sim/faults[/N] removes
//   POST   /sim/projects                       a project as in a records file, YAML or JSON
//   POST   /sim/projects/1/vms                 a VM as in a records file
//   POST   /sim/snapshots {"vm_id":1}          also backups; vpns {"virtual_router_id":1}; volumes {"project_id":1};
//                                              devices {"server_id":1}; with any field of the record
//   GET    /sim/virtual_router/3               the record as the dialect would answer it
//   PATCH  /sim/virtual_router/3 {"state":5}   what a user sends; ?force=true writes any field, guards or not
//   PATCH  /sim/virtual_router/3 {"raw":{"subnets":"x"},"raw_remove":["project"]}   bends the answer only; {} and []
//                                              mend it
//   PATCH  /sim/project/1 {"state":8}          scrubs the whole project; 4 restores it
//   PUT    /sim/virtual_router/3/firewall_rules […]   also subnets, nat, routes, sets; POST adds, DELETE empties
//   PATCH  /sim/firewall_rule/5 {"allow":false}       also subnet: fields are written and the router is set to update
//   DELETE /sim/virtual_router/3               asks for scrub as a user; ?force=true: the record is gone. Rules,
//                                              subnets: gone
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sim/cloud_faults.hpp"
#include "sim/cloud_gate.hpp"
#include "sim/cloud_model.hpp"

namespace regent::sim {

struct call {
  std::string method;
  std::string target;  ///< path and query
  std::string token;   ///< X-Auth-Token
  std::string content_type;
  std::string body;
  bool loopback = true;  ///< the caller is on this machine
};

struct reply {
  answer what;
  std::chrono::milliseconds delay{0};
  bool hang_up = false;  ///< close the connection instead of answering
};

struct face_options {
  credentials robot{"robot@sim.test", "robot-password", "robot-key"};
  credentials user{"user@sim.test", "user-password", "user-key"};
  std::size_t requests_per_second = 20;  ///< of one user; 0: unlimited
};

/// Thread-safe.
class cloud_face {
 public:
  cloud_face(const face_options& options, const clock& time);
  /// Before the first call. Errors: conflict `record_exists`.
  result<void> load(const records_spec& records);
  reply handle(const call& what);

 private:
  struct logged {
    std::int64_t number = 0;
    std::string at, method, path, body;
    int status = 0;
    std::string mishap;
  };

  reply play(const call& what);
  answer play_call(const call& what);
  answer dialect(const call& what);
  answer dialect_call(const call& what, const std::string& path, const visitor& who);
  answer record_call(const call& what, kind of, std::int64_t id, const visitor& who);
  reply with_mishap(const call& what, const std::string& path, const mishap& bad);
  reply lost_update(const call& what, const std::string& path);

  answer play_faults(const call& what, const std::vector<std::string>& at);
  answer play_log(const call& what, const std::string& query);
  answer play_create(kind of, const call& what);
  answer play_record(kind of, std::int64_t id, const call& what, bool force);
  answer play_part(std::int64_t router, const std::string& part, const call& what);
  answer play_vm(std::int64_t project, const call& what);
  void remember(const call& what, const std::string& path, const reply& done, const mishap& bad);

  std::mutex guard_;
  const clock& time_;
  cloud_gate gate_;
  cloud_model model_;
  cloud_faults faults_;
  std::deque<logged> log_;
  std::int64_t calls_ = 0;
};

/// "/a/b/?x=1" → {"a","b"}.
std::vector<std::string> path_parts(std::string_view path);

}  // namespace regent::sim
