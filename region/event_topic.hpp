// What can happen, as one table: the topics of events, which are what integrations are built on. Names, the filters' check and
// the list that GET /api/v1/topics shows come from it.
#pragma once

#include <array>
#include <string_view>

namespace regent {

enum class event_topic {
  job_started,
  job_waiting,
  job_cancel_asked,
  job_succeeded,
  job_failed,
  job_superseded,
  job_cancelled,
  branch_ended,
  step_failed,
  step_unknown,
  step_skipped,
  step_marked,
  resource_state,
  resource_degraded,
  resource_mended,
  resource_retry,
  resource_paused,
  resource_resumed,
  resource_released,
  resource_adopted,
  resource_dead,
  resource_decided,
  host_up,
  host_down,
  host_rebooted,
  host_cordoned,
  host_uncordoned,
  host_draining,
  host_drained,
  host_maintenance,
  host_off,
  host_detached,
  host_attached,
  host_declines,
  host_accepts,
  report_refused,
  report_repeated,
  config_reloaded,
  daemon_started,
  journal_restored,
  sink_behind,
  sink_caught_up,
  sink_lost,
  schedule_fired,
  schedule_skipped,
  schedule_missed,
  schedule_paused,
  schedule_resumed,
};

struct event_topic_row {
  std::string_view name;
  std::string_view about;
};

inline constexpr std::array<event_topic_row, 48> event_topic_table{{
    {"job.started", "a job is made: its steps are planned and in the journal; the text is its cause"},
    {"job.waiting", "a job waits; the text says for what"},
    {"job.cancel_asked", "an operator wants a job ended; the text is who, and why"},
    {"job.succeeded", "a job is at its end and has done what it was for"},
    {"job.failed", "a job is at its end and has not; the text is the reason"},
    {"job.superseded", "a later job took the place of this one, which waited"},
    {"job.cancelled", "a job was ended by an operator; the text is who, and why"},
    {"branch.ended", "a branch of a tree of jobs is at its end; the text says which, and how"},
    {"step.failed", "a step of a job has failed for good; the text says which, where and why"},
    {"step.unknown",
     "nobody knows yet what became of a step's run: it is read back, or asked for, before anything else"},
    {"step.skipped", "a step is left out because its standby is away; a repair does it later"},
    {"step.marked", "an operator says what became of a step; the text is which, what, who and why"},
    {"resource.state", "a resource has another lifecycle state, which the text begins with"},
    {"resource.degraded", "a resource is not on all hosts it should be on; the text is the reason"},
    {"resource.mended", "a resource is on all its hosts again"},
    {"resource.retry", "an operator has a resource tried again; the text is who, and why"},
    {"resource.paused", "an operator wants nothing begun on a resource; the text is who, and why"},
    {"resource.resumed", "jobs may begin on a resource again; the text is who, and why"},
    {"resource.released", "regent does not look after a resource any more; the text is who, and why"},
    {"resource.adopted", "regent takes over what stands for a resource; the text is who, and why"},
    {"resource.dead",
     "a job failed that is not tried again by itself: its resource waits for a decision; the text is the reason"},
    {"resource.decided", "a decision about a resource's failed job was made; the text is what, who and why"},
    {"host.up", "a host is reachable"},
    {"host.down", "a host is not reachable; the text is the reason"},
    {"host.rebooted", "a host came back with another boot id; what stood on it is built again"},
    {"host.cordoned", "no new job begins on a host; the text is who, and why"},
    {"host.uncordoned", "jobs may begin on a host again; the text is who, and why"},
    {"host.draining", "a host is to be empty: only what began before goes on there; the text is who, and why"},
    {"host.drained", "nothing is at work on a host that was to be empty"},
    {"host.maintenance", "a host is to be empty and may be switched off then; the text is who, and why"},
    {"host.off", "a host in maintenance is not reachable, as it is meant to be"},
    {"host.detached", "a host is given up: what was open there is lost; the text is who, and why"},
    {"host.attached", "a host that was given up is looked after again; the text is who, and why"},
    {"host.declines", "a host takes no new jobs for now, because of its load; the text says how much it is"},
    {"host.accepts", "a host that declined new jobs takes them again"},
    {"report.refused", "the cloud did not accept a state that it was told"},
    {"report.repeated", "the cloud has lost a state that it was told, and is told again"},
    {"config.reloaded", "another region file is in force"},
    {"daemon.started", "a daemon has taken the region over; the text has its epoch"},
    {"journal.restored", "the journal is a copy of an earlier one; the text says what was ended with that"},
    {"sink.behind", "a sink does not take its events; the text is the reason"},
    {"sink.caught_up", "a sink that was behind takes its events again"},
    {"sink.lost",
     "a sink was behind for so long that the journal no longer kept some of its events; the text says how many"},
    {"schedule.fired", "a schedule has begun what it is for; the text says for which time, and by whom"},
    {"schedule.skipped", "a firing came to nothing, because what the last one began had not ended"},
    {"schedule.missed", "firings came to nothing, because no daemon was there, or the clock was put forward"},
    {"schedule.paused", "a schedule does not fire any more; the text is who says so, and why"},
    {"schedule.resumed", "a schedule that was paused fires again; the text is who says so, and why"},
}};

constexpr const event_topic_row& row_of(event_topic what) { return event_topic_table[static_cast<std::size_t>(what)]; }
constexpr std::string_view name(event_topic what) { return row_of(what).name; }

}  // namespace regent
