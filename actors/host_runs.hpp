// The open runs of one host, across losses of its connection: what to send, what to ask, what has ended. Plain: no
// actor, no I/O.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "region/job_execution.hpp"
#include "transport/command_channel.hpp"

namespace regent {

class host_runs {
 public:
  struct send {
    run_request request;
  };
  struct ask {
    run_id run;
  };
  struct cancel {
    run_id run;
  };
  /// The run's end for its owner. It is open no longer.
  struct deliver {
    run_id run;
    run_outcome outcome;
  };
  using action = std::variant<send, ask, cancel, deliver>;
  using actions = std::vector<action>;

  /// A new run. `resumed`: it was sent by an earlier reign (or owner) while the host's boot id was `boot_at_send`, so
  /// the host is asked before anything is sent.
  actions add(run_request request, bool resumed, const std::string& boot_at_send, steady_time now);
  /// The owner waits no longer. A run that was sent is ended on the host as well, if it can be reached.
  actions withdraw(const run_id& run, const std::string& why);

  /// End it on the host; its owner waits for the end.
  actions cancel_run(const run_id& run);

  actions connected(const std::string& boot_id, steady_time now);
  void disconnected();
  actions reported(const run_report& report, steady_time now);
  /// Runs whose answer is overdue are asked about, then given up as unknown.
  actions tick(steady_time now);

  bool up() const { return up_; }
  std::size_t size() const { return open_.size(); }
  const std::string& boot_id() const { return boot_id_; }
  bool is_open(const run_id& run) const { return open_.contains(run); }

 private:
  struct open_run {
    run_request request;
    bool sent = false;  // or sent by an earlier reign
    std::string boot_at_send;
    steady_time answer_by{};  // meaningful while up and sent
    bool asked = false;       // because the answer was overdue
    bool cancelled = false;   // to be ended on the host
  };
  action dispatch(open_run& run, steady_time now);
  actions never_seen(open_run& run, const run_report& report, steady_time now);
  actions end(const run_id& run, run_outcome outcome);

  bool up_ = false;
  std::string boot_id_;
  std::map<run_id, open_run> open_;
};

}  // namespace regent
