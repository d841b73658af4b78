// A connection to a broker before anything is said on it: name lookup, TCP, and for amqps:// TLS.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "region/amqp_address.hpp"

// librabbitmq's: its headers stay in the .cpp files.
struct amqp_connection_state_t_;

namespace regent {

struct end_of_amqp_state {
  void operator()(amqp_connection_state_t_* state) const;
};
using amqp_state = std::unique_ptr<amqp_connection_state_t_, end_of_amqp_state>;

struct amqp_line {
  std::shared_ptr<const void> verifier;  ///< the TLS session calls it as long as it lives
  amqp_state state;
};

/// Verifies certificate and name, by `ca_file` or the system's roots. Errors, all transient: `amqp_unreachable`, `amqp_tls`,
/// `amqp_timeout`, `amqp_stopped`. Once `stop` is requested it returns at once.
result<amqp_line> open_amqp_line(const amqp_address& address, const std::string& ca_file,
                                 std::chrono::steady_clock::time_point end, const std::stop_token& stop);

}  // namespace regent
