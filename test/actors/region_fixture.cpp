#include "test/actors/region_fixture.hpp"

#include "actors/central_actors.hpp"
#include "actors/host.hpp"
#include "region/tree_order.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

namespace regent::test {

namespace {

/// The part of the lifecycle table that the cloud accepts from an orchestrator.
bool accepts(lifecycle_state from, lifecycle_state to) {
  if (from == to) return true;
  if (from == scrub && to == scrubbing) return true;
  if (from == scrub_queue && to == scrubbing) return true;
  if (from == unresourced) return class_of(to) == state_class::wants_work;
  if (to == unresourced) return class_of(from) == state_class::in_progress || from == requested;
  return row(from).forward == to;
}

class client final : public cloud {
 public:
  client(played_cloud& side, const clock& time) : side_(side), time_(time) {}

  result<std::vector<resource_id>> changes() override {
    if (side_.away) return away();
    std::vector<resource_id> all(side_.news.begin(), side_.news.end());
    side_.news.clear();  // as the real one does
    return all;
  }
  result<void> acknowledge_changes() override { return {}; }
  result<cloud_listing> list(const std::string&, const std::vector<lifecycle_state>& states) override {
    if (side_.away) return away();
    cloud_listing all;
    for (const auto& [id, one] : side_.records) {
      if (std::find(states.begin(), states.end(), one.state) == states.end()) continue;
      if (one.malformed)
        all.bad.push_back({id.text(), "subnets.0.vlan", "\"x\" is no number"});
      else
        all.heads.push_back(head(id, one));
    }
    return all;
  }
  result<record> read(const resource_id& id) override {
    ++side_.reads;
    if (side_.away) return away();
    const auto found = side_.records.find(id);
    if (found == side_.records.end()) return fail(error_kind::permanent, "cloud_not_found", "{}", id.text());
    if (found->second.malformed)
      return fail(error_kind::permanent, "record_malformed", "{}: subnets.0.vlan", id.text());
    record whole;
    whole.head = head(id, found->second);
    whole.grace = std::chrono::hours(1);
    whole.document = *parse_json(found->second.document);
    return whole;
  }
  result<void> ask(const resource_id& id, lifecycle_state wish) override {
    if (side_.away) return away();
    if (side_.refuses_wishes) return fail(error_kind::conflict, "cloud_refused", "{}", *side_.refuses_wishes);
    auto& one = side_.records.at(id);
    const bool may = wish == scrub ? one.state == running || one.state == quiesced : one.state == scrub_queue;
    if (!may && one.state != wish)
      return fail(error_kind::conflict, "cloud_refused", "{} to {}", name(one.state), name(wish));
    side_.wishes.emplace_back(id, wish);
    if (side_.at_wish) side_.at_wish(id);
    one.state = wish;
    one.stamp = time_.wall().time_since_epoch().count();
    if (side_.tells_of_wishes) side_.news.insert(id);
    return {};
  }
  result<void> report(const resource_id& id, lifecycle_state state) override {
    if (side_.away) return away();
    auto& one = side_.records.at(id);
    if (side_.refuses_states) return fail(error_kind::conflict, "cloud_refused", "{}", *side_.refuses_states);
    if (state == scrubbing && side_.refuses_scrubbing)
      return fail(error_kind::conflict, "cloud_refused", "{}", *side_.refuses_scrubbing);
    if (!accepts(one.state, state))
      return fail(error_kind::conflict, "cloud_refused", "{} to {}", name(one.state), name(state));
    one.state = state;
    one.stamp = time_.wall().time_since_epoch().count();
    side_.reports.emplace_back(id, state);
    if (side_.after_report) side_.after_report(id, one);
    return {};
  }

 private:
  static failure away() { return fail(error_kind::transient, "cloud_unreachable", "it is away"); }
  static record_head head(const resource_id& id, const played_cloud::entry& one) {
    return {id, one.state, iso_text(wall_time(milliseconds(one.stamp))), "7"};
  }
  played_cloud& side_;
  const clock& time_;
};

class pair_kinds final : public catalogue {
 public:
  pair_kinds() {
    for (const auto* primitive : {"net", "fw"})
      scripts_[primitive] = {primitive, std::make_shared<const std::string>(primitive), std::string(64, 'a')};
  }
  const primitive_script* find_script(const std::string& primitive) const override {
    const auto found = scripts_.find(primitive);
    return found == scripts_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> kinds() const override { return {"virtual_router"}; }
  bool has_scrub_queue(const std::string&) const override { return true; }
  result<plan> make_plan(operation what, const record& from, const region_config& region, bool) const override {
    if (find_path(*from.document, "throws") != nullptr) throw std::runtime_error("a kind that throws");
    const auto* value = find_path(*from.document, "v");
    if (value == nullptr)
      return fail(error_kind::permanent, "plan_path_missing", "{}: {{record.v}}", from.head.id.text());
    plan made;
    made.resource = from.head.id;
    made.what = what;
    made.lease_scope = from.head.id.text();
    if (const auto* seconds = find_path(*from.document, "deadline_s"))
      made.deadline = std::chrono::seconds(seconds->GetInt64());
    for (const auto& [host, role] :
         {std::pair(region.podnet.enabled, step_role::enabled), std::pair(host_id("b"), step_role::standby)})
      for (const auto* primitive : {"net", "fw"}) {
        made.steps.push_back({host,
                              primitive,
                              std::string(name(what)),
                              {{"v", json_text(*value), false}, {"key", "s3cret", true}},
                              role,
                              std::chrono::seconds(30),
                              fmt::format("{} of {}", primitive, from.head.id.text()),
                              std::chrono::seconds(5)});
        if (find_path(*from.document, "undo") != nullptr) made.steps.back().undo = "scrub";
        if (region.policies.adopt_existing)
          made.steps.back().parameters.push_back({"adopt", std::string("true"), false});
      }
    return made;
  }

 private:
  std::map<std::string, primitive_script> scripts_;
};

}  // namespace

void played_cloud::ask(const resource_id& id, lifecycle_state state) {
  records[id].state = state;
  ++records[id].stamp;
  news.insert(id);
}

std::shared_ptr<const catalogue> pair_catalogue() { return std::make_shared<const pair_kinds>(); }

/// Executes at once, and remembers by run id as the real runner does.
class played_channel final : public command_channel {
 public:
  played_channel(region_fixture& all, std::string name, channel_sink sink)
      : all_(all), name_(std::move(name)), sink_(std::move(sink)) {
    all_.channels_[name_] = this;
    if (host().reachable)
      up();
    else
      sink_.disconnected({error_kind::transient, "host_unreachable", "no route"});
  }
  ~played_channel() override { all_.channels_.erase(name_); }

  void up() { sink_.connected(host().boot_id, milliseconds(1)); }
  void down(const std::string& why) { sink_.disconnected({error_kind::transient, "host_unreachable", why}); }
  void beat(std::int64_t load) {
    if (host().reachable) sink_.alive(milliseconds(1), load);
  }

  void send(run_request request) override {
    if (!host().reachable) return;
    if (!host().known.contains(request.run)) execute(request);
    ask(request.run);
  }
  void ask(const run_id& run) override {
    if (!host().reachable) return;
    run_report said;
    said.boot_id = host().boot_id;
    const auto found = host().known.find(run);
    if (found != host().known.end()) said = found->second;
    said.run = run;
    sink_.reported(said);
  }
  void cancel(const run_id& run) override {
    if (!host().reachable) return;
    ++host().cancels;
    const auto found = host().known.find(run);
    if (found == host().known.end() || found->second.status != run_status::running || host().deaf) return;
    found->second.status = run_status::finished;
    found->second.exit_code = 143;
    found->second.cancelled = true;
    ask(run);
  }
  void forget(std::vector<run_id> runs) override {
    if (!host().reachable) return;
    for (const auto& run : runs) host().known.erase(run);
  }

 private:
  played_host& host() { return all_.hosts[name_]; }
  void execute(const run_request& request) {
    auto& here = host();
    ++here.executions[request.run.value()];
    for (const auto& parameter : request.parameters)
      if (parameter.name == "key") here.secrets.insert(std::get<std::string>(parameter.value));
    here.log.push_back(*request.script + "." + request.verb);
    run_report said;
    said.boot_id = here.boot_id;
    said.status = here.hangs.contains(*request.script) ? run_status::running : run_status::finished;
    said.exit_code = here.behaves ? here.behaves(request) : 0;
    said.errors = said.exit_code == 0 ? "" : "as told";
    here.known[request.run] = said;
  }
  region_fixture& all_;
  std::string name_;
  channel_sink sink_;
};

region_fixture::region_fixture() : config(std::make_shared<region_config>()) {
  spdlog::set_level(spdlog::level::off);
  config->name = "test";
  for (const auto* name : {"a", "b"}) {
    host_config host;
    host.name = host_id(name);
    host.role = "podnet";
    config->hosts.push_back(host);
    hosts[name];
  }
  config->podnet = {host_id("a"), host_id("b"), host_id("a")};
}

region_fixture::~region_fixture() { crash(); }

caf::scheduler::test_coordinator& region_fixture::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

void region_fixture::start() {
  facts = std::make_unique<daemon_facts>();
  settings_ = std::make_unique<actor_config>(facts->probes);
  settings_->set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(*settings_);
  context_ = std::make_shared<region_context>(time, *facts, config);
  directory_ = std::make_shared<actor_directory>();
  std::shared_ptr<journal> journal = open_memory_journal(store);
  auto open = std::make_shared<journal_contents>(*journal->begin_reign());
  context_->kinds = pair_catalogue();
  context_->journal_id = open->journal_id;
  context_->epoch = open->epoch;
  context_->last_job = open->last_job;
  context_->open_channel = [this](const host_config& host, channel_sink sink) {
    return std::make_unique<played_channel>(*this, host.name.value(), std::move(sink));
  };
  context_->open_cloud = [this](const std::shared_ptr<const region_config>&) -> result<std::unique_ptr<cloud>> {
    return std::make_unique<client>(cloud_side, time);
  };
  context_->open_job_of = [this](const resource_id& id) -> result<std::optional<job_with_steps>> {
    for (const auto& [number, one] : store->jobs) {
      if (one.resource != id || !is_open(one.state) || waits_to_begin(one)) continue;
      job_with_steps found{one, {}};
      for (const auto& [key, step] : store->steps)
        if (key.first == number) found.steps.push_back(step);
      return std::optional(found);
    }
    return std::optional<job_with_steps>{};
  };
  context_->last_operation_of = [this](const resource_id& id) -> result<std::optional<job>> {
    std::optional<job> newest;
    for (const auto& [number, one] : store->jobs)
      if (one.resource == id && !one.repair) newest = one;
    return newest;
  };
  context_->last_repair_of = [this](const resource_id& id) -> result<std::optional<job_with_steps>> {
    std::optional<job_with_steps> newest;
    for (const auto& [number, one] : store->jobs)
      if (one.resource == id && one.repair && !is_open(one.state)) newest = job_with_steps{one, {}};
    for (const auto& [key, step] : store->steps)
      if (newest && key.first == newest->job.id.value()) newest->steps.push_back(step);
    return newest;
  };
  context_->open_reader = [this, shown = std::make_shared<fake_journal>()] {
    *shown = fake_journal{};
    const auto copy = [](const auto& from, auto& to) {
      for (const auto& [key, row] : from) to.push_back(row);
    };
    copy(store->resources, shown->resources);
    copy(store->jobs, shown->jobs);
    copy(store->steps, shown->steps);
    copy(store->trees, shown->trees);
    copy(store->branches, shown->branches);
    shown->events.assign(store->events.begin(), store->events.end());
    return shown->opener()();
  };
  context_->schedule_at_work = [this](const std::string& name) -> result<bool> {
    const auto mark = store->schedules.find(name);
    const auto root = mark == store->schedules.end() ? store->jobs.end() : store->jobs.find(mark->second.job.value());
    return root != store->jobs.end() && is_open(root->second.state);
  };
  context_->whole_job_of = [this](job_id id) -> result<std::optional<job_with_steps>> {
    const auto found = store->jobs.find(id.value());
    if (found == store->jobs.end()) return std::optional<job_with_steps>{};
    job_with_steps made{found->second, {}};
    for (const auto& [key, step] : store->steps)
      if (key.first == id.value()) made.steps.push_back(step);
    return std::optional(made);
  };
  context_->document_of = [this](const resource_id& id) -> result<std::string> {
    const auto found = store->resources.find({id.kind, id.id});
    return found == store->resources.end() ? std::string() : found->second.document;
  };
  context_->job_of = [this](job_id id) -> result<std::optional<job>> {
    const auto found = store->jobs.find(id.value());
    return found == store->jobs.end() ? std::nullopt : std::optional(found->second);
  };
  context_->resource_of = [this](const resource_id& id) -> result<std::optional<resource>> {
    const auto found = store->resources.find({id.kind, id.id});
    return found == store->resources.end() ? std::nullopt : std::optional(found->second);
  };
  context_->look_at_events = [this](const event_filter& filter, event_order order, std::optional<std::int64_t> from,
                                    std::size_t limit) -> result<event_look> {
    event_look found;
    found.newest = store->last_event;
    found.cursor = order == event_order::oldest_first ? std::max(from.value_or(0), store->last_event) : 0;
    for (const auto& one : store->events)
      if (order == event_order::oldest_first && found.rows.size() < limit && one.sequence > from.value_or(0) &&
          filter.topics.matches(one.topic) && (filter.resource.empty() || filter.resource == one.resource))
        found.rows.push_back(one);
    return found;
  };
  context_->tree_of = [this](job_id root) -> result<std::pair<tree, std::vector<branch>>> {
    return std::pair(store->trees.at(root.value()), branches(root));
  };
  context_->leases_on = [this](const host_id& host) -> result<std::vector<lease>> {
    std::vector<lease> held;
    for (const auto& [key, one] : store->leases)
      if (one.host == host) held.push_back(one);
    return held;
  };
  spawn_central_actors<caf::no_spawn_options>(*system_, context_, directory_, std::move(journal), std::move(open));
}

void asks_for_build(region_fixture& region) { region.cloud_side.records[region.router].state = requested; }

void build(region_fixture& region) {
  asks_for_build(region);
  region.start();
  region.pass(std::chrono::seconds(1));
  REQUIRE(region.state_in_cloud() == running);
}

std::string region_fixture::tell(operator_command what) {
  auto said = std::make_shared<std::string>();
  what.by = "operator: as the test wants";
  tell_without_settling(what,
                        [said](const result<std::string>& answer) { *said = answer ? *answer : answer.error().code; });
  settle();
  return *said;
}

void region_fixture::tell_without_settling(operator_command what, operator_answer answer) {
  caf::anon_send(directory_->region, operator_asked{std::move(what), std::move(answer)});
}

std::string region_fixture::order(const std::string& text) {
  auto said = std::make_shared<std::string>();
  order_without_settling(text,
                         [said](const result<std::string>& answer) { *said = answer ? *answer : answer.error().code; });
  settle();
  return *said;
}

void region_fixture::order_without_settling(const std::string& text, operator_answer answer) {
  auto parsed = parse_tree_order(text);
  INFO(parsed.text("order"));
  REQUIRE(parsed.order);
  caf::anon_send(
      directory_->region,
      tree_asked{
          std::make_shared<const tree_order>(std::move(*parsed.order)), "as the test wants", {}, std::move(answer)});
}

void region_fixture::see(std::shared_ptr<region_config> next) {
  config = std::move(next);
  context_->replace_config(config);
}

void region_fixture::reload(std::shared_ptr<region_config> next) {
  see(std::move(next));
  caf::anon_send(directory_->scheduler, config_changed{config});
  caf::anon_send(directory_->region, config_changed{config});
}

void region_fixture::crash() {
  if (!system_) return;
  // Kill them all without letting anybody say a word: their exits are the only messages that are handled from here on.
  const auto reports = cloud_side.reports;
  for (auto& [name, host] : hosts) host.reachable = false;
  const auto was_away = std::exchange(cloud_side.away, true);
  store = std::make_shared<memory_store>(*store);  // what is still written goes nowhere
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
  for (auto& [name, host] : hosts) host.reachable = true;
  cloud_side.away = was_away;
  cloud_side.reports = reports;
}

void region_fixture::restart() {
  crash();
  start();
  pass(std::chrono::seconds(3));
}

std::size_t region_fixture::told(std::string_view topic) const {
  return static_cast<std::size_t>(
      std::count_if(store->events.begin(), store->events.end(), [&](const event& one) { return one.topic == topic; }));
}

std::size_t region_fixture::settle(std::size_t most) { return scheduler().run(most); }

void region_fixture::pass(milliseconds span) {
  for (auto left = span; left.count() > 0;) {
    const auto part = std::min(left, milliseconds(250));
    time.pass(part);
    scheduler().advance_time(part);
    settle();
    left -= part;
  }
}

std::size_t region_fixture::pass_but_handle(milliseconds span, std::size_t most) {
  time.pass(span);
  scheduler().advance_time(span);
  return settle(most);
}

void region_fixture::host_up(const std::string& name) {
  hosts[name].reachable = true;
  if (const auto found = channels_.find(name); found != channels_.end()) found->second->up();
}

void region_fixture::host_down(const std::string& name, const std::string& why) {
  hosts[name].reachable = false;
  if (const auto found = channels_.find(name); found != channels_.end()) found->second->down(why);
}

void region_fixture::host_reboots(const std::string& name) {
  host_down(name, "rebooting");
  auto& host = hosts[name];
  host.boot_id += "+";
  host.known.clear();
  host.hangs.clear();
  host_up(name);
}

void region_fixture::host_finishes(const std::string& name) {
  auto& host = hosts[name];
  host.hangs.clear();
  for (auto& [run, said] : host.known) {
    if (said.status != run_status::running) continue;
    said.status = run_status::finished;
    if (const auto found = channels_.find(name); found != channels_.end()) found->second->ask(run);
  }
}

void region_fixture::host_beats(const std::string& name, std::optional<run_progress> progress) {
  for (auto& [run, said] : hosts[name].known) {
    if (said.status != run_status::running) continue;
    said.progress = progress;
    if (const auto found = channels_.find(name); found != channels_.end()) found->second->ask(run);
  }
  settle();
}

void region_fixture::host_load(const std::string& name, std::int64_t hundredths) {
  if (const auto found = channels_.find(name); found != channels_.end()) found->second->beat(hundredths);
  settle();
}

lifecycle_state region_fixture::state_in_cloud(const std::string& id) const {
  return cloud_side.records.at({"virtual_router", id}).state;
}

const resource* region_fixture::row(const std::string& id) const {
  const auto found = store->resources.find({"virtual_router", id});
  return found == store->resources.end() ? nullptr : &found->second;
}

std::vector<job> region_fixture::jobs(job_state state) const {
  std::vector<job> all;
  for (const auto& [number, one] : store->jobs)
    if (one.state == state) all.push_back(one);
  return all;
}

std::vector<branch> region_fixture::branches(job_id root) const {
  std::vector<branch> all;
  for (const auto& [key, one] : store->branches)
    if (key.first == root.value()) all.push_back(one);
  return all;
}

std::vector<job> region_fixture::open_jobs() const {
  std::vector<job> all;
  for (const auto& [number, one] : store->jobs)
    if (is_open(one.state)) all.push_back(one);
  return all;
}

}  // namespace regent::test
