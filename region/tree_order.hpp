// Orders of trees of jobs, as people and programs write them (YAML, of which JSON is a part):
//
//   name: night
//   lane: audit                 # user, retry (default) or audit
//   at_once: 4                  # branches under way; default limits::branches_at_once
//   on_failure: stop            # nothing more begins; go_on (default): only what comes after the failed branch is left out
//   deadline: 8h                # of all of it
//   hold: [podnet-a]            # whole hosts, which nobody else gets meanwhile
//   branches:
//     - {name: a, do: mend, resource: virtual_router/3}
//     - {name: b, after: [a], wait: {resource: virtual_router/3, state: running}, deadline: 1h, at_deadline: go_on}
//
// do: retry, mend, scrub, restore (a resource), cancel (a job), cordon, uncordon (a host).
// wait: {resource: R, state: S or [S, …]}, {job: N}, {event: TOPIC or [TOPIC, …], of: KIND/ID}, {time: ISO 8601}.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "region/job_tree.hpp"
#include "region/region_config.hpp"

namespace regent {

struct tree_order_check {
  std::optional<tree_order> order;  ///< set only if there are no problems; its branches are in order
  std::vector<config_problem> problems;
  std::string text(const std::string& source) const;  ///< a line for each problem, as of a region file
};

/// All problems at once: keys and values that mean nothing, names that are not there or there twice, and those of put_in_order.
tree_order_check parse_tree_order(const std::string& text);

}  // namespace regent
