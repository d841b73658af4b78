// The states of a resource, from one table: names, classes and what each in-progress state does and becomes.
// Source: the cloud's own state machine (docs/ARCHITECTURE.md, "Lifecycle"). Wire numbers belong to the dialect.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace regent {

enum class lifecycle_state {
  ignore,
  requested,
  building,
  unresourced,
  running,
  quiesce,
  quiesced,
  restart,
  scrub,
  scrub_queue,
  running_update,
  running_updating,
  quiescing,
  restarting,
  scrub_prep,
  quiesced_update,
  quiesced_updating,
  scrubbing,
  closed,
};

/// What an orchestrator does to a resource. `read` changes nothing; `scrub_prep` is the reversible first half of a
/// scrub and uses the kind's `quiesce` plan unless the kind has one of its own.
enum class operation { read, build, update, quiesce, restart, scrub_prep, scrub };

enum class state_class { ignored, wants_work, in_progress, stable, error, end };

struct lifecycle_row {
  lifecycle_state state;
  std::string_view name;
  state_class klass;
  /// wants_work: the in-progress state that a start leads to (scrub: for kinds with a queue; others go to scrubbing).
  /// in_progress: the state after success.
  std::optional<lifecycle_state> forward;
  std::optional<operation> work;  ///< in_progress only: the operation that is under way
};

inline constexpr std::size_t lifecycle_state_count = 19;
using enum lifecycle_state;
inline constexpr std::array<lifecycle_row, lifecycle_state_count> lifecycle_table{{
    {ignore, "ignore", state_class::ignored, {}, {}},
    {requested, "requested", state_class::wants_work, building, {}},
    {building, "building", state_class::in_progress, running, operation::build},
    {unresourced, "unresourced", state_class::error, {}, {}},
    {running, "running", state_class::stable, {}, {}},
    {quiesce, "quiesce", state_class::wants_work, quiescing, {}},
    {quiesced, "quiesced", state_class::stable, {}, {}},
    {restart, "restart", state_class::wants_work, restarting, {}},
    {scrub, "scrub", state_class::wants_work, scrub_prep, {}},
    {scrub_queue, "scrub_queue", state_class::stable, {}, {}},
    {running_update, "running_update", state_class::wants_work, running_updating, {}},
    {running_updating, "running_updating", state_class::in_progress, running, operation::update},
    {quiescing, "quiescing", state_class::in_progress, quiesced, operation::quiesce},
    {restarting, "restarting", state_class::in_progress, running, operation::restart},
    {scrub_prep, "scrub_prep", state_class::in_progress, scrub_queue, operation::scrub_prep},
    {quiesced_update, "quiesced_update", state_class::wants_work, quiesced_updating, {}},
    {quiesced_updating, "quiesced_updating", state_class::in_progress, quiesced, operation::update},
    {scrubbing, "scrubbing", state_class::in_progress, closed, operation::scrub},
    {closed, "closed", state_class::end, {}, {}},
}};

/// The table's row of a state. Never fails: the table has every state, in order (a test checks it).
constexpr const lifecycle_row& row(lifecycle_state state) { return lifecycle_table[static_cast<std::size_t>(state)]; }
constexpr std::string_view name(lifecycle_state state) { return row(state).name; }
constexpr state_class class_of(lifecycle_state state) { return row(state).klass; }
std::optional<lifecycle_state> parse_lifecycle_state(std::string_view name);

inline constexpr std::array<std::string_view, 7> operation_names{"read",    "build",      "update", "quiesce",
                                                                 "restart", "scrub_prep", "scrub"};
constexpr std::string_view name(operation what) { return operation_names[static_cast<std::size_t>(what)]; }
std::optional<operation> parse_operation(std::string_view name);

}  // namespace regent
