// A sink that is an exchange of an AMQP broker (RabbitMQ): edge/amqp_message.hpp says what is published.
#pragma once

#include "edge/amqp_connection.hpp"
#include "edge/event_sink_client.hpp"

namespace regent {

class amqp_sink final : public event_sink_client {
 public:
  amqp_sink(amqp_config config, std::string origin);

  /// "host:port/vhost/exchange".
  std::string target() const override;
  /// What has been published before a refusal may reach the exchange a second time, and in its order again: whoever drops what
  /// is no later than the last he has had, has each event once and in order.
  std::optional<delivery_outcome> deliver(const event_batch& what, wall_time now, const std::stop_token& stop) override;
  /// Keeps the heartbeat.
  void rest() override;

 private:
  result<void> publish(const event_batch& what, wall_time now, const std::stop_token& stop);
  /// One that may have been used before is tried first.
  result<void> be_connected(amqp_connection::time_point end, const std::stop_token& stop);

  amqp_config config_;
  std::string origin_;
  std::unique_ptr<amqp_connection> connection_;
};

}  // namespace regent
