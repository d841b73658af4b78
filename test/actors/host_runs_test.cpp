#include "actors/host_runs.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

const steady_time t0{1h};

run_request request(std::string id) {
  run_request made;
  made.run = run_id(std::move(id));
  made.deadline = 30s;
  return made;
}

run_report says(std::string id, run_status status, int code = 0, std::string boot = "boot-1") {
  run_report made;
  made.run = run_id(std::move(id));
  made.status = status;
  made.exit_code = code;
  made.boot_id = std::move(boot);
  return made;
}

template <class Kind>
const Kind& only(const host_runs::actions& all) {
  REQUIRE(all.size() == 1);
  REQUIRE(std::holds_alternative<Kind>(all[0]));
  return std::get<Kind>(all[0]);
}

}  // namespace

TEST_CASE("a run waits for the host and is sent when the host is there") {
  host_runs runs;
  CHECK(runs.add(request("a"), false, "", t0).empty());
  only<host_runs::send>(runs.connected("boot-1", t0));
  CHECK(only<host_runs::deliver>(runs.reported(says("a", run_status::finished, 3), t0)).outcome.exit_code == 3);
  CHECK(runs.size() == 0);
}

TEST_CASE("after a lost connection every sent run is asked about, and none is sent again") {
  host_runs runs;
  runs.connected("boot-1", t0);
  only<host_runs::send>(runs.add(request("a"), false, "", t0));
  runs.disconnected();
  only<host_runs::ask>(runs.connected("boot-1", t0));
  CHECK(runs.reported(says("a", run_status::running), t0).empty());
  only<host_runs::deliver>(runs.reported(says("a", run_status::finished), t0));
}

TEST_CASE("a run of an earlier reign is asked about first, and sent only if the host has never seen it") {
  host_runs runs;
  runs.connected("boot-1", t0);
  only<host_runs::ask>(runs.add(request("a"), true, "boot-1", t0));
  only<host_runs::send>(runs.reported(says("a", run_status::never_seen), t0));
}

TEST_CASE("a host that has rebooted since leaves the outcome unknown") {
  host_runs runs;
  runs.connected("boot-2", t0);
  only<host_runs::ask>(runs.add(request("a"), true, "boot-1", t0));
  const auto told = only<host_runs::deliver>(runs.reported(says("a", run_status::never_seen, 0, "boot-2"), t0));
  CHECK(told.outcome.ended == run_outcome::how::lost);
}

TEST_CASE("an overdue answer is asked for once, then given up as unknown and ended on the host") {
  host_runs runs;
  runs.connected("boot-1", t0);
  runs.add(request("a"), false, "", t0);
  CHECK(runs.tick(t0 + 30s).empty());
  only<host_runs::ask>(runs.tick(t0 + 30s + limits::run_answer_grace));
  CHECK(runs.tick(t0 + 31s + limits::run_answer_grace).empty());
  const auto last = runs.tick(t0 + 31s + 2 * limits::run_answer_grace);
  REQUIRE(last.size() == 2);
  CHECK(std::holds_alternative<host_runs::cancel>(last[0]));
  CHECK(std::get<host_runs::deliver>(last[1]).outcome.ended == run_outcome::how::lost);
}

TEST_CASE("a run that is still going keeps its time") {
  host_runs runs;
  runs.connected("boot-1", t0);
  runs.add(request("a"), false, "", t0);
  runs.tick(t0 + 41s);
  runs.reported(says("a", run_status::running), t0 + 41s);
  CHECK(runs.tick(t0 + 60s).empty());
}

TEST_CASE("a withdrawn run that was never sent was not done, one that was sent is unknown") {
  host_runs runs;
  runs.add(request("a"), false, "", t0);
  CHECK(only<host_runs::deliver>(runs.withdraw(run_id("a"), "down")).outcome.ended == run_outcome::how::unreachable);
  runs.connected("boot-1", t0);
  runs.add(request("b"), false, "", t0);
  runs.disconnected();
  CHECK(only<host_runs::deliver>(runs.withdraw(run_id("b"), "down")).outcome.ended == run_outcome::how::lost);
  CHECK(runs.withdraw(run_id("b"), "again").empty());
}

TEST_CASE("a report that comes twice or about a stranger is nobody's") {
  host_runs runs;
  runs.connected("boot-1", t0);
  runs.add(request("a"), false, "", t0);
  runs.reported(says("a", run_status::finished), t0);
  CHECK(runs.reported(says("a", run_status::finished), t0).empty());
  CHECK(runs.reported(says("x", run_status::finished), t0).empty());
}

TEST_CASE("a refused or lost run is told as such") {
  host_runs runs;
  runs.connected("boot-1", t0);
  runs.add(request("a"), false, "", t0);
  runs.add(request("b"), false, "", t0);
  CHECK(only<host_runs::deliver>(runs.reported(says("a", run_status::refused), t0)).outcome.ended ==
        run_outcome::how::refused);
  CHECK(only<host_runs::deliver>(runs.reported(says("b", run_status::lost), t0)).outcome.ended ==
        run_outcome::how::lost);
}
