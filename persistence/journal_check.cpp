#include "persistence/journal_check.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "persistence/journal_file.hpp"
#include "persistence/migrations.hpp"
#include "persistence/rows.hpp"

namespace regent {

namespace {

/// One kind of finding: what the rows of `sql` say in their first column is wrong.
struct truth {
  const char* about;  ///< for "… could not be looked at"
  std::string sql;    ///< {open} stands for the states of open jobs
  const char* means;
  bool damage = false;
};

constexpr const char* restore_a_copy = "a part of the file is lost: keep it, and restore a backup";
constexpr const char* ends_at_start = "the daemon gives it back at its next start";
constexpr const char* not_ours = "no regent writes this: keep the file for a report";
constexpr const char* counts_wrong = "lists and metrics show a wrong total; what is done rests on the rows";

std::vector<truth> file_truths() {
  return {{"the file's pages",
           fmt::format("SELECT integrity_check FROM pragma_integrity_check({}) WHERE integrity_check <> 'ok'",
                       limits::findings_most),
           restore_a_copy, true},
          {"references between rows",
           "SELECT printf('%d rows of %s refer to rows of %s that are not there', count(*), \"table\", parent)"
           " FROM pragma_foreign_key_check GROUP BY \"table\", parent",
           restore_a_copy, true}};
}

std::vector<truth> row_truths() {
  return {
      {"leases",
       "SELECT printf('job %d holds %s on %s, and has ended: %s', l.job, l.scope, l.host, j.state) FROM lease l"
       " JOIN job j ON j.id = l.job WHERE j.state NOT IN ({open})",
       ends_at_start},
      {"dead letters",
       "SELECT printf('job %d of %s/%s waits for a decision, and is %s', d.job, d.kind, d.id, j.state) FROM "
       "dead_letter d"
       " JOIN job j ON j.id = d.job WHERE j.state <> 'failed'",
       "its resource is paused until somebody decides about it: regent mark-failed"},
      // A claim waits for the cloud before it is planned, and has no steps yet.
      {"steps of open jobs",
       "SELECT printf('job %d (%s of %s/%s) is %s and has no steps', id, what, kind, resource, state) FROM job"
       " WHERE state IN ({open}) AND (state = 'active' OR repair OR started IS NOT NULL)"
       " AND NOT EXISTS (SELECT 1 FROM step WHERE step.job = job.id)",
       "the job ends without having done anything"},
      {"run ids of sent steps",
       "SELECT printf('step %d of job %d was sent without a run id', number + 1, job) FROM step"
       " WHERE state = 'sent' AND run = ''",
       "its host cannot be asked what became of it"},
      {"sent steps of ended jobs",
       "SELECT printf('step %d of job %d is sent, and the job has ended: %s', s.number + 1, s.job, j.state) FROM step s"
       " JOIN job j ON j.id = s.job WHERE s.state = 'sent' AND j.state NOT IN ({open})",
       "nobody will ask its host what became of it"},
      {"run ids that are given twice",
       "SELECT printf('%d steps have the run id %s', count(*), run) FROM step WHERE run <> '' GROUP BY run HAVING "
       "count(*) > 1",
       "a host does a run once: one of the steps has the other's outcome"},
      {"open jobs of one resource",
       "SELECT printf('%s/%s has %d jobs at work: %s', kind, resource, count(*), group_concat(id, ', ')) FROM job"
       " WHERE state IN ({open}) AND NOT (repair AND state = 'waiting' AND started IS NULL)"
       " GROUP BY kind, resource HAVING count(*) > 1",
       "only one of them is taken up at a start: cancel the others"},
      {"counts of resources",
       "SELECT printf('%d resources of kind %s are %s%s, and counted as %d', sum(there), kind, state,"
       " CASE degraded WHEN 1 THEN ' and degraded' ELSE '' END, sum(counted)) FROM"
       " (SELECT kind, state, degraded, 1 AS there, 0 AS counted FROM resource"
       "  UNION ALL SELECT kind, state, degraded, 0, total FROM resource_count)"
       " GROUP BY kind, state, degraded HAVING sum(there) <> sum(counted)",
       counts_wrong},
      {"counts of jobs",
       "SELECT printf('%d jobs are %s, and counted as %d', sum(there), state, sum(counted)) FROM"
       " (SELECT state, 1 AS there, 0 AS counted FROM job UNION ALL SELECT state, 0, total FROM job_count)"
       " GROUP BY state HAVING sum(there) <> sum(counted)",
       counts_wrong},
      {"the numbers of events",
       "SELECT printf('%d events have the numbers %d to %d', count(*), min(sequence), max(sequence)) FROM event"
       " HAVING count(*) <> coalesce(max(sequence) - min(sequence) + 1, 0)",
       "events are missing in between: who reads them from a cursor will not know"},
      {"documents",
       "SELECT printf('there is a document of %s/%s, and no such resource', kind, id) FROM document d"
       " WHERE NOT EXISTS (SELECT 1 FROM resource r WHERE r.kind = d.kind AND r.id = d.id)",
       restore_a_copy, true},
      {"the journal's identity", "SELECT 'the table meta has ' || count(*) || ' rows' FROM meta HAVING count(*) <> 1",
       restore_a_copy, true},
      {"the highest number of a job",
       "SELECT printf('job %d is there, and the highest number given out is %d', (SELECT max(id) FROM job), last_job)"
       " FROM meta WHERE last_job < (SELECT max(id) FROM job)",
       not_ours},
  };
}

std::string with_open_states(std::string sql) {
  constexpr std::string_view mark = "{open}";
  for (auto at = sql.find(mark); at != std::string::npos; at = sql.find(mark))
    sql.replace(at, mark.size(), rows::open_job_states());
  return sql;
}

result<void> look(sqlite::connection& db, const truth& at, std::vector<journal_finding>& found) {
  auto ask = db.prepare(with_open_states(at.sql));
  if (!ask) return failure(ask.error());
  for (int count = 0;; ++count) {
    auto more = ask->step();
    if (!more) return failure(more.error());
    if (!*more) {
      const auto beyond = count - limits::findings_most;
      if (beyond > 0) found.push_back({fmt::format("and {} more of these", beyond), at.means, at.damage});
      return {};
    }
    if (count < limits::findings_most) found.push_back({ask->text(0), at.means, at.damage});
  }
}

/// What cannot be read for damage is a finding; whatever else fails (a disk, a lock) is an error.
result<void> look_at_all(sqlite::connection& db, const std::vector<truth>& all, std::vector<journal_finding>& found) {
  for (const auto& one : all) {
    auto done = look(db, one, found);
    if (done) continue;
    if (done.error().code != "journal_corrupt" && done.error().code != "journal_internal") return done;
    found.push_back({fmt::format("{} cannot be read: {}", one.about, done.error().message), restore_a_copy, true});
  }
  return {};
}

}  // namespace

result<std::vector<journal_finding>> check_journal(sqlite::connection& db) {
  std::vector<journal_finding> found;
  // One moment for all of it: counts and rows must be of the same.
  auto moment = sqlite::transaction_guard::begin(db, "BEGIN");
  if (!moment) return failure(moment.error());
  const auto known = journal_migrations().back().version;
  auto version = schema_version(db, known);
  if (!version) return failure(version.error());
  if (auto done = look_at_all(db, file_truths(), found); !done) return failure(done.error());
  if (*version < known) {
    found.push_back(
        {fmt::format("the schema is {}, and this regent's {}: only the file was looked at", *version, known),
         "the daemon migrates it at its next start"});
    return found;
  }
  if (auto done = look_at_all(db, row_truths(), found); !done) return failure(done.error());
  return found;
}

result<std::vector<journal_finding>> check_journal(const std::string& path) {
  auto db = open_journal_to_read(path);
  if (!db) return failure(db.error());
  return check_journal(*db);
}

bool is_damaged(const std::vector<journal_finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const journal_finding& one) { return one.damage; });
}

}  // namespace regent
