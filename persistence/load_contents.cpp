#include "persistence/load_contents.hpp"

#include "persistence/journal_file.hpp"
#include "persistence/rows.hpp"

namespace regent {

namespace {

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

template <class Row>
result<void> load(std::vector<Row>& into, sqlite::connection& db, const std::string& sql,
                  result<Row> (*read)(const sqlite::statement&)) {
  auto found = all(db, sql, read);
  if (!found) return failure(found.error());
  into = std::move(*found);
  return {};
}

result<void> load_rows(journal_contents& into, sqlite::connection& db) {
  const auto open_jobs =
      fmt::format("SELECT id FROM job INDEXED BY job_by_state WHERE state <> 'succeeded' AND state IN ({})",
                  rows::open_job_states());
  if (auto done = load(into.resources, db, fmt::format("SELECT {} FROM resource", rows::resource_columns),
                       &rows::read_resource);
      !done) {
    return done;
  }
  auto sql = fmt::format("SELECT {} FROM job WHERE id IN ({}) ORDER BY id", rows::job_columns, open_jobs);
  if (auto done = load(into.jobs, db, sql, &rows::read_job); !done) return done;
  sql = fmt::format("SELECT {} FROM step WHERE job IN ({}) ORDER BY job, number", rows::step_columns, open_jobs);
  if (auto done = load(into.steps, db, sql, &rows::read_step); !done) return done;
  sql = fmt::format("SELECT {} FROM tree WHERE job IN ({}) ORDER BY job", rows::tree_columns, open_jobs);
  if (auto done = load(into.trees, db, sql, &rows::read_tree); !done) return done;
  sql = fmt::format("SELECT {} FROM branch WHERE root IN ({}) ORDER BY root, number", rows::branch_columns, open_jobs);
  if (auto done = load(into.branches, db, sql, &rows::read_branch); !done) return done;
  sql = fmt::format("SELECT {} FROM lease ORDER BY host, scope", rows::lease_columns);
  if (auto done = load(into.leases, db, sql, &rows::read_lease); !done) return done;
  sql = fmt::format("SELECT {} FROM report ORDER BY sequence", rows::report_columns);
  if (auto done = load(into.reports, db, sql, &rows::read_report); !done) return done;
  sql = fmt::format("SELECT {} FROM cordon ORDER BY host", rows::cordon_columns);
  if (auto done = load(into.cordons, db, sql, &rows::read_cordon); !done) return done;
  sql = fmt::format("SELECT {} FROM sink ORDER BY name", rows::sink_columns);
  if (auto done = load(into.sinks, db, sql, &rows::read_sink); !done) return done;
  sql = fmt::format("SELECT {} FROM schedule ORDER BY name", rows::schedule_columns);
  if (auto done = load(into.schedules, db, sql, &rows::read_schedule); !done) return done;
  sql = fmt::format("SELECT {} FROM hold ORDER BY kind, id", rows::hold_columns);
  if (auto done = load(into.holds, db, sql, &rows::read_hold); !done) return done;
  sql = fmt::format("SELECT {} FROM dead_letter ORDER BY kind, id", rows::letter_columns);
  if (auto done = load(into.dead_letters, db, sql, &rows::read_letter); !done) return done;
  sql = fmt::format("SELECT {} FROM rebuild_owed ORDER BY kind, id, host", rows::owed_columns);
  if (auto done = load(into.rebuilds_owed, db, sql, &rows::read_owed); !done) return done;
  return load(into.hosts, db, fmt::format("SELECT {} FROM host ORDER BY host", rows::host_columns), &rows::read_host);
}

result<void> load_reign(journal_contents& into, sqlite::connection& db) {
  auto found = identity_of(db);
  if (!found) return failure(found.error());
  into.journal_id = std::move(found->journal_id);
  into.epoch = found->epoch;
  into.last_job = found->last_job;
  return {};
}

}  // namespace

result<journal_contents> load_contents(sqlite::connection& db) {
  journal_contents found;
  if (auto done = load_reign(found, db); !done) return failure(done.error());
  if (auto done = load_rows(found, db); !done) return failure(done.error());
  return found;
}

}  // namespace regent
