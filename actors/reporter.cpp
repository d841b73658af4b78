#include "actors/reporter.hpp"

#include <algorithm>
#include <random>

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
    for (const auto& one : fresh) self_->state.lanes[one.resource].reports.push_back(one);
    go_on(milliseconds(0));
  }

  /// One report, then the mailbox again: news is taken in between.
  void deliver_one() {
    const auto now = context_->time.steady();
    auto& lanes = self_->state.lanes;
    const auto next = std::min_element(lanes.begin(), lanes.end(),
                                       [](const auto& a, const auto& b) { return a.second.due < b.second.due; });
    if (next == lanes.end()) return show();
    if (next->second.due <= now) deliver(next->first, next->second);
    show();
    if (lanes.empty()) return;
    const auto first = std::min_element(lanes.begin(), lanes.end(), [](const auto& a, const auto& b) {
                         return a.second.due < b.second.due;
                       })->second.due;
    go_on(std::chrono::duration_cast<milliseconds>(std::max(first - context_->time.steady(), steady_time::duration{})));
  }

 private:
  void go_on(milliseconds after) {
    const timer next{++self_->state.timer_number};
    if (after.count() == 0)
      self_->send(self_, next);
    else
      self_->delayed_send(self_, after, next);
  }

  void deliver(const resource_id id, outbox_lane& lane) {
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
      event told;
      told.at = context_->time.wall();
      told.topic = "report.refused";
      told.resource = id;
      told.text = fmt::format("{}: {}", name(what.state), said.error().text());
      change.push_back(std::move(told));
    } else {
      ++context_->facts.reports_delivered;
    }
    context_->facts.note("report " + id.text(), "");
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(change)), 0, {}});
    caf::anon_send(directory_->region, report_settled{id, !refused, context_->time.steady()});
    lane.attempts = 0;
    lane.reports.pop_front();
    if (lane.reports.empty()) self_->state.lanes.erase(id);
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
    lane.due = context_->time.steady() + milliseconds(spread(random_));
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
