// The actors that one daemon has once, in their order.
#pragma once

#include <caf/actor_system.hpp>

#include "actors/journal.hpp"
#include "actors/poller.hpp"
#include "actors/reader.hpp"
#include "actors/region.hpp"
#include "actors/reporter.hpp"
#include "actors/scheduler.hpp"

namespace regent {

/// Fills the directory and begins the reign with what the journal left open. `Blocking` is how actors whose calls block are
/// spawned: with a thread of their own, or, in a simulation, with none.
template <caf::spawn_options Blocking>
void spawn_central_actors(caf::actor_system& system, const context_ptr& context, const directory_ptr& directory,
                          std::shared_ptr<journal> store, std::shared_ptr<const journal_contents> open) {
  directory->journal = system.spawn<Blocking>(run_journal, context, directory, std::move(store));
  directory->reader = system.spawn<Blocking>(run_reader, context);
  directory->reporter = system.spawn<Blocking>(run_reporter, context, directory);
  directory->poller = system.spawn<Blocking>(run_poller, context, directory);
  directory->region = system.spawn(run_region, context, directory);
  auto reports = std::make_shared<const std::vector<report>>(open->reports);
  caf::anon_send(directory->region, reign_begun{open});
  directory->scheduler = system.spawn(run_scheduler, context, directory, std::move(open));
  if (!reports->empty()) caf::anon_send(directory->reporter, reports_committed{std::move(reports)});
  caf::anon_send(directory->poller, tick{});
}

}  // namespace regent
