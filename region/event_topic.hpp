// What can happen, as one table: the topics of events, which are what integrations are built on. Names, the filters' check and
// the list that GET /api/v1/topics shows come from it.
#pragma once

#include <array>
#include <string_view>

namespace regent {

enum class event_topic {
  job_started,
  job_cancel_asked,
  job_succeeded,
  job_failed,
  job_superseded,
  job_cancelled,
  resource_state,
  resource_degraded,
  resource_retry,
  host_cordoned,
  host_uncordoned,
  report_refused,
};

struct event_topic_row {
  std::string_view name;
  std::string_view about;
};

inline constexpr std::array<event_topic_row, 12> event_topic_table{{
    {"job.started", "a job is made: its steps are planned and in the journal; the text is its cause"},
    {"job.cancel_asked", "an operator wants a job ended; the text is who, and why"},
    {"job.succeeded", "a job is at its end and has done what it was for"},
    {"job.failed", "a job is at its end and has not; the text is the reason"},
    {"job.superseded", "a later job took the place of this one, which waited"},
    {"job.cancelled", "a job was ended by an operator; the text is who, and why"},
    {"resource.state", "a resource has another lifecycle state"},
    {"resource.degraded", "a resource is not on all hosts it should be on; the text is the reason"},
    {"resource.retry", "an operator has a resource tried again; the text is who, and why"},
    {"host.cordoned", "no new job begins on a host; the text is its name, who, and why"},
    {"host.uncordoned", "jobs may begin on a host again; the text is its name, who, and why"},
    {"report.refused", "the cloud did not accept a state that it was told"},
}};

constexpr const event_topic_row& row_of(event_topic what) { return event_topic_table[static_cast<std::size_t>(what)]; }
constexpr std::string_view name(event_topic what) { return row_of(what).name; }

}  // namespace regent
