#include "actors/lifecycle.hpp"

#include "actors/lifecycle_work.hpp"

namespace regent {

lifecycle_actor::behavior_type run_lifecycle(lifecycle_shell* self, context_ptr context, directory_ptr directory,
                                             std::shared_ptr<const lifecycle_task> task) {
  const auto work = std::make_shared<lifecycle_work>(self, std::move(context), std::move(directory), std::move(task));
  self->state.work = work;
  work->start();
  return {
      [=](const record_answer& m) { work->answered(m); },
      [=](const claim_answer& m) { work->answered(m); },
      [=](const commit_answer& m) { work->answered(m); },
      [=](const permit_granted&) { work->permitted(); },
      [=](const permit_waits& m) { work->permit_waits_for(m.why); },
      [=](const lease_granted& m) { work->granted(m); },
      [=](const lease_queued& m) { work->queued(m); },
      [=](const lease_denied& m) { work->denied(m); },
      [=](const run_waits& m) { work->waits(m); },
      [=](const run_goes_on& m) { work->goes_on(m); },
      [=](const run_ended& m) { work->ended(m); },
      [=](const cancel_asked& m) { work->asked_to_cancel(m); },
      [=](const mark_asked& m) { work->asked_to_mark(m); },
      [=](const woken&) { work->woken_up(); },
      [=](const timer& m) { work->timer_over(m); },
  };
}

}  // namespace regent
