// The way to one host's runner: resolve, connect, wait for a slot, ask for the certificate, shake hands. One attempt at a
// time, each from the start; what is learnt of the host on the way is kept for the next. On one I/O thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transport/certificate_request.hpp"
#include "transport/descriptor.hpp"
#include "transport/handshake_slots.hpp"
#include "transport/host_stream.hpp"
#include "transport/io_loop.hpp"
#include "transport/resolver.hpp"
#include "transport/transport.hpp"

namespace regent {

/// What all hosts of a transport share.
struct link_services {
  std::string region;
  epoch_number epoch = 0;
  std::string program;  ///< the runner
  handshake_slots slots{limits::handshakes_in_flight};
  resolver names;
};

class host_dial : public std::enable_shared_from_this<host_dial> {
 public:
  /// `done` ends each attempt: a stream whose runner's command is started, and which nobody watches; or why there is
  /// none. Errors: those of make_ssh_stream(), start_local_stream() and check_host_certificate(), and (transient)
  /// name_unresolved, connection_failed, connect_timeout, agent_silent.
  using outcome = std::function<void(result<std::unique_ptr<host_stream>>)>;
  host_dial(io_loop& loop, std::shared_ptr<link_services> services, host_endpoint endpoint, outcome done);

  void start();
  /// Ends the attempt, if there is one, without its `done`.
  void stop();

 private:
  enum class phase { idle, resolving, connecting, queued, certifying, handshake };

  void attempt();
  void resolved(std::uint64_t attempt, result<socket_addresses> found);
  void connect_next();
  void tcp_ready();
  void wait_for_slot();
  void slot_granted(std::uint64_t attempt, bool suspect);
  bool needs_certificate() const;
  void ask_for_certificate();
  void certify();
  void take_certificate(const std::string& blob);
  void begin_handshake();
  void shake_hands();
  void start_local();
  void fail_with(error why);
  error connect_failure(int code) const;
  void watch(int fd, std::uint32_t events, void (host_dial::*ready)());
  void arm_deadline(std::string what);
  void too_late();

  io_loop& loop_;
  std::shared_ptr<link_services> services_;
  host_endpoint endpoint_;
  outcome done_;

  phase at_ = phase::idle;
  std::uint64_t attempt_ = 0;  ///< grows at every attempt's start and end: answers to an earlier one are stale
  std::optional<io_loop::timer> deadline_;
  std::string deadline_for_;
  socket_addresses addresses_;
  error last_failure_;
  descriptor socket_;  ///< until the request or the stream takes it
  std::unique_ptr<certificate_request> request_;
  std::unique_ptr<host_stream> stream_;
  bool holds_slot_ = false;
  bool held_as_suspect_ = false;

  // Learnt of the host
  bool suspect_ = false;   ///< the last handshake went nowhere
  std::string certified_;  ///< the key that the host's CA has signed for it, as long as that is valid
  std::uint64_t certified_until_ = 0;
  bool without_certificate_ = false;  ///< until the end of this attempt
};

}  // namespace regent
