// The cloud behind the simulator: records, who may change them, what a change brings with it, and the poll with its
// traps. No socket and no thread; time comes from outside. What it does follows the published server, guards and faults
// included.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sim/cloud_answer.hpp"
#include "sim/cloud_filters.hpp"
#include "sim/cloud_records.hpp"
#include "sim/cloud_rows.hpp"
#include "sim/cloud_states.hpp"

namespace regent::sim {

/// Not thread-safe.
class cloud_model {
 public:
  explicit cloud_model(const clock& time);

  // --- the dialect: what a client of the cloud calls ---

  answer get(kind what, std::int64_t id) const;
  answer list(kind what, const query_items& query) const;
  /// A change of one record. A state that the record already has is accepted, and `updated` moves on.
  answer patch(kind what, std::int64_t id, const json::object& change, caller by);
  /// A record sent whole: a PATCH that must carry the list which its kind needs.
  answer put(kind what, std::int64_t id, json::object record, caller by);
  /// A user hangs a volume on a VM of its project.
  answer attach(std::int64_t volume, std::int64_t vm, caller by);
  /// A user asks to take it off, and the orchestrator says that it has; 500, as published, unless the region's
  /// `detach_works`.
  answer detach(std::int64_t volume, caller by);
  /// A user deletes a VPN.
  answer remove_vpn(std::int64_t id);
  /// GET run_robot/: reads and clears the region's flag, whatever becomes of the answer.
  answer poll();
  /// POST run_robot/: clears the projects' flags.
  answer acknowledge(const json::value& body);

  // --- the play: what a user or a test does beside the dialect ---

  /// Creates a project with all that belongs to it. Errors: conflict `record_exists` naming the number or address that
  /// is taken.
  result<std::int64_t> add(const project_spec& project);
  result<void> add(const server_spec& server);
  result<void> add(const device_spec& device);
  void set_region(const region_spec& region);
  /// Writes fields as they are, without guards or side effects; `raw` and `raw_remove` bend only the answer.
  answer force(kind what, std::int64_t id, const json::object& fields);
  /// The same for a rule, subnet or address; its router is then set to update.
  answer edit(kind what, std::int64_t id, const json::object& fields);
  /// Replaces all of a router's `part` ("subnets", "firewall_rules", "nat", "routes", "sets").
  answer replace(std::int64_t router, const std::string& part, const router_spec& with);
  /// Adds to it.
  answer append(std::int64_t router, const router_spec& what);
  /// A new VM in a project that stands.
  answer add(std::int64_t project, const vm_spec& vm);
  /// Creates a snapshot, backup, VPN, volume or device for something that stands. State 1 if the kind has states.
  answer create(kind what, json::object fields);
  /// Removes the record; subnets, rules and addresses set their router to update. Others just vanish.
  answer erase(kind what, std::int64_t id);
  /// Every resource that has a state: id, state, number.
  json::object overview() const;
  const cloud_rows& rows() const { return rows_; }
  /// The record put back as it was, as when another writer's whole-row save wins.
  void restore(kind what, const row& as_it_was);

 private:
  struct refusal {
    std::string field;  ///< empty: the whole request
    std::string code;
    std::string detail;
    int status = 400;
  };
  using verdict = std::optional<refusal>;  ///< none: allowed

  /// Addresses of a VM whose public address changes.
  struct nat_change {
    std::vector<std::int64_t> off;                         ///< these lose theirs
    std::vector<std::pair<std::int64_t, std::string>> on;  ///< these get this one
    bool empty() const { return off.empty() && on.empty(); }
  };
  /// What a request does to a record, once it is allowed.
  struct accepted {
    std::optional<lifecycle_state> to;
    router_spec subnets;
    nat_change nat;
  };

  // cloud_changes.cpp
  static std::string update_code(kind what, int number);  ///< "iaas_vm_update_007"
  answer patch_with_state(kind what, row& of, const json::object& change, caller by);
  answer patch_project(row& project, const json::object& change);
  answer patch_vpn(row& vpn, const json::object& change, caller by);
  verdict check(kind what, const row& of, const json::object& change, caller by, accepted& out) const;
  verdict check_state(kind what, const row& of, const json::value& wish, caller by) const;
  /// A list that its kind needs may be left out of a PATCH, but is refused if it is empty.
  static verdict check_needed_list(kind what, const json::object& change);
  /// A change of size is part of an update: sets `to` if the request has no state of its own.
  static verdict check_resize(kind what, const row& of, std::string_view field, int not_at_rest, int wrong_state,
                              std::optional<lifecycle_state>& to);
  verdict check_vm_state(const row& vm, lifecycle_state to) const;
  static verdict check_vm_sizes(const row& vm, const json::object& change, std::optional<lifecycle_state>& to);
  verdict check_backup_time(const json::object& change, caller by) const;
  verdict check_router_subnets(const json::object& change, router_spec& subnets) const;
  verdict check_router_scrub(const row& router, std::optional<lifecycle_state> to) const;

  // cloud_effects.cpp
  void write(kind what, row& of, const json::object& change, const accepted& doing);
  void enter_state(kind what, row& of, lifecycle_state to);
  void add_history(kind what, row& of, std::optional<lifecycle_state> to, const json::object& changed);
  static json::array storage_history(const json::value& storages);
  void close_router(row& router);
  void close_vm(const row& vm);
  void erase_subnet(std::int64_t id);
  bool erase_address(std::int64_t id);  ///< true if it had a public address
  void flip_active(row& snapshot);
  void cascade_snapshot(std::int64_t parent, lifecycle_state to);
  /// The router's declaration changed: running and quiesced ones go to their update. True if it moved.
  bool nudge_router(std::int64_t router);
  void nudge_routers_of(std::int64_t project);
  void tell_robot(std::int64_t project);
  std::int64_t project_of(kind what, const row& of) const;
  verdict check_project_scrub(std::int64_t project) const;
  void scrub_project(std::int64_t project);
  void restore_project(std::int64_t project);

  // cloud_nat.cpp
  verdict check_vm_addresses(const row& vm, const json::object& change, nat_change& nat) const;
  const row* address_of_vm(const row& vm, const std::string& address) const;
  void change_nat(const nat_change& nat);
  void end_nat(row& inside);
  std::int64_t nat_count(const row& vm) const;

  // cloud_volumes.cpp
  static verdict check_volume(const row& volume, const json::object& change, caller by,
                              std::optional<lifecycle_state>& to);
  static void write_volume(row& volume, const json::object& change);
  void hang(row& volume, const json::value& vm, lifecycle_state state);
  /// 204: a VM in 4 or 6 goes to its update, of which no row of its history tells.
  answer update_vm(row& vm);
  answer patch_device(row& device, const json::object& change, caller by);

  // cloud_poll.cpp
  std::vector<std::int64_t> polled_projects(bool changed) const;
  bool scrub_time_passed(const row& of) const;
  json::object group(kind what, const std::set<std::int64_t>& projects, bool changed,
                     const std::function<bool(const row&)>& belongs) const;

  // cloud_play.cpp
  std::int64_t add_address(std::int64_t subnet, const std::string& address);
  std::int64_t add_public_address(const std::string& address);
  std::optional<std::int64_t> subnet_around(std::int64_t router, const std::string& address) const;
  /// Fewer than `count` if no more are free.
  std::vector<std::string> free_public_addresses(std::size_t count) const;
  bool public_address_taken(const std::string& address) const;
  void add_parts(std::int64_t router, const router_spec& parts);
  void add_subnet(std::int64_t router, const subnet_spec& subnet);
  void add_rule(std::int64_t router, const rule_spec& rule, std::int64_t order);
  void add_nat(std::int64_t router, const nat_spec& nat);
  std::int64_t add_vm(std::int64_t project, std::int64_t router, const vm_spec& vm);
  void add_volume(std::int64_t project, const volume_spec& volume);
  void clear_parts(std::int64_t router, const std::string& part);
  void drop_orphans(std::int64_t router, const std::vector<std::int64_t>& old_subnets);
  void merge_subnets(std::int64_t router, const router_spec& subnets);
  /// The router's record and all that belongs to it, as they are.
  std::vector<std::pair<kind, row>> parts_of(std::int64_t router) const;
  answer router_changed(std::int64_t router);
  std::int64_t router_of(kind what, const row& part) const;  ///< -1: of none
  std::optional<std::string> taken(const project_spec& project) const;
  std::optional<std::string> misplaced(std::int64_t router, const router_spec& parts) const;

  cloud_rows rows_;
  region_spec region_;
  std::int64_t next_vlan_ = 1000;
  mutable std::uint32_t public_cursor_ = 0;  ///< where the last free public address was found
  bool changed_ = true;                      ///< the region's flag; set in a fresh cache
};

}  // namespace regent::sim
