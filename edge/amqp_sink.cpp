#include "edge/amqp_sink.hpp"

#include <system_error>

#include "base/limits.hpp"

namespace regent {

amqp_sink::amqp_sink(amqp_config config, std::string origin) : config_(std::move(config)), origin_(std::move(origin)) {}

std::string amqp_sink::target() const {
  const auto address = parse_amqp_address(config_.url);
  return address ? address->place() + "/" + config_.exchange : "";
}

void amqp_sink::rest() {
  if (connection_ && !connection_->service()) connection_.reset();
}

result<void> amqp_sink::be_connected(amqp_connection::time_point end, const std::stop_token& stop) {
  rest();
  if (connection_) return {};
  const auto address = parse_amqp_address(config_.url);
  if (!address) return failure(address.error());
  const auto password = read_secret(config_.password);
  if (!password) return fail(error_kind::transient, "amqp_refused", "its password: {}", password.error().message);
  auto made = amqp_connection::open(*address, *password, config_.ca_file, config_.exchange, end, stop);
  if (!made) return failure(made.error());
  connection_ = std::move(*made);
  return {};
}

result<void> amqp_sink::publish(const event_batch& what, wall_time now, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + limits::sink_deadline;
  if (auto ready = be_connected(end, stop); !ready) return ready;
  auto done = connection_->publish(amqp_messages(what, origin_, now), end, stop);
  // Kept while it is blocked: the broker reads nothing from it, not even that it was closed, so another would come on top.
  if (!done && done.error().code != "amqp_blocked") connection_.reset();
  return done;
}

std::optional<delivery_outcome> amqp_sink::deliver(const event_batch& what, wall_time now,
                                                   const std::stop_token& stop) {
  result<void> done;
  try {
    done = publish(what, now, stop);
  } catch (const std::system_error& problem) {
    connection_.reset();
    done = fail(error_kind::transient, "amqp_unreachable", "no thread is left to watch the connection: {}",
                problem.what());
  }
  if (stop.stop_requested()) return std::nullopt;
  if (!done) return delivery_outcome(tl::unexpected(sink_refusal{done.error().message}));
  return delivery_outcome();
}

}  // namespace regent
