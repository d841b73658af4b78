// Every bound of the system, with its unit. Nothing queues, waits, retries or keeps output without one of these.
#pragma once

#include <chrono>
#include <cstddef>

namespace regent::limits {

using namespace std::chrono_literals;

// Runs on hosts
inline constexpr std::size_t run_output_kept_bytes = 64 * 1024;     ///< per stream; the rest is dropped and said so
inline constexpr std::size_t progress_words_bytes = 200;            ///< of what a run says of how far it is
inline constexpr std::size_t reason_bytes = 2000;                   ///< of a step's own words, in the reason of its job
inline constexpr std::size_t run_parameters_total_bytes = 1 << 20;  ///< parameters of one run, as sent
inline constexpr std::size_t runs_in_flight_per_host = 8;           ///< concurrent runs on one host
inline constexpr std::size_t script_bytes = 256 * 1024;             ///< one primitive with its library
inline constexpr auto step_deadline_default = 60s;
inline constexpr auto step_deadline_most = 6h;
inline constexpr auto operation_deadline_most = 24h * 7;
inline constexpr auto operation_deadline_look = 1s;  ///< how often a job looks at its own
inline constexpr auto cancel_grace = 1s;             ///< between TERM and KILL
inline constexpr auto cancel_answer = 10s;           ///< for the host to say that a cancelled run has ended
inline constexpr auto run_answer_grace = 10s;        ///< after a run's deadline, before its outcome is unknown

// Attempts
inline constexpr int step_attempts_most = 4;
inline constexpr auto step_backoff_first = 500ms;
inline constexpr auto step_backoff_most = 30s;
inline constexpr int repair_attempts_most = 8;  ///< that failed on a host that answers; then it is left to people
inline constexpr auto repair_backoff_first = 30s;
inline constexpr auto repair_backoff_most = 1h;
inline constexpr int report_attempts_before_alarm = 10;
inline constexpr auto report_backoff_first = 200ms;
inline constexpr auto report_backoff_most = 60s;

// Waits
inline constexpr auto wait_for_host = 10min;   ///< a step waiting for its host to be reachable
inline constexpr auto wait_for_standby = 20s;  ///< the same for the standby of a pair: then degraded
inline constexpr auto wait_for_lease = 1h;
inline constexpr auto wait_for_cordon = 24h;       ///< a job that may not begin on a cordoned host
inline constexpr auto wait_for_resource = 24h;     ///< for the cloud to accept a claim that depends on other resources
inline constexpr auto wait_for_repair = 24h * 30;  ///< a repair waiting for its host
inline constexpr auto wait_noted_after = 200ms;    ///< a shorter wait is not worth a commit
inline constexpr auto leases_published_every = 200ms;  ///< by a busy host, for people to look at
inline constexpr auto claim_retry = 30s;
inline constexpr std::size_t confirmations_at_once = 16;  ///< of records that are looked at again after they were built
inline constexpr std::size_t rebuilds_at_once = 16;       ///< of one host that has rebooted

// Trees of jobs
inline constexpr std::size_t tree_branches = 100'000;  ///< of one root
inline constexpr std::size_t tree_depth = 1000;        ///< branches in a chain, each after the one before
inline constexpr std::size_t tree_name_bytes = 100;
inline constexpr int branches_at_once = 16;  ///< of one root, unless its order says otherwise
inline constexpr int branches_at_once_most = 1000;
inline constexpr auto tree_deadline = 24h;  ///< of a root, from its start, unless its order says otherwise
inline constexpr auto tree_deadline_most = 24h * 30;
inline constexpr auto tree_taken_up_after = 5s;  ///< its actor has died
inline constexpr auto wish_again = 5s;           ///< a cloud that could not be asked for what a branch wants
inline constexpr auto tree_look = 200ms;         ///< between looks at what a branch waits for

// Transport
inline constexpr auto connect_deadline = 10s;
inline constexpr auto heartbeat_interval = 4s;  ///< idle channels; three missed ones are a dead host
inline constexpr auto heartbeat_deadline = 6s;
inline constexpr auto reconnect_backoff_first = 250ms;
inline constexpr auto reconnect_backoff_most = 15s;
inline constexpr std::size_t handshakes_in_flight = 8;
inline constexpr std::size_t frame_bytes = 4 << 20;

// Cloud
inline constexpr auto cloud_deadline = 20s;
inline constexpr std::size_t cloud_body_bytes = 64 << 20;
inline constexpr std::size_t cloud_pages = 100'000;
inline constexpr double cloud_requests_per_second = 18;  ///< the cloud throttles at 20/s per user

// Journal
inline constexpr std::size_t transactions_per_commit = 512;
inline constexpr std::size_t events_kept = 200'000;
inline constexpr std::int64_t jobs_kept = 20'000;       ///< ended ones, with their steps; open ones always
inline constexpr std::size_t document_bytes = 1 << 20;  ///< one record

// The journal's file
inline constexpr int backup_pages_at_once = 2000;               ///< of 2 KiB, between two looks at whether to go on
inline constexpr std::int64_t restore_epoch_raise = 1'000'000;  ///< above all epochs known when a journal is put back
inline constexpr int findings_most = 100;                       ///< told of one kind by a check
inline constexpr auto history_age = 24h * 90;                   ///< compacting deletes ended jobs that are older
inline constexpr auto summaries_age = 24h * 3650;               ///< what is left of them is kept for that long
inline constexpr int compact_jobs_at_once = 20;                 ///< deleted in one transaction, beside a live writer
inline constexpr auto compact_pause = 5ms;                      ///< after each, for the writer

// HTTP
inline constexpr std::size_t page_rows_default = 100;
inline constexpr std::size_t page_rows_most = 1000;
inline constexpr std::size_t http_connections = 256;
inline constexpr std::size_t http_body_bytes = 1 << 20;
inline constexpr auto http_idle = 30s;
inline constexpr std::size_t steps_most = 100'000;         ///< of one job, as a number that an operator may name
inline constexpr std::size_t operator_words_bytes = 1000;  ///< who says so, and why
inline constexpr std::size_t told_at_once = 20;            ///< jobs or resources named in one answer to an operator
inline constexpr auto command_deadline =
    10s;  ///< an operator's word that is not decided by then: the journal cannot be written

// Events, as they leave
inline constexpr std::size_t topic_patterns = 32;             ///< of one reader
inline constexpr std::size_t topic_pattern_bytes = 100;       ///< of one pattern
inline constexpr std::int64_t events_looked_at = 5000;        ///< rows in one look into the journal, wanted or not
inline constexpr std::size_t event_streams = 32;              ///< server-sent events: open at once
inline constexpr std::size_t event_stream_piece = 64 * 1024;  ///< bytes before the client must have taken them
inline constexpr auto event_stream_look = 50ms;               ///< between looks for something new
inline constexpr std::size_t event_sinks = 16;
inline constexpr std::size_t event_batch = 100;               ///< events in one delivery to a sink
inline constexpr std::size_t event_batch_bytes = 256 * 1024;  ///< of their texts; one event is sent in any case
inline constexpr std::size_t sink_answer_bytes = 64 * 1024;   ///< what a sink may answer
inline constexpr auto sink_deadline = 10s;                    ///< of one delivery
inline constexpr auto amqp_heartbeat = 20s;                   ///< a broker that is silent for twice as long is given up
inline constexpr auto amqp_waiting_ends = 500ms;              ///< before the deadline: the rest is for what hangs
inline constexpr auto sink_look = 200ms;                      ///< between looks for something new
inline constexpr auto sink_backoff_first = 500ms;
inline constexpr auto sink_backoff_most = 5min;
inline constexpr auto sink_retry_after_most = 1h;     ///< a sink that asks for more is not obeyed
inline constexpr int sink_failures_before_alarm = 3;  ///< in a row
inline constexpr auto sink_cursor_kept = 1s;          ///< between commits of a sink's cursor
inline constexpr auto sink_cursor_kept_idle = 60s;    ///< the same, if nothing was delivered meanwhile
inline constexpr auto event_stream_heartbeat = 15s;   ///< a stream is not silent for longer

// Throttles
inline constexpr std::size_t throttles = 100;
inline constexpr std::size_t throttle_most = 10'000;  ///< jobs that one speaks of
inline constexpr auto throttle_within_most = 24h;
inline constexpr auto wait_for_permit = 24h;

// Schedules
inline constexpr std::size_t schedules = 100;
inline constexpr std::size_t cron_bytes = 200;
inline constexpr auto schedule_jitter_most = 24h;
inline constexpr auto schedule_late = 1min;                ///< a firing that nobody was there for by then is missed
inline constexpr std::size_t schedule_catch_up_most = 10;  ///< missed firings that are made up for, at most
inline constexpr std::int64_t schedule_missed_counted = 100'000;  ///< there may be more, of which nobody is told
inline constexpr auto schedule_retry = 10s;                       ///< after a firing could not be committed
inline constexpr std::size_t schedule_preview_most = 100;         ///< firings shown ahead

// Liveness: what systemd's watchdog is told
inline constexpr auto wedged_after = 60s;

// Shutdown
inline constexpr auto shutdown_hard = 4s;  ///< a stop that takes longer leaves without it: the journal is enough

}  // namespace regent::limits
