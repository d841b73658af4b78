// How the journal's rows and our structs correspond: the only place that knows both the columns' order and the members.
#pragma once

#include <string>

#include "persistence/journal.hpp"
#include "persistence/sqlite.hpp"

namespace regent::rows {

// Columns in the order in which bind() binds them and read_…() reads them.
inline constexpr const char* resource_columns =
    "kind, id, state, name, project, updated, reason, degraded, changed, due, unconfirmed";
inline constexpr const char* job_columns =
    "id, kind, resource, parent, root, what, during, state, lane, cause, repair, only_host, attempt, not_before, "
    "cancel, "
    "waits_for, wait_deadline, created, started, ended, deadline, degraded, error_code, error_message, "
    "decided";
inline constexpr const char* step_columns =
    "job, number, host, primitive, verb, role, about, parameters, deadline, stall, state, run, attempt, exit_code, "
    "output, "
    "error, "
    "boot_id, undo, started, ended";
inline constexpr const char* lease_columns = "host, scope, job, epoch, since";
inline constexpr const char* report_columns = "sequence, kind, resource, job, state, created";
inline constexpr const char* event_columns = "sequence, at, topic, kind, resource, root, job, body";
inline constexpr const char* host_columns = "host, boot_id, at";
inline constexpr const char* cordon_columns = "host, why, since, how, last_job, drained";
inline constexpr const char* sink_columns = "name, after";
inline constexpr const char* schedule_columns = "name, rule, dealt, fired, job, paused, paused_since";
inline constexpr const char* hold_columns = "kind, id, what, why, since";
inline constexpr const char* letter_columns = "kind, id, job, since, from_step, who";
inline constexpr const char* owed_columns = "kind, id, host";
inline constexpr const char* tree_columns = "job, name, at_once, stops, hold";
inline constexpr const char* branch_columns =
    "root, number, name, work, subject, wanted, after, deadline, fails_late, state, job, cursor, told, started, ended";

inline constexpr int resource_column_count = 11;

/// "'queued', 'waiting', …": the states of open jobs, for IN (…).
std::string open_job_states();

// Statements that write one row each. What changes often is updated first and inserted if no row was there: that is half the
// work of ON CONFLICT, which checks all that an insertion checks and then all that an update does.
std::string update_resource();
std::string insert_resource();
std::string update_job();  ///< only for the same resource and root
std::string insert_job();  ///< nothing if there is one
std::string update_step();
std::string insert_step();  ///< nothing if there is one
std::string put_document();
std::string put_lease();
std::string put_host();
std::string put_cordon();
std::string put_sink();
std::string put_schedule();
std::string put_hold();
std::string put_letter();
std::string put_owed();
std::string put_tree();
std::string update_branch();
std::string insert_branch();
std::string add_report();
std::string add_event();

// A state that is no member of its enumeration is bound as NULL, which the schema refuses. The value must outlive the
// step.
void bind(sqlite::statement& to, const resource& from);
void bind_document(sqlite::statement& to, const resource& from);
void bind(sqlite::statement& to, const job& from);
void bind(sqlite::statement& to, const step& from);
void bind(sqlite::statement& to, const lease& from);
void bind(sqlite::statement& to, const report& from);  ///< without its sequence
void bind(sqlite::statement& to, const event& from);   ///< without its sequence
void bind(sqlite::statement& to, const host_seen& from);
void bind(sqlite::statement& to, const host_cordoned& from);
void bind(sqlite::statement& to, const sink_cursor& from);
void bind(sqlite::statement& to, const schedule_mark& from);
void bind(sqlite::statement& to, const resource_held& from);
void bind(sqlite::statement& to, const dead_letter& from);
void bind(sqlite::statement& to, const rebuild_owed& from);
void bind(sqlite::statement& to, const tree& from);
void bind(sqlite::statement& to, const branch& from);

// The current row. Errors: permanent `journal_corrupt` for a name that we do not know.
result<resource> read_resource(const sqlite::statement& from);  ///< without its document
result<job> read_job(const sqlite::statement& from);
result<step> read_step(const sqlite::statement& from);
result<lease> read_lease(const sqlite::statement& from);
result<report> read_report(const sqlite::statement& from);
result<event> read_event(const sqlite::statement& from);
result<host_seen> read_host(const sqlite::statement& from);
result<host_cordoned> read_cordon(const sqlite::statement& from);
result<sink_cursor> read_sink(const sqlite::statement& from);
result<schedule_mark> read_schedule(const sqlite::statement& from);
result<resource_held> read_hold(const sqlite::statement& from);
result<dead_letter> read_letter(const sqlite::statement& from);
result<rebuild_owed> read_owed(const sqlite::statement& from);
result<tree> read_tree(const sqlite::statement& from);
result<branch> read_branch(const sqlite::statement& from);

/// "job 7", "step 0 of job 7", "lease podnet-a/virtual_router/3": for errors.
std::string describe(const mutation& row);

}  // namespace regent::rows
