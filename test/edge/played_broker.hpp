// An AMQP broker of one connection after the other, on loopback: lets everybody in, has every exchange, confirms every message.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <thread>

struct amqp_connection_state_t_;

namespace regent::test {

class played_broker {
 public:
  played_broker();
  ~played_broker();
  played_broker(const played_broker&) = delete;
  played_broker& operator=(const played_broker&) = delete;

  std::string url() const;
  int connections() const { return connections_; }
  int messages() const { return messages_; }
  /// True once a client has said a heartbeat after its last message; they are due every two seconds.
  bool heard_heartbeat() const { return heartbeat_; }
  /// Ends the connection that is open, without a word.
  void hang_up();

 private:
  void serve();
  void talk(int socket);
  /// False at the end.
  bool answer(amqp_connection_state_t_* state);

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::atomic<int> connections_{0};
  std::atomic<int> messages_{0};
  std::atomic<bool> heartbeat_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int> socket_{-1};
  std::uint64_t numbered_ = 0;  ///< messages of the connection
  std::thread thread_;
};

}  // namespace regent::test
