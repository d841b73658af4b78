// What the reader's lists ask of SQLite: cursors, filters and conditions. Pure: no file is touched here.
#pragma once

#include <string>
#include <vector>

#include "persistence/journal_reader.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// For lists with the newest first: the next page is what is below the cursor. Without one, everything is. Error: `bad_cursor`.
result<std::int64_t> number_cursor(const std::string& after);

/// For the list of branches: the number of the last one of the page before; -1 without a cursor. Error: `bad_cursor`.
result<std::int64_t> branch_cursor(const std::string& after);

/// For the list of resources: the last one of the page before; none without a cursor. Error: `bad_cursor`.
result<resource_id> resource_cursor(const std::string& after);

// Error: `bad_filter`, for a state that there is not or a resource that is not kind/id.
result<void> check(const resource_filter& filter);
result<void> check(const job_filter& filter);

/// A condition as SQL with ? for each of its values: values are bound, never pasted.
struct row_condition {
  std::string text = "1";
  std::vector<std::string> values;
  void add(const char* term, const std::string& value);
  int bind(sqlite::statement& to) const;  ///< how many were bound
};
row_condition condition_of(const resource_filter& filter);

/// The index that has this filter's columns. Named, not left to SQLite's guess, which has no statistics to go by.
const char* index_of(const resource_filter& filter);

/// The states that a filter's state stands for; none for no filter.
std::vector<std::string> states_of(const job_filter& filter);
/// The condition that the column `state` is one of them.
std::string in_states(const std::vector<std::string>& states);

/// The numbers of the jobs of one page: ? for kind and id (if there is a resource), states, the number to stay below and the limit;
/// with states and no resource: state, number and limit for each state, and the limit once more.
std::string job_page_ids(const job_filter& filter);

}  // namespace regent
