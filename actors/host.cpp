#include "actors/host.hpp"

#include "actors/lifecycle_rows.hpp"

namespace regent {

namespace {

/// The actor's handlers, as methods over its state.
class host_work {
 public:
  host_work(host_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {}

  void start(const host_config& config, const std::vector<lease>& held, const std::optional<host_cordoned>& closed) {
    auto& state = self_->state;
    config_ = config;
    state.leases = lease_queue(config.concurrency);
    for (const auto& one : held) state.leases.restore({one.job, one.scope, lane::user, one.since, true});
    state.status.host = config.name;
    state.status.role = config.role;
    state.status.address = config.local ? "local" : config.address;
    note_closed(closed);
    if (is_detached(state.status))
      leave();
    else
      open_channel(config);
    publish();
    publish_leases();
  }

  void open_channel(const host_config& config) {
    // Weak: the channel belongs to this actor's state and must not keep the actor alive.
    const auto weak = caf::actor_cast<caf::actor_addr>(caf::actor_cast<host_actor>(self_));
    self_->state.channel.reset();
    self_->state.channel = context_->open_channel(config, sink(weak));
  }

  /// A host that left the region file keeps what runs on it; whoever waits for an answer from it is told that none will
  /// come.
  void reconfigure(const std::optional<host_config>& config) {
    auto& state = self_->state;
    state.runs.disconnected();
    if (config) {
      config_ = *config;
      loaded(state.status.load);
      state.status.role = config->role;
      state.status.address = config->local ? "local" : config->address;
      if (is_detached(state.status)) return publish();
      state.status.state = "connecting";
      open_channel(*config);
      return publish();
    }
    state.channel.reset();
    const auto why = state.status.host.value() + " was taken out of the region file";
    for (const auto& [job, asker] : state.askers) caf::anon_send(asker, lease_denied{state.status.host, why});
    const auto owners = state.owners;
    for (const auto& [run, owner] : owners) carry_out(state.runs.withdraw(run, why));
    context_->facts.hosts.remove(state.status.host);
    context_->facts.note("host " + state.status.host.value(), "");
    self_->quit();
  }

  void lease_is_wanted(const lease_wanted& wanted) {
    auto& state = self_->state;
    if (is_detached(state.status))
      return caf::anon_send(wanted.asker, lease_denied{state.status.host, state.status.reason});
    if (state.leases.holds(wanted.job, wanted.scope)) {
      caf::anon_send(wanted.asker, lease_granted{state.status.host});
      return;
    }
    state.askers[wanted.job] = wanted.asker;
    state.leases.ask({wanted.job, wanted.scope, wanted.in, context_->time.wall(), wanted.begun, wanted.root});
    grant();
    if (state.askers.contains(wanted.job)) caf::anon_send(wanted.asker, lease_queued{state.status.host});
    keep_watch();
  }

  void lease_ends(const lease_end& ended) {
    self_->state.leases.end(ended.job, ended.scope);
    self_->state.askers.erase(ended.job);
    grant();
  }

  void grant() {
    auto& state = self_->state;
    for (const auto& granted :
         state.leases.grant(context_->time.wall(), !state.status.cordon.empty() || !state.status.declines.empty(),
                            state.status.admits)) {
      const auto asker = state.askers.extract(granted.job);
      if (!asker.empty()) caf::anon_send(asker.mapped(), lease_granted{state.status.host});
    }
    leases_changed();
  }

  void run_is_wanted(const run_wanted& wanted) {
    auto& state = self_->state;
    const auto& id = wanted.request->run;
    if (is_detached(state.status)) return lose(wanted);
    state.owners[id] = wanted.owner;
    if (!state.runs.up()) caf::anon_send(wanted.owner, run_waits{id, why_away()});
    carry_out(state.runs.add(*wanted.request, wanted.resumed, wanted.boot_at_send, context_->time.steady()));
    publish();
    keep_watch();
  }

  void cancel(const run_cancelled& ended) { carry_out(self_->state.runs.cancel_run(ended.run)); }

  /// Who waits to begin is told to look again: it may wait for longer now, or not at all.
  void cordoned(const cordon_changed& news) {
    auto& state = self_->state;
    const bool was_detached = is_detached(state.status);
    note_closed(news.closed);
    log::info("host {} is {}{}{}", state.status.host.value(), service_of(state.status),
              state.status.cordon.empty() ? "" : ": ", state.status.cordon);
    if (is_detached(state.status)) return detach();
    if (was_detached) {
      state.status.state = "connecting";
      state.status.reason.clear();
      open_channel(config_);
    }
    note_alarm();
    publish();
    for (const auto& [job, asker] : std::map(state.askers)) caf::anon_send(asker, woken{"its cordon has changed"});
    grant();
    if (!news.closed && state.runs.up())
      caf::anon_send(directory_->region, host_reachable{state.status.host, state.runs.boot_id()});
  }

  void drained(const drain_over& over) {
    auto& state = self_->state;
    if (over.kept) {
      state.status.drained = state.status.sealed;  // it may have been opened since
      note_alarm();
      return publish();
    }
    if (state.status.cordon.empty() || state.status.sealed || !state.leases.empties(state.status.admits)) return;
    state.status.sealed = true;
    state.status.admits = {};
    publish();
  }

  void withdraw(const run_withdrawn& gone) { carry_out(self_->state.runs.withdraw(gone.run, gone.why)); }

  void up(const channel_up& news) {
    auto& state = self_->state;
    log::info("host {} is up, boot id {}", state.status.host.value(), news.boot_id);
    tell(event_topic::host_up, "boot id " + news.boot_id);
    state.status.state = "up";
    state.status.down_since.reset();
    state.status.reason.clear();
    state.status.boot_id = news.boot_id;
    seen(news.latency);
    self_->seen_as().waits_for("");
    context_->facts.note("host " + state.status.host.value(), "");
    for (const auto& [run, owner] : state.owners) caf::anon_send(owner, run_waits{run, {}});
    carry_out(state.runs.connected(news.boot_id, context_->time.steady()));
    publish();  // before the region hears of it and looks at the board
    caf::anon_send(directory_->region, host_reachable{state.status.host, news.boot_id});
  }

  void down(const channel_down& news) {
    auto& state = self_->state;
    const bool was_up = state.status.state == "up";
    if (!is_meant_to_be_off(state.status) && (was_up || state.status.reason != news.why.text()))
      log::warn("host {} is down: {}", state.status.host.value(), news.why.text());
    if (state.status.state != "down")
      is_meant_to_be_off(state.status) ? tell(event_topic::host_off, state.status.cordon)
                                       : tell(event_topic::host_down, news.why.text());
    state.status.state = "down";
    if (!state.status.down_since) state.status.down_since = context_->time.wall();
    state.status.reason = news.why.text();
    state.runs.disconnected();
    self_->seen_as().waits_for("the host to be reachable");
    self_->seen_as().failed(news.why.text());
    note_alarm();
    for (const auto& [run, owner] : state.owners) caf::anon_send(owner, run_waits{run, why_away()});
    publish();
  }

  void seen(milliseconds latency) {
    self_->state.status.latency = latency;
    self_->state.status.last_seen = context_->time.wall();
  }

  /// A host that has too much to do takes no new jobs. What has begun goes on.
  void loaded(std::optional<std::int64_t> load) {
    auto& status = self_->state.status;
    status.load = load;
    const bool declined = !status.declines.empty();
    // Once it declines, it does until a tenth below, or a load that sways around the bound would open and close it by turns.
    const auto most = config_.load_most * (declined ? 90 : 100);
    const bool too_much = load && config_.load_most > 0 && *load > most;
    status.declines.clear();
    if (too_much) {
      const auto until = *load > config_.load_most * 100 ? fmt::format("up to {}", config_.load_most)
                                                         : fmt::format("again at {}.{:02}", most / 100, most % 100);
      status.declines = fmt::format("its load is {}.{:02}, and it takes jobs {}", *load / 100, *load % 100, until);
    }
    if (too_much && !declined) tell(event_topic::host_declines, status.declines);
    if (!too_much && declined) tell(event_topic::host_accepts, {});
    publish();  // before anybody is let in and looks at the board
    if (declined && !too_much) grant();
  }

  void reported(const run_report& report) {
    if (report.status == run_status::running && self_->state.runs.is_open(report.run)) goes_on(report);
    carry_out(self_->state.runs.reported(report, context_->time.steady()));
    publish();
  }

  void forget(const std::vector<run_id>& runs) {
    if (!runs.empty() && self_->state.channel) self_->state.channel->forget(runs);
  }

  void once_a_second() {
    watched_ = false;
    carry_out(self_->state.runs.tick(context_->time.steady()));
    grant();
    keep_watch();
  }

  /// Only while there is something to watch: a thousand hosts at rest cost nothing.
  void keep_watch() {
    const auto& state = self_->state;
    if (watched_ || (state.runs.size() == 0 && !state.leases.somebody_waits())) return;
    watched_ = true;
    self_->delayed_send(self_, std::chrono::seconds(1), tick{});
  }

  void publish() {
    auto& status = self_->state.status;
    status.open_runs = self_->state.runs.size();
    self_->seen_as().state(status.state);
    context_->facts.hosts.publish(status);
  }

  /// Sorting and copying the queue costs something where many wait: what changes within limits::leases_published_every is told
  /// at once, together.
  void leases_changed() {
    if (std::exchange(leases_told_later_, true)) return;
    const auto next = leases_told_ + limits::leases_published_every, now = context_->time.steady();
    if (now >= next) return publish_leases();
    self_->delayed_send(self_, next - now, leases_due{});
  }

  void publish_leases() {
    leases_told_later_ = false;
    leases_told_ = context_->time.steady();
    host_leases all;
    std::vector<std::string> held;
    for (const auto& one : self_->state.leases.held()) {
      all.held.push_back({one.job, one.scope, std::string(name(one.in)), one.since});
      held.push_back(one.scope);
    }
    for (const auto& one : self_->state.leases.waiting(context_->time.wall()))
      all.queue.push_back({one.job, one.scope, std::string(name(one.in)), one.since});
    self_->seen_as().leases(std::move(held));
    context_->facts.hosts.publish_leases(self_->state.status.host, std::move(all));
  }

 private:
  void note_closed(const std::optional<host_cordoned>& closed) {
    auto& status = self_->state.status;
    status.cordon = closed ? closed->why : std::string();
    status.how = closed ? closed->how : closure::cordon;
    status.drained = status.sealed = closed && closed->drained;
    const bool draining = closed && (closed->how == closure::drain || closed->how == closure::maintenance);
    status.admits = draining && !closed->drained ? closed->last_job : job_id{};
  }

  /// A host that is meant to be off, or that was given up, is no problem.
  void note_alarm() {
    const auto& status = self_->state.status;
    const bool alarms = status.state == "down" && !is_meant_to_be_off(status) && !is_detached(status);
    context_->facts.note("host " + status.host.value(), alarms ? status.reason : std::string());
  }

  /// Nothing is sent to it nor asked of it any more.
  void leave() {
    auto& state = self_->state;
    loaded({});
    state.channel.reset();
    state.runs.disconnected();
    state.status.state = "down";
    if (!state.status.down_since) state.status.down_since = context_->time.wall();
    state.status.reason = fmt::format("{} is detached: {}", state.status.host.value(), state.status.cordon);
    self_->seen_as().waits_for("the host to be attached again");
    note_alarm();
    publish();  // before anybody hears of it and looks at the board
  }

  /// Whoever waits for an answer from it, or for a lease, is told that none will come.
  void detach() {
    leave();
    auto& state = self_->state;
    for (const auto& claim : state.leases.waiting(context_->time.wall())) state.leases.end(claim.job, claim.scope);
    for (const auto& [job, asker] : std::exchange(state.askers, {}))
      caf::anon_send(asker, lease_denied{state.status.host, state.status.reason});
    for (const auto& [run, owner] : std::map(state.owners)) carry_out(state.runs.withdraw(run, state.status.reason));
    publish_leases();
  }

  void lose(const run_wanted& wanted) {
    run_outcome outcome;
    outcome.ended = wanted.resumed ? run_outcome::how::lost : run_outcome::how::unreachable;
    outcome.errors = self_->state.status.reason;
    caf::anon_send(wanted.owner, run_ended{self_->state.status.host, wanted.request->run,
                                           std::make_shared<const run_outcome>(std::move(outcome))});
  }

  void tell(event_topic what, const std::string& text) {
    transaction change{event_of(what, subject_of(self_->state.status.host), text, context_->time.wall())};
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(change)), 0, {}});
  }

  static channel_sink sink(const caf::actor_addr& weak) {
    const auto tell = [weak](auto message) {
      if (const auto me = caf::actor_cast<host_actor>(weak)) caf::anon_send(me, std::move(message));
    };
    channel_sink made;
    made.connected = [tell](const std::string& boot, milliseconds latency) { tell(channel_up{boot, latency}); };
    made.disconnected = [tell](const error& why) { tell(channel_down{why}); };
    made.reported = [tell](const run_report& said) { tell(channel_report{std::make_shared<const run_report>(said)}); };
    made.alive = [tell](milliseconds latency, std::optional<std::int64_t> load) { tell(channel_alive{latency, load}); };
    return made;
  }

  std::string why_away() const {
    const auto& status = self_->state.status;
    return fmt::format("{} is {}{}{}", status.host.value(), status.state, status.reason.empty() ? "" : ": ",
                       status.reason);
  }

  void carry_out(host_runs::actions all) {
    auto& state = self_->state;
    for (auto& one : all) {
      if (auto* sent = std::get_if<host_runs::send>(&one)) {
        ++context_->facts.runs_sent;
        state.channel->send(std::move(sent->request));
      } else if (const auto* asked = std::get_if<host_runs::ask>(&one)) {
        state.channel->ask(asked->run);
      } else if (const auto* ended = std::get_if<host_runs::cancel>(&one)) {
        state.channel->cancel(ended->run);
      } else if (auto* done = std::get_if<host_runs::deliver>(&one)) {
        deliver(*done);
      }
    }
  }

  void goes_on(const run_report& report) {
    context_->facts.runs.heard(report.run, report.progress, context_->time.steady());
    const auto owner = self_->state.owners.find(report.run);
    if (report.progress && owner != self_->state.owners.end())
      caf::anon_send(owner->second, run_goes_on{report.run, *report.progress});
  }

  void deliver(host_runs::deliver& done) {
    auto& state = self_->state;
    ++context_->facts.runs_ended;
    context_->facts.runs.ended(done.run);
    const auto owner = state.owners.extract(done.run);
    if (owner.empty()) return;
    caf::anon_send(owner.mapped(), run_ended{state.status.host, done.run,
                                             std::make_shared<const run_outcome>(std::move(done.outcome))});
  }

  host_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  host_config config_;
  steady_time leases_told_{};
  bool leases_told_later_ = false;
  bool watched_ = false;  // a tick is on its way
};

}  // namespace

host_actor::behavior_type run_host(host_shell* self, context_ptr context, directory_ptr directory, host_config config,
                                   std::vector<lease> held, std::optional<host_cordoned> closed) {
  self->seen_as().called("host", config.name.value());
  const auto work = std::make_shared<host_work>(self, std::move(context), std::move(directory));
  work->start(config, held, closed);
  return {
      [=](const lease_wanted& wanted) { work->lease_is_wanted(wanted); },
      [=](const lease_end& ended) { work->lease_ends(ended); },
      [=](const run_wanted& wanted) { work->run_is_wanted(wanted); },
      [=](const run_withdrawn& gone) { work->withdraw(gone); },
      [=](const run_cancelled& ended) { work->cancel(ended); },
      [=](const cordon_changed& news) { work->cordoned(news); },
      [=](const drain_over& over) { work->drained(over); },
      [=](const runs_committed& done) { work->forget(done.runs); },
      [=](const channel_up& news) { work->up(news); },
      [=](const channel_down& news) { work->down(news); },
      [=](const channel_alive& news) {
        work->seen(news.latency);
        work->loaded(news.load);
      },
      [=](const channel_report& news) { work->reported(*news.report); },
      [=](const host_config_changed& news) { work->reconfigure(news.config); },
      [=](const leases_due&) { work->publish_leases(); },
      [=](const tick&) { work->once_a_second(); },
  };
}

}  // namespace regent
