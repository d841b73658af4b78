// What every actor of one daemon shares: made by the supervisor before the first actor, gone after the last.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "edge/cloud.hpp"
#include "edge/http_face.hpp"
#include "persistence/journal_reader.hpp"
#include "primitives/planner.hpp"
#include "region/job.hpp"
#include "transport/command_channel.hpp"

namespace regent {

class region_context {
 public:
  region_context(const clock& now, daemon_facts& daemon, std::shared_ptr<const region_config> first)
      : time(now), facts(daemon), config_(std::move(first)) {}

  const clock& time;
  daemon_facts& facts;
  std::shared_ptr<const catalogue> kinds;
  std::string journal_id;
  epoch_number epoch = 0;
  std::uint64_t jitter_seed = std::random_device{}();
  std::function<std::unique_ptr<command_channel>(const host_config&, channel_sink)> open_channel;
  std::function<result<std::unique_ptr<cloud>>(const std::shared_ptr<const region_config>&)> open_cloud;
  /// The resource's open job as the journal has it, or nothing; repairs that wait do not count.
  std::function<result<std::optional<job_with_steps>>(const resource_id&)> open_job_of;
  /// The newest of its jobs that is no repair, open or ended.
  std::function<result<std::optional<job>>(const resource_id&)> last_operation_of;
  /// A job with its steps, open or ended.
  std::function<result<std::optional<job_with_steps>>(job_id)> whole_job_of;
  /// The newest of its repairs that has ended.
  std::function<result<std::optional<job_with_steps>>(const resource_id&)> last_repair_of;
  /// Whether what the schedule began last has not ended.
  std::function<result<bool>(const std::string& schedule)> schedule_at_work;
  /// The record as it was last acted on, JSON; empty if never.
  std::function<result<std::string>(const resource_id&)> document_of;
  /// Looks into the journal, for an actor of its own.
  std::function<result<std::unique_ptr<journal_reader>>()> open_reader;
  /// A job as the journal has it; none: it is not known, or no longer kept.
  std::function<result<std::optional<job>>(job_id)> job_of;
  /// A resource as the journal has it.
  std::function<result<std::optional<resource>>(const resource_id&)> resource_of;
  /// Events as a reader sees them; see journal_reader::look_at_events.
  std::function<result<event_look>(const event_filter&, event_order, std::optional<std::int64_t>, std::size_t)>
      look_at_events;
  /// A tree with all its branches.
  std::function<result<std::pair<tree, std::vector<branch>>>(job_id)> tree_of;
  /// Leases on the host as the journal has them.
  std::function<result<std::vector<lease>>(const host_id&)> leases_on;

  /// The region file in force. Take it once per decision: SIGHUP replaces it.
  std::shared_ptr<const region_config> config() const {
    const std::lock_guard lock(guard_);
    return config_;
  }
  void replace_config(std::shared_ptr<const region_config> next) {
    const std::lock_guard lock(guard_);
    config_ = std::move(next);
  }

  /// A job number never given out before, once last_job is set from the journal.
  job_id next_job() { return job_id(++last_job); }
  std::atomic<std::int64_t> last_job{0};

 private:
  mutable std::mutex guard_;
  std::shared_ptr<const region_config> config_;
};

using context_ptr = std::shared_ptr<region_context>;

}  // namespace regent
