// The registry: what is known of every resource, who is at work, and who must be woken when. A resource at rest costs
// one entry.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/lifecycle.hpp"
#include "actors/probed.hpp"
#include "actors/tree.hpp"
#include "region/due_list.hpp"
#include "region/known_region.hpp"
#include "region/throttle_board.hpp"

namespace regent {

struct region_entry {
  known_resource known;
  resource row;            // document left empty: the journal keeps what it has
  lifecycle_actor actor;   // null at rest
  std::string claims_in;   // of which project it is, while it waits for the cloud to accept a claim
  std::string look_again;  // why it is to be read once more when it rests; empty: no need
  /// Its last actor left work behind that is to be taken up soon: whoever comes first takes it up from the journal.
  bool unfinished = false;
  bool to_confirm = false;   // it is in the queue of that name
  std::optional<branch> of;  // the branch of a tree that it is at work for
  std::optional<branch_wanted>
      unasked;           // that branch, if an earlier reign had begun it and this one has asked nobody for it
  std::string unwanted;  // who has cancelled that branch while its job was being made
  bool asking = false;   // the cloud is asked for what that branch wants, and has not answered
  std::vector<branch_wanted> branches;  // that want a job, when it is at rest
  std::vector<job_with_steps> repairs;  // that wait: for a host to return, or for their next attempt
  host_id catching_up;                  // it is being built there, which was put off while it was paused
  bool mends = false;  // it is at work for an operator's mend, which nothing else says before its job is made
  int refusals = 0;    // reports that the cloud has refused since it last took one
  std::optional<steady_time> look_at;  // its place in `retries` that counts
};

/// The rebuild of what stood on a host that has rebooted. Its boot id is noted only when all is done, so that a crash of ours in
/// between begins it again.
struct host_rebuild {
  std::string boot_id;
  std::set<resource_id> waiting;
  std::set<resource_id> at_work;
};

struct region_at_work {
  std::unordered_map<resource_id, region_entry> entries;
  std::map<caf::actor_addr, resource_id> actors;
  std::map<std::string, std::set<resource_id>> claiming;  // who waits for the cloud to accept a claim, by project
  due_list due;                                           // ends of grace periods
  std::multimap<steady_time, resource_id> retries;
  std::set<resource_id> confirming;      // whose record is being looked at again, after it was built
  std::deque<resource_id> to_confirm;    // whose will be
  std::set<resource_id> to_repair;       // who has repairs that wait
  due_list repairs_due;                  // next attempts at them, and the ends of their waits
  std::map<host_id, std::string> boots;  // boot ids under which everything that should stand on a host does
  std::map<host_id, host_rebuild> rebuilds;
  std::map<host_id, host_cordoned> cordons;  // where no new job may begin, and why
  std::map<resource_id, resource_held> holds;
  std::map<resource_id, dead_letter> letters;
  std::map<resource_id, std::set<host_id>> owed;             // rebuilds that were put off while it was paused
  std::map<job_id, tree_actor> trees;                        // by root
  std::multimap<steady_time, branch_wanted> wishes_put_off;  // for which the cloud could not be asked, until then
  std::multimap<steady_time, job_id> dead_trees;             // roots whose actor died, and when they are taken up again
  throttle_board permits;                                    // of those at work
  bool permits_freed = false;                                // it is on its way that there may be room
  bool stopping = false;
};
using region_shell = shell<region_actor, region_at_work>;

/// Spawns the host actors and the lifecycle actors, once reign_begun has come.
region_actor::behavior_type run_region(region_shell* self, context_ptr context, directory_ptr directory);

}  // namespace regent
