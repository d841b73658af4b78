// Builds one daemon: journal, transport, cloud, actors, HTTP face; starts them in order and stops them in two stages.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "edge/http_face.hpp"
#include "region/region_config.hpp"

namespace regent {

class daemon {
 public:
  virtual ~daemon() = default;
  /// The region file was read again and is good. Thread-safe.
  virtual void reload(std::shared_ptr<const region_config> config) = 0;
  /// Stage one: nothing new begins, runs on hosts go on by themselves. Stage two: after limits::shutdown_hard the
  /// process may leave in any case; the journal is enough. True if stage one was enough.
  virtual bool stop() = 0;
  /// False once the region or the journal has been stuck in one message for limits::wedged_after: time to be restarted.
  virtual bool alive() = 0;
  virtual daemon_facts& facts() = 0;
  virtual int http_port() const = 0;
  virtual std::string socket_path() const = 0;
};

/// Errors: those of the journal, the catalogue and the HTTP face, named; permanent `state_directory` if it cannot be
/// made.
result<std::unique_ptr<daemon>> start_daemon(std::shared_ptr<const region_config> config, const clock& time);

}  // namespace regent
