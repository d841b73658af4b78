#include "persistence/sqlite_journal.hpp"

#include <algorithm>
#include <filesystem>

#include "base/log.hpp"
#include "persistence/journal_file.hpp"
#include "persistence/load_contents.hpp"
#include "persistence/rows.hpp"
#include "persistence/sqlite.hpp"
#include "persistence/writer_lock.hpp"

namespace regent {

namespace {

// A checkpoint between two commits then takes some milliseconds.
constexpr std::int64_t checkpoint_bytes = 4 << 20;
// A journal that is over a bound shrinks by this much in one commit, or by twice what the commit adds.
constexpr std::int64_t trim_events_least = 64;
constexpr std::int64_t trim_jobs_least = 16;

/// The statements of the write path, prepared once.
struct statements {
  sqlite::statement begin, commit, update_resource, insert_resource, update_job, insert_job, update_step, insert_step,
      put_document, put_lease, put_host, put_cordon, end_cordon, put_sink, end_sink, put_schedule, end_schedule,
      put_hold, end_hold, put_letter, end_letter, put_owed, end_owed, put_tree, update_branch, insert_branch,
      add_report, add_event, end_lease, end_report, forget_resource, trim_events, trim_jobs, count_ended;

  static result<statements> prepare(sqlite::connection& db) {
    statements made;
    const std::pair<sqlite::statement*, std::string> all[] = {
        {&made.begin, "BEGIN IMMEDIATE"},
        {&made.commit, "COMMIT"},
        {&made.update_resource, rows::update_resource()},
        {&made.insert_resource, rows::insert_resource()},
        {&made.update_job, rows::update_job()},
        {&made.insert_job, rows::insert_job()},
        {&made.update_step, rows::update_step()},
        {&made.insert_step, rows::insert_step()},
        {&made.put_document, rows::put_document()},
        {&made.put_lease, rows::put_lease()},
        {&made.put_host, rows::put_host()},
        {&made.put_cordon, rows::put_cordon()},
        {&made.end_cordon, "DELETE FROM cordon WHERE host = ?"},
        {&made.put_sink, rows::put_sink()},
        {&made.end_sink, "DELETE FROM sink WHERE name = ?"},
        {&made.put_schedule, rows::put_schedule()},
        {&made.end_schedule, "DELETE FROM schedule WHERE name = ?"},
        {&made.put_hold, rows::put_hold()},
        {&made.end_hold, "DELETE FROM hold WHERE kind = ? AND id = ?"},
        {&made.put_letter, rows::put_letter()},
        {&made.end_letter, "DELETE FROM dead_letter WHERE kind = ? AND id = ?"},
        {&made.put_owed, rows::put_owed()},
        {&made.end_owed, "DELETE FROM rebuild_owed WHERE kind = ? AND id = ? AND host = ?"},
        {&made.put_tree, rows::put_tree()},
        {&made.update_branch, rows::update_branch()},
        {&made.insert_branch, rows::insert_branch()},
        {&made.add_report, rows::add_report()},
        {&made.add_event, rows::add_event()},
        {&made.end_lease, "DELETE FROM lease WHERE host = ? AND scope = ? AND job = ?"},
        {&made.end_report, "DELETE FROM report WHERE sequence = ?"},
        {&made.forget_resource, "DELETE FROM resource WHERE kind = ? AND id = ?"},
        {&made.trim_events, "DELETE FROM event WHERE sequence < ?"},
        // By number, and open ones are few: an index on the state would have to be sorted.
        {&made.trim_jobs,
         fmt::format(
             "DELETE FROM job WHERE id IN (SELECT id FROM job NOT INDEXED WHERE state NOT IN ({}) AND id NOT IN "
             "(SELECT job FROM lease UNION ALL SELECT job FROM dead_letter) ORDER BY id LIMIT ?)",
             rows::open_job_states())},
        {&made.count_ended, fmt::format("SELECT coalesce(sum(total), 0) FROM job_count WHERE state NOT IN ({})",
                                        rows::open_job_states())}};
    for (const auto& [into, sql] : all) {
      auto one = db.prepare(sql);
      if (!one) return failure(one.error());
      *into = std::move(*one);
    }
    return made;
  }
};

/// Event numbers have no gaps: these two say how many there are.
struct event_range {
  std::int64_t first = 1;  ///< the oldest kept
  std::int64_t last = 0;   ///< the newest
  std::int64_t count() const { return last - first + 1; }
};

/// Numbers given to rows of a group: handed out only after its commit.
using numbers = std::vector<std::pair<std::int64_t*, std::int64_t>>;

template <class Row>
result<void> write(sqlite::statement& to, const Row& row) {
  rows::bind(to, row);
  return to.run();
}

class sqlite_journal final : public journal {
 public:
  sqlite_journal(writer_lock lock, sqlite::connection db, statements with, event_range events, std::int64_t page_bytes,
                 const sqlite_journal_options& options)
      : lock_(std::move(lock)),
        db_(std::move(db)),
        do_(std::move(with)),
        events_(events),
        events_kept_(options.events_kept),
        jobs_kept_(options.jobs_kept),
        page_bytes_(page_bytes) {
    sqlite3_wal_hook(db_.raw(), &sqlite_journal::log_grew, this);
  }
  /// SQLite does this for its last connection only, and there may be readers: the file alone is to be the whole journal.
  ~sqlite_journal() override {
    sqlite3_wal_hook(db_.raw(), nullptr, nullptr);
    sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  }

  result<journal_contents> begin_reign() override;
  result<void> commit(std::span<transaction> group) override;

 private:
  result<void> write_group(std::span<transaction> group, numbers& given);
  result<void> apply(resource& row, numbers&);
  result<void> apply(job& row, numbers&);
  result<void> apply(step& row, numbers&) {
    return put_once(do_.update_step, do_.insert_step, row, row.job == newest_written_);
  }
  result<void> apply(lease& row, numbers&) { return write(do_.put_lease, row); }
  result<void> apply(host_seen& row, numbers&) { return write(do_.put_host, row); }
  result<void> apply(host_cordoned& row, numbers&) {
    return row.why.empty() ? do_.end_cordon.bind(row.host.value()).run() : write(do_.put_cordon, row);
  }
  result<void> apply(sink_cursor& row, numbers&) {
    return row.after ? write(do_.put_sink, row) : do_.end_sink.bind(row.sink).run();
  }
  result<void> apply(schedule_mark& row, numbers&) { return write(do_.put_schedule, row); }
  result<void> apply(forget_schedule& what, numbers&) { return do_.end_schedule.bind(what.schedule).run(); }
  result<void> apply(resource_held& row, numbers&) {
    return row.why.empty() ? do_.end_hold.bind(row.resource.kind, row.resource.id).run() : write(do_.put_hold, row);
  }
  result<void> apply(dead_letter& row, numbers&) {
    return row.job.empty() ? do_.end_letter.bind(row.resource.kind, row.resource.id).run() : write(do_.put_letter, row);
  }
  result<void> apply(rebuild_owed& row, numbers&) {
    return row.owed ? write(do_.put_owed, row)
                    : do_.end_owed.bind(row.resource.kind, row.resource.id, row.host.value()).run();
  }
  result<void> apply(tree& row, numbers&) { return write(do_.put_tree, row); }
  result<void> apply(branch& row, numbers&) { return put(do_.update_branch, do_.insert_branch, row); }
  result<void> apply(report& row, numbers& given) { return append(do_.add_report, row, given); }
  result<void> apply(event& row, numbers& given) { return append(do_.add_event, row, given); }
  result<void> apply(end_lease& what, numbers&) {
    return do_.end_lease.bind(what.host.value(), what.scope, what.job.value()).run();
  }
  result<void> apply(end_report& what, numbers&) { return do_.end_report.bind(what.sequence).run(); }
  result<void> apply(forget_resource& what, numbers&) {
    return do_.forget_resource.bind(what.id.kind, what.id.id).run();
  }

  template <class Row>
  result<void> put(sqlite::statement& update, sqlite::statement& insert, const Row& row) {
    if (auto done = write(update, row); !done || sqlite3_changes(db_.raw()) > 0) return done;
    return write(insert, row);
  }

  /// The same where the insertion leaves alone what is there. `is_new`: it most likely is not; a wrong guess costs a statement.
  template <class Row>
  result<void> put_once(sqlite::statement& update, sqlite::statement& insert, const Row& row, bool is_new) {
    for (auto* way : {is_new ? &insert : &update, is_new ? &update : &insert})
      if (auto done = write(*way, row); !done || sqlite3_changes(db_.raw()) > 0) return done;
    return fail(error_kind::bug, "journal_constraint", "another such row is there already");
  }

  template <class Row>
  result<void> append(sqlite::statement& to, Row& row, numbers& given) {
    auto done = write(to, row);
    if (done) given.emplace_back(&row.sequence, sqlite3_last_insert_rowid(db_.raw()));
    return done;
  }

  result<event_range> trim_events(std::int64_t added);
  result<void> trim_jobs(std::int64_t ended);
  void checkpoint_if_due();

  static int log_grew(void* self, sqlite3*, const char*, int pages) {
    static_cast<sqlite_journal*>(self)->log_bytes_ = pages * static_cast<sqlite_journal*>(self)->page_bytes_;
    return SQLITE_OK;
  }

  // The lock goes last: after the connection has closed, and the statements before it.
  writer_lock lock_;
  sqlite::connection db_;
  statements do_;
  event_range events_;
  std::int64_t events_kept_;
  std::int64_t jobs_kept_;
  std::int64_t page_bytes_;
  std::int64_t log_bytes_ = 0;
  job_id newest_job_;      // the highest number that was written in this life
  job_id newest_written_;  // the last job of this group that was higher than all before it
};

result<journal_contents> sqlite_journal::begin_reign() {
  auto raise = sqlite::transaction_guard::begin(db_);
  if (!raise) return failure(raise.error());
  if (auto done = db_.run("UPDATE meta SET epoch = epoch + 1", "raise the epoch of"); !done)
    return failure(done.error());
  if (auto done = raise->commit(); !done) return failure(done.error());

  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  return load_contents(db_);
}

result<void> sqlite_journal::commit(std::span<transaction> group) {
  if (group.empty()) return {};
  numbers given;
  if (auto done = write_group(group, given); !done) {
    db_.roll_back();
    return done;
  }
  for (const auto& [into, number] : given) *into = number;
  checkpoint_if_due();
  return {};
}

result<void> sqlite_journal::write_group(std::span<transaction> group, numbers& given) {
  if (auto begun = do_.begin.run(); !begun) return begun;
  newest_written_ = {};
  std::int64_t added = 0, ended = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (std::size_t k = 0; k < group[i].size(); ++k) {
      auto& row = group[i][k];
      auto done = std::visit([&](auto& one) { return apply(one, given); }, row);
      if (!done) {
        auto why = done.error();
        why.message = fmt::format("transaction {}, row {} ({}): {}", i, k, rows::describe(row), why.message);
        return failure(std::move(why));
      }
      added += std::holds_alternative<event>(row) ? 1 : 0;
      if (const auto* one = std::get_if<job>(&row)) ended += is_open(one->state) ? 0 : 1;
    }
  }
  auto kept = trim_events(added);
  if (!kept) return failure(kept.error());
  if (auto done = trim_jobs(ended); !done) return done;
  if (auto done = do_.commit.run(); !done) return done;
  events_ = *kept;
  return {};
}

result<void> sqlite_journal::apply(resource& row, numbers&) {
  if (auto done = put(do_.update_resource, do_.insert_resource, row); !done || row.document.empty()) return done;
  rows::bind_document(do_.put_document, row);
  return do_.put_document.run();
}

result<void> sqlite_journal::apply(job& row, numbers&) {
  const bool is_new = newest_job_ < row.id;
  if (is_new) newest_job_ = newest_written_ = row.id;
  return put_once(do_.update_job, do_.insert_job, row, is_new);
}

/// The range after this group: its `added` events, less the oldest ones above the bound.
result<event_range> sqlite_journal::trim_events(std::int64_t added) {
  auto range = events_;
  range.last += added;
  const auto surplus = std::min(range.count() - events_kept_, std::max(trim_events_least, 2 * added));
  if (surplus <= 0) return range;
  range.first += surplus;
  if (auto done = do_.trim_events.bind(range.first).run(); !done) return failure(done.error());
  return range;
}

/// The oldest ended jobs above the bound go, with their steps. `ended`: jobs of this group that are at their end.
result<void> sqlite_journal::trim_jobs(std::int64_t ended) {
  if (ended == 0) return {};
  auto count = do_.count_ended.step();
  if (!count) return failure(count.error());
  const auto surplus = std::min(do_.count_ended.number(0) - jobs_kept_, std::max(trim_jobs_least, 2 * ended));
  do_.count_ended.reset();
  return surplus <= 0 ? result<void>{} : do_.trim_jobs.bind(surplus).run();
}

/// The commit is durable before and without this: a failure here costs space in the log, and the next one tries again.
void sqlite_journal::checkpoint_if_due() {
  if (log_bytes_ < checkpoint_bytes) return;
  const int code = sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) log::warn("{}", sqlite::last_error(db_.raw(), code, "checkpoint").text());
}

result<event_range> find_events(sqlite::connection& db) {
  auto first = db.number("SELECT coalesce(min(sequence), 1) FROM event");
  if (!first) return failure(first.error());
  auto last = db.number("SELECT coalesce(max(sequence), 0) FROM event");
  if (!last) return failure(last.error());
  return event_range{*first, *last};
}

}  // namespace

result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path, const sqlite_journal_options& options) {
  auto real = real_path(path);
  if (!real) return failure(real.error());
  auto lock = writer_lock::take(*real);
  if (!lock) return failure(lock.error());
  if (std::filesystem::exists(restoring_path(*real))) {
    return fail(
        error_kind::permanent, "journal_restoring",
        "a restore of {} died before its end: do it again with `regent journal restore`, or, to go on with what "
        "is there, remove {}",
        *real, restoring_path(*real));
  }
  auto db = open_journal_file(*real, options);
  if (!db) return failure(db.error());
  auto events = find_events(*db);
  if (!events) return failure(events.error());
  auto prepared = statements::prepare(*db);
  if (!prepared) return failure(prepared.error());
  auto page_bytes = db->number("PRAGMA page_size");  // a journal that was made earlier has larger ones
  if (!page_bytes) return failure(page_bytes.error());
  return std::make_unique<sqlite_journal>(std::move(*lock), std::move(*db), std::move(*prepared), *events, *page_bytes,
                                          options);
}

result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path) { return open_sqlite_journal(path, {}); }

}  // namespace regent
