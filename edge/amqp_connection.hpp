// A connection to an AMQP broker that publishes to one exchange and knows of each message whether the broker has it.
// librabbitmq's calls block; here each ends at a deadline, or when a stop is requested.
#pragma once

#include <vector>

#include "edge/amqp_line.hpp"
#include "edge/amqp_message.hpp"
#include "edge/publisher_confirms.hpp"

namespace regent {

/// Belongs to one thread at a time. Errors, all transient: those of open_amqp_line; `amqp_refused` (the broker says why),
/// `amqp_closed`, `amqp_timeout`, `amqp_stopped`, `amqp_blocked`. After any but the last the connection is of no use.
class amqp_connection {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Logged in, in confirm mode, and the exchange is there: it is asked for and never made, for whoever reads from it decides
  /// what it is.
  static result<std::unique_ptr<amqp_connection>> open(const amqp_address& address, const std::string& password,
                                                       const std::string& ca_file, std::string exchange, time_point end,
                                                       const std::stop_token& stop);
  ~amqp_connection();
  amqp_connection(const amqp_connection&) = delete;
  amqp_connection& operator=(const amqp_connection&) = delete;

  /// In order; success is that the broker has confirmed each. `amqp_blocked`: it takes nothing for now, and the messages may
  /// reach it later all the same.
  result<void> publish(const std::vector<amqp_message>& messages, time_point end, const std::stop_token& stop);

  /// Takes what the broker has said meanwhile and sends a heartbeat when one is due, without waiting.
  result<void> service();

 private:
  amqp_connection(amqp_line line, std::string exchange);
  result<void> log_in(const amqp_address& address, const std::string& password);
  result<void> prepare_channel();
  result<void> send(const amqp_message& message);
  result<void> wait_for_frame(time_point until);
  result<void> take_method(unsigned id, const void* decoded);
  failure failed(std::string code, std::string_view why) const;
  failure broken(int status) const;

  amqp_line line_;
  std::string place_;
  std::string exchange_;
  int socket_ = -1;         ///< another handle of the socket, for librabbitmq may close its own at any time
  std::string_view doing_;  ///< what a message says was under way
  time_point end_;          ///< of the call that is under way
  std::stop_token stop_;
  bool well_ = false;    ///< somebody listens to a good-bye
  std::string blocked_;  ///< why the broker takes nothing for now
  publisher_confirms confirms_;
};

}  // namespace regent
