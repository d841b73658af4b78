// The way of one operation, from a record to rest. Its parts stand in lifecycle_opening, _running, _cancelling, _marking
// and _closing.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/lifecycle.hpp"
#include "region/lifecycle_machine.hpp"

namespace regent {

/// Each phase ends by one message; `then_`, `on_record_`, `on_claim_` and `on_timer_` say what that message leads to.
class lifecycle_work {
 public:
  lifecycle_work(lifecycle_shell* self, context_ptr context, directory_ptr directory,
                 std::shared_ptr<const lifecycle_task> task)
      : self_(self), context_(std::move(context)), directory_(std::move(directory)), task_(std::move(task)) {}
  lifecycle_work(const lifecycle_work&) = delete;
  lifecycle_work& operator=(const lifecycle_work&) = delete;
  /// Where its job is not known to be in the journal, nobody will take that up, so its leases end here.
  ~lifecycle_work() {
    if (execution_ && !saved_) return_leases();
  }

  void start() {
    self_->seen_as().called("lifecycle", task_->id.text());
    repairs_ = task_->repairs;
    if (task_->open) std::erase_if(repairs_, [&](const auto& one) { return one.job.id == task_->open->job.id; });
    if (task_->open && !task_->open->steps.empty()) return take_up();
    if (task_->known) row_ = *task_->known;
    if (task_->open) claim_ = task_->open->job;
    if (is_cancelled()) return end_claim(job_state::cancelled, "cancelled", claim_->cancel);
    read_record([this](const result<record>& answer) { record_read(answer); });
  }

  void answered(const record_answer& message) { pass(on_record_, *message.answer); }
  void answered(const claim_answer& message) { pass(on_claim_, message); }
  void answered(const commit_answer& message) {
    if (message.failed) {  // of all that carries the job itself, and of what is waited for
      if (message.tag == commit_tag_ || (execution_ && !saved_)) give_up("journal: " + message.failed->text());
      return;
    }
    saved_ = true;  // the job was in this commit, or in one before it
    if (message.tag == cancel_tag) return stop_early("cancelled");
    if (message.tag == commit_tag_) pass(then_);
  }
  void permitted();
  void permit_waits_for(const std::string& why);
  void granted(const lease_granted& message);
  void queued(const lease_queued& message) {
    if (phase_ == phase::leasing && message.host == asked_) save();
  }
  void denied(const lease_denied& message) {
    if (phase_ != phase::leasing || message.host != asked_) return;
    is_given_up(message.host) ? lease_anew() : fail_job("host_unknown", message.why);
  }
  void waits(const run_waits& message);
  void goes_on(const run_goes_on& message);
  void ended(const run_ended& message);
  void asked_to_cancel(const cancel_asked& message);
  void asked_to_mark(const mark_asked& message);
  void woken_up() {
    if (phase_ == phase::claiming) pass(on_timer_);
    if (phase_ == phase::leasing && !has_begun() && (at_gate_ || is_closed(asked_))) lease_anew();
  }
  void timer_over(const timer& message) {
    if (message.number == deadline_timer) return look_at_deadline();
    if (message.number == timer_number_) pass(on_timer_);
  }

 private:
  enum class phase { reading, claiming, committing, permitting, leasing, running, backing_off, settled };

  // -- small tools
  wall_time now() const { return context_->time.wall(); }
  lifecycle_actor me() const { return caf::actor_cast<lifecycle_actor>(self_); }
  void enter(phase next, const std::string& text, const std::string& waits_for = {}) {
    phase_ = next;
    doing_ = text;
    self_->seen_as().state(text);
    self_->seen_as().waits_for(waits_for);
  }
  /// Calls what was set for this message, once.
  template <class F, class... Args>
  static void pass(F& what, Args&&... args) {
    if (!what) return;
    const auto call = std::exchange(what, nullptr);
    call(std::forward<Args>(args)...);
  }
  void set_timer(milliseconds after, std::function<void()> then) {
    on_timer_ = std::move(then);
    self_->delayed_send(self_, after, timer{++timer_number_});
  }
  void stop_timer() {
    ++timer_number_;
    on_timer_ = nullptr;
  }
  void commit(transaction what, std::function<void()> then) {
    then_ = std::move(then);
    hand_in(std::move(what), ++commit_tag_);
  }
  void commit_aside(transaction what) { hand_in(std::move(what), 0); }
  /// All that goes into the journal goes through here: what is not there yet of the job itself comes first, and its answer is heard.
  void hand_in(transaction what, std::uint64_t tag, std::function<void(const std::optional<error>&)> done = {}) {
    if (tag == 0 && !unsaved_.empty()) tag = save_tag;
    caf::anon_send(directory_->journal, commit_wanted{std::make_shared<transaction>(with_unsaved(std::move(what))), tag,
                                                      tag == 0 ? lifecycle_actor{} : me(), std::move(done)});
  }
  transaction with_unsaved(transaction what);
  void save() {
    if (!unsaved_.empty()) commit_aside({});
  }
  void read_record(std::function<void(const result<record>&)> then) {
    enter(phase::reading, "reading the record", "the cloud's record of " + task_->id.text());
    on_record_ = std::move(then);
    caf::anon_send(directory_->reader, record_wanted{task_->id, task_->in, me()});
  }

  // -- ends
  void settle(settled message) {
    enter(phase::settled, "settled");
    self_->send(directory_->region, std::move(message));  // the region knows us by the sender
    self_->quit();
  }
  void give_up(const std::string& why) {
    self_->seen_as().failed(why);
    log::error("{}: {}", task_->id.text(), why);
    begin_anew(std::chrono::seconds(5));
  }
  /// What is to be done is looked for once more, by the record and the journal.
  void begin_anew(milliseconds after) {
    settled message;
    message.again_in = after;
    settle(std::move(message));
  }

  // -- an end before the end
  bool is_cancelled() const {
    return execution_ ? !execution_->job().cancel.empty() : claim_ && !claim_->cancel.empty();
  }
  /// Nothing more is begun: an operator has said so, or the operation's deadline is over.
  bool is_stopping() const { return is_cancelled() || overdue_; }
  std::string_view why_stopping() const { return is_cancelled() ? "cancelled" : "operation_deadline"; }
  void answer_once_durable(const cancel_asked& message, const std::string& sentence);
  void watch_deadline();
  void look_at_deadline();
  void stop_early(std::string_view why);
  void end_run();
  void run_ended_early(int index, const run_outcome& outcome);
  void end_claim(job_state state, std::string code, std::string message);

  // -- from the record to the job
  void record_read(const result<record>& answer);
  void unreadable(const error& why);
  void note_rest(const record& what);
  void look_again(const record& what);
  void nothing_there();
  void repair(const record& what, operation how, const host_id& only);
  void claim(const record& what);
  void claim_refused(const error& why);
  result<plan> plan_of(operation work, const record& what, const region_config& config,
                       lifecycle_state in_progress) const;
  void open(const record& what, lifecycle_state in_progress, bool cloud_knows);
  void open_failed(const record& what, lifecycle_state in_progress, bool cloud_knows, const error& why);
  regent::job new_job(operation what) const;
  void begin(regent::job made, plan planned, transaction change);
  regent::job take_claim_for(operation what, transaction& change);
  void drop_claim(transaction& change);
  settled settled_as_it_is() const;
  settled settled_with(const regent::job& ended) const;
  void note_sub_job(const regent::job& made, transaction& into) const;

  // -- from the job to its end
  void take_up();
  void lease_all();
  void ask_permit();
  void rest_permit(bool resting);
  void give_permit_back();
  void take_next_lease();
  void ask_lease(const host_id& host);
  void lease_anew();
  void return_leases();
  bool has_begun() const;
  bool is_closed(const host_id& host) const {
    const auto status = context_->facts.hosts.find(host);
    return status && (!lets_begin(*status, root_of_child(execution_->job())) || !status->declines.empty());
  }
  /// Detached: nothing will ever come back from there.
  bool is_given_up(const host_id& host) const {
    const auto status = context_->facts.hosts.find(host);
    return status && is_detached(*status);
  }
  bool leave(const host_id& host);
  std::set<host_id> all_hosts() const;
  void advance();
  void send_step(const job_execution::send& what);
  void skip_standby(const host_id& host, const std::string& why);
  void skip_cordoned_standby();
  void mark_skipped(const host_id& host, const std::string& why);
  bool undone_by_reboot(const host_id& host, const std::string& boot_id, int running);
  void dispatch(const step& what, bool read_back, bool resumed);
  result<std::vector<run_parameter>> parameters_of(const step& what);
  bool lacks_secrets(const step& what) const;
  void plan_again(const record& what);
  void read_secrets(int index, bool read_back, bool resumed);
  void conclude();
  void fail_job(std::string code, std::string message);
  void close(bool good);
  void close_repair(bool good, transaction what);
  void close_operation(bool good, transaction what);
  void closed();
  void await_repair(job_with_steps what, transaction& change);
  void supersede_repairs(const std::string& host, transaction& change);
  void note_wait(const std::string& why, milliseconds most);
  void take_dirty(transaction& into);
  void tell_degraded(bool before, transaction& change);
  void change_steps(const std::function<void()>& change);

  lifecycle_shell* self_;
  context_ptr context_;
  directory_ptr directory_;
  std::shared_ptr<const lifecycle_task> task_;
  lane in_ = task_->in;  // of a job that is made

  phase phase_ = phase::reading;
  std::string doing_;  // in words
  static constexpr std::uint64_t cancel_tag = ~std::uint64_t{0}, save_tag = cancel_tag - 1;
  static constexpr std::uint64_t deadline_timer = ~std::uint64_t{0};
  bool closing_ = false;  // its end is on its way into the journal
  std::uint64_t commit_tag_ = 0;
  std::uint64_t timer_number_ = 0;
  std::function<void()> then_, on_timer_;
  std::function<void(const result<record>&)> on_record_;
  std::function<void(const claim_answer&)> on_claim_;

  // -- an operator's word about a step
  std::optional<error> why_not_mark(const operator_command& word) const;
  void mark(const operator_command& word, const step& at, const std::string& said, operator_answer answer);

  // -- decisions about what failed
  void die(transaction& change);
  void decide(transaction& change);
  std::shared_ptr<const region_config> config_for_plan() const;
  void resume(regent::job& made, const plan& planned);

  std::optional<record> record_;
  resource row_;
  std::optional<regent::job> claim_;     // waits for the cloud to accept scrubbing
  std::vector<job_with_steps> repairs_;  // that wait, of this resource
  std::optional<job_execution> execution_;
  std::vector<plan_step> fresh_;  // by index; with secrets, never stored
  bool secrets_read_ = false;     // after being taken up: once
  std::string scope_;
  std::vector<host_id> hosts_;  // of the plan, sorted: the order in which leases are taken
  std::size_t leased_ = 0;
  host_id asked_;  // whose lease is waited for
  enum class permit { none, asked, held, rests } permit_ = permit::none;
  wall_time permit_by_{};
  bool at_gate_ = false;  // only to begin: the lease is given back, and all are taken in order
  // The job that has just been made: in the journal with its first intent, or once it waits for anything.
  transaction unsaved_;
  bool saved_ = false;  // the job is known to be there
  bool leases_committed_ = false;
  std::optional<steady_time> deadline_;  // of the operation
  bool overdue_ = false;                 // it is over, and was before the last step
  bool job_dirty_ = false;
  std::set<int> dirty_;
  transaction told_;                   // events of steps: they go with the steps' next commit
  std::optional<run_id> waiting_run_;  // withdrawn when its wait is over
  bool first_run_ = true;
  std::optional<dead_letter> letter_;      // as it is from the next commit on, if that changes it
  std::optional<job_with_steps> resumed_;  // whose steps before the letter's count as done
};

}  // namespace regent
