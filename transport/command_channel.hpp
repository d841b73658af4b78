// The seam between the daemon and a host: send a run, ask about a run, cancel a run, forget finished runs.
// Nothing here blocks; what happens is told to a sink, on an I/O thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/run_progress.hpp"
#include "base/time_limit.hpp"

namespace regent {

struct run_parameter {
  std::string name;  ///< a bash identifier; arrives as a variable (list: an indexed array)
  std::variant<std::string, std::vector<std::string>> value;
};

struct run_request {
  run_id run;
  epoch_number epoch = 0;
  std::shared_ptr<const std::string> script;  ///< sent once per hash and connection
  /// What the run acts on, such as "virtual_router/3": what an earlier run of it still does on the host is ended first. Empty: nothing.
  std::string scope;
  std::string script_hash;  ///< [0-9a-f]{64}
  std::string verb;         ///< the function of the script to call
  std::vector<run_parameter> parameters;
  milliseconds deadline{60000};  ///< enforced on the host: TERM, then KILL
  milliseconds stall{0};         ///< the longest time without a word of progress, enforced likewise; 0: any
  std::size_t output_cap = limits::run_output_kept_bytes;
};

enum class run_status {
  finished,    ///< exit code and output are final
  running,     ///< the host has it and it has not ended
  never_seen,  ///< the host has no trace of it: it was not executed, or was forgotten on our word
  lost,        ///< it began and ended without an exit code: the host rebooted, or its processes were killed
  refused,     ///< not executed: the host has seen a higher epoch, or the request was malformed; see errors
};
std::string_view name(run_status status);

struct run_report {
  run_id run;
  run_status status = run_status::never_seen;
  int exit_code = -1;                       ///< finished only
  time_limit timed_out = time_limit::none;  ///< what it was ended by, on the host
  bool cancelled = false;                   ///< ended by cancel
  bool truncated = false;                   ///< output or errors were over the cap
  std::string output;                       ///< stdout
  std::string errors;                       ///< stderr, or why it was refused
  /// Finished, lost: the boot of the host in which it ran, which may be an earlier one than this connection's, for what
  /// the host remembers outlives a reboot. Otherwise the boot in which the host answers.
  std::string boot_id;
  milliseconds took{0};                  ///< on the host
  std::optional<run_progress> progress;  ///< running only: what it last said of how far it is, if anything
};

/// Told about one host, on an I/O thread; must return quickly. Reports come at least once: the receiver drops repeats.
/// With every heartbeat each run under way is reported as running.
struct channel_sink {
  std::function<void(const std::string& boot_id, milliseconds latency)> connected;
  std::function<void(const error& why)> disconnected;  ///< also after each failed attempt to connect
  std::function<void(const run_report& report)> reported;
  /// Every heartbeat: its round trip, and the host's load average of the last minute, in hundredths (none if the host has none).
  std::function<void(milliseconds latency, std::optional<std::int64_t> load)> alive;
};

/// One host's warm channel. Connects by itself and again after a loss, backing off with jitter. Thread-safe.
/// While disconnected, send/ask/cancel are dropped: after `connected`, the owner asks about every open run.
/// Destruction closes the connection; no sink function is called after the destructor returns. Runs on the host go on.
class command_channel {
 public:
  virtual ~command_channel() = default;
  /// Starts the run unless the host knows its id already, in which case its present status is reported.
  virtual void send(run_request request) = 0;
  virtual void ask(const run_id& run) = 0;
  virtual void cancel(const run_id& run) = 0;
  /// The outcomes are committed: the host may delete what it keeps of these runs.
  virtual void forget(std::vector<run_id> runs) = 0;
};

}  // namespace regent
