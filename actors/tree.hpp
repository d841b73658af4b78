// The root of a tree of jobs at work: begins branches in their order, waits for what they wait for, comes to its end.
#pragma once

#include <memory>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

class tree_work;
struct tree_at_work {
  std::shared_ptr<tree_work> work;
};
using tree_shell = shell<tree_actor, tree_at_work>;

/// Ends by itself, after telling the region. If it dies otherwise, all that matters is in the journal.
tree_actor::behavior_type run_tree(tree_shell* self, context_ptr context, directory_ptr directory,
                                   std::shared_ptr<const tree_rows> rows);

}  // namespace regent
