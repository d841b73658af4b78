// The throttles' permits, as the region gives them: it is the one that knows who is at work.
#include "actors/region_work.hpp"

namespace regent {

/// A job asks to begin; what has begun only tells.
void region_work::wanted(const permit_wanted& message) {
  const auto& id = message.what.resource;
  const auto& one = entry(id);
  if (!one.known.busy) return;
  const auto now = context_->time.steady();
  at().permits.ask(message.what, now);
  if (message.what.begun) return;
  const auto away = context_->facts.hosts.away();
  // Nobody waits where there are no throttles: the job may have seen those of a region file that is on its way here.
  if (at().permits.why(id).empty() || at().permits.grant_newcomer(id, now, away))
    return caf::anon_send(one.actor, permit_granted{});
  tell_who_waits();
}

void region_work::rests(const permit_rests& message) {
  at().permits.rests(message.id, message.resting);
  if (message.resting) free_permits();
}

void region_work::returned(const permit_returned& message) {
  at().permits.end(message.id);
  free_permits();
}

/// Once for all that has ended since: to look at who waits costs something where many do.
void region_work::free_permits() {
  if (!at().permits.somebody_waits() || std::exchange(at().permits_freed, true)) return;
  caf::anon_send(caf::actor_cast<region_actor>(self_), permits_freed{});
}

void region_work::grant_permits() {
  at().permits_freed = false;
  if (!at().permits.somebody_waits()) return;
  const auto patience = context_->config()->policies.wait_for_host;
  for (const auto& id : at().permits.grant(context_->time.steady(), context_->facts.hosts.away(), patience))
    caf::anon_send(entry(id).actor, permit_granted{});
}

/// What somebody waits for may have become something else.
void region_work::tell_who_waits() {
  if (!at().permits.somebody_waits()) return;
  for (auto& [id, why] : at().permits.news(context_->facts.hosts.away()))
    caf::anon_send(entry(id).actor, permit_waits{std::move(why)});
}

}  // namespace regent
