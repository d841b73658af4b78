#include "persistence/sqlite_journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>

#include "base/log.hpp"
#include "persistence/file_check.hpp"
#include "persistence/rows.hpp"
#include "persistence/sqlite.hpp"
#include "persistence/writer_lock.hpp"

namespace regent {

namespace {

// Only a process that recovers or closes the file can hold the writer up, and not for long.
constexpr auto busy_timeout = milliseconds(2000);
// 4 MB of log: a checkpoint between two commits takes some milliseconds.
constexpr int checkpoint_pages = 1000;
constexpr std::int64_t log_kept_bytes = 16 << 20;
// An old journal that is over its bound shrinks by this much in one commit, or by twice what the commit adds.
constexpr std::int64_t trim_events_least = 64;

/// The statements of the write path, prepared once.
struct statements {
  sqlite::statement begin, commit, put_resource, put_document, put_job, put_step, put_lease, put_host, add_report,
      add_event, end_lease, end_report, forget_resource, trim_events;

  static result<statements> prepare(sqlite::connection& db) {
    statements made;
    const std::pair<sqlite::statement*, std::string> all[] = {
        {&made.begin, "BEGIN IMMEDIATE"},
        {&made.commit, "COMMIT"},
        {&made.put_resource, rows::put_resource()},
        {&made.put_document, rows::put_document()},
        {&made.put_job, rows::put_job()},
        {&made.put_step, rows::put_step()},
        {&made.put_lease, rows::put_lease()},
        {&made.put_host, rows::put_host()},
        {&made.add_report, rows::add_report()},
        {&made.add_event, rows::add_event()},
        {&made.end_lease, "DELETE FROM lease WHERE host = ? AND scope = ? AND job = ?"},
        {&made.end_report, "DELETE FROM report WHERE sequence = ?"},
        {&made.forget_resource, "DELETE FROM resource WHERE kind = ? AND id = ?"},
        {&made.trim_events, "DELETE FROM event WHERE sequence < ?"}};
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
  sqlite_journal(writer_lock lock, sqlite::connection db, statements with, event_range events, std::int64_t events_kept)
      : lock_(std::move(lock)), db_(std::move(db)), do_(std::move(with)), events_(events), events_kept_(events_kept) {
    sqlite3_wal_hook(db_.raw(), &sqlite_journal::log_grew, this);
  }

  result<journal_contents> begin_reign() override;
  result<void> commit(std::span<transaction> group) override;

 private:
  result<void> write_group(std::span<transaction> group, numbers& given);
  result<void> apply(resource& row, numbers&);
  result<void> apply(job& row, numbers&);
  result<void> apply(step& row, numbers&) { return write(do_.put_step, row); }
  result<void> apply(lease& row, numbers&) { return write(do_.put_lease, row); }
  result<void> apply(host_seen& row, numbers&) { return write(do_.put_host, row); }
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
  result<void> append(sqlite::statement& to, Row& row, numbers& given) {
    auto done = write(to, row);
    if (done) given.emplace_back(&row.sequence, sqlite3_last_insert_rowid(db_.raw()));
    return done;
  }

  result<event_range> trim_events(std::int64_t added);
  void checkpoint_if_due();

  static int log_grew(void* self, sqlite3*, const char*, int pages) {
    static_cast<sqlite_journal*>(self)->log_pages_ = pages;
    return SQLITE_OK;
  }

  // The lock goes last: after the connection has closed, and the statements before it.
  writer_lock lock_;
  sqlite::connection db_;
  statements do_;
  event_range events_;
  std::int64_t events_kept_;
  int log_pages_ = 0;
};

template <class Row>
result<std::vector<Row>> all(sqlite::connection& db, const std::string& sql,
                             result<Row> (*read)(const sqlite::statement&)) {
  auto ask = db.prepare(sql);
  if (!ask) return failure(ask.error());
  std::vector<Row> found;
  for (;;) {
    auto more = ask->step();
    if (!more) return failure(more.error());
    if (!*more) return found;
    auto row = read(*ask);
    if (!row) return failure(row.error());
    found.push_back(std::move(*row));
  }
}

std::string open_states() {
  std::string list;
  for (std::size_t i = 0; i < job_state_names.size(); ++i) {
    if (is_open(static_cast<job_state>(i))) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", job_state_names[i]);
  }
  return list;
}

template <class Row>
result<void> load(std::vector<Row>& into, sqlite::connection& db, const std::string& sql,
                  result<Row> (*read)(const sqlite::statement&)) {
  auto found = all(db, sql, read);
  if (!found) return failure(found.error());
  into = std::move(*found);
  return {};
}

result<void> load_rows(journal_contents& into, sqlite::connection& db) {
  const auto open_jobs = fmt::format("SELECT id FROM job WHERE state IN ({})", open_states());
  if (auto done = load(into.resources, db, fmt::format("SELECT {} FROM resource", rows::resource_columns),
                       &rows::read_resource);
      !done) {
    return done;
  }
  auto sql = fmt::format("SELECT {} FROM job WHERE id IN ({}) ORDER BY id", rows::job_columns, open_jobs);
  if (auto done = load(into.jobs, db, sql, &rows::read_job); !done) return done;
  sql = fmt::format("SELECT {} FROM step WHERE job IN ({}) ORDER BY job, number", rows::step_columns, open_jobs);
  if (auto done = load(into.steps, db, sql, &rows::read_step); !done) return done;
  sql = fmt::format("SELECT {} FROM lease ORDER BY host, scope", rows::lease_columns);
  if (auto done = load(into.leases, db, sql, &rows::read_lease); !done) return done;
  sql = fmt::format("SELECT {} FROM report ORDER BY sequence", rows::report_columns);
  if (auto done = load(into.reports, db, sql, &rows::read_report); !done) return done;
  return load(into.hosts, db, fmt::format("SELECT {} FROM host ORDER BY host", rows::host_columns), &rows::read_host);
}

result<void> load_reign(journal_contents& into, sqlite::connection& db) {
  auto ask = db.prepare("SELECT journal_id, epoch, last_job FROM meta");
  if (!ask) return failure(ask.error());
  auto row = ask->step();
  if (!row) return failure(row.error());
  if (!*row)
    return fail(error_kind::permanent, "journal_corrupt", "the journal has lost its identity (table meta is empty)");
  into.journal_id = ask->text(0);
  into.epoch = static_cast<epoch_number>(ask->number(1));
  into.last_job = ask->number(2);
  return {};
}

result<journal_contents> sqlite_journal::begin_reign() {
  auto raise = sqlite::transaction_guard::begin(db_);
  if (!raise) return failure(raise.error());
  if (auto done = db_.run("UPDATE meta SET epoch = epoch + 1", "raise the epoch of"); !done)
    return failure(done.error());
  if (auto done = raise->commit(); !done) return failure(done.error());

  auto look = sqlite::transaction_guard::begin(db_, "BEGIN");
  if (!look) return failure(look.error());
  journal_contents found;
  if (auto done = load_reign(found, db_); !done) return failure(done.error());
  if (auto done = load_rows(found, db_); !done) return failure(done.error());
  return found;
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
  std::int64_t added = 0;
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
    }
  }
  auto kept = trim_events(added);
  if (!kept) return failure(kept.error());
  if (auto done = do_.commit.run(); !done) return done;
  events_ = *kept;
  return {};
}

result<void> sqlite_journal::apply(resource& row, numbers&) {
  if (auto done = write(do_.put_resource, row); !done || row.document.empty()) return done;
  rows::bind_document(do_.put_document, row);
  return do_.put_document.run();
}

result<void> sqlite_journal::apply(job& row, numbers&) {
  if (auto done = write(do_.put_job, row); !done) return done;
  if (sqlite3_changes(db_.raw()) == 1) return {};
  return fail(error_kind::bug, "journal_constraint", "this job exists already, for another resource than {}",
              row.resource.text());
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

/// The commit is durable before and without this: a failure here costs space in the log, and the next one tries again.
void sqlite_journal::checkpoint_if_due() {
  if (log_pages_ < checkpoint_pages) return;
  const int code = sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) log::warn("{}", sqlite::last_error(db_.raw(), code, "checkpoint").text());
}

/// Symbolic links resolved, so that two names of one file are one lock.
result<std::string> real_path(const std::string& path) {
  std::error_code code;
  auto real = std::filesystem::weakly_canonical(path, code);
  if (code) return failure(sqlite::file_error("resolve", path, code.value()));
  if (std::filesystem::is_directory(real, code)) return failure(sqlite::file_error("open", path, EISDIR));
  return real.string();
}

/// The journal knows what tenants have declared: for its owner only. SQLite gives its log the same mode.
result<void> create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return failure(sqlite::file_error("open", path, errno));
  ::close(fd);
  return {};
}

result<void> configure(sqlite::connection& db, const sqlite_journal_options& options) {
  auto mode = db.text("PRAGMA journal_mode = WAL");
  if (!mode) return failure(mode.error());
  if (*mode != "wal") {
    return fail(error_kind::permanent, "journal_io",
                "the journal's file system cannot do write-ahead logging (mode '{}')", *mode);
  }
  auto settings = fmt::format(
      "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = {}; PRAGMA trusted_schema "
      "= OFF;"
      "PRAGMA cell_size_check = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
      log_kept_bytes);
  if (options.pages_most > 0) settings += fmt::format("PRAGMA max_page_count = {};", options.pages_most);
  return db.run(settings, "configure");
}

std::string new_journal_id() {
  std::random_device random;
  return fmt::format("{:08x}", random() & 0xffffffffU);
}

result<void> ensure_identity(sqlite::connection& db) {
  auto there = db.number("SELECT count(*) FROM meta");
  if (!there) return failure(there.error());
  if (*there > 0) return {};
  auto add = db.prepare("INSERT INTO meta (only, journal_id, epoch, last_job) VALUES (1, ?, 0, 0)");
  if (!add) return failure(add.error());
  const auto id = new_journal_id();
  return add->bind(id).run();
}

result<event_range> find_events(sqlite::connection& db) {
  auto first = db.number("SELECT coalesce(min(sequence), 1) FROM event");
  if (!first) return failure(first.error());
  auto last = db.number("SELECT coalesce(max(sequence), 0) FROM event");
  if (!last) return failure(last.error());
  return event_range{*first, *last};
}

/// The file as the write path needs it: checked, migrated, identified.
result<sqlite::connection> open_file(const std::string& path, const sqlite_journal_options& options) {
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, busy_timeout);
  if (!db) return db;
  // Before anything is written: a file that we do not understand stays as it is.
  auto version = schema_version(*db, options.steps.empty() ? 0 : options.steps.back().version);
  if (!version) return failure(version.error());
  if (auto done = configure(*db, options); !done) return failure(done.error());
  if (*version > 0) {
    if (auto sound = check_file(*db, options.check_budget); !sound) return failure(sound.error());
  }
  if (auto done = migrate(*db, path, options.steps); !done) return failure(done.error());
  if (auto done = db->run("PRAGMA foreign_keys = ON", "configure"); !done) return failure(done.error());
  if (auto done = ensure_identity(*db); !done) return failure(done.error());
  return db;
}

}  // namespace

result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path, const sqlite_journal_options& options) {
  auto real = real_path(path);
  if (!real) return failure(real.error());
  auto lock = writer_lock::take(*real);
  if (!lock) return failure(lock.error());
  if (auto made = create_private(*real); !made) return failure(made.error());
  auto db = open_file(*real, options);
  if (!db) return failure(db.error());
  auto events = find_events(*db);
  if (!events) return failure(events.error());
  auto prepared = statements::prepare(*db);
  if (!prepared) return failure(prepared.error());
  return std::make_unique<sqlite_journal>(std::move(*lock), std::move(*db), std::move(*prepared), *events,
                                          options.events_kept);
}

result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& path) { return open_sqlite_journal(path, {}); }

}  // namespace regent
