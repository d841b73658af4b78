// The only writer: commits whatever queued during the last fsync, then tells those who wait, then lets reports leave.
#pragma once

#include <memory>
#include <vector>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"

namespace regent {

struct journal_state {
  std::vector<commit_wanted> waiting;
  bool flush_sent = false;
};
using journal_shell = shell<journal_actor, journal_state>;

/// Spawn detached: it blocks in fsync. A journal that cannot be written keeps what is waiting and tries again; nothing
/// is sent to any host meanwhile, because nobody is answered.
journal_actor::behavior_type run_journal(journal_shell* self, context_ptr context, directory_ptr directory,
                                         std::shared_ptr<journal> store);

}  // namespace regent
