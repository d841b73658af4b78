#include "persistence/journal_restore.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/limits.hpp"
#include "persistence/file_copy.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_file.hpp"
#include "persistence/migrations.hpp"
#include "persistence/rows.hpp"
#include "persistence/writer_lock.hpp"
#include "region/event_topic.hpp"

namespace regent {

namespace {

/// What the files of a journal are called besides its own name.
constexpr const char* companions[] = {"-wal", "-shm", "-journal"};

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// What the two files say of the time since the backup.
struct known_past {
  epoch_number epoch = 0;
  std::int64_t last_job = 0;
  wall_time runs_end{};  ///< when the last run that was sent must have ended
  std::string last_run;  ///< that one, in words; empty if none was under way
};

/// The journal was last written to then: whatever it says was sent, was sent before.
result<wall_time> last_written(const std::string& path) {
  wall_time last{};
  for (const auto& file : {path, path + "-wal"}) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) {
      if (errno == ENOENT) continue;  // opening it will say so
      return failure(sqlite::file_error("look at", file, errno));
    }
    last = std::max(last, wall_time(std::chrono::seconds(about.st_mtim.tv_sec + 1)));
  }
  return last;
}

result<void> learn_runs(sqlite::connection& db, wall_time sent_by, known_past& into) {
  // Not when a step was first begun: a later attempt may have been sent long after that.
  auto ask = db.prepare("SELECT run, host, deadline FROM step WHERE state = 'sent' ORDER BY deadline DESC LIMIT 1");
  if (!ask) return failure(ask.error());
  auto row = ask->step();
  if (!row) return failure(row.error());
  if (!*row) return {};
  const auto end = sent_by + milliseconds(ask->number(2)) + limits::cancel_grace;
  if (end <= into.runs_end) return {};
  into.runs_end = end;
  into.last_run = fmt::format("run {} on {}", ask->text(0), ask->text(1));
  return {};
}

result<void> learn(const std::string& path, known_past& into) {
  auto written = last_written(path);  // before the file is opened
  if (!written) return failure(written.error());
  auto db = open_journal_to_read(path);
  if (!db) return failure(db.error());
  auto identity = identity_of(*db);
  if (!identity) return failure(identity.error());
  into.epoch = std::max(into.epoch, identity->epoch);
  into.last_job = std::max(into.last_job, identity->last_job);
  return learn_runs(*db, *written, into);
}

epoch_number raised(epoch_number known, wall_time now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return std::max(known + limits::restore_epoch_raise, static_cast<epoch_number>(std::max<std::int64_t>(seconds, 0)));
}

result<std::int64_t> changed_by(sqlite::connection& db, const std::string& sql) {
  if (auto done = db.run(sql, "restore"); !done) return failure(done.error());
  return sqlite3_changes(db.raw());
}

/// A repair that has not begun, and removes from a host that was away what is closed for ever: it is owed as long as nobody has done it.
constexpr const char* owed_to_what_is_closed =
    "repair AND what = 'scrub' AND state = 'waiting' AND started IS NULL AND EXISTS"
    " (SELECT 1 FROM resource r WHERE r.kind = job.kind AND r.id = job.resource AND r.state = 'closed')";

/// What was open or on its way when the backup was made.
result<void> end_what_was_open(sqlite::connection& db, wall_time now, journal_restored& made) {
  const auto at = now.time_since_epoch().count();
  auto reports = changed_by(db, "DELETE FROM report");
  if (!reports) return failure(reports.error());
  made.reports_dropped = *reports;
  auto jobs = changed_by(
      db, fmt::format(
              "DELETE FROM lease;"
              "UPDATE step SET state = 'unknown', ended = {0}, error = 'outcome_unknown: the journal was restored"
              " from a backup that was made before the run had ended' WHERE state = 'sent';"
              "UPDATE job SET state = 'superseded', ended = {0}, waits_for = '', wait_deadline = NULL,"
              " error_code = 'journal_restored', error_message = 'open when the backup was made that the journal was"
              " restored from: the cloud is asked anew' WHERE state IN ({1}) AND NOT ({2})",
              at, rows::open_job_states(), owed_to_what_is_closed));
  if (!jobs) return failure(jobs.error());
  made.jobs_ended = *jobs;
  return {};
}

result<void> tell(sqlite::connection& db, wall_time now, const journal_restored& made) {
  event told;
  told.at = now;
  told.topic = name(event_topic::journal_restored);
  told.text = fmt::format(
      "from the backup of journal {}, epoch {}; now journal {}, epoch {}; {} open jobs ended, {} reports dropped",
      made.former_id, made.former_epoch, made.journal_id, made.epoch, made.jobs_ended, made.reports_dropped);
  auto add = db.prepare(rows::add_event());
  if (!add) return failure(add.error());
  rows::bind(*add, told);
  return add->run();
}

/// See the head of journal_restore.hpp.
result<void> forget_the_present(sqlite::connection& db, const known_past& past, wall_time now, journal_restored& made) {
  // A file that is not whole yet is thrown away: it needs no journal of its own beside it.
  if (auto done = db.run("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF", "configure"); !done) return done;
  auto work = sqlite::transaction_guard::begin(db);
  if (!work) return failure(work.error());
  if (auto done = end_what_was_open(db, now, made); !done) return done;
  const auto rest = fmt::format(
      "UPDATE resource SET state = 'ignore' WHERE state <> 'closed'; UPDATE host SET boot_id = '{}';"
      "UPDATE schedule SET dealt = NULL;"
      "UPDATE meta SET journal_id = '{}', epoch = {}, last_job = {}",
      restored_boot_id, made.journal_id, made.epoch, past.last_job);
  if (auto done = db.run(rest, "restore"); !done) return done;
  if (auto done = tell(db, now, made); !done) return done;
  return work->commit();
}

/// The backup as it is to be, under `to`: whole, checked and on the disk.
result<journal_restored> prepare(const std::string& from, const std::string& to, const known_past& past,
                                 wall_time now) {
  auto source = open_journal_to_read(from);
  if (!source) return failure(source.error());
  const auto known = journal_migrations().back().version;
  auto version = schema_version(*source, known);
  if (!version) return failure(version.error());
  if (*version < known)
    return fail(error_kind::permanent, "journal_older",
                "{} has schema {} and this regent makes schema {}: restore it with the regent that made it, then start "
                "this one",
                from, *version, known);
  if (auto copied = copy_database(*source, to); !copied) return failure(copied.error());
  auto db = sqlite::connection::open(to, SQLITE_OPEN_READWRITE, milliseconds(0));
  if (!db) return failure(db.error());
  journal_restored made;
  auto findings = check_journal(*db);
  if (!findings) return failure(findings.error());
  if (is_damaged(*findings))
    return fail(error_kind::permanent, "journal_corrupt", "{} is damaged, and nothing was changed: {}", from,
                findings->front().what);
  made.findings = std::move(*findings);
  auto identity = identity_of(*db);
  if (!identity) return failure(identity.error());
  made.former_id = identity->journal_id;
  made.former_epoch = identity->epoch;
  do made.journal_id = new_journal_id();
  while (made.journal_id == made.former_id);
  made.epoch = raised(past.epoch, now);
  if (auto done = forget_the_present(*db, past, now, made); !done) return failure(done.error());
  *db = sqlite::connection{};  // nothing may be left to write
  if (auto synced = sync_path(to); !synced) return failure(synced.error());
  return made;
}

/// "20261120T181502Z"
std::string stamp(wall_time now) {
  auto text = iso_text(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text.substr(0, text.find('.')) + "Z";
}

std::string name_aside(const std::string& path, wall_time now) {
  const auto base = fmt::format("{}.before-restore-{}", path, stamp(now));
  auto name = base;
  for (int again = 2; is_there(name) || is_there(name + "-wal"); ++again) name = fmt::format("{}-{}", base, again);
  return name;
}

result<void> rename_file(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return failure(sqlite::file_error("rename", from, errno));
  return {};
}

/// With its log: without that the file is not what it was.
result<std::string> set_aside(const std::string& path, wall_time now) {
  const auto aside = name_aside(path, now);
  bool any = false;
  for (const auto* suffix : companions) {
    if (!is_there(path + suffix)) continue;
    if (auto done = rename_file(path + suffix, aside + suffix); !done) return failure(done.error());
    any = true;
  }
  if (is_there(path)) {
    if (auto done = rename_file(path, aside); !done) return failure(done.error());
    any = true;
  }
  return any ? aside : std::string();
}

/// From the moment on that `ready` has its name, no daemon begins until it is the journal.
result<std::string> take_place(const std::string& part, const std::string& path, wall_time now) {
  const auto ready = restoring_path(path);
  const auto folder = folder_of(path);
  if (auto done = rename_file(part, ready); !done) return failure(done.error());
  if (auto synced = sync_path(folder); !synced) return failure(synced.error());
  auto aside = set_aside(path, now);
  if (!aside) return aside;
  if (auto synced = sync_path(folder); !synced) return failure(synced.error());
  if (auto done = rename_file(ready, path); !done) return failure(done.error());
  if (auto synced = sync_path(folder); !synced) return failure(synced.error());
  return aside;
}

result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure(sqlite::file_error("remove", path, errno));
  return {};
}

/// Root restores, and the daemon is somebody else: its files belong to whom their folder belongs to.
result<void> give_to_owner_of_folder(const std::string& path) {
  if (::geteuid() != 0) return {};
  struct stat folder {};
  if (::stat(folder_of(path).c_str(), &folder) != 0)
    return failure(sqlite::file_error("look at", folder_of(path), errno));
  if (::chown(path.c_str(), folder.st_uid, folder.st_gid) != 0)
    return failure(sqlite::file_error("give away", path, errno));
  return {};
}

/// Nobody else's from the beginning, before SQLite opens it.
result<void> create_empty(const std::string& path) {
  if (auto gone = remove_file(path); !gone) return gone;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return failure(sqlite::file_error("create", path, errno));
  ::close(fd);
  return give_to_owner_of_folder(path);
}

result<void> refuse_itself(const std::string& from, const std::string& path) {
  std::error_code none;
  if (!std::filesystem::equivalent(from, path, none)) return {};
  return fail(error_kind::permanent, "journal_locked", "{} is the journal that is to be replaced: name a backup of it",
              from);
}

}  // namespace

result<journal_restored> restore_journal(const std::string& from, const std::string& path, const clock& time,
                                         const restore_options& options) {
  auto real = real_path(path);
  if (!real) return failure(real.error());
  auto lock = writer_lock::take(*real);
  if (!lock) return failure(lock.error());
  if (auto given = give_to_owner_of_folder(*real + ".lock"); !given) return failure(given.error());
  if (auto other = refuse_itself(from, *real); !other) return failure(other.error());
  known_past past;
  if (auto known = learn(from, past); !known) return failure(known.error());
  std::string unread;
  // A restore that died may have left two: one as it will be, and one set aside; the first has the higher epoch.
  for (const auto& there : {*real, restoring_path(*real)}) {
    if (!is_there(there)) continue;
    // It may be here because it cannot be read.
    if (auto known = learn(there, past); !known) unread = known.error().message;
  }
  const auto now = time.wall();
  if (!past.last_run.empty() && now < past.runs_end && !options.anyway)
    return fail(
        error_kind::transient, "runs_may_live",
        "{} may still be going on, until {} at the latest, and new jobs would begin beside it: wait until then, or "
        "use --force if you know better",
        past.last_run, iso_text(past.runs_end));
  const auto part = *real + ".restore-part";
  if (auto made = create_empty(part); !made) return failure(made.error());
  auto made = prepare(from, part, past, now);
  if (!made) {
    static_cast<void>(remove_file(part));  // what went wrong is told already, and the next restore removes it
    return made;
  }
  auto aside = take_place(part, *real, now);
  if (!aside) return failure(aside.error());
  made->set_aside = std::move(*aside);
  made->unread = std::move(unread);
  return made;
}

}  // namespace regent
