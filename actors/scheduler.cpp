#include "actors/scheduler.hpp"

#include "actors/lifecycle_rows.hpp"

namespace regent {

namespace {

/// The actor's handlers, as methods over its state.
class scheduler_work {
 public:
  scheduler_work(scheduler_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {}

  void start(const journal_contents& open) {
    std::map<std::string, schedule_mark> marks;
    for (const auto& one : open.schedules) marks[one.schedule] = one;
    follow(*context_->config(), std::move(marks));
    once_a_second();
  }

  void reconfigure(const region_config& config) {
    std::map<std::string, schedule_mark> marks;
    for (const auto& [name, one] : at().schedules) marks[name] = one.mark;
    follow(config, std::move(marks));
  }

  void once_a_second() {
    self_->delayed_send(self_, std::chrono::seconds(1), tick{});
    for (auto& [name, one] : at().schedules) look(one);
    publish();
  }

  /// What was to be committed is in the journal, or is refused.
  void settled(const schedule_settled& message) {
    const auto& mark = std::get<schedule_mark>(message.what.front());
    const auto found = at().schedules.find(mark.schedule);
    if (found == at().schedules.end()) return commit({forget_schedule{mark.schedule}}, {});
    auto& one = found->second;
    one.committing = false;
    const bool nothing_to_do = message.failed && message.failed->code == "nothing_meant";
    one.problem = message.failed && !nothing_to_do ? message.failed->text() : "";
    if (!message.failed)
      take_over(one, mark);
    else if (nothing_to_do && mark.dealt != one.mark.dealt)  // not if an operator ran it, who is told
      keep(one, told_of_nothing(message.what), {});
    else if (!nothing_to_do)
      put_off(one);
    publish();
  }

  void asked(const operator_asked& message) {
    const auto found = at().schedules.find(message.what.schedule);
    if (found == at().schedules.end())
      return message.answer(fail(error_kind::permanent, "not_found", "there is no schedule {} in the region file",
                                 message.what.schedule.substr(0, 100)));
    auto& one = found->second;
    if (one.committing)
      return message.answer(fail(error_kind::conflict, "at_work", "{} is firing just now: say it again", about(one)));
    switch (message.what.what) {
      case operator_verb::schedule_pause: return pause(one, message);
      case operator_verb::schedule_resume: return resume(one, message);
      default: return run(one, message);
    }
  }

 private:
  scheduler_at_work& at() { return self_->state; }
  wall_time now() const { return context_->time.wall(); }
  static std::string about(const kept_schedule& of) { return "schedule " + of.config.name; }

  event told(event_topic topic, const kept_schedule& of, std::string text) const {
    return event_of(topic, resource_id{"schedule", of.config.name}, std::move(text), now());
  }

  /// `marks`: what is known of them. Whatever is new, has another rule or was switched off begins from now on.
  void follow(const region_config& config, std::map<std::string, schedule_mark> marks) {
    transaction change;
    std::map<std::string, kept_schedule> kept;
    for (const auto& wanted : config.schedules) {
      auto& one = kept[wanted.name];
      if (const auto old = at().schedules.find(wanted.name); old != at().schedules.end()) one = old->second;
      one.config = wanted;
      const auto known = marks.extract(wanted.name);
      if (!known.empty()) one.mark = known.mapped();
      const auto before = one.mark;
      one.mark.schedule = wanted.name;
      one.mark.rule = rule_of(wanted);
      one.mark.job = {};
      if (!wanted.enabled)
        one.mark.dealt.reset();
      else if (!one.mark.dealt || before.rule != one.mark.rule)
        one.mark.dealt = now();
      if (known.empty() || before.rule != one.mark.rule || before.dealt != one.mark.dealt) change.push_back(one.mark);
    }
    for (const auto& [name, mark] : marks) {
      change.push_back(forget_schedule{name});
      context_->facts.note("schedule " + name, "");
    }
    at().schedules = std::move(kept);
    commit(std::move(change), {});
    publish();
  }

  /// A region file that was read meanwhile has the last word on when it begins.
  void take_over(kept_schedule& one, schedule_mark mark) {
    if (mark.rule != one.mark.rule || !one.config.enabled) {
      const bool changes = mark.rule != one.mark.rule || mark.dealt != one.mark.dealt;
      mark.rule = one.mark.rule;
      mark.dealt = one.mark.dealt;
      if (changes) commit({mark}, {});
    }
    one.mark = std::move(mark);
  }

  void put_off(kept_schedule& one) {
    log::error("{}: {}", about(one), one.problem);
    one.not_before = context_->time.steady() + limits::schedule_retry;
  }

  /// The same without a job to begin: the firing has been dealt with.
  static transaction told_of_nothing(transaction what) {
    for (auto& row : what)
      if (auto* said = std::get_if<event>(&row); said != nullptr && said->topic == name(event_topic::schedule_fired))
        said->text += ": there was nothing to do";
    return what;
  }

  void look(kept_schedule& one) {
    one.waits_for.clear();
    note_problem(one);
    if (one.committing || !one.mark.dealt || !one.mark.paused.empty() || context_->time.steady() < one.not_before)
      return;
    const auto due = due_at(one.config, context_->config()->name, *one.mark.dealt, now());
    if (due.count == 0) return;
    const auto open = context_->schedule_at_work(one.config.name);
    if (open)
      act_on(one, next_step(one.config.missed, due, now(), *open));
    else
      one.waits_for = "the journal to be readable: " + open.error().text();
  }

  /// A clock that was ahead when something fired and has been put right: nothing fires twice, so nothing fires for so long.
  void note_problem(const kept_schedule& of) {
    auto text = of.problem;
    if (text.empty() && of.mark.dealt && *of.mark.dealt > now() + limits::schedule_late)
      text = fmt::format(
          "the clock has been put back, and it has come as far as {} already: nothing fires until then, or until "
          "`regent schedule resume {}`",
          iso_text(*of.mark.dealt), of.config.name);
    context_->facts.note(about(of), text);
  }

  void act_on(kept_schedule& one, const schedule_step& step) {
    using kind = schedule_step::kind;
    if (step.is == kind::nothing) return;
    if (step.is == kind::wait) {
      one.waits_for = "what its last firing began to end: a missed firing is owed";
      return;
    }
    auto mark = one.mark;
    mark.dealt = step.dealt;
    transaction with{mark};
    if (step.missed > 0)
      with.push_back(
          told(event_topic::schedule_missed, one,
               fmt::format("{} firings come to nothing; catch_up is {}", step.missed, name(one.config.missed))));
    if (step.is == kind::fire) return fire(one, step.at, std::move(with), {}, {});
    if (step.is == kind::skip)
      with.push_back(told(event_topic::schedule_skipped, one,
                          fmt::format("the firing of {}: what the last one began has not ended", iso_text(step.at))));
    keep(one, std::move(with), {});
  }

  /// `with`, the mark first, is committed with what the firing begins. `by`: an operator, or nobody.
  void fire(kept_schedule& one, wall_time firing, transaction with, const std::string& by, operator_answer then) {
    std::get<schedule_mark>(with.front()).fired = firing;
    with.push_back(told(event_topic::schedule_fired, one,
                        by.empty() ? "the firing of " + iso_text(firing) : "out of its times, by " + by));
    one.committing = true;
    auto answer = settling(with, std::move(then));
    self_->send(directory_->region,
                bulk_asked{one.config.what, about(one), by, one.config.in, std::move(with), std::move(answer)});
  }

  void keep(kept_schedule& one, transaction what, operator_answer then) {
    one.committing = true;
    auto answer = settling(what, std::move(then));
    commit(std::move(what), std::move(answer));
  }

  /// The answer comes on another thread: what follows for us, follows in a message.
  operator_answer settling(transaction what, operator_answer then) {
    return [me = caf::actor_cast<scheduler_actor>(self_), what = std::move(what),
            then = std::move(then)](const result<std::string>& said) {
      caf::anon_send(me, schedule_settled{what, said ? std::nullopt : std::optional(said.error())});
      if (then) then(said);
    };
  }

  void commit(transaction change, operator_answer answer) {
    if (change.empty()) return;
    caf::anon_send(directory_->journal,
                   commit_wanted{std::make_shared<transaction>(std::move(change)),
                                 0,
                                 {},
                                 [answer = std::move(answer)](const std::optional<error>& no) {
                                   if (answer) answer(no ? result<std::string>(tl::unexpected(*no)) : std::string());
                                 }});
  }

  // -- an operator's word

  /// The sentence, once it is committed.
  static operator_answer saying(const operator_answer& to, std::string sentence) {
    return [to, sentence = std::move(sentence)](const result<std::string>& done) {
      to(done ? result<std::string>(sentence) : done);
    };
  }

  void pause(kept_schedule& one, const operator_asked& message) {
    const auto says = about(one) + " is paused; what it has begun goes on";
    if (message.what.preview) return message.answer(says);
    auto mark = one.mark;
    mark.paused = message.what.by;
    mark.paused_since = now();
    keep(one, {mark, told(event_topic::schedule_paused, one, message.what.by)}, saying(message.answer, says));
  }

  void resume(kept_schedule& one, const operator_asked& message) {
    const bool ahead = one.mark.dealt && *one.mark.dealt > now();
    if (one.mark.paused.empty() && !ahead)
      return message.answer(fail(error_kind::conflict, "not_paused", "{} is not paused", about(one)));
    const auto says = about(one) + " goes on; nothing of the time before is made up for";
    if (message.what.preview) return message.answer(says);
    auto mark = one.mark;
    mark.paused.clear();
    mark.paused_since.reset();
    if (mark.dealt) mark.dealt = now();
    keep(one, {mark, told(event_topic::schedule_resumed, one, message.what.by)}, saying(message.answer, says));
  }

  void run(kept_schedule& one, const operator_asked& message) {
    const auto open = context_->schedule_at_work(one.config.name);
    if (!open) return message.answer(tl::unexpected(open.error()));
    if (*open)
      return message.answer(fail(error_kind::conflict, "at_work", "what {} began last has not ended", about(one)));
    if (message.what.preview) return message.answer(about(one) + " fires now, besides its times");
    fire(one, now(), {one.mark}, message.what.by, message.answer);
  }

  void publish() {
    std::vector<schedule_status> all;
    for (const auto& [name, one] : at().schedules)
      all.push_back({one.config, one.mark.dealt, one.mark.paused, one.mark.paused_since, one.waits_for});
    self_->seen_as().state(fmt::format("{} schedules", all.size()));
    context_->facts.schedules.publish(std::move(all));
  }

  scheduler_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
};

}  // namespace

scheduler_actor::behavior_type run_scheduler(scheduler_shell* self, context_ptr context, directory_ptr directory,
                                             std::shared_ptr<const journal_contents> open) {
  self->seen_as().called("scheduler", "");
  const auto work = std::make_shared<scheduler_work>(self, std::move(context), std::move(directory));
  work->start(*open);
  return {
      [=](const config_changed& m) { work->reconfigure(*m.config); },
      [=](const operator_asked& m) { work->asked(m); },
      [=](const schedule_settled& m) { work->settled(m); },
      [=](const tick&) { work->once_a_second(); },
  };
}

}  // namespace regent
