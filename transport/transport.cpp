#include "transport/transport.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <vector>

#include "runner_files.hpp"
#include "transport/host_link.hpp"

namespace regent {
namespace {

class host_channel final : public command_channel {
 public:
  host_channel(io_loop& loop, std::shared_ptr<host_link> link) : loop_(loop), link_(std::move(link)) {
    loop_.post([link = link_] { link->start(); });
  }

  ~host_channel() override {
    if (loop_.running_here()) {
      link_->close();
      return;
    }
    std::promise<void> closed;
    loop_.post([&] {
      link_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  void send(run_request request) override {
    loop_.post([link = link_, request = std::move(request)] { link->send(request); });
  }
  void ask(const run_id& run) override {
    loop_.post([link = link_, run] { link->ask(run); });
  }
  void cancel(const run_id& run) override {
    loop_.post([link = link_, run] { link->cancel(run); });
  }
  void forget(std::vector<run_id> runs) override {
    loop_.post([link = link_, runs = std::move(runs)] { link->forget(runs); });
  }

 private:
  io_loop& loop_;
  std::shared_ptr<host_link> link_;
};

class threaded_transport final : public transport {
 public:
  threaded_transport(std::size_t io_threads, std::string region, epoch_number epoch)
      : services_(std::make_shared<link_services>()) {
    services_->region = std::move(region);
    services_->epoch = epoch;
    for (const embedded_file& part : runner_files()) services_->program += part.text;
    for (std::size_t i = 0; i < std::max<std::size_t>(io_threads, 1); ++i)
      loops_.push_back(std::make_unique<io_loop>());
  }

  /// Nothing may post to a loop that is gone: all threads end first, then the loops.
  ~threaded_transport() override {
    for (auto& each : loops_) each->stop();
    services_->names.stop();
  }

  std::unique_ptr<command_channel> open(host_endpoint endpoint, channel_sink sink) override {
    io_loop& loop = *loops_[next_++ % loops_.size()];
    return std::make_unique<host_channel>(
        loop, std::make_shared<host_link>(loop, services_, std::move(endpoint), std::move(sink)));
  }

 private:
  std::shared_ptr<link_services> services_;
  std::vector<std::unique_ptr<io_loop>> loops_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

std::unique_ptr<transport> make_transport(std::size_t io_threads, std::string region, epoch_number epoch) {
  return std::make_unique<threaded_transport>(io_threads, std::move(region), epoch);
}

}  // namespace regent
