#include "region/job_execution.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

const wall_time t0{std::chrono::hours(24 * 365 * 50)};

step make_step(int index, std::string host = "a", std::string role = "sole") {
  step one;
  one.job = job_id(5);
  one.index = index;
  one.host = host_id(std::move(host));
  one.role = std::move(role);
  one.deadline = 30s;
  return one;
}

job_execution make(std::vector<step> steps, int attempts = 3) {
  job made;
  made.id = job_id(5);
  return {made, std::move(steps), "0badcafe", execution_policy{attempts, 500ms, 4s}};
}

run_outcome exits(int code, std::string errors = {}) {
  run_outcome outcome;
  outcome.exit_code = code;
  outcome.errors = std::move(errors);
  return outcome;
}

run_outcome ends(run_outcome::how how, std::string why) {
  run_outcome outcome;
  outcome.ended = how;
  outcome.errors = std::move(why);
  return outcome;
}

/// Sends what comes next; fails the test if nothing is to be sent.
job_execution::send send_next(job_execution& run, wall_time now = t0) {
  const auto what = run.next(now);
  REQUIRE(std::holds_alternative<job_execution::send>(what));
  const auto sent = std::get<job_execution::send>(what);
  run.sending(sent, now, "boot");
  return sent;
}

bool is_finished(const job_execution& run, bool ok) {
  const auto what = run.next(t0 + 1h);
  const auto* end = std::get_if<job_execution::finished>(&what);
  return end != nullptr && end->ok == ok;
}

}  // namespace

TEST_CASE("steps are sent one after the other, and the job ends well after the last") {
  auto run = make({make_step(0), make_step(1)});
  CHECK(send_next(run).index == 0);
  CHECK(run.steps()[0].run.value() == "0badcafe-5-0-1");
  run.ended(0, exits(0), t0);
  CHECK(send_next(run).index == 1);
  run.ended(1, exits(0), t0);
  CHECK(is_finished(run, true));
}

TEST_CASE("a plan without steps is finished at once") { CHECK(is_finished(make({}), true)); }

TEST_CASE("a failed step ends the job with the step's own words") {
  auto run = make({make_step(0), make_step(1)});
  send_next(run);
  run.ended(0, exits(2, "no such bridge"), t0);
  CHECK(is_finished(run, false));
  REQUIRE(run.failed_step() != nullptr);
  CHECK(run.failed_step()->error == "step_failed: no such bridge");
  CHECK(run.steps()[1].state == step_state::planned);
}

TEST_CASE("exit 65 is told as a bad parameter and never tried again") {
  auto run = make({make_step(0)});
  send_next(run);
  run.ended(0, exits(exit_bad_parameter, "mtu"), t0);
  CHECK(is_finished(run, false));
  CHECK(run.failed_step()->error == "bad_parameter: mtu");
}

TEST_CASE("exit 75 is tried again after a growing delay, until the attempts are used up") {
  auto run = make({make_step(0)}, 3);
  send_next(run);
  run.ended(0, exits(exit_try_again, "busy"), t0);
  auto what = run.next(t0);
  REQUIRE(std::holds_alternative<job_execution::wait_until>(what));
  CHECK(std::get<job_execution::wait_until>(what).at == t0 + 500ms);
  CHECK(send_next(run, t0 + 1s).read_back == false);
  CHECK(run.steps()[0].run.value() == "0badcafe-5-0-2");
  run.ended(0, exits(exit_try_again, "busy"), t0 + 1s);
  CHECK(std::get<job_execution::wait_until>(run.next(t0 + 1s)).at == t0 + 2s);
  send_next(run, t0 + 3s);
  run.ended(0, exits(exit_try_again, "busy"), t0 + 3s);
  CHECK(is_finished(run, false));
  CHECK(run.failed_step()->error == "attempts_exhausted: 3 attempts, the last said: busy");
}

TEST_CASE("an unknown outcome is read back before the step is sent again") {
  auto run = make({make_step(0)});
  send_next(run);
  run.ended(0, ends(run_outcome::how::lost, "rebooted"), t0);
  CHECK(run.steps()[0].state == step_state::unknown);
  const auto back = send_next(run);
  CHECK(back.read_back);
  CHECK(run.steps()[0].run.value() == "0badcafe-5-0-1r");
  CHECK(run.steps()[0].state == step_state::unknown);  // dying here must read back again
  run.ended(0, exits(0), t0);
  const auto again = send_next(run);
  CHECK_FALSE(again.read_back);
  CHECK(run.steps()[0].attempt == 2);
  run.ended(0, exits(0), t0);
  CHECK(is_finished(run, true));
}

TEST_CASE("a step ended by its deadline is unknown, and the deadline is named in the end") {
  auto run = make({make_step(0)}, 1);
  send_next(run);
  auto late = exits(143);
  late.timed_out = time_limit::deadline;
  run.ended(0, late, t0);
  CHECK(is_finished(run, false));
  CHECK(run.failed_step()->error.find("step_deadline") != std::string::npos);
  CHECK(run.failed_step()->error.find("30s") != std::string::npos);
}

TEST_CASE("a step that stalled is unknown, and the error says that it was that, and for how long") {
  auto one = make_step(0);
  one.stall = 5s;
  auto run = make({one}, 1);
  send_next(run);
  auto stalled = exits(143);
  stalled.timed_out = time_limit::stall;
  run.ended(0, stalled, t0);
  CHECK(is_finished(run, false));
  CHECK(run.failed_step()->error.find("step_stalled: stopped: no progress for 5s (stall)") != std::string::npos);
}

TEST_CASE("an outcome that is told twice counts once") {
  auto run = make({make_step(0), make_step(1)});
  send_next(run);
  run.ended(0, exits(0), t0);
  run.ended(0, exits(1, "late news"), t0);
  CHECK(run.steps()[0].state == step_state::done);
}

TEST_CASE("a failing standby degrades the job and takes only its own steps with it") {
  auto run = make({make_step(0, "a", "enabled"), make_step(1, "b", "standby"), make_step(2, "b", "standby"),
                   make_step(3, "a", "enabled")});
  send_next(run);
  run.ended(0, exits(0), t0);
  send_next(run);
  run.ended(1, ends(run_outcome::how::unreachable, "b is down"), t0);
  CHECK(run.steps()[1].state == step_state::failed);
  CHECK(run.steps()[2].state == step_state::skipped);
  CHECK(send_next(run).index == 3);
  run.ended(3, exits(0), t0);
  CHECK(is_finished(run, true));
  CHECK(run.job().degraded);
  CHECK(run.degraded_host() == "b");
  CHECK(run.degraded_reason() == "host_unreachable: b is down");
}

TEST_CASE("a failing enabled node fails the job even though the standby was not touched") {
  auto run = make({make_step(0, "a", "enabled"), make_step(1, "b", "standby")});
  send_next(run);
  run.ended(0, ends(run_outcome::how::unreachable, "a is down"), t0);
  CHECK(is_finished(run, false));
  CHECK_FALSE(run.job().degraded);
}

TEST_CASE("what an earlier reign had sent is asked about before anything else") {
  auto sent = make_step(0);
  sent.state = step_state::sent;
  sent.run = run_id("0badcafe-5-0-1");
  sent.attempt = 1;
  auto run = make({sent, make_step(1)});
  const auto what = run.next(t0);
  REQUIRE(std::holds_alternative<job_execution::attach>(what));
  run.ended(0, exits(0), t0);
  CHECK(send_next(run).index == 1);
}

TEST_CASE("a degraded job that is taken up again remembers its standby") {
  auto skipped = make_step(1, "b", "standby");
  skipped.state = step_state::skipped;
  skipped.error = "b is down";
  auto run = make({make_step(0, "a", "enabled"), skipped});
  CHECK(run.degraded_host() == "b");
  CHECK(run.degraded_reason() == "b is down");
}

TEST_CASE("after a failure what had begun is undone, the last first, whatever becomes of each") {
  std::vector<step> steps{make_step(0), make_step(1), make_step(2), make_step(3)};
  for (auto& one : steps) one.undo = "scrub";
  steps[1].undo.clear();
  auto run = make(steps);
  for (int index = 0; index < 2; ++index) {
    send_next(run);
    run.ended(index, exits(0), t0);
  }
  CHECK_FALSE(run.begin_undo());
  send_next(run);
  run.ended(2, exits(1, "no"), t0);
  CHECK(is_finished(run, false));
  REQUIRE(run.begin_undo());
  CHECK_FALSE(run.begin_undo());
  REQUIRE(run.steps().size() == 6);
  CHECK(run.step_count() == 4);
  CHECK(run.failed_step()->index == 2);
  CHECK(run.current()->index == 4);
  CHECK(undone_text(run.steps()) == "; undone: 0 of 2 steps; not undo:  on a; not undo:  on a");
  SECTION("also by a later reign") { run = job_execution(run.job(), run.steps(), "0badcafe", {3, 500ms, 4s}); }
  CHECK(send_next(run).index == 4);
  CHECK(run.steps()[4].verb == "scrub");
  run.ended(4, exits(1, "no"), t0);
  CHECK(send_next(run).index == 5);
  run.ended(5, ends(run_outcome::how::lost, "killed"), t0);
  CHECK(send_next(run).read_back);
  run.ended(5, exits(0), t0);
  CHECK(send_next(run).index == 5);
  run.ended(5, exits(0), t0);
  CHECK(is_finished(run, false));
  CHECK(run.failed_step()->index == 2);
  CHECK(undone_text(run.steps()) == "; undone: 1 of 2 steps; not undo:  on a: step_failed: no");
  CHECK(run.progress_text() == "2 of 4 steps were done");
}

TEST_CASE("nothing is undone of a job whose steps leave things as they are, or that went well") {
  auto run = make({make_step(0), make_step(1)});
  send_next(run);
  run.ended(0, exits(1), t0);
  CHECK_FALSE(run.begin_undo());
  auto good_step = make_step(0);
  good_step.undo = "scrub";
  auto good = make({good_step});
  send_next(good);
  good.ended(0, exits(0), t0);
  CHECK_FALSE(good.begin_undo());
  CHECK(is_finished(good, true));
}
