// The last published status of every host, for readers on other threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "region/operator_marks.hpp"

namespace regent {

struct lease_claim {
  job_id job;
  std::string scope;
  std::string lane;   ///< "user", "retry", "audit"
  wall_time since{};  ///< granted or queued at
};

struct host_status {
  host_id host;
  std::string role;
  std::string address;
  std::string state = "connecting";  ///< "connecting", "up", "down"
  std::string reason;                ///< why it is not up
  std::string cordon;                ///< why no new job may begin there; empty: they may
  closure how = closure::cordon;     ///< and in which way, if it is closed
  bool sealed = false;               ///< closed, nothing is held there, and nobody is let in any more
  bool drained = false;              ///< the same, and the journal has it
  job_id admits;                     ///< closed, and children of roots up to this one may begin all the same
  std::string boot_id;
  milliseconds latency{0};
  std::optional<std::int64_t> load;  ///< the load average of the last minute, in hundredths
  std::string declines;              ///< why it takes no new jobs for now, though it is open; empty: it takes them
  std::optional<wall_time> last_seen;
  std::optional<wall_time> down_since;  ///< while it is down
  std::size_t open_runs = 0;
};

struct host_leases {
  std::vector<lease_claim> held;
  std::vector<lease_claim> queue;  ///< in the order in which they would be granted
};

/// All that is published of a host.
struct host_picture : host_status, host_leases {};

/// "open", "cordoned", "draining", "drained", "maintenance", "detached".
inline std::string_view service_of(const host_status& host) {
  return service_text(!host.cordon.empty(), host.how, host.drained);
}
inline bool is_detached(const host_status& host) { return !host.cordon.empty() && host.how == closure::detached; }
/// It may be off, and nobody is to be alarmed.
inline bool is_meant_to_be_off(const host_status& host) {
  return !host.cordon.empty() && host.how == closure::maintenance && host.drained;
}
/// "to take new jobs (its load is …)"; of a host that declines them.
inline std::string acceptance_of(const host_status& host) { return "to take new jobs (" + host.declines + ")"; }
/// Whether a job that has done nothing yet may begin there. `child_of`: its root, if it is not that itself.
inline bool lets_begin(const host_status& host, job_id child_of) {
  return host.cordon.empty() || (!child_of.empty() && child_of.value() <= host.admits.value());
}

/// Thread-safe.
class host_board {
 public:
  void publish(host_status status);
  /// Apart, for a long queue costs something: its host tells of it now and then. Nothing, for a host that is not known.
  void publish_leases(const host_id& host, host_leases leases);
  void remove(const host_id& host);
  std::shared_ptr<const host_status> find(const host_id& host) const;    ///< null: not known
  std::shared_ptr<const host_leases> leases(const host_id& host) const;  ///< null: not known
  std::optional<host_picture> picture(const host_id& host) const;
  std::vector<host_picture> list() const;  ///< by name
  /// Where no job could get anywhere now, and what of the host is waited for: "to be up", "to take new jobs (…)". Not those that were
  /// given up.
  std::map<host_id, std::string> away() const;

 private:
  struct entry {
    std::shared_ptr<const host_status> status;
    std::shared_ptr<const host_leases> leases;
  };
  mutable std::mutex guard_;
  std::map<host_id, entry> hosts_;
};

}  // namespace regent
