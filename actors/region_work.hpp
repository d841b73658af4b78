// The region actor's handlers, as methods over its state: region.cpp, region_permits.cpp and region_trees.cpp; for what operators say,
// region_operator.cpp, and beside it region_decisions.cpp (of resources and their jobs) and region_hosts.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/host.hpp"
#include "actors/region.hpp"

namespace regent {

/// What an operator's word comes to: computed whole before anything is changed, so that a preview says what would be done.
struct operator_order {
  transaction change;
  std::string says;
  std::function<void()> then = {};  ///< what follows in memory, once the change is on its way into the journal
};

class region_work {
 public:
  region_work(region_shell* self, context_ptr context, directory_ptr directory)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)) {}

  void start(const journal_contents& open);
  void seen(const heads_seen& message);
  void hint(const hinted& message);
  void rested(const settled& message, const caf::actor_addr& who);
  void reports(const resource_id& id, int more);
  void wanted(const permit_wanted& message);
  void rests(const permit_rests& message);
  void returned(const permit_returned& message);
  void grant_permits();
  void reported(const report_settled& message);
  void claims(const claim_begins& message);
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
  region_at_work& at() const { return self_->state; }
  region_entry& entry(const resource_id& id) { return at().entries[id]; }
  void wake(const resource_id& id, std::string cause, lane in = lane::user, std::optional<job_with_steps> open = {},
            std::optional<steady_time> seen_at = {}, const host_id& rebuild = {}, bool repair = false);
  void go_on_rebuilding(const host_id& host);
  void go_on_rebuilding();
  void free_permits();
  void tell_who_waits();
  void set_repairs(const resource_id& id, std::vector<job_with_steps> waiting);
  bool can_be_repaired(const job_with_steps& repair) const;
  void put_off(region_entry& one, const resource_id& id);
  void wake_repairs(const resource_id& id);
  void end_overdue_repairs(const resource_id& id);
  void look_again(const resource_id& id);
  bool is_refused_often(const resource_id& id);
  void confirmed(const resource_id& id);
  void wake_claiming(const resource_id& id);
  void move_out(const resource_id& id);
  void set_due(region_entry& one, const resource_id& id);
  void look_later(const resource_id& id, milliseconds after) {
    const auto due = context_->time.steady() + after;
    auto& sooner = entry(id).look_at;
    if (sooner && *sooner <= due) return;
    sooner = due;
    at().retries.emplace(due, id);
  }
  void act_on(const record_head& head, decision what, transaction& aside);
  void commit_aside(transaction what) {
    if (!what.empty())
      caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(std::move(what)), 0, {}});
  }
  void start_host(const host_config& config, std::vector<lease> held) {
    const auto found = at().cordons.find(config.name);
    const auto closed = found == at().cordons.end() ? std::nullopt : std::optional(found->second);
    directory_->add_host(config.name, self_->spawn(run_host, context_, directory_, config, std::move(held), closed));
  }
  void show();

  // -- an operator's word: none if the resource's own actor answers
  using ordered = result<std::optional<operator_order>>;
  static failure refused(std::string code, std::string why) {
    return failure(error{error_kind::conflict, std::move(code), std::move(why)});
  }
  failure not_there(const resource_id& id) const;
  bool is_known(const resource_id& id) const;
  bool is_at_work(const resource_id& id);
  failure at_work(const resource_id& id) const;
  ordered order_of(const operator_asked& message);
  ordered cancel(const operator_asked& message);
  ordered cancel_waiting(const operator_asked& message, const job_with_steps& repair);
  ordered retry(const operator_command& word);
  ordered ask_again(const operator_command& word);
  ordered repair_what_is_left(const operator_command& word);
  result<std::optional<std::string>> why_not_from_step(const operator_command& word);
  void commit_and_answer(transaction what, std::string sentence, const operator_answer& answer);

  // -- trees of jobs (region_trees.cpp)
  result<void> check(const tree_order& order) const;
  result<void> check(const branch& what) const;
  bool knows(const resource_id& id) const;
  void start_trees(const journal_contents& open);
  void spawn_tree(std::shared_ptr<const tree_rows> rows);
  bool tree_died(const caf::actor_addr& who);
  void take_up_trees();
  void next_branch(const resource_id& id);
  void begin_branch(const resource_id& id);
  void branch_rested(const resource_id& id, const settled& message);
  void begin_wish(const resource_id& id, const branch_wanted& wanted);
  void ask_cloud(const resource_id& id, const branch_wanted& wanted);
  void wished(const branch_answered& message);
  void ask_again_for_wishes();
  bool wish_came(const resource_id& id);
  void wish_rested(const resource_id& id, const settled& message);
  void end_branch(const resource_id& id, branch_state how, std::string told, job_id job = {});

  // -- of resources and their jobs
  ordered pause(const operator_command& word);
  ordered resume(const operator_command& word);
  ordered release(const operator_command& word);
  ordered adopt(const operator_command& word);
  ordered mark(const operator_asked& message);
  ordered mark_waiting(const operator_command& word, const job_with_steps& repair);
  ordered mark_dead(const operator_command& word);
  ordered mark_dead_step(const operator_command& word, job_with_steps dead);
  ordered mark_dead_done(const operator_command& word, job dead);
  bool is_held(const resource_id& id) const;
  bool is_paused(const resource_id& id) const { return is_held(id) || at().letters.contains(id); }
  void keep(const resource_held& held);
  void forget_letter(const resource_id& id);
  void go_on(const resource_id& id, const std::string& why);
  void owe(const resource_id& id, const host_id& host);
  void catch_up(const resource_id& id);
  void caught_up(const resource_id& id);

  // -- of hosts
  ordered close_host(const operator_command& word);
  ordered open_host(const operator_command& word);
  ordered evacuate(const operator_command& word);
  ordered force_detach(const operator_command& word);
  std::string at_work_on(const host_id& host) const;
  std::string why_it_stays(const resource_id& id, const host_id& host);
  std::map<resource_id, std::vector<job_with_steps>> end_repairs_on(const host_id& host, const std::string& by,
                                                                    transaction& change);
  bool child_may_begin(const host_status& host) const;
  void watch_drains();

  region_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  std::map<host_id, host_config> hosts_;
};

}  // namespace regent
