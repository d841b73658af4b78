// The cloud's tables: records as flat JSON objects, by kind and number. Nested shapes are made when they are answered.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "sim/cloud_answer.hpp"
#include "sim/cloud_states.hpp"

namespace regent::sim {

enum class kind {
  virtual_router,
  vm,
  snapshot,
  backup,
  project,
  subnet,
  ip_address,
  firewall_rule,
  server,
  vpn,
  image,
  ceph,
  device
};

struct kind_row {
  kind what;
  std::string_view name;  ///< as in the path and in error codes
  std::string_view plural;
  bool has_state;
  bool in_api;  ///< has an address of its own in the dialect
};

inline constexpr std::array<kind_row, 13> kind_table{{
    {kind::virtual_router, "virtual_router", "virtual_routers", true, true},
    {kind::vm, "vm", "vms", true, true},
    {kind::snapshot, "snapshot", "snapshots", true, true},
    {kind::backup, "backup", "backups", true, true},
    {kind::project, "project", "projects", false, true},
    {kind::subnet, "subnet", "subnets", false, true},
    {kind::ip_address, "ip_address", "ip_addresses", false, true},
    {kind::firewall_rule, "firewall_rule", "firewall_rules", false, false},
    {kind::server, "server", "servers", false, true},
    {kind::vpn, "vpn", "vpns", false, true},
    {kind::image, "image", "images", false, true},
    {kind::ceph, "ceph", "volumes", true, true},
    {kind::device, "device", "devices", false, true},
}};

constexpr const kind_row& row_of(kind what) { return kind_table[static_cast<std::size_t>(what)]; }
constexpr std::string_view name(kind what) { return row_of(what).name; }
/// By name or plural.
std::optional<kind> parse_kind(std::string_view name);

/// One record. A field whose name begins with '_' is the simulator's own and is never answered.
/// `_raw` holds fields that a player forces into the answer verbatim, `_without` names those that are left out.
using row = json::object;

/// The field as a number, or `otherwise` if it is missing or of another type: a player may have put anything there.
std::int64_t number_in(const row& from, std::string_view field, std::int64_t otherwise = 0);
std::string text_in(const row& from, std::string_view field);
bool flag_in(const row& from, std::string_view field);
/// A value of a request as the server reads it: a number, or text that is one.
std::optional<std::int64_t> as_number(const json::value& value);
/// The state in the row; `ignore` if it is not one.
lifecycle_state state_in(const row& from);
void set_state(row& of, lifecycle_state state);

/// What records are found by: their references, and the text of an address.
inline constexpr std::array<std::string_view, 6> indexed_fields{"project_id", "virtual_router_id", "subnet_id",
                                                                "vm_id",      "parent_id",         "address"};

/// Not thread-safe. References stay valid until their row is erased.
class cloud_rows {
 public:
  explicit cloud_rows(const clock& time);

  /// Stores a record under fields["id"], or under the next free number; stamps created, updated and uri.
  row& insert(kind what, row fields);
  row* find(kind what, std::int64_t id);
  const row* find(kind what, std::int64_t id) const;
  void erase(kind what, std::int64_t id);
  /// A change was made: `updated` moves on, strictly, so that it orders changes.
  void touch(row& changed);
  /// Every record of the kind, by number.
  const std::map<std::int64_t, row>& all(kind what) const;
  /// Numbers of those whose `field`, one of `indexed_fields`, is `value`.
  std::vector<std::int64_t> where(kind what, std::string_view field, std::int64_t value) const;
  std::vector<std::int64_t> where(kind what, std::string_view field, std::string_view value) const;
  /// To be called after an indexed field of a stored record was written.
  void index(kind what, const row& changed);
  /// The value at a filter's path, such as "project__name": each "__" follows a reference. Null if there is none.
  json::value look_up(const row& from, std::string_view path) const;
  /// Now, as records have it: naive ISO with microseconds.
  std::string stamp();
  /// Stores a record exactly as it was, to undo.
  void put_back(kind what, const row& as_it_was);
  wall_time now() const { return time_.wall(); }

 private:
  /// Values seen → numbers. An entry may be out of date: `where` looks at the record itself. None is ever missing.
  using field_index = std::unordered_map<std::string, std::set<std::int64_t>>;
  std::vector<std::int64_t> matching(kind what, std::string_view field, const json::value& value) const;

  const clock& time_;
  std::array<field_index, kind_table.size()> indexes_;
  std::array<std::map<std::int64_t, row>, kind_table.size()> tables_;
  std::array<std::int64_t, kind_table.size()> next_{};  ///< numbers are given out once, even after an erase
  std::int64_t last_stamp_us_ = 0;
};

}  // namespace regent::sim
