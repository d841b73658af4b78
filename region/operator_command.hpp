// What an operator may tell a running daemon, as a plain value.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace regent {

enum class operator_verb {
  cancel,
  retry,
  cordon,
  uncordon,
  pause,
  resume,
  mark_done,
  mark_failed,
  adopt,
  release,
  drain,
  maintenance,
  evacuate,
  force_detach,
  attach,
  schedule_pause,
  schedule_resume,
  schedule_run,
};

/// What a word is said of.
enum class operator_subject { job, resource, host, schedule };

struct operator_verb_row {
  std::string_view name;
  operator_subject of;
  bool shows_first = false;  ///< dangerous: unless it is said otherwise, only what would happen is told
};

inline constexpr std::array<operator_verb_row, 18> operator_verb_table{{
    {"cancel", operator_subject::job},
    {"retry", operator_subject::resource},
    {"cordon", operator_subject::host},
    {"uncordon", operator_subject::host},
    {"pause", operator_subject::resource},
    {"resume", operator_subject::resource},
    {"mark-done", operator_subject::job},
    {"mark-failed", operator_subject::job},
    {"adopt", operator_subject::resource},
    {"release", operator_subject::resource},
    {"drain", operator_subject::host},
    {"maintenance", operator_subject::host},
    {"evacuate", operator_subject::host},
    {"force-detach", operator_subject::host, true},
    {"attach", operator_subject::host},
    {"pause", operator_subject::schedule},
    {"resume", operator_subject::schedule},
    {"run", operator_subject::schedule},
}};
constexpr const operator_verb_row& row_of(operator_verb verb) {
  return operator_verb_table[static_cast<std::size_t>(verb)];
}
constexpr std::string_view name(operator_verb verb) { return row_of(verb).name; }
/// The same word may be said of different things.
constexpr std::optional<operator_verb> parse_operator_verb(std::string_view text, operator_subject of) {
  for (std::size_t i = 0; i < operator_verb_table.size(); ++i)
    if (operator_verb_table[i].name == text && operator_verb_table[i].of == of) return static_cast<operator_verb>(i);
  return std::nullopt;
}

struct operator_command {
  operator_verb what = operator_verb::cancel;
  job_id job;                 ///< of words about a job
  resource_id resource;       ///< of words about a resource, and the job's
  host_id host;               ///< of words about a host
  std::string by;             ///< who says so, and why: stands in the journal
  bool preview = false;       ///< answer what would happen, and change nothing
  std::string schedule = {};  ///< of words about a schedule: its name
  int step = 0;               ///< retry: from which step on; mark-done, mark-failed: which step; from 1, 0: not said
};

}  // namespace regent
