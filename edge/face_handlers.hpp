// The routes' handlers: each reads the daemon's facts or the journal and writes one answer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/http_face.hpp"
#include "edge/http_server.hpp"
#include "edge/json_writer.hpp"
#include "edge/metrics.hpp"
#include "edge/route_request.hpp"
#include "edge/why.hpp"
#include "persistence/journal_reader.hpp"

namespace regent {

struct schedule_row;
struct why_tree_facts;

/// The status that an error is answered with: 4xx if the question is wrong, 503 if the daemon cannot answer it now.
int http_status(const error& wrong);

/// Belongs to one thread at a time. Bodies are JSON but for metrics. Errors: `bad_query`, `not_found`, `not_live`,
/// `not_ready`, and those of the journal's reader.
class face_handlers {
 public:
  using journal_opener = std::function<result<std::unique_ptr<journal_reader>>()>;
  using body = result<std::string>;

  face_handlers(std::string region, journal_opener open, const daemon_facts& facts, const clock& time)
      : region_(std::move(region)), open_(std::move(open)), facts_(facts), time_(time) {}

  const std::string& region() const { return region_; }

  // From the journal (face_journal.cpp)
  body resources(const route_request& asked);
  body resource_detail(const route_request& asked);
  body jobs(const route_request& asked);
  body job_detail(const route_request& asked);
  body events(const route_request& asked);
  body topics(const route_request& asked);
  /// Errors, besides: transient `too_many_streams`.
  result<std::shared_ptr<http_stream>> event_stream(const route_request& asked);
  body locks(const route_request& asked);
  // From the daemon itself: these answer without the journal, too (face_live.cpp)
  body status(const route_request& asked);
  body hosts(const route_request& asked);
  body sinks(const route_request& asked);
  body throttles(const route_request& asked);
  body host_detail(const route_request& asked);
  body actors(const route_request& asked);
  body actor_detail(const route_request& asked);
  body healthz(const route_request& asked);
  body readyz(const route_request& asked);
  body metrics(const route_request& asked);
  // From both (face_schedules.cpp, face_why.cpp, face_dead.cpp)
  body schedules(const route_request& asked);
  body schedule_detail(const route_request& asked);
  body why(const route_request& asked);
  body dead_letters(const route_request& asked);

 private:
  /// Asks the journal; after an error the reader is opened anew the next time, for the file may have been replaced.
  template <class Ask>
  auto journal(Ask ask) -> decltype(ask(std::declval<journal_reader&>())) {
    if (!reader_) {
      auto opened = open_();
      if (!opened) return failure(opened.error());
      reader_ = std::move(*opened);
    }
    auto found = ask(*reader_);
    if (!found && http_status(found.error()) == 503) reader_.reset();
    return found;
  }
  /// Counts for people and metrics: none if the journal cannot be read, and then `journal_error_` says why.
  void count();
  std::string unknown_text(const resource_id& id) const;
  result<event_look> look_at_events(const event_filter& filter, event_order order, std::optional<std::int64_t> from,
                                    std::size_t limit);
  body events_by_look(const route_request& asked, const event_filter& filter, event_order order, std::size_t limit);
  result<void> write_branches(json_writer& out, job_id root, const route_request& asked);
  result<why_facts> gather(const resource_id& id);
  result<why_tree_facts> gather_tree(const std::string& number);
  result<std::vector<schedule_row>> schedule_rows();
  result<void> gather_holders(journal_reader& from, why_facts& facts);
  void gather_actors(why_facts& facts);
  /// Those of the steps' runs that are under way.
  std::map<run_id, run_sign> runs_of(const std::vector<step>& steps) const;

  std::string region_;
  journal_opener open_;
  const daemon_facts& facts_;
  const clock& time_;
  std::unique_ptr<journal_reader> reader_;
  std::optional<state_counts> resource_counts_, job_counts_;
  std::optional<std::int64_t> dead_letters_;
  std::string journal_error_;
  std::shared_ptr<std::size_t> open_streams_ = std::make_shared<std::size_t>(0);
};

// Lists in memory and on the wire.

inline constexpr std::size_t all_rows = static_cast<std::size_t>(-1);
inline constexpr std::size_t details_shown = 20;    ///< open jobs and last events in a detail
inline constexpr std::size_t problems_shown = 100;  ///< in status: each bad record is one

inline failure not_found(std::string_view what) { return fail(error_kind::permanent, "not_found", "{}", what); }

/// What a list ends with, after its rows.
inline void close_list(json_writer& out, std::int64_t total, const std::string& next) {
  out.close_array();
  out.number("total", total);
  if (next.empty())
    out.null("next");
  else
    out.text("next", next);
  out.flag("truncated", !next.empty());
  out.close_object();
}

template <class Row, class Write>
std::string list_text(const page<Row>& rows, Write write) {
  json_writer out;
  out.open_object();
  out.open_array("rows");
  for (const auto& row : rows.rows) write(out, row);
  close_list(out, rows.total, rows.next);
  return out.take();
}

/// A page of rows that are all in memory and sorted by `cursor_of`.
template <class Row, class Cursor>
page<Row> page_of(std::vector<Row> all, Cursor cursor_of, const std::string& after, std::size_t limit) {
  page<Row> some;
  some.total = static_cast<std::int64_t>(all.size());
  for (auto& row : all) {
    if (!after.empty() && cursor_of(row) <= after) continue;
    if (some.rows.size() == limit) {
      some.next = cursor_of(some.rows.back());
      break;
    }
    some.rows.push_back(std::move(row));
  }
  return some;
}

}  // namespace regent
