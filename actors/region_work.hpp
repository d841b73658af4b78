// The region actor's handlers, as methods over its state: region.cpp, and region_operator.cpp for what operators ask.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/host.hpp"
#include "actors/region.hpp"

namespace regent {

class region_work {
 public:
  region_work(region_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {}

  void start(const journal_contents& open);
  void seen(const heads_seen& message);
  void hint(const hinted& message);
  void rested(const settled& message, const caf::actor_addr& who);
  void reports(const resource_id& id, int more);
  void reported(const report_settled& message);
  void host_news(const host_reachable& message);
  void reconfigure(const region_config& config);
  void died(const caf::actor_addr& who);
  void once_a_second();
  void stop_all();
  void asked(const operator_asked& message);
  void asked(const tree_asked& message);
  void asked(const bulk_asked& message);
  void begin(const tree_begun& message);
  void ended(const tree_over& message) { at().trees.erase(message.root); }
  void wanted(const branch_wanted& message);
  void unwanted(const branch_unwanted& message);
  void answered(const branch_answered& message);

 private:
  region_at_work& at() { return self_->state; }
  region_entry& entry(const resource_id& id) { return at().entries[id]; }
  void wake(const resource_id& id, std::string cause, lane in = lane::user, std::optional<job_with_steps> open = {},
            std::optional<steady_time> seen_at = {}, const host_id& rebuild = {}, bool repair = false);
  void go_on_rebuilding(const host_id& host);
  void set_repairs(const resource_id& id, std::vector<job_with_steps> waiting);
  bool can_be_repaired(const job_with_steps& repair) const;
  void put_off(region_entry& one, const resource_id& id);
  void wake_repairs(const resource_id& id);
  void end_overdue_repairs(const resource_id& id);
  bool look_again(const resource_id& id);
  void wake_neighbours(const resource_id& id);
  void set_due(region_entry& one, const resource_id& id);
  void look_later(const resource_id& id, milliseconds after) {
    at().retries.emplace(context_->time.steady() + after, id);
  }
  void act_on(const record_head& head, decision what, transaction& aside);
  void commit_aside(transaction what) {
    if (!what.empty())
      caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(what)), 0, {}});
  }
  void start_host(const host_config& config, std::vector<lease> held) {
    directory_->add_host(config.name, self_->spawn(run_host, context_, directory_, config, std::move(held)));
  }
  void show();

  // -- trees of jobs (region_trees.cpp)
  result<void> check(const tree_order& order) const;
  result<void> check(const branch& what) const;
  bool knows(const resource_id& id) const;
  void start_trees(const journal_contents& open);
  void spawn_tree(std::shared_ptr<const tree_rows> rows);
  bool tree_died(const caf::actor_addr& who);
  void next_branch(const resource_id& id);
  void begin_branch(const resource_id& id);
  void branch_rested(const resource_id& id, const settled& message);
  void end_branch(const resource_id& id, branch_state how, std::string told, job_id job = {});

  // -- an operator's word
  void cancel(const operator_asked& message);
  void retry(const operator_asked& message);
  void repair_what_is_left(const operator_asked& message);
  void cordon(const operator_asked& message);
  void commit_and_answer(transaction what, std::string sentence, const operator_answer& answer);

  region_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  std::map<host_id, host_config> hosts_;
};

}  // namespace regent
