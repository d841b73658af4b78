#include "actors/poller.hpp"

#include <algorithm>

namespace regent {

namespace {

/// Every how many listings those at rest are listed too: their number is the region's, not the day's.
constexpr int whole_listing_every = 10;

std::vector<lifecycle_state> states_to_list(bool whole) {
  std::vector<lifecycle_state> states;
  for (const auto& row : lifecycle_table) {
    const bool moving = row.klass == state_class::wants_work || row.klass == state_class::in_progress;
    const bool resting = row.klass == state_class::stable || row.klass == state_class::error;
    if (moving || row.state == scrub_queue || (whole && resting)) states.push_back(row.state);
  }
  return states;
}

class poller_work {
 public:
  poller_work(poller_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {
    self_->state.link = std::make_unique<cloud_link>(context_);
  }

  void once() {
    const auto config = context_->config();
    const auto client = self_->state.link->get();
    if (client) {
      poll(**client);
      if (context_->time.steady() >= self_->state.next_listing) list(**client, config->cloud.listing_interval);
    } else {
      problem(client.error());
    }
    self_->seen_as().state("between polls");
    self_->delayed_send(self_, config->cloud.poll_interval, tick{});
  }

 private:
  void poll(cloud& client) {
    self_->seen_as().state("polling");
    auto changes = client.changes();
    if (!changes) return problem(changes.error());
    // The cloud has kinds that this region may have no kind file for.
    const auto known = context_->kinds->kinds();
    std::erase_if(*changes,
                  [&](const auto& id) { return std::find(known.begin(), known.end(), id.kind) == known.end(); });
    good(context_->facts.last_poll_ms);
    if (changes->empty()) return;
    caf::anon_send(directory_->region, hinted{*changes, context_->time.steady()});
    // At once: it also takes back the flags of what users change from now on, until the next listing finds that.
    if (const auto told = client.acknowledge_changes(); !told)
      log::debug("hints not acknowledged: {}", told.error().text());
  }

  void list(cloud& client, milliseconds interval) {
    self_->seen_as().state("listing");
    const bool whole = self_->state.listings % whole_listing_every == 0;
    std::set<std::string> bad;
    for (const auto& kind : context_->kinds->kinds()) {
      const auto asked_at = context_->time.steady();
      auto listing = client.list(kind, states_to_list(whole));
      if (!listing) return problem(listing.error());  // tried again at the next poll: a part is never the truth
      for (const auto& one : listing->bad) {
        bad.insert(one.id);
        context_->facts.note("listed " + one.id, fmt::format("{}: {}", one.field, one.why));
      }
      auto heads = std::make_shared<const std::vector<record_head>>(std::move(listing->heads));
      caf::anon_send(directory_->region, heads_seen{std::move(heads), asked_at});
    }
    for (const auto& mended : self_->state.bad)
      if (!bad.contains(mended)) context_->facts.note("listed " + mended, "");
    context_->facts.bad_records = static_cast<std::int64_t>(bad.size());
    self_->state.bad = std::move(bad);
    ++self_->state.listings;
    self_->state.next_listing = context_->time.steady() + interval;
    good(context_->facts.last_listing_ms);
  }

  void good(std::atomic<std::int64_t>& stamp) {
    stamp = context_->time.wall().time_since_epoch().count();
    context_->facts.note("cloud", "");
    self_->state.last_problem.clear();
    self_->seen_as().failed("");
  }

  void problem(const error& why) {
    // By its code: texts may hold a countdown.
    if (self_->state.last_problem != why.code) log::warn("cloud: {}", why.text());
    self_->state.last_problem = why.code;
    self_->seen_as().failed(why.text());
    context_->facts.note("cloud", why.text());
  }

  poller_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
};

}  // namespace

poller_actor::behavior_type run_poller(poller_shell* self, context_ptr context, directory_ptr directory) {
  self->seen_as().called("poller", "cloud");
  const auto work = std::make_shared<poller_work>(self, std::move(context), std::move(directory));
  return {[=](const tick&) { work->once(); }};
}

}  // namespace regent
