// One host's connection through its life: dial, greet, up, lost, wait, again. On one I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "transport/host_dial.hpp"
#include "transport/host_stream.hpp"
#include "transport/io_loop.hpp"
#include "transport/runner_protocol.hpp"
#include "transport/transport.hpp"

namespace regent {

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
  enum class phase { down, dialing, greeting, up, closed };

  void dial();
  void greet(std::unique_ptr<host_stream> stream);
  void no_greeting();
  void traffic();
  void take(runner::message message);
  void greeted(const runner::ready& ready);
  void beat();
  void check_pulse();
  void push(result<std::string> frame, const run_id& run);
  void flush();
  void flush_forgotten();
  void lost(error why);
  error explained(error why);
  milliseconds backoff(const error& why) const;
  void drop();
  void refuse(const run_id& run, const error& why);

  io_loop& loop_;
  std::shared_ptr<link_services> services_;
  host_endpoint endpoint_;
  channel_sink sink_;

  phase at_ = phase::down;
  int failures_ = 0;  ///< in a row
  std::shared_ptr<host_dial> dial_;
  std::unique_ptr<host_stream> stream_;
  runner::reader reader_;
  std::string boot_id_;
  std::unordered_set<std::string> scripts_sent_;
  std::string out_;
  std::size_t out_at_ = 0;
  std::vector<run_id> forgotten_;
  std::uint64_t ping_ = 0, pong_ = 0;
  steady_time greeted_at_{}, pinged_at_{}, heard_at_{}, up_since_{};
  std::optional<io_loop::timer> greeting_, retry_, heartbeat_, pulse_, forget_;
};

}  // namespace regent
