// Asks the daemon over its Unix socket or its loopback port, once, with a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace regent::cli {

/// Where a daemon may be found: a Unix socket, or else host and port.
struct daemon_address {
  std::string unix_socket;
  std::string host;
  int port = 0;
  std::string text() const;
};

/// What the options --socket, --url and --config said; empty where they were not given.
struct daemon_choice {
  std::string socket;
  std::string url;
  std::string config;
};

/// The addresses to try, in order: the option given, else REGENT_SOCKET, else REGENT_URL, else the default sockets.
/// Errors: permanent `bad_url`, `bad_config` naming the value.
result<std::vector<daemon_address>> daemon_addresses(const daemon_choice& choice);

/// "http://127.0.0.1:8420", "http://[::1]:8420/". Errors: permanent `bad_url`.
result<daemon_address> parse_daemon_url(const std::string& url);

struct daemon_answer {
  int status = 0;
  std::string body;
};

inline constexpr std::chrono::seconds daemon_deadline{15};
inline constexpr std::size_t daemon_answer_bytes = 64 << 20;

enum class daemon_call { look, tell };  ///< GET, or POST: an operator's word

/// One call. `target` is encoded already. Errors: transient `daemon_unreachable` (nobody is there), transient
/// `daemon_silent` (no whole answer within the deadline), permanent `daemon_garbled` (what came is no HTTP, or too
/// much).
result<daemon_answer> ask_daemon(const daemon_address& where, const std::string& target,
                                 std::chrono::milliseconds deadline = daemon_deadline,
                                 daemon_call how = daemon_call::look, const std::string& body = {});

/// The first of the addresses at which somebody answers. Errors: as above; if nobody is anywhere, one sentence that
/// names them all.
result<daemon_answer> ask_daemon(const std::vector<daemon_address>& where, const std::string& target,
                                 daemon_call how = daemon_call::look, const std::string& body = {});

/// Is given the bytes of a stream as they come; false ends it.
using take_bytes = std::function<bool(std::string_view bytes)>;

/// Asks for a stream, at the first of the addresses at which somebody answers, and hands it over until it ends, or is ended.
/// What is no stream is returned whole, with its status; a stream, once it has ended, as 200 without a body. Errors: those
/// of ask_daemon; `daemon_silent` also if nothing comes for `silence`.
result<daemon_answer> follow_daemon(const std::vector<daemon_address>& where, const std::string& target,
                                    std::chrono::milliseconds silence, const take_bytes& take);

}  // namespace regent::cli
