#include "region/lifecycle_machine.hpp"

#include <set>

#include "test/support/catch.hpp"

using namespace regent;

namespace {

using edge = std::pair<lifecycle_state, lifecycle_state>;

/// What the cloud accepts from an orchestrator and from a user: the reference's own lists.
const std::set<edge> orchestrator_edges{{requested, building},
                                        {requested, unresourced},
                                        {building, unresourced},
                                        {building, running},
                                        {unresourced, requested},
                                        {unresourced, quiesce},
                                        {unresourced, restart},
                                        {unresourced, scrub},
                                        {unresourced, running_update},
                                        {unresourced, quiesced_update},
                                        {quiesce, quiescing},
                                        {restart, restarting},
                                        {scrub, scrub_prep},
                                        {scrub, scrubbing},
                                        {scrub_queue, scrubbing},
                                        {running_update, running_updating},
                                        {quiesced_update, quiesced_updating},
                                        {running_updating, unresourced},
                                        {running_updating, running},
                                        {quiescing, unresourced},
                                        {quiescing, quiesced},
                                        {restarting, unresourced},
                                        {restarting, running},
                                        {scrub_prep, unresourced},
                                        {scrub_prep, scrub_queue},
                                        {quiesced_updating, unresourced},
                                        {quiesced_updating, quiesced},
                                        {scrubbing, unresourced},
                                        {scrubbing, closed}};
const std::set<edge> user_edges{{running, quiesce},    {running, scrub},  {running, running_update},
                                {quiesced, restart},   {quiesced, scrub}, {quiesced, quiesced_update},
                                {scrub_queue, restart}};

bool is_users(lifecycle_event what) { return what >= lifecycle_event::asked_quiesce; }

}  // namespace

TEST_CASE("the table has every state at its own place, and names are read back") {
  for (std::size_t i = 0; i < lifecycle_table.size(); ++i) {
    CHECK(static_cast<std::size_t>(lifecycle_table[i].state) == i);
    CHECK(parse_lifecycle_state(lifecycle_table[i].name) == lifecycle_table[i].state);
    const bool in_progress = lifecycle_table[i].klass == state_class::in_progress;
    CHECK(lifecycle_table[i].work.has_value() == in_progress);
    CHECK(lifecycle_table[i].forward.has_value() ==
          (in_progress || lifecycle_table[i].klass == state_class::wants_work));
  }
  CHECK_FALSE(parse_lifecycle_state("no_such_state"));
  for (const auto text : operation_names) CHECK(name(*parse_operation(text)) == text);
}

TEST_CASE("every event in every state leads only where the cloud lets it lead") {
  for (const auto& now : lifecycle_table)
    for (std::size_t e = 0; e < lifecycle_event_count; ++e)
      for (const bool queue : {true, false}) {
        const auto what = static_cast<lifecycle_event>(e);
        const auto after = next(now.state, what, queue);
        INFO(now.name << " + " << name(what) << " -> " << name(after.next));
        if (!after.accepted) {
          CHECK(after.next == now.state);
          CHECK_FALSE(after.work.has_value());
          continue;
        }
        const bool taken_up = what == lifecycle_event::start && now.klass == state_class::in_progress;
        if (taken_up)
          CHECK(after.next == now.state);
        else
          CHECK((is_users(what) ? user_edges : orchestrator_edges).contains({now.state, after.next}));
        CHECK(after.work == row(after.next).work);
      }
}

TEST_CASE("every want is started, every work ends well or badly, and every user's way is open") {
  std::set<edge> seen;
  for (const auto& now : lifecycle_table)
    for (std::size_t e = 0; e < lifecycle_event_count; ++e) {
      const auto what = static_cast<lifecycle_event>(e);
      const auto after = next(now.state, what, true);
      if (after.accepted) seen.insert({now.state, after.next});
      if (now.klass == state_class::wants_work) CHECK(next(now.state, lifecycle_event::start, true).accepted);
      if (now.klass == state_class::in_progress) {
        CHECK(next(now.state, lifecycle_event::succeeded, true).accepted);
        CHECK(next(now.state, lifecycle_event::failed, true).next == unresourced);
      }
    }
  for (const auto& way : user_edges) CHECK(seen.contains(way));
}

TEST_CASE("a scrub waits in the queue only for kinds that have one, and ends there only when the grace period does") {
  CHECK(next(scrub, lifecycle_event::start, true).next == scrub_prep);
  CHECK(next(scrub, lifecycle_event::start, false).next == scrubbing);
  CHECK_FALSE(next(scrub_queue, lifecycle_event::start, true).accepted);
  CHECK(next(scrub_queue, lifecycle_event::grace_over, true).next == scrubbing);
  CHECK(next(scrub_queue, lifecycle_event::asked_restart, true).next == restart);
}

TEST_CASE("what settles quiesced keeps its links down") {
  CHECK(settles_quiesced(quiesced_updating));
  CHECK(settles_quiesced(quiescing));
  CHECK(settles_quiesced(scrub_prep));
  CHECK_FALSE(settles_quiesced(building));
  CHECK_FALSE(settles_quiesced(running_updating));
  CHECK_FALSE(settles_quiesced(restarting));
}
