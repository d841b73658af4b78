#include "sim/region/world.hpp"

#include <stdlib.h>

#include <caf/actor_system.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdio>
#include <filesystem>

#include "actors/central_actors.hpp"
#include "actors/journal_lookup.hpp"
#include "persistence/sqlite_journal.hpp"
#include "sim/region/sim_kinds.hpp"

namespace regent::sim {

namespace {

constexpr std::size_t lines_kept = 400;
// Timers of actors are as precise as this.
constexpr auto longest_stride = milliseconds(200);

template <class Row>
void drop_all(transaction& from) {
  std::erase_if(from, [](const mutation& one) { return std::holds_alternative<Row>(one); });
}

/// The bug is in what the daemon writes, so it is put in on the way to the disk.
void plant(planted bug, std::span<transaction> group) {
  for (auto& one : group) {
    if (bug == planted::runs_without_intent) drop_all<step>(one);
    if (bug == planted::leases_are_lost) drop_all<lease>(one);
    if (bug == planted::reports_are_lost) drop_all<report>(one);
    for (auto& row : one)
      if (auto* const waiting = std::get_if<job>(&row); waiting && bug == planted::waits_are_silent)
        waiting->waits_for.clear();
  }
}

}  // namespace

/// The journal with a witness: the judge hears of every commit what was asked for and whether it was granted.
class watched_journal final : public journal {
 public:
  watched_journal(world& all, std::unique_ptr<journal> real, std::shared_ptr<bool> alive)
      : all_(all), real_(std::move(real)), alive_(std::move(alive)) {}

  result<journal_contents> begin_reign() override {
    auto found = real_->begin_reign();
    if (found) all_.judge.reign_begins(*found);
    return found;
  }

  result<void> commit(std::span<transaction> group) override {
    if (!*alive_) return fail(error_kind::permanent, "journal_io", "this reign is over");
    plant(all_.bug_, group);
    const std::vector<transaction> asked(group.begin(), group.end());
    auto done = real_->commit(group);
    if (done && all_.disk.power_was_cut()) done = fail(error_kind::permanent, "journal_io", "the power was cut");
    if (!done) all_.note("journal: {}", done.error().code);
    for (const auto& one : asked)
      for (const auto& row : one)
        if (const auto* said = std::get_if<event>(&row); done && said)
          all_.note("{}: {} {}", said->topic, said->resource.empty() ? "" : said->resource.text(), said->text);
    // What the schema refuses is surely not there.
    if (done || done.error().kind != error_kind::bug) all_.judge.commits(asked, done.has_value());
    return done;
  }

 private:
  world& all_;
  std::unique_ptr<journal> real_;
  std::shared_ptr<bool> alive_;
};

world::world(std::uint64_t seed, planted bug)
    : chance(seed),
      judge(time),
      disk(chance, time),
      cloud(chance, time),
      network(chance, time),
      config(std::make_shared<region_config>()),
      bug_(bug) {
  spdlog::set_level(spdlog::level::off);
  auto path = (std::filesystem::temp_directory_path() / "regent-sim.XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + path);
  directory_path_ = path;
  config->name = "simulated";
  for (const auto* name : {"podnet-a", "podnet-b", "disk-1", "disk-2"}) {
    host_config one;
    one.name = host_id(name);
    one.role = std::string_view(name).starts_with("podnet") ? "podnet" : "ceph";
    one.concurrency = static_cast<std::size_t>(chance.between(1, 4));
    config->hosts.push_back(one);
    hosts.push_back(std::make_unique<sim_host>(name, chance, time));
    hosts.back()->forgets_runs = bug == planted::hosts_forget;
    hosts.back()->on_start = [this](const sim_host& on, const run_request& request) {
      note("{} runs {} {} of {} ({})", on.name(), request.verb, *request.script, parameter_of(request, "resource"),
           request.run.value());
      judge.run_starts(on, request);
    };
  }
  config->podnet = {host_id("podnet-a"), host_id("podnet-b"), host_id("podnet-a")};
  config->cloud.poll_interval = std::chrono::seconds(5);
  config->cloud.listing_interval = std::chrono::seconds(60);
  disk.lies_about_syncs(bug == planted::disk_lies);
}

world::~world() {
  kill_daemon(false);
  std::error_code gone;
  std::filesystem::remove_all(directory_path_, gone);
}

void world::note_line(std::string line) {
  line = fmt::format("{:>12} {}", span_text(time.passed()), line);
  for (const char each : line) fingerprint_ = (fingerprint_ ^ static_cast<unsigned char>(each)) * 1099511628211ULL;
  if (prints) fmt::print("{}\n", line);
  trace_.push_back(std::move(line));
  if (trace_.size() > lines_kept) trace_.pop_front();
}

sim_host& world::host(const std::string& name) {
  return **std::find_if(hosts.begin(), hosts.end(), [&](const auto& one) { return one->name() == name; });
}

std::vector<const sim_host*> world::all_hosts() const {
  std::vector<const sim_host*> all;
  for (const auto& one : hosts) all.push_back(one.get());
  return all;
}

caf::scheduler::test_coordinator& world::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

void world::start_daemon() {
  if (system_) return;
  disk.power_is_back();
  const auto begun = begin_reign();
  if (begun) return note("the daemon has started: reign {}", ++reigns);
  note("the daemon cannot start: {}", begun.error().code);
  system_.reset();
  time.after(std::chrono::seconds(10), [this] { start_daemon(); });
}

result<void> world::begin_reign() {
  const auto path = directory_path_ + "/regent.db";
  sqlite_journal_options options;
  options.journal_id = "0badcafe";
  auto file = open_sqlite_journal(path, options);
  if (!file) return tl::unexpected(file.error());
  alive_ = std::make_shared<bool>(true);
  auto store = std::make_shared<watched_journal>(*this, std::move(*file), alive_);
  auto found = store->begin_reign();
  if (!found) return tl::unexpected(found.error());
  auto open = std::make_shared<const journal_contents>(std::move(*found));

  facts_ = std::make_unique<daemon_facts>();
  settings_ = std::make_unique<actor_config>(facts_->probes);
  settings_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*settings_);
  context_ = std::make_shared<region_context>(time, *facts_, config);
  directory_ = std::make_shared<actor_directory>();
  context_->kinds = make_sim_kinds();
  context_->journal_id = open->journal_id;
  context_->epoch = open->epoch;
  context_->last_job = open->last_job;
  context_->jitter_seed = static_cast<std::uint64_t>(chance.between(1, 1'000'000));
  context_->open_channel = [this](const host_config& to, channel_sink sink) {
    return network.open(host(to.name.value()), context_->epoch, std::move(sink));
  };
  context_->open_cloud = [this](const std::shared_ptr<const region_config>&) -> result<std::unique_ptr<regent::cloud>> {
    return cloud.open();
  };
  look_into(*context_, path);
  spawn_central_actors<caf::no_spawn_options>(*system_, context_, directory_, std::move(store), std::move(open));
  return {};
}

void world::kill_daemon_after(int messages_more, bool power) {
  messages_until_death_ = messages_more;
  power_too_ = power;
}

void world::kill_daemon(bool power) {
  messages_until_death_ = 0;
  if (!system_) return;
  note("{}", power ? "the power fails" : "the daemon is killed");
  *alive_ = false;
  if (!disk.power_was_cut()) power ? disk.cut_power() : disk.kill_process();
  // Nobody says another word to anybody: only the exits of actors are handled from here on.
  network.freeze(true);
  const auto weather = cloud.weather;
  cloud.weather.away = true;
  caf::anon_send(directory_->region, regent::stop{});
  const auto end = [](const auto& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); };
  end(directory_->poller);
  end(directory_->reader);
  end(directory_->reporter);
  end(directory_->scheduler);
  end(directory_->journal);
  while (system_->registry().running() > 0 && (scheduler().run(1000) > 0 || scheduler().trigger_timeouts() > 0))
    continue;
  directory_->clear();
  system_.reset();
  context_.reset();
  directory_.reset();
  settings_.reset();
  facts_.reset();
  cloud.weather = weather;
  network.freeze(false);
}

void world::tell_daemon(operator_command what, std::function<void(bool)> done) {
  if (!system_) return;
  note("operator: {} {}{}{}", name(what.what),
       what.job.empty() ? "" : "job " + std::to_string(what.job.value()) + " of ",
       what.resource.empty() ? "" : what.resource.text(), what.host.value());
  what.by = "operator: as chance has it";
  caf::anon_send(directory_->region,
                 operator_asked{std::move(what), [this, alive = alive_, done = std::move(done)](const auto& said) {
                                  if (!*alive) return;
                                  note("operator is told: {}", said ? *said : said.error().code);
                                  if (done) done(said.has_value());
                                }});
}

void world::order_daemon(tree_order order) {
  if (!system_) return;
  note("operator: a tree of {} branches", order.branches.size());
  caf::anon_send(directory_->region, tree_asked{std::make_shared<const tree_order>(std::move(order)),
                                                "as chance has it",
                                                {},
                                                [this, alive = alive_](const result<std::string>& said) {
                                                  if (*alive)
                                                    note("operator is told: {}", said ? *said : said.error().code);
                                                }});
}

void world::reload(std::shared_ptr<region_config> next) {
  note("the region file: {} schedules, {} throttles", next->schedules.size(), next->throttles.size());
  config = std::move(next);
  if (!system_) return;
  context_->replace_config(config);
  caf::anon_send(directory_->scheduler, config_changed{config});
  caf::anon_send(directory_->region, config_changed{config});
}

/// One message of whoever chance has it. False if nobody has any.
bool world::one_message() {
  auto& jobs = scheduler().jobs;
  if (jobs.empty()) return false;
  const auto most = static_cast<std::int64_t>(std::min<std::size_t>(jobs.size(), 8));
  const auto chosen = jobs.begin() + chance.between(0, most - 1);
  std::rotate(jobs.begin(), chosen, chosen + 1);
  scheduler().run_once();
  ++messages;
  if (disk.power_was_cut())
    kill_daemon(true);
  else if (messages_until_death_ > 0 && --messages_until_death_ == 0)
    kill_daemon(power_too_);
  return true;
}

void world::pass(milliseconds span) {
  const auto end = time.passed() + span;
  while (time.passed() < end && judge.violations().empty()) {
    if (system_ && one_message()) continue;
    if (time.do_next()) continue;
    const auto stride = time.until_next(std::min(end - time.passed(), longest_stride));
    time.pass(stride);
    if (system_) scheduler().advance_time(stride);
  }
}

}  // namespace regent::sim
