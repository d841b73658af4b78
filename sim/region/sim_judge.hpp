// What must always hold, looked at from outside the daemon. The judge knows what the journal has acknowledged, what hosts
// have executed and what the cloud says, and believes nothing else.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/region/memory_journal.hpp"
#include "sim/region/sim_cloud.hpp"
#include "sim/region/sim_host.hpp"

namespace regent::sim {

enum class invariant {
  acknowledged_is_kept,    ///< what a commit has acknowledged is there after a restart
  one_holder,              ///< no two jobs act on a scope of a host, and only the holder of its lease acts
  intent_before_effect,    ///< no run without a committed intent
  executed_once,           ///< no run id is executed twice
  wait_has_cause_and_end,  ///< an open job moves on, or says what it waits for, and until when
  converges,               ///< once faults stop, the cloud, the journal and the hosts come to say the same
};
std::string_view name(invariant which);

struct violation {
  invariant of;
  std::string what;
};

class sim_judge {
 public:
  explicit sim_judge(const timeline& time) : time_(time) {}

  // -- what happens
  void reign_begins(const journal_contents& found);
  void commits(std::vector<transaction> group, bool acknowledged);
  void run_starts(const sim_host& host, const run_request& request);
  /// An operator was told that the job is cancelled.
  void cancel_acknowledged(job_id job);

  /// Now and then, while the daemon lives. `excused`: nothing can move at present, such as when its disk is full.
  void look_at_waits(bool excused);
  /// What still keeps the region from rest; empty: it has converged.
  std::vector<std::string> unrest(const sim_cloud& cloud, const std::vector<const sim_host*>& hosts,
                                  const region_config& config) const;
  void does_not_converge(const std::vector<std::string>& why);

  const memory_store& journal() const { return *store_; }
  const std::vector<violation>& violations() const { return violations_; }
  std::size_t runs() const { return executions_.size(); }

 private:
  void violated(invariant of, std::string what) { violations_.push_back({of, std::move(what)}); }

  const timeline& time_;
  std::shared_ptr<memory_store> store_ = std::make_shared<memory_store>();
  std::optional<std::vector<transaction>> uncertain_;  // asked for, and never answered with success
  std::map<std::string, int> executions_;              // by run id
  struct seen_job {
    std::string as;  // its state and that of its steps
    milliseconds since{0};
  };
  std::map<job_id, seen_job> seen_;
  std::vector<violation> violations_;
};

}  // namespace regent::sim
