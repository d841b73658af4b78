// One host's connection through its life: resolve, connect, handshake, greet, up, lost, wait, again. On one I/O thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "transport/certificate_request.hpp"
#include "transport/handshake_slots.hpp"
#include "transport/host_stream.hpp"
#include "transport/io_loop.hpp"
#include "transport/resolver.hpp"
#include "transport/runner_protocol.hpp"
#include "transport/transport.hpp"

namespace regent {

/// What all links of a transport share.
struct link_services {
  std::string region;
  epoch_number epoch = 0;
  std::string_view program;  ///< runner.sh
  handshake_slots slots{limits::handshakes_in_flight};
  resolver names;
};

class host_link : public std::enable_shared_from_this<host_link> {
 public:
  host_link(io_loop& loop, std::shared_ptr<link_services> services, host_endpoint endpoint, channel_sink sink);

  // All on the loop's thread.
  void start();
  /// Nothing is told to the sink after this. May be called from within a sink's function, so the sink is kept.
  void close();
  void send(const run_request& request);
  void ask(const run_id& run);
  void cancel(const run_id& run);
  void forget(std::vector<run_id> runs);

 private:
  enum class phase { idle, resolving, connecting, queued, certifying, handshake, greeting, up, closed };

  void attempt();
  void resolved(std::uint64_t attempt, result<socket_addresses> found);
  void connect_next();
  void tcp_ready();
  void tcp_connected();
  void slot_granted(std::uint64_t attempt, bool suspect);
  bool needs_certificate() const;
  void certify();
  void take_certificate(const std::string& blob);
  void shake_hands();
  void opened();
  void start_local();
  void traffic();
  void take(runner::message message);
  void greeted(const runner::ready& ready);
  void beat();
  void check_pulse();
  void push(result<std::string> frame, const run_id& run);
  void flush();
  void flush_forgotten();
  void lost(error why);
  void give_up_attempt();
  error explained(error why);
  milliseconds backoff(const error& why);
  void arm_deadline(std::string what);
  io_loop::timer after(milliseconds wait, void (host_link::*what)());
  void disarm(std::optional<io_loop::timer>& which);
  void refuse(const run_id& run, const error& why);

  io_loop& loop_;
  std::shared_ptr<link_services> services_;
  host_endpoint endpoint_;
  channel_sink sink_;

  phase at_ = phase::idle;
  std::uint64_t attempt_ = 0;  ///< grows at every attempt: answers to an earlier one are stale
  int failures_ = 0;           ///< in a row
  bool suspect_ = false;       ///< the last handshake went nowhere
  bool holds_slot_ = false;
  bool held_as_suspect_ = false;
  socket_addresses addresses_;
  error last_failure_;
  int socket_ = -1;  ///< ours until the stream takes it
  std::unique_ptr<certificate_request> request_;
  std::string certified_;  ///< the key that the host's CA has signed for it, as long as that is valid
  std::uint64_t certified_until_ = 0;
  bool without_certificate_ = false;  ///< in this attempt
  std::unique_ptr<host_stream> stream_;
  runner::reader reader_;
  std::string boot_id_;
  std::unordered_set<std::string> scripts_sent_;
  std::string out_;
  std::size_t out_at_ = 0;
  std::vector<run_id> forgotten_;
  std::uint64_t ping_ = 0, pong_ = 0;
  steady_time greeted_at_{}, pinged_at_{}, heard_at_{}, up_since_{};
  std::string deadline_for_;
  std::optional<io_loop::timer> deadline_, retry_, heartbeat_, pulse_, forget_;
};

}  // namespace regent
