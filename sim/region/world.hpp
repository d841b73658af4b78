// A whole region in one thread: the production actors over the SQLite journal on a simulated disk, with simulated hosts,
// network, cloud and clock. Which actor goes next, how long everything takes and what fails is chance, from one seed.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "sim/region/sim_disk.hpp"
#include "sim/region/sim_judge.hpp"
#include "sim/region/sim_network.hpp"

namespace caf {
class actor_system;
namespace scheduler {
class test_coordinator;
}
}  // namespace caf

namespace regent {
class actor_config;
}

namespace regent::sim {

/// A bug that is put in, to show that the judge sees it.
enum class planted {
  none,
  disk_lies,            ///< says that it has synced, and has not
  runs_without_intent,  ///< what a step is about to do is not written down
  leases_are_lost,      ///< who holds a host's scope is not written down
  hosts_forget,         ///< a runner does not remember what it has done
  waits_are_silent,     ///< a job that waits does not say for what
  reports_are_lost,     ///< the cloud is not told
};
inline constexpr std::array<std::string_view, 7> planted_names{
    "none",         "disk-lies",        "runs-without-intent", "leases-are-lost",
    "hosts-forget", "waits-are-silent", "reports-are-lost"};

class world {
 public:
  explicit world(std::uint64_t seed, planted bug = planted::none);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  // -- the daemon
  /// A new reign; while it cannot begin (such as with a full disk), again and again. Not while one lasts.
  void start_daemon();
  bool daemon_lives() const { return system_ != nullptr; }
  /// It dies after so many messages more, wherever it is then. `power`: the whole machine, with what was not synced.
  void kill_daemon_after(int messages, bool power);
  void kill_daemon(bool power);
  /// What operators say; nothing where there is no daemon. `done` is told whether it was accepted, if that is ever known.
  void tell_daemon(operator_command what, std::function<void(bool)> done = {});
  void order_daemon(tree_order order);
  /// Another region file, as SIGHUP has it read; without a daemon, for the next one.
  void reload(std::shared_ptr<region_config> next);

  /// Lets so much time pass, or less if the judge finds something.
  void pass(milliseconds span);
  /// One line of what happens; the newest are kept, and all count in the fingerprint.
  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    note_line(fmt::format(text, std::forward<Args>(args)...));
  }
  const std::deque<std::string>& trace() const { return trace_; }
  /// The same for the same seed, whatever the machine.
  std::uint64_t fingerprint() const { return fingerprint_; }
  bool prints = false;  ///< every line of the trace as it comes

  sim_host& host(const std::string& name);
  std::vector<const sim_host*> all_hosts() const;

  dice chance;
  timeline time;
  sim_judge judge;
  sim_disk disk;
  sim_cloud cloud;
  sim_network network;
  std::vector<std::unique_ptr<sim_host>> hosts;
  std::shared_ptr<region_config> config;
  std::size_t messages = 0;
  std::size_t reigns = 0;

 private:
  friend class watched_journal;
  void note_line(std::string line);
  bool one_message();
  result<void> begin_reign();
  caf::scheduler::test_coordinator& scheduler();

  planted bug_;
  std::string directory_path_;
  std::shared_ptr<bool> alive_;  // of the present reign's journal: what an earlier one still writes goes nowhere
  std::unique_ptr<daemon_facts> facts_;
  std::unique_ptr<actor_config> settings_;
  std::unique_ptr<caf::actor_system> system_;
  context_ptr context_;
  directory_ptr directory_;
  int messages_until_death_ = 0;
  bool power_too_ = false;
  std::deque<std::string> trace_;
  std::uint64_t fingerprint_ = 14695981039346656037ULL;
};

}  // namespace regent::sim
