// The handlers of a tree's actor, as methods over the plain job_tree: tree.cpp, and tree_waits.cpp for branches that wait.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/lifecycle_rows.hpp"
#include "actors/tree.hpp"
#include "region/lease_queue.hpp"

namespace regent {

class tree_work {
 public:
  tree_work(tree_shell* self, context_ptr context, directory_ptr directory, const tree_rows& rows)
      : self_(self),
        context_(std::move(context)),
        directory_(std::move(directory)),
        root_(rows.root),
        tree_(rows.settings, rows.branches) {}

  void start();
  void answered(const commit_answer& message);
  void settled(const branch_settled& message);
  void asked_to_cancel(const cancel_asked& message);
  void granted(const lease_granted& message);
  void denied(const lease_denied& message);
  void look();  ///< at deadlines, and at what is waited for

 private:
  wall_time now() const { return context_->time.wall(); }
  tree_actor me() const { return caf::actor_cast<tree_actor>(self_); }
  std::string about() const { return fmt::format("tree {} (job {})", tree_.settings().name, root_.id.value()); }

  void take_next_lease();
  void resume();
  void go_on();
  void begin(int number);
  void begin_cancel(const branch& what);
  void begin_cordon(const branch& what);
  void ask_operator(operator_command what, int number);
  void end(int number, branch_state how, std::string told);
  void mark(const std::vector<int>& changed);
  void stop(branch_state how, const std::string& why);
  void end_under_way(const std::string& why);
  void look_at_deadlines();
  bool look_at_its_own_deadline();
  std::string why_overdue() const;
  void flush();
  void write_root(transaction& into);
  void write_end(transaction& into);
  void over();

  // -- waits (tree_waits.cpp)
  bool waits_for_something() const;
  result<std::int64_t> newest_event() const;
  void look_at_waits();
  void look_at(const branch& what);
  void look_for_state(const branch& what);
  void look_for_job(const branch& what);
  void look_for_event(const branch& what);

  tree_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  job root_;
  job_tree tree_;
  std::size_t leased_ = 0;
  bool leases_committed_ = false;
  std::set<int> dirty_;         // branches that are to be committed
  std::vector<int> to_begin_;   // once that is done
  std::vector<int> beginning_;  // whose start is on its way into the journal
  transaction told_;
  bool committing_ = false, ending_ = false, overdue_ = false;
  std::uint64_t tag_ = 0;
  std::set<int> cut_short_;  // whose job is cancelled because their deadline is over
  std::optional<std::int64_t> seen_events_;
};

}  // namespace regent
