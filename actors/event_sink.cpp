#include "actors/event_sink.hpp"

#include <random>

#include "actors/lifecycle_rows.hpp"

namespace regent {

namespace {

/// The actor's handlers, as methods over its state.
class sink_work {
 public:
  sink_work(sink_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {}

  void start(const any_sink_config& config, std::optional<std::int64_t> after, std::stop_token stop) {
    at().stop = std::move(stop);
    at().status.name = sink_of(config).name;
    if (after) begin(*after);
    configure(config);
  }

  void configure(const any_sink_config& config) {
    at().filter.topics = topic_filter::of(sink_of(config).topics).value_or(topic_filter{});
    at().client = make_event_sink_client(config, context_->journal_id);
    at().status.target = at().client->target();
    at().seen.reset();
    if (at().delivery) at().delivery->hurry();
    publish();
  }

  /// Out of the region file: its place is not kept.
  void end() {
    commit({sink_cursor{at().status.name, std::nullopt}});
    context_->facts.sinks.remove(at().status.name);
    context_->facts.note(about(), "");
    self_->quit();
  }

  /// One look and one delivery at most; returns when to come again.
  milliseconds go_on() {
    if (at().stop.stop_requested()) return limits::sink_look;
    at().client->rest();
    const auto now = context_->time.steady();
    if (at().delivery) {
      keep_cursor(now);
      if (const auto wait = at().delivery->wait(now); wait.count() > 0)
        return std::min<milliseconds>(wait, limits::sink_look);
    }
    const auto committed = context_->facts.events_committed.load();
    if (at().seen == committed) return limits::sink_look;
    auto found = look();
    if (!found) {
      self_->seen_as().failed(found.error().text());
      return std::chrono::seconds(1);
    }
    if (!found->has_value()) return limits::sink_look;
    const bool more = deliver(std::move(**found));
    if (!more) at().seen = committed;
    publish();
    return at().delivery->failures() == 0 && more ? milliseconds(0) : milliseconds(limits::sink_look);
  }

 private:
  sink_at_work& at() { return self_->state; }
  std::string about() { return "sink " + at().status.name; }
  resource_id subject() { return {"sink", at().status.name}; }

  void begin(std::int64_t after) {
    at().delivery.emplace(after, std::random_device{}());
    at().status.after = after;
  }

  void commit(transaction what) {
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(what)), 0, {}});
  }

  void tell(event_topic what, const std::string& text) {
    commit({event_of(what, subject(), text, context_->time.wall())});
  }

  void keep_cursor(steady_time now) {
    if (const auto cursor = at().delivery->to_keep(now)) commit({sink_cursor{at().status.name, *cursor}});
  }

  /// None: it has just been given its place, at the end of what there is.
  result<std::optional<event_look>> look() {
    if (!at().reader) {
      auto opened = context_->open_reader();
      if (!opened) return tl::unexpected(opened.error());
      at().reader = std::move(*opened);
    }
    const bool placed = at().delivery.has_value();
    auto found = placed ? at().reader->look_at_events(at().filter, event_order::oldest_first, at().delivery->cursor(),
                                                      at().delivery->batch_most())
                        : at().reader->look_at_events({}, event_order::newest_first, std::nullopt, 1);
    if (!found && found.error().code == "bad_cursor") return begin_anew(found.error());
    if (!found) {
      at().reader.reset();
      return tl::unexpected(found.error());
    }
    at().status.behind = placed ? found->newest - at().delivery->cursor() : 0;
    if (placed) return std::optional(std::move(*found));
    begin(found->newest);
    commit({sink_cursor{at().status.name, found->newest}});
    return std::optional<event_look>();
  }

  /// The journal is an older copy than the one the cursor is of: what it has from here on is new to the sink.
  result<std::optional<event_look>> begin_anew(const error& why) {
    log::warn("{}: {}", about(), why.message);
    at().delivery.reset();
    return std::optional<event_look>();
  }

  /// Whether there is more to look at now.
  bool deliver(event_look found) {
    const bool more = found.more || found.rows.size() > at().delivery->batch_most();
    const auto lost = found.lost;
    const auto newest = found.newest;
    const auto batch = at().delivery->batch_of(std::move(found));
    if (batch.empty()) {
      pass(batch, newest);
      return more;
    }
    self_->seen_as().state(fmt::format("sending {} events after {}", batch.events.size(), batch.after));
    const auto outcome = at().client->deliver(batch, context_->time.wall(), at().stop);
    if (!outcome) return true;
    if (!*outcome) {
      refused(outcome->error(), lost);
      return true;
    }
    pass(batch, newest);
    at().status.delivered += static_cast<std::int64_t>(batch.events.size());
    at().status.last_delivery = context_->time.wall();
    at().status.reason.clear();
    self_->seen_as().state("up");
    self_->seen_as().waits_for("");
    if (lost > 0) tell(event_topic::sink_lost, fmt::format("{} events after {}", lost, batch.after));
    at().status.lost += lost;
    if (std::exchange(at().told_behind, false)) tell(event_topic::sink_caught_up, "");
    context_->facts.note(about(), "");
    return batch.cursor < newest;
  }

  void pass(const event_batch& batch, std::int64_t newest) {
    at().delivery->taken(batch);
    at().status.after = batch.cursor;
    at().status.behind = newest - batch.cursor;
    at().status.state = "up";
  }

  void refused(const sink_refusal& why, std::int64_t lost) {
    at().delivery->refused(why, context_->time.steady());
    at().status.state = "failing";
    at().status.reason = why.why;
    self_->seen_as().failed(why.why);
    self_->seen_as().waits_for("the sink to take events: " + why.why);
    if (at().delivery->failures() < limits::sink_failures_before_alarm) return;
    context_->facts.note(about(), fmt::format("{} events wait for it{}: {}", at().status.behind,
                                              lost > 0 ? fmt::format(", {} are lost", lost) : "", why.why));
    if (std::exchange(at().told_behind, true)) return;
    log::warn("{} is behind: {}", about(), why.why);
    tell(event_topic::sink_behind, why.why);
  }

  void publish() {
    at().status.failures = at().delivery ? at().delivery->failures() : 0;
    context_->facts.sinks.publish(at().status);
  }

  sink_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
};

}  // namespace

sink_actor::behavior_type run_sink(sink_shell* self, context_ptr context, directory_ptr directory,
                                   any_sink_config config, std::optional<std::int64_t> after, std::stop_token stop) {
  self->seen_as().called("sink", sink_of(config).name);
  const auto work = std::make_shared<sink_work>(self, std::move(context), std::move(directory));
  work->start(config, after, std::move(stop));
  self->send(self, tick{});
  return {
      [=](const sink_config_changed& news) {
        if (news.config)
          work->configure(*news.config);
        else
          work->end();
      },
      [=](const tick&) {
        const auto pause = work->go_on();
        if (pause.count() == 0)
          self->send(self, tick{});
        else
          self->delayed_send(self, pause, tick{});
      },
  };
}

}  // namespace regent
