// Read-only looks into the journal, paged, for people and the HTTP face. Short transactions; never waits for the writer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "persistence/journal.hpp"
#include "region/job_tree.hpp"
#include "region/operator_marks.hpp"
#include "region/topic_filter.hpp"

namespace regent {

/// Rows and whether there are more. `total` counts all that match.
template <class Row>
struct page {
  std::vector<Row> rows;
  std::int64_t total = 0;
  std::string next;  ///< pass as `after` for the next page; empty at the end
};

struct resource_filter {
  std::string kind, state, project;  ///< empty: any
  std::optional<bool> degraded;
};
struct job_filter {
  std::string resource, state;  ///< state "open": all open ones
  job_id root = {};             ///< the root itself and all below it; not together with a resource
};

struct event_filter {
  topic_filter topics;
  resource_id resource;  ///< empty: any
};
enum class event_order { newest_first, oldest_first };

/// What one bounded look along the events has found.
struct event_look {
  std::vector<event> rows;  ///< in the order asked for
  std::int64_t cursor = 0;  ///< all events up to here were looked at: where the next look goes on
  bool more = false;        ///< there are others beyond the cursor, wanted or not
  std::int64_t lost = 0;  ///< oldest first: events right after the cursor given, of any topic, that are no longer kept
  std::int64_t newest = 0;  ///< the number of the last event there is; 0: there is none
};

/// Belongs to one thread at a time. Lists are paged by key, not by offset: the thousandth page costs what the first does, and rows
/// that come or go between two pages shift nothing. Resources are ordered by kind and id (as texts) and come without documents.
/// A limit of 0 means limits::page_rows_default; one above limits::page_rows_most means that.
/// Errors of every call, besides the file's: permanent `bad_cursor` (`after` is not what a page gave) and permanent `bad_filter`
/// (no such state, or not kind/id), each naming the value.
class journal_reader {
 public:
  virtual ~journal_reader() = default;
  virtual result<page<resource>> resources(const resource_filter& filter, const std::string& after,
                                           std::size_t limit) = 0;
  virtual result<std::optional<resource>> find_resource(const resource_id& id) = 0;  ///< with its document
  /// Newest first.
  virtual result<page<job>> jobs(const job_filter& filter, const std::string& after, std::size_t limit) = 0;
  virtual result<std::optional<job>> find_job(job_id id) = 0;
  virtual result<std::vector<step>> steps(job_id id) = 0;
  virtual result<std::optional<tree>> find_tree(job_id root) = 0;
  virtual result<page<branch>> branches(job_id root, const std::string& after, std::size_t limit) = 0;  ///< by number
  virtual result<std::vector<lease>> leases() = 0;
  virtual result<std::vector<schedule_mark>> schedules() = 0;  ///< by name
  virtual result<std::vector<report>> reports(
      const resource_id& id) = 0;  ///< undelivered; empty id: all (at most 1000)
  /// Newest first; resource empty: all.
  virtual result<page<event>> events(const resource_id& resource, const std::string& after, std::size_t limit) = 0;
  /// The events beyond `from`, at most `limit` of them, and no more than limits::events_looked_at rows are read for that.
  /// Oldest first begins with 0, newest first with none. Error: `bad_cursor`, oldest first, for one that is beyond the
  /// newest event there is: it is of another journal, or of a later one than the copy that was put back.
  virtual result<event_look> look_at_events(const event_filter& filter, event_order order,
                                            std::optional<std::int64_t> from, std::size_t limit) = 0;
  /// What operators have said of the resource, and what waits for their word.
  virtual result<resource_marks> marks(const resource_id& id) = 0;
  /// Newest job first.
  virtual result<page<dead_letter>> dead_letters(const std::string& after, std::size_t limit) = 0;
  /// Counts of resources by state and of jobs by state, for metrics and status: every state, in its table's order, also with 0.
  virtual result<std::vector<std::pair<std::string, std::int64_t>>> resource_counts() = 0;
  virtual result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() = 0;
};

/// Errors as in open_sqlite_journal, and permanent `journal_missing`, permanent `journal_older` (regent has not migrated it yet).
result<std::unique_ptr<journal_reader>> open_sqlite_reader(const std::string& path);

}  // namespace regent
