#include "actors/supervisor.hpp"

#include <caf/actor_system.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "actors/central_actors.hpp"
#include "actors/event_sink.hpp"
#include "actors/journal_lookup.hpp"
#include "transport/transport.hpp"

namespace regent {

namespace {

constexpr std::size_t io_threads = 2;

host_endpoint endpoint_of(const host_config& host) {
  host_endpoint made;
  made.host = host.name;
  made.address = host.address;
  made.port = host.port;
  made.user = host.user;
  made.become = host.become;
  made.local = host.local;
  made.key_file = host.key_file;
  made.certificate_file = host.certificate_file;
  made.agent = host.agent;
  made.host_key = host.host_key;
  made.known_hosts_file = host.known_hosts_file;
  made.host_ca = host.host_ca;
  made.state_directory = host.state_directory;
  return made;
}

/// One session for all clients of one region file: they share login, rate and circuit breaker.
class cloud_opener {
 public:
  explicit cloud_opener(const clock& time) : time_(time) {}
  result<std::unique_ptr<cloud>> operator()(const std::shared_ptr<const region_config>& config) {
    const std::lock_guard lock(guard_);
    if (!session_ || opened_for_ != config) {
      session_ = make_cloud_session(config->cloud, time_);
      opened_for_ = config;
    }
    return make_cloud(config->cloud, session_);
  }
  void stop() {
    const std::lock_guard lock(guard_);
    if (session_) stop_cloud_session(*session_);
  }

 private:
  const clock& time_;
  std::mutex guard_;
  std::shared_ptr<cloud_session> session_;
  std::shared_ptr<const region_config> opened_for_;
};

class running_daemon final : public daemon {
 public:
  running_daemon(std::shared_ptr<const region_config> config, const clock& time)
      : context_(std::make_shared<region_context>(time, facts_, std::move(config))),
        opener_(time),
        actor_config_(facts_.probes) {}

  ~running_daemon() override { stop(); }

  result<void> start() {
    const auto began = context_->time.steady();
    facts_.started_ms = context_->time.wall().time_since_epoch().count();
    const auto config = context_->config();
    std::error_code made;
    std::filesystem::create_directories(config->state_directory, made);
    if (made) return fail(error_kind::permanent, "state_directory", "{}: {}", config->state_directory, made.message());
    const auto path = config->state_directory + "/regent.db";
    auto kinds = load_catalogue(config->kind_directories);
    if (!kinds) return tl::unexpected(kinds.error());
    auto store = open_sqlite_journal(path);
    if (!store) return tl::unexpected(store.error());
    auto open = (*store)->begin_reign();
    if (!open) return tl::unexpected(open.error());
    prepare(*config, *kinds, *open, path);
    // Hosts, resources and jobs are in place before anybody can ask for them.
    spawn_all(std::move(*store), std::make_shared<const journal_contents>(std::move(*open)));
    auto face = start_http_face(
        *config, path, facts_, context_->time,
        [region = directory_->region](operator_command what, operator_answer answer) {
          caf::anon_send(region, operator_asked{std::move(what), std::move(answer)});
        },
        [region = directory_->region](std::shared_ptr<const tree_order> order, std::string cause,
                                      operator_answer answer) {
          caf::anon_send(region, tree_asked{std::move(order), std::move(cause), {}, std::move(answer)});
        });
    if (!face) return tl::unexpected(face.error());
    face_ = std::move(*face);
    facts_.start_to_ready_ms = std::chrono::duration_cast<milliseconds>(context_->time.steady() - began).count();
    return {};
  }

  void reload(std::shared_ptr<const region_config> config) override {
    context_->replace_config(config);
    follow_sinks(*config);
    caf::anon_send(directory_->scheduler, config_changed{config});
    caf::anon_send(directory_->region, config_changed{std::move(config)});
  }

  bool stop() override {
    if (!system_) return true;
    facts_.live = false;
    facts_.ready = false;
    face_.reset();
    opener_.stop();
    sinks_over_.request_stop();
    caf::anon_send(directory_->region, regent::stop{});
    const auto end = [](const auto& actor) { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); };
    end(directory_->poller);
    end(directory_->reader);
    end(directory_->reporter);
    end(directory_->scheduler);
    end(directory_->journal);
    for (const auto& [name, sink] : sinks_) end(sink);
    sinks_.clear();
    if (!all_gone_within(limits::shutdown_hard)) {
      static_cast<void>(
          system_.release());  // its workers may be in a call that does not end: the process leaves without it
      return false;
    }
    directory_->clear();
    system_.reset();
    transport_.reset();
    return true;
  }

  bool alive() override {
    const auto now = context_->time.steady();
    bool live = system_ != nullptr;
    for (const auto* type : {"region", "journal"})
      for (const auto& seen : facts_.probes.list(now, 0, 1, type, ""))
        live = live && seen.busy_now <= limits::wedged_after && seen.oldest_message <= limits::wedged_after;
    facts_.live = live;
    return live;
  }
  daemon_facts& facts() override { return facts_; }
  int http_port() const override { return face_ ? face_->port() : 0; }
  std::string socket_path() const override {
    const auto config = context_->config();
    return config->listen.unix_socket.empty() ? config->state_directory + "/regent.sock" : config->listen.unix_socket;
  }

 private:
  void prepare(const region_config& config, std::shared_ptr<const catalogue> kinds, const journal_contents& open,
               const std::string& path) {
    facts_.needs = kinds->needs();
    context_->kinds = std::move(kinds);
    context_->journal_id = open.journal_id;
    context_->epoch = open.epoch;
    context_->last_job = open.last_job;
    facts_.epoch = open.epoch;
    transport_ = make_transport(io_threads, config.name, open.epoch);
    context_->open_channel = [this](const host_config& host, channel_sink sink) {
      return transport_->open(endpoint_of(host), std::move(sink));
    };
    context_->open_cloud = [this](const std::shared_ptr<const region_config>& region) { return opener_(region); };
    look_into(*context_, path);
  }

  void spawn_all(std::shared_ptr<journal> store, std::shared_ptr<const journal_contents> open) {
    system_ = std::make_unique<caf::actor_system>(actor_config_);
    for (const auto& one : open->sinks) places_[one.sink] = one.after;
    spawn_central_actors<caf::detached>(*system_, context_, directory_, std::move(store), std::move(open));
    follow_sinks(*context_->config());
  }

  /// Sinks that are new in the file begin, those that were there try again at once, perhaps with other words, and those that
  /// left it end, with their cursors.
  void follow_sinks(const region_config& config) {
    std::map<std::string, any_sink_config> wanted;
    for (auto& one : config.events.sinks()) wanted.emplace(sink_of(one).name, std::move(one));
    std::erase_if(sinks_, [&](const auto& known) {
      if (wanted.contains(known.first)) return false;
      caf::anon_send(known.second, sink_config_changed{});
      return true;
    });
    for (const auto& [name, one] : wanted) {
      const auto place = places_.extract(name);
      const auto known = sinks_.find(name);
      if (known == sinks_.end())
        sinks_[name] =
            system_->spawn<caf::detached>(run_sink, context_, directory_, one,
                                          place.empty() ? std::nullopt : place.mapped(), sinks_over_.get_token());
      else
        caf::anon_send(known->second, sink_config_changed{one});
    }
    transaction forgotten;  // those that left the file while no daemon ran
    for (const auto& [name, after] : std::exchange(places_, {})) forgotten.push_back(sink_cursor{name, std::nullopt});
    if (!forgotten.empty())
      caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(forgotten)), 0, {}});
  }

  /// CAF has no wait with a deadline: a thread of its own waits, and is left behind if it must be.
  bool all_gone_within(milliseconds most) {
    auto* const watched = system_.get();
    auto gone = std::make_shared<std::promise<void>>();
    auto when = gone->get_future();
    std::thread([watched, gone] {
      watched->await_all_actors_done();
      gone->set_value();
    }).detach();
    return when.wait_for(most) == std::future_status::ready;
  }

  daemon_facts facts_;
  context_ptr context_;
  directory_ptr directory_ = std::make_shared<actor_directory>();
  cloud_opener opener_;
  actor_config actor_config_;
  std::unique_ptr<transport> transport_;
  std::stop_source sinks_over_;
  std::map<std::string, sink_actor> sinks_;                    // of the region file
  std::map<std::string, std::optional<std::int64_t>> places_;  // cursors that the last reign left
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<http_face> face_;
};

}  // namespace

result<std::unique_ptr<daemon>> start_daemon(std::shared_ptr<const region_config> config, const clock& time) {
  auto made = std::make_unique<running_daemon>(std::move(config), time);
  if (auto started = made->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<daemon>(std::move(made));
}

}  // namespace regent
