// The network between the daemon and its hosts: connections with latency, cuts, half-open ends and repeated reports.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "sim/region/sim_host.hpp"

namespace regent::sim {

class sim_network {
 public:
  sim_network(dice& chance, timeline& time) : dice_(chance), time_(time) {}

  /// A channel as the transport would give one. The host outlives it.
  std::unique_ptr<command_channel> open(sim_host& host, epoch_number epoch, channel_sink sink);
  /// Connections to the host break. `silently`: neither end hears of it until a heartbeat is missed.
  void cut(const sim_host& host, bool silently);
  /// The daemon dies: nothing that it still does reaches anybody.
  void freeze(bool frozen) { frozen_ = frozen; }
  milliseconds slowest{5};     ///< one way
  double repeats_reports = 0;  ///< probability

 private:
  friend class sim_channel;
  dice& dice_;
  timeline& time_;
  bool frozen_ = false;
  std::set<class sim_channel*> channels_;
};

}  // namespace regent::sim
