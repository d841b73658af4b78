#include "persistence/journal_history.hpp"

#include <filesystem>
#include <thread>

#include "base/limits.hpp"
#include "persistence/journal_file.hpp"
#include "persistence/migrations.hpp"
#include "persistence/rows.hpp"
#include "persistence/writer_lock.hpp"

namespace regent {

namespace {

constexpr auto compact_busy_timeout = milliseconds(5000);
constexpr milliseconds day = std::chrono::hours(24);

result<void> expect_newest_schema(sqlite::connection& db, const std::string& path) {
  const auto known = journal_migrations().back().version;
  auto version = schema_version(db, known);
  if (!version) return failure(version.error());
  if (*version == known) return {};
  return fail(error_kind::permanent, "journal_older", "{} has schema {} and not {}: start regent once to migrate it",
              path, *version, known);
}

result<sqlite::connection> open_to_compact(const std::string& path) {
  if (auto there = open_journal_to_read(path); !there) return there;
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, compact_busy_timeout);
  if (!db) return db;
  if (auto done = expect_newest_schema(*db, path); !done) return failure(done.error());
  // Steps go with their jobs. The log is the daemon's to empty.
  const auto* settings = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0";
  if (auto done = db->run(settings, "configure"); !done) return failure(done.error());
  return db;
}

std::int64_t size_of(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : static_cast<std::int64_t>(size);
}

class compacting {
 public:
  static result<compacting> begin(sqlite::connection& db) {
    compacting made(db);
    const auto ended =
        fmt::format("state NOT IN ({}) AND id NOT IN (SELECT job FROM lease UNION ALL SELECT job FROM dead_letter)",
                    rows::open_job_states());
    auto find =
        db.prepare(fmt::format("SELECT id FROM job AS old NOT INDEXED WHERE id > ? AND ended < ? AND {} AND "
                               "(old.repair OR EXISTS (SELECT 1 FROM job AS"
                               " newer WHERE newer.kind = old.kind AND newer.resource = old.resource AND newer.id > "
                               "old.id AND NOT newer.repair))"
                               " ORDER BY id LIMIT ?",
                               ended));
    if (!find) return failure(find.error());
    made.find_ = std::move(*find);
    auto remove = db.prepare(fmt::format("DELETE FROM job WHERE id = ? AND {}", ended));
    if (!remove) return failure(remove.error());
    made.remove_ = std::move(*remove);
    return made;
  }

  /// How many were deleted; none at the end.
  result<std::int64_t> next(wall_time before) {
    // Found without the writer's lock: what has ended does not begin again.
    std::vector<std::int64_t> found;
    find_.bind(above_, before, limits::compact_jobs_at_once);
    for (;;) {
      auto more = find_.step();
      if (!more) return failure(more.error());
      if (!*more) break;
      found.push_back(find_.number(0));
    }
    if (found.empty()) return 0;
    auto work = sqlite::transaction_guard::begin(*db_);
    if (!work) return failure(work.error());
    for (const auto id : found)
      if (auto done = remove_.bind(id).run(); !done) return failure(done.error());
    if (auto done = work->commit(); !done) return failure(done.error());
    above_ = found.back();
    return static_cast<std::int64_t>(found.size());
  }

 private:
  explicit compacting(sqlite::connection& db) : db_(&db) {}
  sqlite::connection* db_;
  sqlite::statement find_, remove_;
  std::int64_t above_ = 0;
};

result<std::int64_t> delete_all(sqlite::connection& db, wall_time before) {
  auto work = compacting::begin(db);
  if (!work) return failure(work.error());
  for (std::int64_t deleted = 0;;) {
    auto some = work->next(before);
    if (!some || *some == 0) return some ? result<std::int64_t>(deleted) : some;
    deleted += *some;
    std::this_thread::sleep_for(limits::compact_pause);
  }
}

}  // namespace

result<std::vector<history_row>> read_history(const std::string& path) {
  auto db = open_journal_to_read(path);
  if (!db) return failure(db.error());
  if (auto done = expect_newest_schema(*db, path); !done) return failure(done.error());
  auto ask =
      db->prepare(fmt::format("SELECT day, kind, what, state, sum(total), sum(took), max(longest) FROM (SELECT * FROM "
                              "job_summary UNION ALL SELECT"
                              " ended / {0}, kind, what, state, 1, coalesce(max(ended - started, 0), 0), "
                              "coalesce(max(ended - started, 0), 0) FROM job"
                              " WHERE ended IS NOT NULL AND state NOT IN ({1})) GROUP BY day, kind, what, state ORDER "
                              "BY day DESC, kind, what, state",
                              day.count(), rows::open_job_states()));
  if (!ask) return failure(ask.error());
  std::vector<history_row> found;
  for (;;) {
    auto more = ask->step();
    if (!more) return failure(more.error());
    if (!*more) return found;
    found.push_back({wall_time(day * ask->number(0)), ask->text(1), ask->text(2), ask->text(3), ask->number(4),
                     milliseconds(ask->number(5)), milliseconds(ask->number(6))});
  }
}

result<compact_result> compact_journal(const std::string& path, wall_time before, wall_time now) {
  auto real = real_path(path);
  if (!real) return failure(real.error());
  if (auto there = open_journal_to_read(*real); !there) return failure(there.error());
  compact_result made;
  auto lock = writer_lock::take(*real);
  if (!lock && lock.error().code != "journal_locked") return failure(lock.error());
  made.live = !lock;
  auto db = open_to_compact(*real);
  if (!db) return failure(db.error());
  made.bytes_before = size_of(*real);
  auto deleted = delete_all(*db, before);
  if (!deleted) return failure(deleted.error());
  made.jobs = *deleted;
  const auto oldest = (now - limits::summaries_age).time_since_epoch() / day;
  if (auto done = db->run(fmt::format("DELETE FROM job_summary WHERE day < {}", oldest), "compact"); !done)
    return failure(done.error());
  if (!made.live) {
    if (auto done = db->run("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", "compact"); !done) return failure(done.error());
  }
  made.bytes_after = size_of(*real);
  return made;
}

}  // namespace regent
