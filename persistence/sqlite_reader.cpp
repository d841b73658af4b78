#include <algorithm>
#include <map>

#include "base/limits.hpp"
#include "persistence/journal_file.hpp"
#include "persistence/list_queries.hpp"
#include "persistence/migrations.hpp"
#include "persistence/rows.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

namespace {

constexpr int reports_most = 1000;

std::int64_t clamp(std::size_t limit) {
  if (limit == 0) return limits::page_rows_default;
  return static_cast<std::int64_t>(std::min(limit, limits::page_rows_most));
}

class sqlite_reader final : public journal_reader {
 public:
  explicit sqlite_reader(sqlite::connection db) : db_(std::move(db)) {}

  result<page<resource>> resources(const resource_filter& filter, const std::string& after, std::size_t limit) override;
  result<std::optional<resource>> find_resource(const resource_id& id) override;
  result<page<job>> jobs(const job_filter& filter, const std::string& after, std::size_t limit) override;
  result<std::optional<job>> find_job(job_id id) override;
  result<std::vector<step>> steps(job_id id) override;
  result<std::optional<tree>> find_tree(job_id root) override;
  result<page<branch>> branches(job_id root, const std::string& after, std::size_t limit) override;
  result<std::vector<lease>> leases() override;
  result<std::vector<schedule_mark>> schedules() override;
  result<std::vector<report>> reports(const resource_id& id) override;
  result<page<event>> events(const resource_id& resource, const std::string& after, std::size_t limit) override;
  result<event_look> look_at_events(const event_filter& filter, event_order order, std::optional<std::int64_t> from,
                                    std::size_t limit) override;
  result<resource_marks> marks(const resource_id& id) override;
  result<page<dead_letter>> dead_letters(const std::string& after, std::size_t limit) override;
  result<std::vector<std::pair<std::string, std::int64_t>>> resource_counts() override;
  result<std::vector<std::pair<std::string, std::int64_t>>> job_counts() override;

 private:
  template <class Row>
  using reading = result<Row> (*)(const sqlite::statement&);

  /// A kept statement, ready to be bound. There are as many as there are combinations of filters.
  result<sqlite::statement*> prepared(const std::string& sql);
  template <class Row>
  result<std::vector<Row>> all(sqlite::statement& ask, reading<Row> read);
  /// One row more than `limit` was asked for: if it came, there is a next page after the last of the others.
  template <class Row, class Key>
  result<page<Row>> paged(result<std::vector<Row>> rows, std::int64_t limit, Key key_of);
  result<std::int64_t> number(sqlite::statement& ask);
  result<std::vector<resource>> resource_rows(const resource_filter& filter, const resource_id& after,
                                              std::int64_t limit);
  result<std::int64_t> resource_total(const resource_filter& filter);
  result<std::vector<job>> job_rows(const job_filter& filter, std::int64_t below, std::int64_t limit);
  result<std::int64_t> job_total(const job_filter& filter);
  result<std::vector<event>> event_rows(const resource_id& resource, std::int64_t below, std::int64_t limit);
  result<std::int64_t> event_total(const resource_id& resource);
  result<std::pair<std::int64_t, std::int64_t>> event_ends();
  result<void> gather_events(sqlite::statement& ask, const topic_filter& topics, std::size_t limit, event_look& into);
  result<std::map<std::string, std::int64_t>> counts(const char* sql);

  sqlite::connection db_;
  std::map<std::string, sqlite::statement> kept_;
};

result<sqlite::statement*> sqlite_reader::prepared(const std::string& sql) {
  auto found = kept_.find(sql);
  if (found == kept_.end()) {
    auto made = db_.prepare(sql);
    if (!made) return failure(made.error());
    found = kept_.emplace(sql, std::move(*made)).first;
  }
  return &found->second;
}

template <class Row>
result<std::vector<Row>> sqlite_reader::all(sqlite::statement& ask, reading<Row> read) {
  std::vector<Row> found;
  for (;;) {
    auto more = ask.step();
    if (!more) return failure(more.error());
    if (!*more) return found;
    auto row = read(ask);
    if (!row) {
      ask.reset();
      return failure(row.error());
    }
    found.push_back(std::move(*row));
  }
}

result<std::int64_t> sqlite_reader::number(sqlite::statement& ask) {
  auto row = ask.step();
  if (!row) return failure(row.error());
  const auto value = *row ? ask.number(0) : 0;
  ask.reset();
  return value;
}

template <class Row, class Key>
result<page<Row>> sqlite_reader::paged(result<std::vector<Row>> rows, std::int64_t limit, Key key_of) {
  if (!rows) return failure(rows.error());
  page<Row> made;
  made.rows = std::move(*rows);
  if (made.rows.size() > static_cast<std::size_t>(limit)) {
    made.rows.resize(static_cast<std::size_t>(limit));
    made.next = key_of(made.rows.back());
  }
  return made;
}

// --- resources

result<page<resource>> sqlite_reader::resources(const resource_filter& filter, const std::string& after,
                                                std::size_t limit) {
  if (auto sound = check(filter); !sound) return failure(sound.error());
  auto from = resource_cursor(after);
  if (!from) return failure(from.error());
  // Page and total are of one moment.
  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  const auto rows_wanted = clamp(limit);
  auto found =
      paged(resource_rows(filter, *from, rows_wanted), rows_wanted, [](const resource& r) { return r.id.text(); });
  if (!found) return found;
  auto total = resource_total(filter);
  if (!total) return failure(total.error());
  found->total = *total;
  return found;
}

/// The keys from an index first, then their rows: what the filter drops is never looked up.
result<std::vector<resource>> sqlite_reader::resource_rows(const resource_filter& filter, const resource_id& after,
                                                           std::int64_t limit) {
  const auto where = condition_of(filter);
  auto ask = prepared(fmt::format(
      "SELECT {} FROM resource WHERE (kind, id) IN (SELECT kind, id FROM resource {} WHERE {} AND (kind, id) > (?, ?)"
      " ORDER BY kind, id LIMIT ?) ORDER BY kind, id",
      rows::resource_columns, index_of(filter), where.text));
  if (!ask) return failure(ask.error());
  int at = where.bind(**ask);
  (*ask)->put(++at, after.kind);
  (*ask)->put(++at, after.id);
  (*ask)->put(++at, limit + 1);
  return all(**ask, &rows::read_resource);
}

result<std::int64_t> sqlite_reader::resource_total(const resource_filter& filter) {
  const auto where = condition_of(filter);
  // The counters know nothing of projects; counting within one reads its part of an index.
  auto ask = filter.project.empty()
                 ? prepared(fmt::format("SELECT coalesce(sum(total), 0) FROM resource_count WHERE {}", where.text))
                 : prepared(fmt::format("SELECT count(*) FROM resource {} WHERE {}", index_of(filter), where.text));
  if (!ask) return failure(ask.error());
  where.bind(**ask);
  return number(**ask);
}

result<std::optional<resource>> sqlite_reader::find_resource(const resource_id& id) {
  auto ask = prepared(
      fmt::format("SELECT {}, (SELECT body FROM document d WHERE d.kind = r.kind AND d.id = r.id) FROM resource r"
                  " WHERE kind = ? AND id = ?",
                  rows::resource_columns));
  if (!ask) return failure(ask.error());
  auto row = (*ask)->bind(id.kind, id.id).step();
  if (!row) return failure(row.error());
  if (!*row) return std::optional<resource>{};
  auto found = rows::read_resource(**ask);
  if (found) found->document = (*ask)->text(rows::resource_column_count);
  (*ask)->reset();
  if (!found) return failure(found.error());
  return std::optional<resource>(std::move(*found));
}

// --- jobs

result<page<job>> sqlite_reader::jobs(const job_filter& filter, const std::string& after, std::size_t limit) {
  if (auto sound = check(filter); !sound) return failure(sound.error());
  auto below = number_cursor(after);
  if (!below) return failure(below.error());
  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  const auto rows_wanted = clamp(limit);
  auto found = paged(job_rows(filter, *below, rows_wanted), rows_wanted,
                     [](const job& j) { return std::to_string(j.id.value()); });
  if (!found) return found;
  auto total = job_total(filter);
  if (!total) return failure(total.error());
  found->total = *total;
  return found;
}

result<std::vector<job>> sqlite_reader::job_rows(const job_filter& filter, std::int64_t below, std::int64_t limit) {
  const auto ids = job_page_ids(filter, below, limit + 1);
  auto ask = prepared(fmt::format("SELECT {} FROM job WHERE id IN ({}) ORDER BY id DESC", rows::job_columns, ids.text));
  if (!ask) return failure(ask.error());
  ids.bind(**ask);
  return all(**ask, &rows::read_job);
}

result<std::int64_t> sqlite_reader::job_total(const job_filter& filter) {
  const auto count = job_count(filter);
  auto ask = prepared(count.text);
  if (!ask) return failure(ask.error());
  count.bind(**ask);
  return number(**ask);
}

result<std::optional<job>> sqlite_reader::find_job(job_id id) {
  auto ask = prepared(fmt::format("SELECT {} FROM job WHERE id = ?", rows::job_columns));
  if (!ask) return failure(ask.error());
  auto found = all((*ask)->bind(id.value()), &rows::read_job);
  if (!found) return failure(found.error());
  if (found->empty()) return std::optional<job>{};
  return std::optional<job>(std::move(found->front()));
}

result<std::vector<step>> sqlite_reader::steps(job_id id) {
  auto ask = prepared(fmt::format("SELECT {} FROM step WHERE job = ? ORDER BY number", rows::step_columns));
  if (!ask) return failure(ask.error());
  return all((*ask)->bind(id.value()), &rows::read_step);
}

// --- trees

result<std::optional<tree>> sqlite_reader::find_tree(job_id root) {
  auto ask = prepared(fmt::format("SELECT {} FROM tree WHERE job = ?", rows::tree_columns));
  if (!ask) return failure(ask.error());
  auto found = all((*ask)->bind(root.value()), &rows::read_tree);
  if (!found) return failure(found.error());
  if (found->empty()) return std::optional<tree>{};
  return std::optional<tree>(std::move(found->front()));
}

result<page<branch>> sqlite_reader::branches(job_id root, const std::string& after, std::size_t limit) {
  auto beyond = branch_cursor(after);
  if (!beyond) return failure(beyond.error());
  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  const auto wanted = clamp(limit);
  auto ask = prepared(
      fmt::format("SELECT {} FROM branch WHERE root = ? AND number > ? ORDER BY number LIMIT ?", rows::branch_columns));
  if (!ask) return failure(ask.error());
  auto found = paged(all((*ask)->bind(root.value(), *beyond, wanted + 1), &rows::read_branch), wanted,
                     [](const branch& one) { return std::to_string(one.number); });
  if (!found) return found;
  auto count = prepared("SELECT count(*) FROM branch WHERE root = ?");
  if (!count) return failure(count.error());
  auto total = number((*count)->bind(root.value()));
  if (!total) return failure(total.error());
  found->total = *total;
  return found;
}

// --- leases, schedules, reports, events

result<std::vector<lease>> sqlite_reader::leases() {
  auto ask = prepared(fmt::format("SELECT {} FROM lease ORDER BY host, scope", rows::lease_columns));
  if (!ask) return failure(ask.error());
  return all(**ask, &rows::read_lease);
}

result<std::vector<schedule_mark>> sqlite_reader::schedules() {
  auto ask = prepared(fmt::format("SELECT {} FROM schedule ORDER BY name", rows::schedule_columns));
  if (!ask) return failure(ask.error());
  return all(**ask, &rows::read_schedule);
}

result<std::vector<report>> sqlite_reader::reports(const resource_id& id) {
  const auto select = fmt::format("SELECT {} FROM report", rows::report_columns);
  auto ask = id.empty() ? prepared(select + " ORDER BY sequence LIMIT ?")
                        : prepared(select + " WHERE kind = ? AND resource = ? ORDER BY sequence LIMIT ?");
  if (!ask) return failure(ask.error());
  if (id.empty()) return all((*ask)->bind(reports_most), &rows::read_report);
  return all((*ask)->bind(id.kind, id.id, reports_most), &rows::read_report);
}

result<page<event>> sqlite_reader::events(const resource_id& resource, const std::string& after, std::size_t limit) {
  auto below = number_cursor(after);
  if (!below) return failure(below.error());
  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  const auto rows_wanted = clamp(limit);
  auto found = paged(event_rows(resource, *below, rows_wanted), rows_wanted,
                     [](const event& e) { return std::to_string(e.sequence); });
  if (!found) return found;
  auto total = event_total(resource);
  if (!total) return failure(total.error());
  found->total = *total;
  return found;
}

result<std::vector<event>> sqlite_reader::event_rows(const resource_id& resource, std::int64_t below,
                                                     std::int64_t limit) {
  const auto select = fmt::format("SELECT {} FROM event", rows::event_columns);
  const char* newest_first = " ORDER BY sequence DESC LIMIT ?";
  if (resource.empty()) {
    auto ask = prepared(fmt::format("{} NOT INDEXED WHERE sequence < ?{}", select, newest_first));
    if (!ask) return failure(ask.error());
    return all((*ask)->bind(below, limit + 1), &rows::read_event);
  }
  auto ask = prepared(
      fmt::format("{} INDEXED BY event_by_resource WHERE kind = ? AND kind <> '' AND resource = ? AND sequence < ?{}",
                  select, newest_first));
  if (!ask) return failure(ask.error());
  return all((*ask)->bind(resource.kind, resource.id, below, limit + 1), &rows::read_event);
}

result<std::int64_t> sqlite_reader::event_total(const resource_id& resource) {
  if (resource.empty()) {
    // Numbers have no gaps (schema/001): no need to count a million rows.
    auto ask =
        prepared("SELECT coalesce((SELECT max(sequence) FROM event) - (SELECT min(sequence) FROM event) + 1, 0)");
    if (!ask) return failure(ask.error());
    return number(**ask);
  }
  auto ask = prepared(
      "SELECT count(*) FROM event INDEXED BY event_by_resource WHERE kind = ? AND kind <> '' AND resource = ?");
  if (!ask) return failure(ask.error());
  return number((*ask)->bind(resource.kind, resource.id));
}

/// The numbers of the oldest and the newest event; 1 and 0 if there is none.
result<std::pair<std::int64_t, std::int64_t>> sqlite_reader::event_ends() {
  auto ask =
      prepared("SELECT coalesce((SELECT min(sequence) FROM event), 1), coalesce((SELECT max(sequence) FROM event), 0)");
  if (!ask) return failure(ask.error());
  auto row = (*ask)->step();
  if (!row) return failure(row.error());
  const std::pair ends((*ask)->number(0), (*ask)->number(1));
  (*ask)->reset();
  return ends;
}

result<event_look> sqlite_reader::look_at_events(const event_filter& filter, event_order order,
                                                 std::optional<std::int64_t> from, std::size_t limit) {
  auto snapshot = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!snapshot) return failure(snapshot.error());
  const auto ends = event_ends();
  if (!ends) return failure(ends.error());
  const auto [oldest, newest] = *ends;
  const bool forward = order == event_order::oldest_first;
  event_look made;
  made.newest = newest;
  made.cursor = from.value_or(forward ? 0 : newest + 1);
  if (forward && made.cursor > newest)
    return fail(error_kind::permanent, "bad_cursor",
                "there is no event {} yet, the newest is {}: the cursor is of another journal; begin again without one",
                made.cursor, newest);
  if (forward && newest > 0) made.lost = std::max<std::int64_t>(0, oldest - 1 - made.cursor);
  auto ask = prepared(fmt::format("SELECT {} FROM event {} WHERE {} sequence {} ORDER BY sequence {} LIMIT ?",
                                  rows::event_columns,
                                  filter.resource.empty() ? "NOT INDEXED" : "INDEXED BY event_by_resource",
                                  filter.resource.empty() ? "" : "kind = ? AND kind <> '' AND resource = ? AND",
                                  forward ? "> ?" : "< ?", forward ? "ASC" : "DESC"));
  if (!ask) return failure(ask.error());
  int at = 0;
  if (!filter.resource.empty()) {
    (*ask)->put(++at, filter.resource.kind);
    (*ask)->put(++at, filter.resource.id);
  }
  (*ask)->put(++at, made.cursor);
  (*ask)->put(++at, limits::events_looked_at + 1);
  const auto wanted = static_cast<std::size_t>(clamp(limit));
  if (auto done = gather_events(**ask, filter.topics, wanted, made); !done) return failure(done.error());
  if (!made.more && forward) made.cursor = newest;
  return made;
}

/// Rows that are not wanted cost no more than a look at their topic.
result<void> sqlite_reader::gather_events(sqlite::statement& ask, const topic_filter& topics, std::size_t limit,
                                          event_look& into) {
  constexpr int sequence_column = 0, topic_column = 2;  // of rows::event_columns
  for (std::int64_t seen = 0;; ++seen) {
    auto row = ask.step();
    if (!row) return failure(row.error());
    if (!*row) return {};
    if (seen == limits::events_looked_at || into.rows.size() == limit) {
      into.more = true;
      ask.reset();
      return {};
    }
    into.cursor = ask.number(sequence_column);
    if (!topics.matches(ask.text(topic_column))) continue;
    auto read = rows::read_event(ask);
    if (!read) {
      ask.reset();
      return failure(read.error());
    }
    into.rows.push_back(std::move(*read));
  }
}

// --- operators' words

result<resource_marks> sqlite_reader::marks(const resource_id& id) {
  auto held = prepared(fmt::format("SELECT {} FROM hold WHERE kind = ? AND id = ?", rows::hold_columns));
  if (!held) return failure(held.error());
  auto holds = all((*held)->bind(id.kind, id.id), &rows::read_hold);
  if (!holds) return failure(holds.error());
  auto dead = prepared(fmt::format("SELECT {} FROM dead_letter WHERE kind = ? AND id = ?", rows::letter_columns));
  if (!dead) return failure(dead.error());
  auto letters = all((*dead)->bind(id.kind, id.id), &rows::read_letter);
  if (!letters) return failure(letters.error());
  resource_marks made;
  if (!holds->empty()) made.held = std::move(holds->front());
  if (!letters->empty()) made.letter = std::move(letters->front());
  return made;
}

result<page<dead_letter>> sqlite_reader::dead_letters(const std::string& after, std::size_t limit) {
  auto below = number_cursor(after);
  if (!below) return failure(below.error());
  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  const auto rows_wanted = clamp(limit);
  auto ask = prepared(
      fmt::format("SELECT {} FROM dead_letter INDEXED BY dead_letter_by_job WHERE job < ? ORDER BY job DESC LIMIT ?",
                  rows::letter_columns));
  if (!ask) return failure(ask.error());
  auto found = paged(all((*ask)->bind(*below, rows_wanted + 1), &rows::read_letter), rows_wanted,
                     [](const dead_letter& one) { return std::to_string(one.job.value()); });
  if (!found) return found;
  auto count = prepared("SELECT count(*) FROM dead_letter");
  if (!count) return failure(count.error());
  auto total = number(**count);
  if (!total) return failure(total.error());
  found->total = *total;
  return found;
}

// --- counts

result<std::map<std::string, std::int64_t>> sqlite_reader::counts(const char* sql) {
  auto ask = prepared(sql);
  if (!ask) return failure(ask.error());
  std::map<std::string, std::int64_t> found;
  for (;;) {
    auto more = (*ask)->step();
    if (!more) return failure(more.error());
    if (!*more) return found;
    found[(*ask)->text(0)] = (*ask)->number(1);
  }
}

result<std::vector<std::pair<std::string, std::int64_t>>> sqlite_reader::resource_counts() {
  auto found = counts("SELECT state, sum(total) FROM resource_count GROUP BY state");
  if (!found) return failure(found.error());
  std::vector<std::pair<std::string, std::int64_t>> made;
  for (const auto& one : lifecycle_table) made.emplace_back(one.name, (*found)[std::string(one.name)]);
  return made;
}

result<std::vector<std::pair<std::string, std::int64_t>>> sqlite_reader::job_counts() {
  auto found = counts("SELECT state, total FROM job_count");
  if (!found) return failure(found.error());
  std::vector<std::pair<std::string, std::int64_t>> made;
  for (const auto name : job_state_names) made.emplace_back(name, (*found)[std::string(name)]);
  return made;
}

}  // namespace

result<std::unique_ptr<journal_reader>> open_sqlite_reader(const std::string& path) {
  auto db = open_journal_to_read(path);
  if (!db) return failure(db.error());
  const auto known = journal_migrations().back().version;
  auto version = schema_version(*db, known);
  if (!version) return failure(version.error());
  if (*version < known) {
    return fail(error_kind::permanent, "journal_older",
                "{} has schema {} and is read with schema {}: start regent once to migrate it", path, *version, known);
  }
  return std::make_unique<sqlite_reader>(std::move(*db));
}

}  // namespace regent
