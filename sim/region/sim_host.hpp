// A physical host: its runner as docs/ARCHITECTURE.md describes it, what its runs have left in the kernel, and what it
// remembers across a loss of power. Its history is the judge of what was really executed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/region/dice.hpp"
#include "sim/region/timeline.hpp"
#include "transport/command_channel.hpp"

namespace regent::sim {

/// What may go wrong with runs, as probabilities.
struct host_weather {
  double tries_again = 0;  ///< exit 75
  double fails = 0;        ///< exit 1
  double hangs = 0;        ///< until its deadline ends it
  double is_slow = 0;      ///< takes up to its deadline
  double is_killed = 0;    ///< no exit code is left
};

class sim_host {
 public:
  using told = std::function<void(const run_report&)>;

  sim_host(std::string name, dice& chance, timeline& time) : name_(std::move(name)), dice_(chance), time_(time) {}

  const std::string& name() const { return name_; }
  const std::string& boot_id() const { return boot_id_; }
  bool is_up() const { return up_; }
  bool is_reachable() const { return up_ && !cable_pulled_; }

  // -- what the world does to it
  void pull_cable() { cable_pulled_ = true; }
  void plug_cable() { cable_pulled_ = false; }
  void lose_power();
  void boot();
  host_weather weather;
  /// A runner that forgets what it has done: for tests of what must notice.
  bool forgets_runs = false;

  // -- what a connection does
  /// Takes the host over for a connection; none: the host has seen a higher epoch.
  std::optional<int> hello(epoch_number epoch, told reports);
  void run(int connection, const run_request& request);
  void ask(int connection, const run_id& run);
  void cancel(int connection, const run_id& run);
  void forget(int connection, const std::vector<run_id>& runs);

  // -- what a judge sees
  /// By "KIND/ID PRIMITIVE": "VALUE up" or "VALUE down". Nothing: not there.
  const std::map<std::string, std::string>& kernel() const { return kernel_; }
  struct running {
    run_request request;
    std::uint64_t number = 0;
  };
  const std::map<run_id, running>& processes() const { return processes_; }
  std::function<void(const sim_host&, const run_request&)> on_start;

 private:
  void begin(const run_request& request);
  void end(const run_id& run, std::uint64_t number, int exit_code, bool timed_out, bool cancelled, bool effect);
  void take_effect(const run_request& request);
  void tell(const run_id& run);

  std::string name_;
  dice& dice_;
  timeline& time_;
  std::string boot_id_ = "boot-1";
  int boots_ = 1;
  bool up_ = true;
  bool cable_pulled_ = false;
  epoch_number highest_ = 0;
  int connections_ = 0;
  int connection_ = 0;  // the one that has the host; 0: none
  told reports_;
  std::map<run_id, run_report> known_;
  std::map<run_id, running> processes_;
  std::set<run_id> followed_;  // by this connection
  std::uint64_t started_ = 0;
  std::map<std::string, std::string> kernel_;
};

/// A parameter of a run; empty if it has none of the name.
std::string parameter_of(const run_request& request, std::string_view name);

}  // namespace regent::sim
