// The HTTP face: a Unix socket and, if wanted, a loopback port, on one thread of its own. What it shows comes from the probes,
// the host board and read-only looks into the journal, so it answers while actors are wedged. Operators' words (POST, on the
// Unix socket only) go to the daemon through `desk`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/probe.hpp"
#include "base/result.hpp"
#include "edge/tree_routes.hpp"
#include "region/host_board.hpp"
#include "region/region_config.hpp"
#include "region/run_board.hpp"
#include "region/schedule_board.hpp"
#include "region/sink_board.hpp"
#include "region/throttle_board.hpp"

namespace regent {

/// What the daemon tells about itself. Outlives the face. Flags are set by the daemon's threads.
struct daemon_facts {
  probe_registry probes;
  host_board hosts;
  run_board runs;
  sink_board sinks;
  schedule_board schedules;
  throttle_facts throttles;
  kind_needs needs;                ///< set before the face is started
  std::atomic<bool> live{true};    ///< false: the main loop is stuck or shutting down
  std::atomic<bool> ready{false};  ///< the journal is read and its open jobs are taken up
  std::atomic<epoch_number> epoch{0};
  std::atomic<std::int64_t> started_ms{0};  ///< wall clock, ms since 1970
  std::atomic<std::int64_t> start_to_ready_ms{-1};
  std::atomic<std::int64_t> last_poll_ms{0};  ///< wall clock of the last good poll
  std::atomic<std::int64_t> last_listing_ms{0};
  std::atomic<std::int64_t> runs_sent{0};
  std::atomic<std::int64_t> runs_ended{0};
  std::atomic<std::int64_t> commits{0};
  std::atomic<std::int64_t> transactions{0};
  std::atomic<std::int64_t> events_committed{0};  ///< in this life: when it moves, there is something to read
  std::atomic<std::int64_t> reports_delivered{0};
  std::atomic<std::int64_t> bad_records{0};
  std::atomic<std::int64_t> poll_to_run_us{-1};  ///< the last: change seen in the poll → first run sent
  /// Sets or, with an empty problem, clears a standing problem. True if that changed anything.
  bool note(std::string key, std::string problem);
  std::vector<std::pair<std::string, std::string>> problems() const;  ///< "cloud", "journal", "config", …

 private:
  mutable std::mutex guard_;
  std::map<std::string, std::string> problems_;
};

class http_face {
 public:
  virtual ~http_face() = default;
  virtual int port() const = 0;  ///< the bound TCP port; 0 without TCP
};

/// Starts listening and serving. `journal_path` is opened read-only, lazily. Errors: permanent `listen_failed` naming the address.
result<std::unique_ptr<http_face>> start_http_face(const region_config& config, const std::string& journal_path,
                                                   daemon_facts& facts, const clock& time, operator_desk desk,
                                                   tree_desk trees);

}  // namespace regent
