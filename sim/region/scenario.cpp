#include "sim/region/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t resources_most = 12;

class scenario {
 public:
  scenario(world& on, const scenario_options& how) : all_(on), ends_(how.faulty), peace_most_(how.peace_most) {}

  void run() {
    all_.start_daemon();
    users();
    operators();
    trees();
    pauses();
    deaths();
    hosts();
    networks();
    cloud();
    disks();
    clocks();
    region_file();
    watch();
    all_.pass(ends_);
    if (all_.judge.violations().empty()) peace();
  }
  milliseconds to_rest() const { return to_rest_; }

 private:
  /// Now and then until the faults end, each time after a while of its own.
  void now_and_then(milliseconds low, milliseconds high, std::function<void()> what) {
    all_.time.after(all_.chance.span(low, high), [this, low, high, what = std::move(what)] {
      if (all_.time.passed() >= ends_) return;
      what();
      now_and_then(low, high, what);
    });
  }
  /// A class of faults is there in some regions, and in others not.
  void perhaps(double probability, milliseconds low, milliseconds high, std::function<void()> what) {
    if (all_.chance.chance(probability)) now_and_then(low, high, std::move(what));
  }
  /// Begins now and is over after a while, or with the faults.
  void for_a_while(milliseconds low, milliseconds high, std::function<void()> over) {
    all_.time.after(std::min(all_.chance.span(low, high), ends_ - all_.time.passed()), std::move(over));
  }

  std::optional<resource_id> any_resource() {
    std::vector<resource_id> ids;
    for (const auto& [id, one] : all_.cloud.records())
      if (one.state != closed) ids.push_back(id);
    return ids.empty() ? std::nullopt : std::optional(all_.chance.pick(ids));
  }
  sim_host& any_host() { return *all_.chance.pick(all_.hosts); }

  void users() {
    now_and_then(10s, 10min, [this] {
      const auto live = std::count_if(all_.cloud.records().begin(), all_.cloud.records().end(),
                                      [](const auto& one) { return one.second.state != closed; });
      if (live >= static_cast<std::ptrdiff_t>(resources_most)) return;
      const auto id = all_.cloud.create(all_.chance.chance(0.6) ? "virtual_router" : "disk");
      all_.note("user: creates {}", id.text());
    });
    now_and_then(5s, 5min, [this] {
      const auto id = any_resource();
      if (!id) return;
      const auto wish = all_.chance.pick(std::vector<lifecycle_state>{quiesce, restart, restart, scrub});
      if (all_.cloud.ask(*id, wish)) all_.note("user: asks {} for {}", id->text(), name(wish));
    });
    now_and_then(5s, 5min, [this] {
      const auto id = any_resource();
      if (id && all_.cloud.edit(*id)) all_.note("user: edits {}", id->text());
    });
    perhaps(0.3, 10min, 2h, [this] {
      const auto id = any_resource();
      if (!id) return;
      all_.note("the record of {} is malformed", id->text());
      all_.cloud.malform(*id, true);
      for_a_while(1min, 30min, [this, id] { all_.cloud.malform(*id, false); });
    });
  }

  void operators() {
    perhaps(0.7, 1min, 1h, [this] { cancel_something(); });
    perhaps(0.7, 1min, 1h, [this] {
      operator_command what;
      what.what = operator_verb::retry;
      const auto id = any_resource();
      if (!id) return;
      what.resource = *id;
      all_.tell_daemon(what);
    });
    perhaps(0.5, 5min, 2h, [this] {
      operator_command what;
      what.what = all_.chance.pick(std::vector<operator_verb>{operator_verb::cordon, operator_verb::drain,
                                                              operator_verb::maintenance, operator_verb::force_detach});
      what.host = host_id(any_host().name());
      all_.tell_daemon(what);
      for_a_while(1min, 1h, [this, what]() mutable {
        what.what = operator_verb::uncordon;
        all_.tell_daemon(what);
      });
    });
  }

  /// Trees of jobs over whatever resources chance has it, beside and after each other.
  void trees() {
    perhaps(0.7, 2min, 1h, [this] {
      tree_order order;
      order.settings.name = "chance";
      order.settings.at_once = static_cast<int>(all_.chance.between(1, 4));
      order.settings.stops = all_.chance.chance(0.3);
      const auto count = all_.chance.between(1, 5);
      for (int i = 0; i < count; ++i) {
        const auto id = any_resource();
        if (!id) return;
        branch one;
        one.number = i;
        one.name = fmt::format("b{}", i);
        one.work =
            all_.chance.pick(std::vector<branch_work>{branch_work::mend, branch_work::mend, branch_work::retry,
                                                      branch_work::retry, branch_work::scrub, branch_work::restore});
        one.subject = id->text();
        if (i > 0 && all_.chance.chance(0.5)) one.after.push_back(static_cast<int>(all_.chance.between(0, i - 1)));
        order.branches.push_back(std::move(one));
      }
      all_.order_daemon(std::move(order));
    });
  }

  void region_file() {
    if (all_.chance.chance(0.4)) {
      auto next = std::make_shared<region_config>(*all_.config);
      schedule_config one;
      one.name = "chance";
      one.when = *cron_expression::parse("*/20 * * * *");
      one.jitter = all_.chance.span(1s, 10min);
      one.missed = all_.chance.pick(std::vector<catch_up>{catch_up::skip, catch_up::once, catch_up::all});
      one.what.what = all_.chance.pick(std::vector<bulk_verb>{bulk_verb::mend, bulk_verb::retry, bulk_verb::cancel,
                                                              bulk_verb::scrub, bulk_verb::restore});
      one.what.kind = "virtual_router";
      next->schedules.push_back(std::move(one));
      all_.reload(std::move(next));
    }
    perhaps(0.5, 1min, 1h, [this] {
      auto next = std::make_shared<region_config>(*all_.config);
      next->throttles = {throttle_by_chance("one"), throttle_by_chance("other")};
      all_.reload(std::move(next));
      for_a_while(1min, 2h, [this] {
        auto without = std::make_shared<region_config>(*all_.config);
        without->throttles.clear();
        all_.reload(std::move(without));
      });
    });
  }

  throttle_config throttle_by_chance(const char* name) {
    throttle_config made;
    made.name = name;
    made.each = static_cast<throttle_each>(all_.chance.between(0, std::ssize(throttle_each_names) - 1));
    if (all_.chance.chance(0.3)) made.kind = "virtual_router";
    if (all_.chance.chance(0.3)) made.host = host_id(any_host().name());
    made.at_once = static_cast<std::size_t>(all_.chance.between(1, 3));
    if (!all_.chance.chance(0.3)) return made;
    made.begin = static_cast<std::size_t>(all_.chance.between(1, 10));
    made.within = all_.chance.span(1s, 10min);
    return made;
  }

  void pauses() {
    perhaps(0.4, 5min, 2h, [this] {
      const auto id = any_resource();
      if (!id) return;
      operator_command what;
      what.what = operator_verb::pause;
      what.resource = *id;
      all_.tell_daemon(what);
      for_a_while(1min, 1h, [this, what]() mutable {
        what.what = operator_verb::resume;
        all_.tell_daemon(what);
      });
    });
  }

  void cancel_something() {
    std::vector<job> open;
    for (const auto& [number, one] : all_.judge.journal().jobs)
      if (is_open(one.state)) open.push_back(one);
    if (open.empty()) return;
    const auto chosen = all_.chance.pick(open);
    operator_command what;
    what.what = operator_verb::cancel;
    what.job = chosen.id;
    what.resource = chosen.resource;
    all_.tell_daemon(what, [this, id = chosen.id](bool accepted) {
      if (accepted) all_.judge.cancel_acknowledged(id);
    });
  }

  void deaths() {
    perhaps(0.9, 2min, 1h, [this] {
      if (!all_.daemon_lives()) return;
      const bool power = all_.chance.chance(0.4);
      if (power && all_.chance.chance(0.5))
        all_.disk.cut_power_at_write(static_cast<int>(all_.chance.between(1, 60)));
      else
        all_.kill_daemon_after(static_cast<int>(all_.chance.between(1, 300)), power);
    });
    // systemd starts it again; sometimes that takes somebody to come.
    revive();
  }
  void revive() {
    all_.time.after(all_.chance.chance(0.9) ? all_.chance.span(100ms, 20s) : all_.chance.span(1min, 2h), [this] {
      if (all_.time.passed() >= ends_) return;
      all_.start_daemon();
      revive();
    });
  }

  void hosts() {
    const auto worst =
        host_weather{.tries_again = 0.05, .fails = 0.03, .hangs = 0.02, .is_slow = 0.1, .is_killed = 0.03};
    for (auto& one : all_.hosts)
      if (all_.chance.chance(0.6)) one->weather = worst;
    perhaps(0.7, 5min, 3h, [this] {
      auto& host = any_host();
      if (!host.is_up()) return;
      all_.note("{} loses its power", host.name());
      all_.network.cut(host, true);
      host.lose_power();
      for_a_while(20s, 40min, [this, &host] {
        all_.note("{} boots", host.name());
        host.boot();
      });
    });
    perhaps(0.7, 2min, 2h, [this] {
      auto& host = any_host();
      all_.note("the cable of {} is pulled", host.name());
      all_.network.cut(host, true);
      host.pull_cable();
      for_a_while(1s, 30min, [this, &host] {
        all_.note("the cable of {} is plugged in", host.name());
        host.plug_cable();
      });
    });
  }

  void networks() {
    if (all_.chance.chance(0.5)) all_.network.slowest = all_.chance.span(5ms, 3s);
    if (all_.chance.chance(0.5)) all_.network.repeats_reports = 0.2;
    perhaps(0.7, 30s, 1h, [this] {
      auto& host = any_host();
      const bool silently = all_.chance.chance(0.5);
      all_.note("the connection to {} is cut{}", host.name(), silently ? " silently" : "");
      all_.network.cut(host, silently);
    });
  }

  void cloud() {
    auto& weather = all_.cloud.weather;
    if (all_.chance.chance(0.5)) weather.fails = 0.05;
    if (all_.chance.chance(0.5)) weather.loses_reply = 0.05;
    if (all_.chance.chance(0.5)) weather.loses_state = 0.03;
    if (all_.chance.chance(0.5)) weather.loses_news = 0.3;
    perhaps(0.6, 5min, 3h, [this] {
      all_.note("the cloud is away");
      all_.cloud.weather.away = true;
      for_a_while(5s, 1h, [this] {
        all_.note("the cloud is back");
        all_.cloud.weather.away = false;
      });
    });
    perhaps(0.4, 10min, 2h, [this] {
      all_.cloud.weather.refuses_scrubbing = true;
      for_a_while(1min, 1h, [this] { all_.cloud.weather.refuses_scrubbing = false; });
    });
  }

  void disks() {
    perhaps(0.5, 10min, 3h, [this] {
      const auto how = all_.chance.chance(0.5) ? disk_fault::full : disk_fault::io_error;
      all_.note("the disk {}", how == disk_fault::full ? "is full" : "fails");
      all_.disk.fails(how);
      for_a_while(1s, 10min, [this] {
        all_.note("the disk is well");
        all_.disk.fails(disk_fault::none);
      });
    });
  }

  void clocks() {
    perhaps(0.3, 30min, 3h, [this] {
      const auto by = milliseconds(all_.chance.between(-3'600'000, 3'600'000));
      all_.note("the clock jumps by {} s", by.count() / 1000);
      all_.time.jump(by);
    });
  }

  void watch() {
    all_.time.after(1min, [this] {
      all_.judge.look_at_waits(!all_.daemon_lives() || all_.disk.fault() != disk_fault::none);
      watch();
    });
  }

  void peace() {
    all_.note("peace");
    auto quiet = std::make_shared<region_config>(*all_.config);
    quiet->schedules.clear();
    quiet->throttles.clear();
    all_.reload(std::move(quiet));
    for (auto& host : all_.hosts) {
      host->weather = {};
      host->boot();
      host->plug_cable();
    }
    all_.cloud.weather = {};
    all_.disk.fails(disk_fault::none);
    all_.disk.cut_power_at_write(0);
    all_.kill_daemon_after(0, false);
    const auto begun = all_.time.passed();
    for (const auto& [id, one] : all_.cloud.records()) all_.cloud.malform(id, false);
    std::vector<std::string> left{"nothing was looked at"};
    while (!left.empty() && all_.time.passed() - begun < peace_most_ && all_.judge.violations().empty()) {
      all_.start_daemon();
      settle_by_hand();
      all_.pass(10min);
      left = all_.judge.unrest(all_.cloud, all_.all_hosts(), *all_.config);
    }
    to_rest_ = all_.time.passed() - begun;
    if (!left.empty() && all_.judge.violations().empty()) all_.judge.does_not_converge(left);
  }

  /// What an operator would do about what has failed in bad times.
  void settle_by_hand() {
    for (const auto& [host, cordon] : all_.judge.journal().cordons) {
      operator_command what;
      what.what = operator_verb::uncordon;
      what.host = host_id(host);
      all_.tell_daemon(what);
    }
    for (const auto& [key, held] : all_.judge.journal().holds) {
      operator_command what;
      what.what = operator_verb::resume;
      what.resource = held.resource;
      all_.tell_daemon(what);
    }
    for (const auto& [key, one] : all_.judge.journal().resources) {
      if (one.state != unresourced && !one.degraded) continue;
      operator_command what;
      what.what = operator_verb::retry;
      what.resource = one.id;
      all_.tell_daemon(what);
    }
  }

  world& all_;
  milliseconds ends_;
  milliseconds peace_most_;
  milliseconds to_rest_{0};
};

}  // namespace

scenario_result run_scenario(std::uint64_t seed, const scenario_options& how) {
  world all(seed, how.bug);
  all.prints = how.prints;
  scenario play(all, how);
  play.run();
  scenario_result made;
  made.seed = seed;
  made.violations = all.judge.violations();
  made.fingerprint = all.fingerprint();
  made.simulated = all.time.passed();
  made.to_rest = play.to_rest();
  made.messages = all.messages;
  made.runs = all.judge.runs();
  made.jobs = all.judge.journal().jobs.size();
  made.reigns = all.reigns;
  made.trace.assign(all.trace().begin(), all.trace().end());
  return made;
}

std::string summary_of(const scenario_result& what) {
  auto text =
      fmt::format("seed {}: {} simulated, {} jobs, {} runs, {} reigns, {} messages, at rest after {}", what.seed,
                  span_text(what.simulated), what.jobs, what.runs, what.reigns, what.messages, span_text(what.to_rest));
  for (const auto& one : what.violations) text += fmt::format("\n  {}: {}", name(one.of), one.what);
  return text;
}

}  // namespace regent::sim
