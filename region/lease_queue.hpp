// Who may act on a host, and who comes next: one holder per scope, a bounded number of holders, three lanes with
// ageing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "region/job.hpp"

namespace regent {

/// The scope that excludes every other on the host.
inline constexpr std::string_view whole_host = "*";

struct lease_request {
  job_id job;
  std::string scope;
  lane in = lane::user;
  wall_time since{};
  bool begun = false;  ///< goes on while the host is closed
  job_id root =
      {};  ///< if this one holds the whole host, it holds it for the job as well; if it is another, a drain may let the job in
};

class lease_queue {
 public:
  /// `capacity`: holders at once, at least 1. `age_step`: a request moves up one lane each time it has waited that
  /// long, so that nothing starves.
  explicit lease_queue(std::size_t capacity, milliseconds age_step = std::chrono::minutes(2));

  /// Notes a lease that is held already (from the journal). It counts even beyond the capacity.
  void restore(const lease_request& held);
  /// Queues a request. Asking again for what one holds or waits for changes nothing.
  void ask(const lease_request& wanted);
  /// Ends what `job` holds or waits for in `scope`. False if there was neither.
  bool end(job_id job, const std::string& scope);
  /// Takes from the queue, in order, all that may be held now; on a closed host only what had begun, and children of roots up
  /// to `admitted` (empty: none). The caller tells them.
  std::vector<lease_request> grant(wall_time now, bool closed = false, job_id admitted = {});
  /// Nothing is held, and nothing waits that a closed host would grant.
  bool empties(job_id admitted) const;

  bool somebody_waits() const { return !waiting_.empty(); }
  bool holds(job_id job, const std::string& scope) const;
  std::vector<lease_request> held() const;
  /// In the order in which they would be granted at `now`.
  std::vector<lease_request> waiting(wall_time now) const;

 private:
  using holders = std::map<std::string, lease_request>;  // by scope
  /// Those among whom the request must find room: those that the root which holds the whole host for it has let in, or all.
  holders& room_of(const lease_request& wanted);
  bool grantable(const lease_request& wanted);
  int rank(const lease_request& request, wall_time now) const;
  /// Places in waiting_, in the order in which they would be granted.
  std::vector<std::size_t> in_order(wall_time now) const;

  std::size_t capacity_;
  milliseconds age_step_;
  holders held_;
  holders within_;                      // of jobs whose root is in held_, with the whole host
  std::vector<lease_request> waiting_;  // in order of arrival
};

}  // namespace regent
