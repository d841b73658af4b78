// What the daemon and runner.sh say to each other. Pure: bytes in, messages out.
//
// To the runner: frames of  HEADER_LENGTH(7 digits) SPACE VALUES_LENGTH(7 digits) LF HEADER VALUES, where the header's
// words are checked identifiers and numbers. Values are any bytes but NUL; a run's header has the length of each.
//   hello REGION HOST EPOCH +directory · script HASH +text · run ID EPOCH HASH VERB DEADLINE_MS STALL_MS CAP GRACE_MS
//   SCOPE NAME=n… NAME[]=COUNT:n,… ask ID · cancel ID · forget ID… · ping NUMBER
// From the runner: whatever the login shell had to say, then LF "REGENT/1" LF, then lines, each followed by its values:
//   ready BOOT · unfit CODE n · pong NUMBER LOAD · report ID STATUS BOOT EXIT TIMED CANCELLED TRUNCATED TOOK_MS n n ·
//   running ID BOOT PERCENT AGE_MS n, for a run under way: PERCENT may be -, AGE_MS is -1 if it has said nothing. TIMED: 0 · 1 by its deadline
//   · 2 stalled; whatever is not 0 was "by its deadline" to daemons before there was a stall, and hosts keep outcomes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "transport/command_channel.hpp"

namespace regent::runner {

// --- what may be a header's word ---
bool valid_run(std::string_view id);       ///< [0-9a-z-], 1 to 64
bool valid_hash(std::string_view hash);    ///< [0-9a-f]{64}
bool valid_verb(std::string_view verb);    ///< [a-z_][a-z0-9_]*, not the runner's own _r_…
bool valid_region(std::string_view name);  ///< [A-Za-z0-9_-], 1 to 64
/// [A-Za-z0-9_./-], 1 to 200, no dot at its beginning or after a slash; or empty, for a run that no other is in the way of.
bool valid_scope(std::string_view scope);
/// A bash identifier that is neither the runner's, nor one by which bash itself or a loader is steered.
bool valid_parameter(std::string_view name);

// --- to the runner ---
/// The command for a login shell that starts the runner: it reads `runner_bytes` of program from its input.
std::string start_command(std::size_t runner_bytes, bool become);
/// The host's name is only to tell hosts apart that share a state directory; any text.
result<std::string> hello(std::string_view region, const host_id& host, epoch_number epoch, std::string_view directory);
/// Fails (permanent, invalid_script) for a malformed hash, one that is not the text's SHA-256, and a text over its limit.
result<std::string> script(std::string_view hash, std::string_view text);
/// Fails (permanent, invalid_run) with the reason when the request is malformed or over a limit.
result<std::string> run(const run_request& request);
result<std::string> ask(const run_id& run);
result<std::string> cancel(const run_id& run);
/// Malformed ids are left out; empty if none is left.
std::string forget(std::span<const run_id> runs);
std::string ping(std::uint64_t number);

// --- from the runner ---
struct ready {
  std::string boot_id;
};
struct unfit {
  std::string code;
  std::string why;
};
struct pong {
  std::uint64_t number = 0;
  std::optional<std::int64_t> load;  ///< the average of the last minute, in hundredths
};
using message = std::variant<ready, unfit, pong, run_report>;

/// Cuts the runner's bytes into messages. After a failure the connection is of no more use.
class reader {
 public:
  void feed(std::string_view bytes);
  /// The next whole message; none if more bytes are needed; an error if this is not the protocol.
  result<std::optional<message>> next();
  bool greeted() const { return greeted_; }
  /// What came before the greeting: a login shell's noise, or its complaint.
  std::string_view noise() const { return greeted_ ? std::string_view() : std::string_view(buffer_); }

 private:
  bool skip_noise();
  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }

  std::string buffer_;
  std::size_t at_ = 0;
  bool greeted_ = false;
};

}  // namespace regent::runner
