// The cloud as an orchestrator meets it: records with states, users who change them, news that is told once, and a
// server that is away, loses replies and forgets states. Its calls take no time: what happens meanwhile happens before
// or after them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "edge/cloud.hpp"
#include "sim/region/dice.hpp"
#include "sim/region/timeline.hpp"

namespace regent::sim {

struct cloud_record {
  lifecycle_state state = requested;
  int value = 1;        ///< what the user has declared
  wall_time updated{};  ///< of state or value
  bool malformed = false;
};

/// What may go wrong with calls, as probabilities; and for how long there is nobody.
struct cloud_weather {
  bool away = false;
  double fails = 0;        ///< before anything was done
  double loses_reply = 0;  ///< after it was
  double loses_state = 0;  ///< a state that was accepted is gone a little later
  double loses_news = 0;
  bool refuses_scrubbing = false;
};

class sim_cloud {
 public:
  sim_cloud(dice& chance, timeline& time) : dice_(chance), time_(time) {}

  std::unique_ptr<cloud> open();
  cloud_weather weather;

  const std::map<resource_id, cloud_record>& records() const { return records_; }

  // -- what users do; false where the cloud would not let them
  resource_id create(const std::string& kind);
  bool ask(const resource_id& id, lifecycle_state wish);
  /// The record changes. What is built is asked to be updated; what is under way is not.
  bool edit(const resource_id& id);
  void malform(const resource_id& id, bool bad) { records_.at(id).malformed = bad; }

 private:
  friend class sim_cloud_client;
  bool accepts(const cloud_record& at, const std::string& kind, lifecycle_state to) const;
  void changed(const resource_id& id);

  dice& dice_;
  timeline& time_;
  std::map<resource_id, cloud_record> records_;
  std::set<resource_id> news_;
  int last_ = 0;
};

}  // namespace regent::sim
