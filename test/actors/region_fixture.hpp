// A whole region on one thread, without sockets or time of its own: the production actors, a cloud and hosts played in memory.
// A crash is the end of the actor system between two messages; what the store and the hosts hold stays.
#pragma once

#include <caf/scheduler/test_coordinator.hpp>
#include <map>
#include <set>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/probed.hpp"
#include "sim/region/memory_journal.hpp"
#include "test/support/text.hpp"

namespace regent::test {

using strings = std::vector<std::string>;

class manual_clock final : public clock {
 public:
  wall_time wall() const override { return wall_time{std::chrono::hours(24 * 365 * 56)} + passed_ + set_; }
  steady_time steady() const override { return steady_time{std::chrono::hours(100)} + passed_; }
  void pass(milliseconds span) { passed_ += span; }
  void set_wall(milliseconds on) { set_ += on; }  ///< somebody sets the wall clock; time does not pass

 private:
  milliseconds passed_{0}, set_{0};
};

/// The cloud, as far as an orchestrator sees it: records with a state, and the transitions that it accepts.
struct played_cloud {
  struct entry {
    lifecycle_state state = requested;
    std::string document = R"({"v":1})";
    std::int64_t stamp = 0;
    bool malformed = false;
  };
  std::map<resource_id, entry> records;
  std::vector<std::pair<resource_id, lifecycle_state>> reports;  ///< accepted, in order
  std::vector<std::pair<resource_id, lifecycle_state>> wishes;   ///< asked for by regent itself, in order
  std::optional<std::string> refuses_wishes;                     ///< the code it refuses them with
  std::function<void(const resource_id&)> at_wish;               ///< before it is granted
  bool tells_of_wishes = false;                                  ///< they are news, as a user's are
  std::set<resource_id> news;
  int reads = 0;                                 ///< of whole records
  bool away = false;                             ///< every call fails
  std::optional<std::string> refuses_scrubbing;  ///< the code it refuses with
  std::optional<std::string> refuses_states;     ///< all of them
  std::function<void(const resource_id&, entry&)> after_report;
  void ask(const resource_id& id, lifecycle_state state);  ///< a user's wish
};

/// A physical host: what was executed on it, and what it remembers.
struct played_host {
  std::string boot_id = "boot-1";
  bool reachable = true;
  std::map<run_id, run_report> known;
  std::map<std::string, int> executions;           ///< by run id
  std::multiset<std::string> secrets;              ///< that arrived with runs
  std::vector<std::string> log;                    ///< "primitive.verb" in order
  std::function<int(const run_request&)> behaves;  ///< exit code; none: 0
  int cancels = 0;                                 ///< runs it was told to end
  bool deaf = false;                               ///< and does not
  std::set<std::string> hangs;                     ///< scripts whose runs do not end until released
};

/// Kinds as a test needs them: every operation is a step `net` and a step `fw` on each of the pair's nodes, and has the
/// deadline of the record's `deadline_s`; with `undo` in the record, each step is undone by scrub; with `throws`, planning throws.
std::shared_ptr<const catalogue> pair_catalogue();

class region_fixture {
 public:
  region_fixture();
  ~region_fixture();

  void start();  ///< a new reign over what the store holds
  /// What an operator is answered; the error's code, or the sentence.
  std::string tell(operator_command what);
  void tell_without_settling(operator_command what, operator_answer answer);
  /// Orders a tree of jobs (region/tree_order.hpp): the sentence that is answered, or the error's code.
  std::string order(const std::string& text);
  void order_without_settling(const std::string& text, operator_answer answer);
  void reload(std::shared_ptr<region_config> next);  ///< as SIGHUP does
  void see(std::shared_ptr<region_config> next);     ///< the first half of it: nobody is told
  void crash();                                      ///< nothing more is said or done by anybody
  void restart();                                    ///< a crash, and the next life until it has looked around
  bool running() const { return system_ != nullptr; }

  /// Messages only, no time. At most `most` of them; the number handled.
  std::size_t settle(std::size_t most = 100'000);
  /// Time in steps of at most a second, messages after each.
  void pass(milliseconds span);
  /// The same at once, and of the messages that follow at most `most`; the number handled.
  std::size_t pass_but_handle(milliseconds span, std::size_t most);
  void host_up(const std::string& name);
  void host_down(const std::string& name, const std::string& why = "no route");
  void host_reboots(const std::string& name);
  void host_finishes(const std::string& name);  ///< what hung there ends well
  /// A heartbeat: the host tells of its runs under way, which say that they are so far.
  void host_beats(const std::string& name, std::optional<run_progress> progress = {});

  void host_load(const std::string& name, std::int64_t hundredths);  ///< the same, telling its load

  lifecycle_state state_in_cloud(const std::string& id = "1") const;
  const resource* row(const std::string& id = "1") const;
  std::vector<job> jobs(job_state state) const;
  std::vector<job> open_jobs() const;
  std::size_t told(std::string_view topic) const;  ///< how many events
  std::vector<branch> branches(job_id root) const;

  const resource_id router{"virtual_router", "1"};
  manual_clock time;
  played_cloud cloud_side;
  std::map<std::string, played_host> hosts;
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>();
  std::shared_ptr<region_config> config;
  std::unique_ptr<daemon_facts> facts;

 private:
  caf::scheduler::test_coordinator& scheduler();

  friend class played_channel;
  std::map<std::string, class played_channel*> channels_;
  std::unique_ptr<actor_config> settings_;
  std::unique_ptr<caf::actor_system> system_;
  context_ptr context_;
  directory_ptr directory_;
};

/// A user wants the router.
void asks_for_build(region_fixture& region);
/// And has got it.
void build(region_fixture& region);

}  // namespace regent::test
