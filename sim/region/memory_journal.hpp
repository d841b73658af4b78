// A journal without a file, for tests of what stands on one. Its store survives it, as a file would: open it again over
// the same store to play a restart. It keeps the promises of persistence/journal.hpp: test/contract/journal_suite.hpp
// holds it to them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "persistence/journal.hpp"

namespace regent {

/// What the file would hold. A test may look at it whenever no commit is under way.
struct memory_store {
  std::string journal_id = "0badcafe";
  epoch_number epoch = 0;
  std::int64_t last_job = 0;
  std::int64_t last_report = 0;
  std::int64_t last_event = 0;
  std::map<std::pair<std::string, std::string>, resource> resources;  ///< by kind and id, with their documents
  std::map<std::int64_t, job> jobs;                                   ///< ended ones too
  std::map<std::pair<std::int64_t, int>, step> steps;                 ///< by job and index
  std::map<std::pair<std::string, std::string>, lease> leases;        ///< by host and scope
  std::map<std::int64_t, report> reports;                             ///< undelivered ones
  std::deque<event> events;                                           ///< oldest first, limits::events_kept at most
  std::map<std::string, host_seen> hosts;
  std::map<std::string, host_cordoned> cordons;
  std::map<std::string, sink_cursor> sinks;
  std::map<std::string, schedule_mark> schedules;
  std::map<std::pair<std::string, std::string>, resource_held> holds;       ///< by kind and id
  std::map<std::pair<std::string, std::string>, dead_letter> dead_letters;  ///< by kind and id
  std::map<std::string, rebuild_owed> rebuilds_owed;                        ///< by kind/id and host
  std::map<std::int64_t, tree> trees;
  std::map<std::pair<std::int64_t, int>, branch> branches;

  std::size_t commits = 0;           ///< groups committed
  std::optional<error> next_commit;  ///< if set, the next commit fails with it, once, and changes nothing
};

/// The store must not be shared by two journals at a time. Never null.
std::unique_ptr<journal> open_memory_journal(std::shared_ptr<memory_store> store);

}  // namespace regent
