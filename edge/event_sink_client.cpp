#include "edge/event_sink_client.hpp"

#include "edge/amqp_sink.hpp"
#include "edge/webhook.hpp"

namespace regent {

std::unique_ptr<event_sink_client> make_event_sink_client(const any_sink_config& config, const std::string& origin) {
  if (const auto* amqp = std::get_if<amqp_config>(&config)) return std::make_unique<amqp_sink>(*amqp, origin);
  return std::make_unique<webhook>(std::get<webhook_config>(config), origin);
}

}  // namespace regent
