// The last published status of every host, for readers on other threads.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

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
  std::string boot_id;
  milliseconds latency{0};
  std::optional<wall_time> last_seen;
  std::optional<wall_time> down_since;  ///< while it is down
  std::size_t open_runs = 0;
  std::vector<lease_claim> held;
  std::vector<lease_claim> queue;  ///< in the order in which they would be granted
};

/// Thread-safe.
class host_board {
 public:
  void publish(host_status status);
  void remove(const host_id& host);
  std::optional<host_status> find(const host_id& host) const;
  std::vector<host_status> list() const;  ///< by name

 private:
  mutable std::mutex guard_;
  std::map<host_id, host_status> hosts_;
};

}  // namespace regent
