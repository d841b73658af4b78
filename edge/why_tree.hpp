// Why a tree of jobs is where it is: what is under way, and what that waits for. Pure.
#pragma once

#include "edge/why.hpp"
#include "region/job_tree.hpp"

namespace regent {

struct why_tree_facts {
  job root;
  std::string name;               ///< the order's; may be empty
  std::vector<branch> under_way;  ///< the first of them, limits::told_at_once at most
  std::size_t under_way_count = 0;
  std::size_t ended = 0, total = 0;  ///< branches
  std::map<job_id, job> jobs;        ///< theirs, as far as they are in the journal
  wall_time now{};
};

/// "tree/17 (nightly) is waiting: 3 of 7 branches have ended; mend virtual_router/3 (job 21) waits for podnet-a to be up." The
/// codes of its causes: `branch` for each that is under way, `ended` of a root that is at its end, `wait` of one that waits for
/// something itself.
explanation explain_tree(const why_tree_facts& facts);

}  // namespace regent
