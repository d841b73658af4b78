// The rows of the HTTP face as JSON. Times are ISO 8601 in UTC, ages and durations are in milliseconds.
#pragma once

#include <map>
#include <vector>

#include "base/probe.hpp"
#include "edge/json_writer.hpp"
#include "region/host_board.hpp"
#include "region/job.hpp"
#include "region/job_tree.hpp"
#include "region/operator_marks.hpp"
#include "region/run_board.hpp"
#include "region/sink_board.hpp"
#include "region/throttle_board.hpp"

namespace regent {

/// Each writes one object: an element of an array if `key` is empty.
void write_actor(json_writer& out, const probe_view& actor);
/// Without the record; that and more is in the detail.
void write_resource(json_writer& out, const resource& what, const resource_marks& marks, wall_time now);
void write_branch(json_writer& out, const branch& what);
void write_job(json_writer& out, const job& what, wall_time now);
void write_event(json_writer& out, const event& what, wall_time now);
void write_report(json_writer& out, const report& what, wall_time now);
void write_host(json_writer& out, const host_picture& host, wall_time now);

/// One event as a line of its own, as streams and sinks carry it: without an age, so that it is the same whenever it is read.
void write_event(json_writer& out, const event& what);
std::string event_text(const event& what);

void write_throttle(json_writer& out, const throttle_status& one);
void write_sink(json_writer& out, const sink_status& sink, wall_time now);

/// Members rather than objects: what a detail has beyond its row.
void write_job_fields(json_writer& out, const job& what, wall_time now);
void write_resource_fields(json_writer& out, const resource& what, const resource_marks& marks, wall_time now);
void write_host_fields(json_writer& out, const host_picture& host, wall_time now);
/// The leases it has granted and its queue, in order; of each at most limits::page_rows_most.
void write_host_claims(json_writer& out, const host_picture& host, wall_time now);
/// The outputs of all steps together are cut at `output_bytes`; a cut step says so in `output_cut`. `runs`: those that are
/// under way.
void write_steps(json_writer& out, const std::vector<step>& steps, const std::map<run_id, run_sign>& runs,
                 wall_time now, std::size_t output_bytes);

/// One line of /api/v1/locks: a lease that is held, or a claim in a host's queue.
struct lock_row {
  host_id host;
  std::string scope;
  job_id job;
  resource_id resource;
  bool held = false;
  bool live = false;                  ///< the host's actor knows of it; false: only the journal does
  std::size_t position = 0;           ///< in the queue, from 1; 0 if held
  std::string lane;                   ///< empty if only the journal knows of it
  std::optional<epoch_number> epoch;  ///< held and in the journal
  wall_time since{};
  /// Where it stands in the list: by host, held ones first, then by position.
  std::string cursor() const;
};
void write_lock(json_writer& out, const lock_row& lock, wall_time now);

/// The held leases of the journal and of the hosts, joined, and the queues; sorted by cursor.
std::vector<lock_row> join_locks(const std::vector<lease>& journal, const std::vector<host_picture>& hosts);

}  // namespace regent
