// Where the central actors are. Filled by the supervisor before the first message, emptied after the last: no actor's
// state holds another central actor, so none keeps another alive.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "actors/interfaces.hpp"

namespace regent {

class actor_directory {
 public:
  journal_actor journal;
  reader_actor reader;
  region_actor region;
  poller_actor poller;
  reporter_actor reporter;
  scheduler_actor scheduler;

  /// Null if the region file has no such host (any longer).
  host_actor host(const host_id& name) const {
    const std::lock_guard lock(guard_);
    const auto found = hosts_.find(name);
    return found == hosts_.end() ? host_actor{} : found->second;
  }
  void add_host(const host_id& name, host_actor actor) {
    const std::lock_guard lock(guard_);
    hosts_[name] = std::move(actor);
  }
  host_actor take_host(const host_id& name) {
    const std::lock_guard lock(guard_);
    auto node = hosts_.extract(name);
    return node.empty() ? host_actor{} : node.mapped();
  }
  void clear() {
    journal = journal_actor{};
    reader = reader_actor{};
    region = region_actor{};
    poller = poller_actor{};
    reporter = reporter_actor{};
    scheduler = scheduler_actor{};
    const std::lock_guard lock(guard_);
    hosts_.clear();
  }

 private:
  mutable std::mutex guard_;
  std::map<host_id, host_actor> hosts_;
};

using directory_ptr = std::shared_ptr<actor_directory>;

}  // namespace regent
