#include "actors/reporter.hpp"

#include <random>

#include "actors/lifecycle_rows.hpp"

namespace regent {

namespace {

class reporter_work {
 public:
  reporter_work(reporter_shell* self, context_ptr context, directory_ptr directory)
      : self_(self),
        context_(std::move(context)),
        directory_(std::move(directory)),
        random_(static_cast<std::minstd_rand::result_type>(context_->jitter_seed)) {
    self_->state.link = std::make_unique<cloud_link>(context_);
  }

  void take(const std::vector<report>& fresh) {
    for (const auto& one : fresh) {
      auto& lane = self_->state.lanes[one.resource];
      if (lane.reports.empty()) {  // behind those that are due already
        lane.due = context_->time.steady();
        self_->state.order.insert({lane.due, one.resource});
      }
      lane.reports.push_back(one);
    }
    go_on(milliseconds(0));
  }

  /// One report, then the mailbox again: news is taken in between.
  void deliver_one() {
    const auto& order = self_->state.order;
    if (order.empty()) return show();
    if (const auto next = *order.begin(); next.first <= context_->time.steady()) deliver(next.second);
    show();
    if (order.empty()) return;
    go_on(std::chrono::duration_cast<milliseconds>(
        std::max(order.begin()->first - context_->time.steady(), steady_time::duration{})));
  }

 private:
  void go_on(milliseconds after) {
    const timer next{++self_->state.timer_number};
    if (after.count() == 0)
      self_->send(self_, next);
    else
      self_->delayed_send(self_, after, next);
  }

  void deliver(const resource_id id) {
    auto& lane = self_->state.lanes.at(id);
    const auto what = lane.reports.front();
    self_->seen_as().state(fmt::format("reporting {} of {}", name(what.state), id.text()));
    const auto said = self_->state.link->get().and_then([&](cloud* client) { return client->report(id, what.state); });
    const bool refused =
        !said && (said.error().kind == error_kind::conflict || said.error().kind == error_kind::permanent);
    if (!said && !refused) return back_off(lane, what, said.error());
    transaction change{end_report{what.sequence}};
    if (refused) {
      log::warn("{}: the cloud refused {}: {}", id.text(), name(what.state), said.error().text());
      self_->seen_as().failed(said.error().text());
      change.push_back(event_of(event_topic::report_refused, id,
                                fmt::format("{}: {}", name(what.state), said.error().text()), context_->time.wall()));
    } else {
      ++context_->facts.reports_delivered;
    }
    // It stands until the cloud takes a state of it again.
    context_->facts.note("report " + id.text(),
                         refused ? fmt::format("{} is refused: {}", name(what.state), said.error().text()) : "");
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(change)), 0, {}});
    caf::anon_send(directory_->region, report_settled{id, !refused, context_->time.steady()});
    lane.attempts = 0;
    lane.reports.pop_front();
    if (!lane.reports.empty()) return;
    self_->state.order.erase({lane.due, id});
    self_->state.lanes.erase(id);
  }

  void back_off(outbox_lane& lane, const report& what, const error& why) {
    ++lane.attempts;
    self_->seen_as().failed(why.text());
    if (lane.attempts == limits::report_attempts_before_alarm)
      context_->facts.note("report " + what.resource.text(),
                           fmt::format("{} not delivered: {}", name(what.state), why.text()));
    const auto most = std::min<milliseconds>(limits::report_backoff_first * (1LL << std::min(lane.attempts, 16)),
                                             limits::report_backoff_most);
    std::uniform_int_distribution<std::int64_t> spread(most.count() / 2, most.count());
    self_->state.order.erase({lane.due, what.resource});
    lane.due = context_->time.steady() + milliseconds(spread(random_));
    self_->state.order.insert({lane.due, what.resource});
  }

  void show() {
    self_->seen_as().waits_for(self_->state.lanes.empty()
                                   ? ""
                                   : fmt::format("{} resources with reports to deliver", self_->state.lanes.size()));
  }

  reporter_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  std::minstd_rand random_;
};

}  // namespace

reporter_actor::behavior_type run_reporter(reporter_shell* self, context_ptr context, directory_ptr directory) {
  self->seen_as().called("reporter", "cloud");
  const auto work = std::make_shared<reporter_work>(self, std::move(context), std::move(directory));
  return {
      [=](const reports_committed& fresh) { work->take(*fresh.reports); },
      [=](const timer& over) {
        if (over.number == self->state.timer_number) work->deliver_one();
      },
  };
}

}  // namespace regent
