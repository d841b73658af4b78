// What the reader's lists ask of SQLite: cursors, filters and conditions. Pure: no file is touched here.
#pragma once

#include <string>
#include <variant>
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

/// SQL with ? for each of its values: values are bound, never pasted.
struct bound_sql {
  std::string text;
  std::vector<std::variant<std::int64_t, std::string>> values;
  template <class... Values>
  bound_sql& add(std::string_view more, Values... bound) {
    text += more;
    (values.emplace_back(std::move(bound)), ...);
    return *this;
  }
  int bind(sqlite::statement& to) const;  ///< how many were bound
};
bound_sql condition_of(const resource_filter& filter);

/// The index that has this filter's columns. Named, not left to SQLite's guess, which has no statistics to go by.
const char* index_of(const resource_filter& filter);

/// The numbers of the newest `limit` jobs with a number below `below`, the newest first.
bound_sql job_page_ids(const job_filter& filter, std::int64_t below, std::int64_t limit);
/// How many jobs there are in all.
bound_sql job_count(const job_filter& filter);

}  // namespace regent
