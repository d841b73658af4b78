// The last published status of every sink of events, for readers on other threads.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace regent {

struct sink_status {
  std::string name;
  std::string target;                      ///< where it is
  std::string state = "starting";          ///< "starting", "up", "failing"
  std::string reason;                      ///< of failing
  std::int64_t after = 0;                  ///< the last event it has been sent, or did not want
  std::int64_t behind = 0;                 ///< events since then, wanted or not
  std::int64_t delivered = 0;              ///< events, in this life of the daemon
  std::int64_t lost = 0;                   ///< events that were no longer kept, in this life
  int failures = 0;                        ///< in a row
  std::optional<wall_time> last_delivery;  ///< in this life
};

/// Thread-safe.
class sink_board {
 public:
  void publish(sink_status status);
  void remove(const std::string& name);
  std::vector<sink_status> list() const;  ///< by name

 private:
  mutable std::mutex guard_;
  std::map<std::string, sink_status> sinks_;
};

}  // namespace regent
