// The other end of a sink, whatever it speaks: one receiver of events and the connection to it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "edge/event_delivery.hpp"
#include "region/region_config.hpp"

namespace regent {

using delivery_outcome = tl::expected<void, sink_refusal>;

/// Belongs to one thread at a time.
class event_sink_client {
 public:
  virtual ~event_sink_client() = default;

  /// Where it is, for people: nothing that is for nobody's eyes.
  virtual std::string target() const = 0;

  /// All of the batch is taken, or it is refused, within limits::sink_deadline. None once `stop` is requested: then nothing
  /// is known of the delivery.
  virtual std::optional<delivery_outcome> deliver(const event_batch& what, wall_time now,
                                                  const std::stop_token& stop) = 0;

  /// Called every limits::sink_look or so, also while nothing is sent: keeps up what must be kept up. Does not wait.
  virtual void rest() {}
};

/// `origin` makes message ids this region's own: the journal's id.
std::unique_ptr<event_sink_client> make_event_sink_client(const any_sink_config& config, const std::string& origin);

}  // namespace regent
