// Read-only looks into the journal, paged, for people and the HTTP face. Short transactions; never waits for the writer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "region/job.hpp"

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
};

/// Belongs to one thread at a time.
class journal_reader {
 public:
  virtual ~journal_reader() = default;
  virtual result<page<resource>> resources(const resource_filter& filter, const std::string& after, std::size_t limit) = 0;
  virtual result<std::optional<resource>> find_resource(const resource_id& id) = 0;  ///< with its document
  /// Newest first.
  virtual result<page<job>> jobs(const job_filter& filter, const std::string& after, std::size_t limit) = 0;
  virtual result<std::optional<job>> find_job(job_id id) = 0;
  virtual result<std::vector<step>> steps(job_id id) = 0;
  virtual result<std::vector<lease>> leases() = 0;
  virtual result<std::vector<report>> reports(const resource_id& id) = 0;  ///< undelivered; empty id: all (at most 1000)
  /// Newest first; resource empty: all.
  virtual result<page<event>> events(const resource_id& resource, const std::string& after, std::size_t limit) = 0;
  /// Counts of resources by state and of jobs by state, for metrics and status.
  virtual result<std::vector<std::pair<std::string, std::int64_t>>> resource_counts() = 0;
  virtual result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() = 0;
};

/// Errors as in open_sqlite_journal, and permanent `journal_missing`.
result<std::unique_ptr<journal_reader>> open_sqlite_reader(const std::string& path);

}  // namespace regent
