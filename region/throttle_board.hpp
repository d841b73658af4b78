// Permits: what a job asks for before it takes its first lease, and the order in which jobs get them. Plain: no actor; time is
// passed in.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "region/job.hpp"
#include "region/throttle.hpp"

namespace regent {

/// A resource has one job at work at most, so permits go by resource.
struct permit_request {
  resource_id resource;
  std::string project;
  std::set<host_id> hosts;
  std::set<host_id> needs;  ///< those of them without which it gets nowhere
  lane in = lane::user;
  bool begun = false;  ///< goes on at once, whatever the throttles say: they count it
};

/// How full one count of a throttle is.
struct throttle_status {
  throttle_config config;
  std::string of;  ///< "project 7"; empty if it counts all
  std::size_t working = 0;
  std::size_t waiting = 0;
  std::size_t begun = 0;  ///< within `config.within`
};

/// What of them is waited for, by host.
using hosts_away = std::map<host_id, std::string>;

class throttle_board {
 public:
  /// `age_step`: a request moves up one lane each time it has waited that long.
  explicit throttle_board(milliseconds age_step = std::chrono::minutes(2)) : age_step_(age_step) {}

  /// Other throttles, from now on. What is at work stays at work, and counts; what has begun under a throttle of the same name
  /// and about the same counts, too.
  void configure(std::vector<throttle_config> throttles);

  /// Instead of what the resource asked for before, if anything.
  void ask(permit_request wanted, steady_time now);
  /// The job waits for something, so that it is not at work; or it goes on.
  void rests(const resource_id& resource, bool resting);
  void end(const resource_id& resource);
  /// Those that may begin now, in order: lane, ageing, arrival. Whoever lacks room, or needs a host that is `away`, is passed
  /// over, and delays nobody; for a host not for longer than `patience`, for the job has a deadline of its own for that.
  std::vector<resource_id> grant(steady_time now, const hosts_away& away = {},
                                 milliseconds patience = limits::wait_for_host);
  /// The same for this one alone, which has just asked: whoever waits already had no room.
  bool grant_newcomer(const resource_id& resource, steady_time now, const hosts_away& away = {});
  bool somebody_waits() const;
  /// Those for whom it is something else now than when they were told last, or who were never told; and what.
  std::vector<std::pair<resource_id, std::string>> news(const hosts_away& away);

  /// What the resource waits for: "podnet-a to be up", "throttle builds: kind virtual_router has 5 of 5 at work". Empty if it does not wait.
  std::string why(const resource_id& resource, const hosts_away& away = {}) const;
  /// In the order of the region file.
  std::vector<throttle_status> list(steady_time now) const;

 private:
  using count_key = std::pair<std::string, std::string>;  // throttle, of whom
  struct count {
    throttle_config config;
    std::size_t members = 0, working = 0, waiting = 0;
    std::deque<steady_time> begun;  // of the last `within`
  };
  struct member {
    permit_request asked;
    steady_time since{};
    bool working = false, resting = false;
    std::optional<steady_time> lacks_since;  // there was room, and a host was away
    std::string told;                        // the name of what it waits for
    std::vector<count_key> counts;
  };
  using queue = std::multimap<steady_time, resource_id>;

  std::vector<count_key> counts_of(const permit_request& asked);
  void enter(member& one, int by);
  void take(member& one, steady_time now);
  void leave_queue(const member& one);
  void forget_old(steady_time now);
  static const host_id* lacks(const permit_request& asked, const hosts_away& away);
  bool may_begin(member& one, steady_time now, const hosts_away& away, milliseconds patience) const;
  const count* full_for(const member& one, std::string* name = nullptr) const;
  static bool has_room(const count& of);

  milliseconds age_step_;
  std::vector<throttle_config> throttles_;
  std::map<count_key, count> counts_;
  std::map<resource_id, member> members_;
  std::array<queue, lane_names.size()> waiting_;
};

/// What is published of them, for readers on other threads. Thread-safe.
class throttle_facts {
 public:
  void publish(std::vector<throttle_status> all);
  std::vector<throttle_status> list() const;

 private:
  mutable std::mutex guard_;
  std::vector<throttle_status> all_;
};

}  // namespace regent
