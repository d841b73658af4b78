#include "region/known_region.hpp"

namespace regent {

namespace {

/// The cloud's state lies on the way to ours: requested and building lead to running.
bool leads_to(lifecycle_state from, lifecycle_state to) {
  for (auto at = row(from).forward; at; at = row(*at).forward)
    if (*at == to) return true;
  return false;
}

bool stale(const known_resource& known, steady_time asked_at) {
  return known.reports_pending > 0 || (known.reported && asked_at <= *known.reported);
}

decision of_in_progress(const known_resource* known, const record_head& head) {
  if (known == nullptr || known->state == head.state) return decision::work;
  const bool ended_here = leads_to(head.state, known->state) || known->state == unresourced;
  return ended_here ? decision::report_again : decision::work;
}

}  // namespace

std::string_view name(decision what) {
  switch (what) {
    case decision::nothing: return "nothing";
    case decision::work: return "work";
    case decision::take_over: return "take_over";
    case decision::report_again: return "report_again";
    case decision::queue_scrub: return "queue_scrub";
  }
  return "";
}

decision decide(const known_resource* known, const record_head& head, steady_time asked_at) {
  if (known != nullptr && (known->busy || stale(*known, asked_at))) return decision::nothing;
  switch (class_of(head.state)) {
    case state_class::wants_work: return decision::work;
    case state_class::in_progress: return of_in_progress(known, head);
    case state_class::ignored: return decision::nothing;
    default: break;
  }
  const bool same = known != nullptr && known->state == head.state;
  if (head.state == scrub_queue && (!same || !known->due || known->updated != head.updated))
    return decision::queue_scrub;
  return same ? decision::nothing : decision::take_over;
}

}  // namespace regent
