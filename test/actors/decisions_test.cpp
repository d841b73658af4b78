// What operators decide about resources and about jobs that failed or are stuck.
#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

std::string decide(region_fixture& region, operator_verb verb, job_id job = {}, int step = 0, bool preview = false) {
  return region.tell({verb, job, region.router, {}, {}, preview, {}, step});
}

const dead_letter* letter(region_fixture& region, const std::string& id = "1") {
  const auto found = region.store->dead_letters.find({"virtual_router", id});
  return found == region.store->dead_letters.end() ? nullptr : &found->second;
}

const resource_held* held(region_fixture& region) {
  const auto found = region.store->holds.find({"virtual_router", "1"});
  return found == region.store->holds.end() ? nullptr : &found->second;
}

/// The router's build fails at its second step.
void fail_build(region_fixture& region) {
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(1s);
  REQUIRE(region.state_in_cloud() == unresourced);
  REQUIRE(letter(region) != nullptr);
}

/// The repair of the standby is given up.
void fail_repair(region_fixture& region) {
  region.hosts["b"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(6h);
  REQUIRE(region.row()->degraded);
  REQUIRE(region.open_jobs().empty());
  REQUIRE(letter(region) != nullptr);
}

/// What is in the store, but for what only says when it was looked at.
std::string rows_of(region_fixture& region) {
  std::string all;
  for (const auto& [key, one] : region.store->jobs)
    all += fmt::format("{} {} {} {}\n", key, name(one.state), one.cancel, one.decided);
  for (const auto& [key, one] : region.store->steps)
    all += fmt::format("{}.{} {}\n", key.first, key.second, name(one.state));
  for (const auto& [key, one] : region.store->resources)
    all += fmt::format("{} {} {} {}\n", one.id.text(), name(one.state), one.degraded, one.reason);
  for (const auto& [key, one] : region.store->cordons) all += fmt::format("{} {} {}\n", key, one.why, name(one.how));
  all += fmt::format("{} holds {} letters {} events\n", region.store->holds.size(), region.store->dead_letters.size(),
                     region.store->events.size());
  return all;
}

}  // namespace

TEST_CASE("an operation that failed is a dead letter, across a restart, until a user's wish or an operator decides") {
  region_fixture region;
  fail_build(region);
  const auto dead = region.jobs(job_state::failed)[0];
  CHECK(letter(region)->job == dead.id);
  CHECK(region.told("resource.dead"));
  region.restart();
  REQUIRE(letter(region) != nullptr);
  SECTION("a user's wish, that succeeds") {
    region.hosts["a"].behaves = {};
    region.cloud_side.ask(region.router, requested);
    region.pass(6s);
    CHECK(region.state_in_cloud() == running);
    CHECK(letter(region) == nullptr);
  }
  SECTION("a user's wish, that fails: the letter is its job's") {
    region.cloud_side.ask(region.router, requested);
    region.pass(6s);
    REQUIRE(letter(region) != nullptr);
    CHECK(letter(region)->job != dead.id);
  }
  SECTION("an operator's retry: decided when the job begins") {
    region.hosts["a"].behaves = {};
    CHECK(has(decide(region, operator_verb::retry), "is asked for again: requested"));
    region.pass(6s);
    CHECK(letter(region) == nullptr);
  }
  SECTION("an operator says that it stays failed") {
    CHECK(has(decide(region, operator_verb::mark_failed, dead.id), "stays failed"));
    CHECK(letter(region) == nullptr);
    CHECK(region.state_in_cloud() == unresourced);
    CHECK(region.store->jobs.at(dead.id.value()).decided == "failed: operator: as the test wants");
    CHECK(decide(region, operator_verb::mark_failed, dead.id) == "nothing_to_decide");
    region.restart();
    CHECK(letter(region) == nullptr);
  }
  SECTION("the cloud has another word") {
    region.cloud_side.records[region.router].state = quiesced;
    region.restart();
    CHECK(letter(region) == nullptr);
  }
}

TEST_CASE("a job that an operator cancelled is no dead letter") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.hosts["a"].hangs.clear();  // nor does the read
  decide(region, operator_verb::cancel, region.open_jobs().at(0).id);
  region.pass(1s);
  REQUIRE(region.state_in_cloud() == unresourced);
  CHECK(letter(region) == nullptr);
}

TEST_CASE("nothing begins by itself on what waits for a decision, and then what was put off is done") {
  region_fixture region;
  fail_repair(region);
  const auto dead = letter(region)->job;
  const auto runs = region.hosts["b"].log.size();
  region.hosts["b"].behaves = {};
  region.host_reboots("b");
  region.pass(1min);
  CHECK(region.hosts["b"].log.size() == runs);
  CHECK(region.store->rebuilds_owed.size() == 1);
  CHECK(region.store->hosts.at("b").boot_id == region.hosts["b"].boot_id);  // others need not be built again
  region.restart();
  CHECK(region.hosts["b"].log.size() == runs);
  SECTION("an operator says that the repair is done, and the reboot is looked after") {
    CHECK(has(decide(region, operator_verb::mark_done, dead), "lacks nothing"));
    CHECK_FALSE(region.row()->degraded);
    CHECK(region.told("resource.mended"));
  }
  SECTION("an operator says that it has failed") { decide(region, operator_verb::mark_failed, dead); }
  SECTION("an operator has it tried again") { decide(region, operator_verb::retry); }
  SECTION("a user changes it") { region.cloud_side.ask(region.router, running_update); }
  region.pass(1min);
  CHECK(letter(region) == nullptr);
  CHECK(region.hosts["b"].log.size() >= runs + 2);
  CHECK(std::count(region.hosts["b"].log.begin() + static_cast<std::ptrdiff_t>(runs), region.hosts["b"].log.end(),
                   "net.build") == 1);
  CHECK(region.store->rebuilds_owed.empty());
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a repair whose host has not come back for so long waits for a decision") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  REQUIRE(region.open_jobs().size() == 1);
  const auto repair = region.open_jobs()[0].id;
  // Not day by day: the clock of the wall is what its deadline is of.
  region.time.set_wall(limits::wait_for_repair + 1h);
  region.pass(2s);
  REQUIRE(letter(region) != nullptr);
  CHECK(letter(region)->job == repair);
  CHECK(region.store->jobs.at(repair.value()).error_code == "wait_for_repair");
}

TEST_CASE("on a paused resource nothing begins, users' wishes wait, and resume lets them") {
  region_fixture region;
  build(region);
  region.pass(5s);
  CHECK(decide(region, operator_verb::pause) == "virtual_router/1 is paused: nothing begins on it");
  CHECK(held(region)->why == "operator: as the test wants");
  const auto runs = region.hosts["a"].log.size();
  region.cloud_side.ask(region.router, quiesce);
  region.host_reboots("b");
  region.pass(1min);
  CHECK(region.hosts["a"].log.size() == runs);
  CHECK(region.state_in_cloud() == quiesce);
  region.restart();
  region.pass(1min);
  CHECK(region.hosts["a"].log.size() == runs);
  CHECK(region.open_jobs().empty());
  CHECK(decide(region, operator_verb::retry) == "paused");
  CHECK(decide(region, operator_verb::adopt) == "paused");
  CHECK(has(decide(region, operator_verb::resume), "is resumed"));
  region.pass(1min);
  CHECK(region.state_in_cloud() == quiesced);
  CHECK(held(region) == nullptr);
  CHECK(region.store->rebuilds_owed.empty());
  const auto& log = region.hosts["b"].log;
  CHECK(std::count(log.begin(), log.end(), "net.build") == 2);
  CHECK(decide(region, operator_verb::resume) == "not_paused");
}

TEST_CASE("what has begun when its resource is paused goes on, also in the next life") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  CHECK(has(decide(region, operator_verb::pause), "what has begun goes on"));
  SECTION("in this life") {}
  SECTION("in the next") { region.restart(); }
  region.host_finishes("a");
  region.pass(5s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.row()->unconfirmed);  // the look at its record waits as well
}

TEST_CASE("what is said of a resource that is not there, or to one that needs it not, is refused with the reason") {
  region_fixture region;
  build(region);
  region.pass(5s);
  const operator_verb words[] = {operator_verb::pause, operator_verb::resume, operator_verb::release,
                                 operator_verb::adopt, operator_verb::retry};
  for (const auto verb : words) CHECK(region.tell({verb, {}, {"virtual_router", "404"}, {}, {}}) == "not_found");
  const auto done = region.jobs(job_state::succeeded).at(0).id;
  CHECK(decide(region, operator_verb::mark_done, done) == "nothing_to_decide");
  CHECK(decide(region, operator_verb::cancel, done) == "job_not_open");
  CHECK(decide(region, operator_verb::retry) == "nothing_to_retry");
  CHECK(decide(region, operator_verb::retry, {}, 2) == "nothing_to_retry");
}

TEST_CASE("a preview says what the word would say, and changes nothing") {
  region_fixture region;
  std::function<std::string(bool)> word;
  SECTION("of a dead job") {
    fail_build(region);
    const auto job = letter(region)->job;
    const auto verb = GENERATE(operator_verb::retry, operator_verb::mark_done, operator_verb::mark_failed,
                               operator_verb::pause, operator_verb::release, operator_verb::adopt);
    word = [&, job, verb](bool preview) { return decide(region, verb, job, 0, preview); };
  }
  SECTION("of one that runs") {
    region.hosts["a"].hangs = {"fw"};
    asks_for_build(region);
    region.start();
    region.pass(1s);
    const auto job = region.open_jobs().at(0).id;
    word = [&, job](bool preview) { return decide(region, operator_verb::cancel, job, 0, preview); };
  }
  SECTION("of one that is stuck") {
    region.hosts["a"].hangs = {"fw"};
    asks_for_build(region);
    region.start();
    region.pass(1s);
    region.host_down("a");
    region.pass(1s);
    const auto job = region.open_jobs().at(0).id;
    const auto verb = GENERATE(operator_verb::mark_done, operator_verb::mark_failed);
    word = [&, job, verb](bool preview) { return decide(region, verb, job, 0, preview); };
  }
  SECTION("of a repair that waits") {
    region.hosts["b"].reachable = false;
    asks_for_build(region);
    region.start();
    region.pass(30s);
    const auto job = region.open_jobs().at(0).id;
    const auto verb = GENERATE(operator_verb::mark_done, operator_verb::mark_failed, operator_verb::cancel);
    word = [&, job, verb](bool preview) { return decide(region, verb, job, 0, preview); };
  }
  SECTION("of a host") {
    build(region);
    region.pass(5s);
    const auto verb =
        GENERATE(operator_verb::cordon, operator_verb::drain, operator_verb::maintenance, operator_verb::force_detach);
    word = [&, verb](bool preview) { return region.tell({verb, {}, {}, host_id("b"), {}, preview}); };
  }
  const auto before = rows_of(region);
  const auto would = word(true);
  CHECK(would.find(' ') != std::string::npos);  // a sentence, and no error's code
  CHECK(rows_of(region) == before);
  CHECK(word(false) == would);
  CHECK(rows_of(region) != before);
}

TEST_CASE(
    "an operator says that the step is done whose host is away: the job goes on, and the host's late word is too "
    "late") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  const auto job = region.open_jobs().at(0).id;
  CHECK(decide(region, operator_verb::mark_done, job) == "not_stuck");
  region.host_down("a");
  region.pass(1s);
  CHECK(decide(region, operator_verb::mark_done, job, 1) == "not_stuck");
  SECTION("it ends well without that host") {
    CHECK(has(decide(region, operator_verb::mark_done, job, 2),
              "step 2 of job 1 (fw of virtual_router/1) on a counts as done"));
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
    region.host_up("a");
    region.host_finishes("a");
    region.pass(5s);
  }
  SECTION("and the daemon dies when that is durable") {
    region.tell_without_settling({operator_verb::mark_done, job, region.router, {}, "operator: test"},
                                 [](const result<std::string>&) {});
    while (region.store->steps.at({job.value(), 1}).state != step_state::done) REQUIRE(region.settle(1) == 1);
    region.crash();
    region.hosts["a"].reachable = false;
    region.start();
    region.pass(2s);
    CHECK(region.state_in_cloud() == running);
  }
  CHECK(region.told("step.marked"));
  CHECK(has(region.store->jobs.at(job.value()).decided, "step 2 done: operator"));
  CHECK(has(region.store->steps.at({job.value(), 1}).output, "marked as done: operator"));
  for (auto& [name, host] : region.hosts)
    for (const auto& [run, times] : host.executions) CHECK(times == 1);
}

TEST_CASE("an operator says that a step has failed which is stuck: the job ends, or goes on without the standby") {
  region_fixture region;
  asks_for_build(region);
  SECTION("of the enabled node, that backs off") {
    region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 75 : 0; };
    region.start();
    region.pass(300ms);
    CHECK(has(decide(region, operator_verb::mark_failed, region.open_jobs().at(0).id), "and the job ends"));
    region.pass(1s);
    CHECK(region.state_in_cloud() == unresourced);
    CHECK(has(region.row()->reason, "marked_failed: operator: as the test wants (it was planned: "));
    CHECK(letter(region) != nullptr);
  }
  SECTION("of the standby, that is away") {
    region.hosts["b"].hangs = {"net"};
    region.start();
    region.pass(1s);
    region.host_down("b");
    region.pass(1s);
    CHECK(has(decide(region, operator_verb::mark_failed, region.open_jobs().at(0).id), "and the job goes on"));
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.row()->degraded);
  }
}

TEST_CASE("a repair that waits is done, or not to be done, when an operator says so") {
  region_fixture region;
  region.hosts["b"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  const auto repair = region.open_jobs().at(0).id;
  const bool done = GENERATE(true, false);
  decide(region, done ? operator_verb::mark_done : operator_verb::mark_failed, repair);
  CHECK(region.store->jobs.at(repair.value()).state == (done ? job_state::succeeded : job_state::failed));
  CHECK(region.row()->degraded != done);
  region.crash();
  region.start();
  region.pass(1min);
  CHECK(region.open_jobs().empty());
  CHECK(region.hosts["b"].log.empty());
}

TEST_CASE("a dead job that is done makes its resource what it would have: the cloud is told the way that it accepts") {
  region_fixture region;
  lifecycle_state wish = requested, end = running;
  SECTION("a build") { fail_build(region); }
  SECTION("another operation") {
    build(region);
    region.pass(5s);
    std::tie(wish, end) = GENERATE(table<lifecycle_state, lifecycle_state>(
        {{running_update, running}, {quiesce, quiesced}, {scrub, scrub_queue}}));
    region.hosts["a"].behaves = [](const run_request&) { return 2; };
    region.cloud_side.ask(region.router, wish);
    region.pass(6s);
    REQUIRE(region.state_in_cloud() == unresourced);
  }
  SECTION("a restart") {
    build(region);
    region.pass(5s);
    region.cloud_side.ask(region.router, quiesce);
    region.pass(6s);
    std::tie(wish, end) =
        GENERATE(table<lifecycle_state, lifecycle_state>({{restart, running}, {quiesced_update, quiesced}}));
    region.hosts["a"].behaves = [](const run_request&) { return 2; };
    region.cloud_side.ask(region.router, wish);
    region.pass(6s);
    REQUIRE(region.state_in_cloud() == unresourced);
  }
  SECTION("a scrub") {
    build(region);
    region.cloud_side.ask(region.router, scrub);
    region.pass(6s);
    region.hosts["a"].behaves = [](const run_request&) { return 2; };
    region.pass(2h);
    REQUIRE(region.state_in_cloud() == unresourced);
    wish = scrub;
    end = closed;
  }
  INFO(name(wish));
  region.hosts["a"].behaves = {};
  const auto dead = letter(region)->job;
  const auto runs = region.hosts["a"].log.size();
  const auto reports = region.cloud_side.reports.size();
  CHECK(has(decide(region, operator_verb::mark_done, dead),
            fmt::format("virtual_router/1 is {}; the cloud is told {}, ", name(end), name(wish))));
  region.pass(10s);
  CHECK(region.state_in_cloud() == end);
  CHECK(region.row()->state == end);
  REQUIRE(region.cloud_side.reports.size() == reports + 3);
  CHECK(region.cloud_side.reports[reports].second == wish);
  CHECK(region.hosts["a"].log.size() == runs);
  CHECK(region.store->jobs.at(dead.value()).state == job_state::succeeded);
  CHECK(letter(region) == nullptr);
  CHECK(region.open_jobs().empty());
  region.restart();
  region.pass(10s);
  CHECK(region.state_in_cloud() == end);
  CHECK(region.hosts["a"].log.size() == runs);
}

TEST_CASE(
    "mark-done survives a crash after any message: what was acknowledged holds, and the cloud is told in the end") {
  for (std::size_t messages = 1;; ++messages) {
    region_fixture region;
    fail_build(region);
    region.hosts["a"].behaves = {};
    auto acknowledged = std::make_shared<bool>(false);
    region.tell_without_settling({operator_verb::mark_done, letter(region)->job, region.router, {}, "operator: test"},
                                 [acknowledged](const result<std::string>& said) { *acknowledged = said.has_value(); });
    const auto handled = region.settle(messages);
    const bool promised = *acknowledged;
    region.crash();
    region.start();
    region.pass(1min);
    INFO("crash after " << handled << " messages");
    if (promised) {
      REQUIRE(region.state_in_cloud() == running);
      REQUIRE(region.store->reports.empty());
    }
    REQUIRE(region.open_jobs().empty());
    REQUIRE(region.row()->state == region.state_in_cloud());
    if (handled < messages) break;
  }
}

TEST_CASE("a retry goes on from a step: those before it are not done again") {
  region_fixture region;
  fail_build(region);
  const auto dead = letter(region)->job;
  CHECK(decide(region, operator_verb::retry, {}, 3) == "not_from_there");
  CHECK(decide(region, operator_verb::retry, {}, 9) == "not_from_there");
  region.hosts["a"].behaves = {};
  SECTION("from the one that failed") {
    CHECK(decide(region, operator_verb::retry, {}, 2) ==
          "virtual_router/1 is asked for again: requested, from step 2 of job 1");
    region.pass(6s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.build"});
    const auto again = region.jobs(job_state::succeeded).at(0);
    CHECK(has(again.cause, "from step 2 of job 1"));
    CHECK(region.store->steps.at({again.id.value(), 0}).output == "done as step 1 of job 1");
  }
  SECTION("behind the one that failed, once that is marked as done") {
    CHECK(has(decide(region, operator_verb::mark_done, dead, 2), "regent retry virtual_router/1 --from 3"));
    CHECK(letter(region) != nullptr);
    decide(region, operator_verb::retry, {}, 3);
    region.pass(6s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
    CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
  }
  SECTION("across a restart of the daemon") {
    region.cloud_side.away = true;
    decide(region, operator_verb::retry, {}, 2);
    region.restart();
    region.cloud_side.away = false;
    region.pass(2min);  // until the next listing: nobody else tells this reign of it
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "fw.build"});
  }
  SECTION("a record that has changed since: all of it") {
    region.cloud_side.records[region.router].document = R"({"v":2})";
    decide(region, operator_verb::retry, {}, 2);
    region.pass(6s);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
    CHECK(has(region.jobs(job_state::succeeded).at(0).cause, "all of it: the plan of job 1 was another"));
  }
  SECTION("a host that has rebooted since") {
    region.host_reboots("a");
    region.pass(1s);
    CHECK(decide(region, operator_verb::retry, {}, 2) == "not_from_there");
  }
  SECTION("a host that reboots just then: what it has lost is done again") {
    region.cloud_side.away = true;
    decide(region, operator_verb::retry, {}, 2);
    region.host_reboots("a");
    region.cloud_side.away = false;
    region.pass(1min);
    CHECK(region.state_in_cloud() == running);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
  }
}

TEST_CASE("a released resource is left as it is, whatever happens, until it is adopted") {
  region_fixture region;
  build(region);
  region.pass(5s);
  CHECK(has(decide(region, operator_verb::release), "is released"));
  CHECK(decide(region, operator_verb::release) == "released");
  CHECK(decide(region, operator_verb::pause) == "released");
  CHECK(decide(region, operator_verb::resume) == "released");
  const auto runs = region.hosts["a"].log.size();
  region.host_reboots("a");
  region.cloud_side.ask(region.router, running_update);
  region.pass(1min);
  region.restart();
  region.pass(1min);
  CHECK(region.hosts["a"].log.size() == runs);
  CHECK(held(region)->what == hold::release);
  CHECK(has(decide(region, operator_verb::adopt), "is built on all its hosts"));
  region.pass(1min);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log.size() > runs);
  CHECK(held(region) == nullptr);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a job is adopted with once: the operator's word is gone with the job that did it") {
  region_fixture region;
  SECTION("what stands is built on all its hosts") {
    build(region);
    region.pass(5s);
    decide(region, operator_verb::adopt);
    region.pass(5s);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
  }
  SECTION("what failed is asked for again") {
    fail_build(region);
    region.hosts["a"].behaves = [](const run_request& run) {
      const auto& all = run.parameters;
      const auto adopt = std::find_if(all.begin(), all.end(), [](const auto& one) { return one.name == "adopt"; });
      return adopt != all.end() && std::get<std::string>(adopt->value) == "true" ? 0 : 2;
    };
    decide(region, operator_verb::retry);
    region.pass(6s);
    REQUIRE(region.state_in_cloud() == unresourced);
    decide(region, operator_verb::adopt);
    region.pass(6s);
    CHECK(region.state_in_cloud() == running);
  }
  CHECK(held(region) == nullptr);
  CHECK(region.told("resource.adopted"));
}

TEST_CASE("an open job is not released") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  CHECK(decide(region, operator_verb::release) == "at_work");
  CHECK(decide(region, operator_verb::adopt) == "at_work");
  CHECK(decide(region, operator_verb::retry) == "at_work");
}
