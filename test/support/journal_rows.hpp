// Rows for tests of journals: with every field filled, and as text with every field shown, so that two can be compared.
#pragma once

#include <string>

#include "persistence/journal.hpp"

namespace regent::test {

// Different values in every field, some of them hostile; `n` makes them differ from one another.
resource full_resource(int n);
job full_job(int n, job_state state = job_state::active);
step full_step(int n, int index = 0);  ///< of full_job(n)
lease full_lease(int n);               ///< of full_job(n)
report full_report(int n);
event full_event(int n);
tree full_tree(int n);                      ///< of full_job(n)
branch full_branch(int n, int number = 0);  ///< of full_tree(n)

std::string text(const resource& row);
std::string text(const job& row);
std::string text(const step& row);
std::string text(const lease& row);
std::string text(const report& row);
std::string text(const event& row);
std::string text(const host_seen& row);
std::string text(const host_cordoned& row);
std::string text(const sink_cursor& row);
std::string text(const schedule_mark& row);
std::string text(const resource_held& row);
std::string text(const dead_letter& row);
std::string text(const rebuild_owed& row);
std::string text(const tree& row);
std::string text(const branch& row);

/// One row on each line.
template <class Rows>
std::string all_text(const Rows& rows) {
  std::string lines;
  for (const auto& row : rows) lines += text(row) + "\n";
  return lines;
}

}  // namespace regent::test
