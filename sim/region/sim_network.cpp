#include "sim/region/sim_network.hpp"

#include <algorithm>

namespace regent::sim {

/// One connection's life, which frames that are under way outlive.
struct sim_link {
  bool daemon_end = true;  // the daemon reads what arrives
  bool host_end = true;    // the host's runner gets what arrives
  int connection = 0;
  milliseconds last_to_host{0}, last_to_daemon{0};  // frames do not overtake each other
};

class sim_channel final : public command_channel {
 public:
  sim_channel(sim_network& network, sim_host& host, epoch_number epoch, channel_sink sink)
      : network_(network), host_(host), epoch_(epoch), sink_(std::make_shared<channel_sink>(std::move(sink))) {
    network_.channels_.insert(this);
    connect_after(latency());
  }
  ~sim_channel() override {
    network_.channels_.erase(this);
    // What was sent already may arrive, also when the daemon is dead.
    if (link_) {
      link_->daemon_end = false;
      if (network_.dice_.chance(0.5)) link_->host_end = false;
    }
  }

  void send(run_request request) override {
    to_host([host = &host_, request = std::move(request)](int connection) { host->run(connection, request); });
  }
  void ask(const run_id& run) override {
    to_host([host = &host_, run](int connection) { host->ask(connection, run); });
  }
  void cancel(const run_id& run) override {
    to_host([host = &host_, run](int connection) { host->cancel(connection, run); });
  }
  void forget(std::vector<run_id> runs) override {
    to_host([host = &host_, runs = std::move(runs)](int connection) { host->forget(connection, runs); });
  }

  void cut(bool silently) {
    if (!link_) return;
    const auto cut = std::exchange(link_, nullptr);
    cut->host_end = cut->daemon_end = false;
    const auto noticed = silently ? milliseconds(network_.dice_.between(4000, 15000)) : latency();
    later(noticed, [this] {
      sink_->disconnected({error_kind::transient, "host_unreachable", "the connection is lost"});
      connect_after(milliseconds(network_.dice_.between(200, 400)));
    });
  }
  const sim_host& host() const { return host_; }

 private:
  milliseconds latency() { return network_.dice_.span(milliseconds(1), network_.slowest); }

  /// Not after the channel's end: the sink's life is the channel's.
  void later(milliseconds span, std::function<void()> what) {
    network_.time_.after(span, [alive = std::weak_ptr(sink_), what = std::move(what)] {
      if (!alive.expired()) what();
    });
  }

  void connect_after(milliseconds span) {
    later(span, [this] { connect(); });
  }

  void connect() {
    if (!host_.is_reachable()) return fail("no route");
    auto link = std::make_shared<sim_link>();
    const auto taken = host_.hello(epoch_, [this, link, alive = std::weak_ptr(sink_)](const run_report& said) {
      if (!alive.expired()) to_daemon(link, said);
    });
    if (!taken) return fail("it has seen a newer epoch");
    link->connection = *taken;
    attempts_ = 0;
    link_ = std::move(link);
    sink_->connected(host_.boot_id(), latency());
  }

  void fail(const char* why) {
    sink_->disconnected({error_kind::transient, "host_unreachable", why});
    const auto most = std::min<std::int64_t>(250LL << std::min(++attempts_, 6), 15000);
    connect_after(milliseconds(network_.dice_.between(most / 2, most)));
  }

  void to_host(std::function<void(int)> what) {
    if (!link_ || network_.frozen_) return;
    auto& time = network_.time_;
    link_->last_to_host = std::max(link_->last_to_host, time.passed() + latency());
    time.after(link_->last_to_host - time.passed(), [host = &host_, link = link_, what = std::move(what)] {
      if (link->host_end && host->is_reachable()) what(link->connection);
    });
  }

  void to_daemon(const std::shared_ptr<sim_link>& link, const run_report& said) {
    auto& time = network_.time_;
    for (int copies = network_.dice_.chance(network_.repeats_reports) ? 2 : 1; copies > 0; --copies) {
      link->last_to_daemon = std::max(link->last_to_daemon, time.passed() + latency());
      later(link->last_to_daemon - time.passed(), [this, link, said] {
        if (link->daemon_end && host_.is_reachable()) sink_->reported(said);
      });
    }
  }

  sim_network& network_;
  sim_host& host_;
  epoch_number epoch_;
  std::shared_ptr<channel_sink> sink_;
  std::shared_ptr<sim_link> link_;
  int attempts_ = 0;
};

std::unique_ptr<command_channel> sim_network::open(sim_host& host, epoch_number epoch, channel_sink sink) {
  return std::make_unique<sim_channel>(*this, host, epoch, std::move(sink));
}

void sim_network::cut(const sim_host& host, bool silently) {
  for (auto* const one : std::set(channels_))
    if (&one->host() == &host) one->cut(silently);
}

}  // namespace regent::sim
