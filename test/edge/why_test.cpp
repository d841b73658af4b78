// Each cause once, from the facts that show it.
#include "edge/why.hpp"

#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
struct story {
  explicit story(lifecycle_state state) {
    facts.now = time.now;
    facts.what = make_resource("virtual_router/3", state, time.ago(5min));
  }
  job& open(job_state state, operation what = operation::build) {
    facts.open.push_back(
        make_job(12 + static_cast<std::int64_t>(facts.open.size()), "virtual_router/3", what, state, time.ago(1min)));
    return facts.open.back();
  }
  step& add_step(const std::string& host, const std::string& about, step_state state) {
    facts.steps.push_back(make_step(12, static_cast<int>(facts.steps.size()), host, about, state));
    return facts.steps.back();
  }
  void check(const std::string& code, const std::string& sentence) {
    const auto said = explain(facts);
    CHECK(said.causes.front().code == code);
    CHECK(said.sentence == "virtual_router/3 is " + std::string(name(facts.what.state)) + ": " + sentence);
  }
  still_clock time;
  why_facts facts;
};
}  // namespace

TEST_CASE("why: a step runs") {
  story now(building);
  now.open(job_state::active);
  now.facts.hosts = {make_host("podnet-a", "up")};
  now.add_step("podnet-a", "namespace", step_state::done);
  now.add_step("podnet-a", "address 10.0.0.1/24", step_state::sent).started = now.time.ago(3s);
  now.add_step("podnet-a", "rules", step_state::planned);
  now.check("step_running", "step 2 of 3 (address 10.0.0.1/24) runs on podnet-a for 3s, deadline 30s.");
}

TEST_CASE("why: how far a run says that it is, and if it says nothing, that its host says that it goes on") {
  story now(building);
  now.open(job_state::active);
  now.facts.hosts = {make_host("podnet-a", "up")};
  auto& step = now.add_step("podnet-a", "volume", step_state::sent);
  step.run = run_id("run-1");
  now.facts.runs[step.run] = {run_progress{40, "copying blocks", 12s}, 2s};
  now.check("step_running", "step 1 of 1 (volume) runs on podnet-a, deadline 30s; 40 %: copying blocks, 12s ago.");
  step.stall = 5s;
  now.check(
      "step_running",
      "step 1 of 1 (volume) runs on podnet-a, deadline 30s (5s without progress); 40 %: copying blocks, 12s ago.");
  step.stall = 0s;
  now.facts.runs[step.run] = {{}, 2s};
  now.check("step_running",
            "step 1 of 1 (volume) runs on podnet-a, deadline 30s; its host said 2s ago that it goes on.");
}

TEST_CASE("why: what became of a step is not known while its host is away, nor before the host has answered") {
  story now(building);
  now.open(job_state::active);
  auto host = make_host("podnet-a", "down");
  host.last_seen = now.time.ago(12s);
  host.reason = "connection refused";
  now.facts.hosts = {host};
  now.add_step("podnet-a", "namespace", step_state::sent);
  now.check("host_down",
            "waits for podnet-a to return: down since 2026-11-20T09:59:48.000Z (12s ago): connection refused; what "
            "became of step 1 of 1 (namespace) is asked then.");
  now.facts.steps[0].state = step_state::unknown;
  now.facts.steps[0].error = "run_lost";
  CHECK(explain(now.facts).causes.front().code == "host_down");
  now.facts.hosts[0].state = "up";
  now.check("outcome_unknown",
            "the outcome of step 1 of 1 (namespace) on podnet-a is not known: the host is asked what became of it: "
            "run_lost.");
}

TEST_CASE("why: a lease that another job holds, and its place in the queue") {
  story now(building);
  now.open(job_state::waiting);
  auto host = make_host("podnet-a", "up");
  host.held = {{job_id(6), "other", "user", now.time.ago(9s)}, {job_id(7), "virtual_router", "user", now.time.ago(2s)}};
  for (const int before : {20, 21, 22, 12})
    host.queue.push_back({job_id(before), "virtual_router", "user", now.time.ago(1s)});
  now.facts.hosts = {host};
  now.facts.others.emplace(job_id(7),
                           make_job(7, "virtual_router/1", operation::build, job_state::active, now.time.now));
  now.add_step("podnet-a", "namespace", step_state::planned);
  now.check("lease",
            "waits for the lease of podnet-a (scope virtual_router) held by job 7 (virtual_router/1) for 2s, 3 in the "
            "queue before it.");
  CHECK(explain(now.facts).causes.front().job == job_id(7));
}

TEST_CASE("why: next in the queue of a host that nobody holds but the journal's last holder") {
  story now(building);
  now.open(job_state::waiting);
  auto host = make_host("podnet-a", "up");
  host.queue = {{job_id(12), "", "user", now.time.ago(1s)}};
  now.facts.hosts = {host};
  now.check("lease", "waits for the lease of podnet-a, 0 in the queue before it: it is next.");
  now.facts.leases = {{host_id("podnet-a"), "", job_id(7), 1, now.time.ago(4s)}};
  now.check("lease", "waits for the lease of podnet-a held by job 7 for 4s, 0 in the queue before it.");
}

TEST_CASE("why: a cordoned host, and a job that is being cancelled") {
  story now(quiescing);
  now.open(job_state::waiting).cancel = "eve: wrong\none";
  auto host = make_host("podnet-a", "up");
  host.cordon = "eve: a new disk";
  host.queue = {{job_id(12), "", "user", now.time.ago(1s)}};
  now.facts.hosts = {host};
  now.check(
      "cancelled",
      "job 12 (build) is being cancelled (eve: wrong one); waits for podnet-a to be uncordoned (eve: a new disk).");
}

TEST_CASE("why: a host that is drained, and one in maintenance") {
  story now(quiescing);
  now.open(job_state::waiting);
  auto host = make_host("podnet-a", "up");
  host.cordon = "eve: a new disk";
  host.how = closure::drain;
  host.queue = {{job_id(12), "", "user", now.time.ago(1s)}};
  now.facts.hosts = {host};
  now.check("cordoned", "waits for podnet-a, which is draining (eve: a new disk), to be uncordoned.");
  now.facts.hosts[0].drained = true;
  now.check("cordoned", "waits for podnet-a, which is drained (eve: a new disk), to be uncordoned.");
  now.facts.hosts[0].how = closure::maintenance;
  now.check("cordoned", "waits for podnet-a, which is in maintenance (eve: a new disk), to be uncordoned.");
}

TEST_CASE("why: what an operator wants of a resource, and a job that waits for a decision") {
  story now(running);
  const auto id = now.facts.what.id;
  const auto said = [&] { return explain(now.facts).sentence; };
  now.facts.marks.held = resource_held{id, hold::pause, "eve: wait", now.time.ago(1h)};
  CHECK(said().find("nothing begins on it, and what users ask for waits: it is paused (eve: wait) since") !=
        std::string::npos);
  now.facts.marks.held->what = hold::release;
  CHECK(said().find("it is released (eve: wait) since") != std::string::npos);
  now.facts.marks.held->what = hold::adopt;
  CHECK(said().find("its next job takes over what stands on its hosts (eve: wait)") != std::string::npos);
  now.facts.marks.held.reset();
  now.facts.marks.letter = dead_letter{id, job_id(12), now.time.ago(1h)};
  CHECK(said().find("job 12 has failed, and nothing begins by itself until somebody decides") != std::string::npos);
  CHECK(explain(now.facts).causes.back().code == "dead_letter");
}

TEST_CASE("why: a host that has to return first, and until when that is waited for") {
  story now(building);
  now.open(job_state::waiting).wait_deadline = now.time.now + 4min;
  auto host = make_host("podnet-b", "down");
  host.last_seen = now.time.ago(12s);
  host.reason = "connection refused\nby peer";
  now.facts.hosts = {host};
  now.add_step("podnet-b", "namespace", step_state::planned);
  now.check("host_down",
            "waits for podnet-b to return: down since 2026-11-20T09:59:48.000Z (12s ago): connection refused by peer, "
            "for at most 4m 0s more; then comes step 1 of 1 (namespace).");
  now.facts.hosts.clear();
  now.check("host_down", "step 1 of 1 (namespace) needs podnet-b, which is not in the region file.");
}

TEST_CASE("why: a step that failed and is tried again") {
  story now(building);
  now.open(job_state::active);
  now.facts.hosts = {make_host("podnet-a", "up")};
  auto& step = now.add_step("podnet-a", "rules", step_state::planned);
  step.attempt = 2;
  step.exit_code = 75;
  step.error = "nft is busy.";
  now.check("retry",
            "step 1 of 1 (rules) on podnet-a failed with exit 75 in attempt 2: nft is busy and is tried again.");
}

TEST_CASE("why: what the job itself says it waits for, its place in the order, and between steps") {
  story now(building);
  auto& job = now.open(job_state::queued);
  now.check("queued",
            "job 12 (build) is queued since 2026-11-20T09:59:00.000Z (1m 0s ago) in lane user (cloud: requested).");
  job.waits_for = "virtual_router/4 to be running";
  now.check("wait", "job 12 (build) waits for virtual_router/4 to be running.");
  job.wait_deadline = now.time.ago(1s);
  now.check("wait", "job 12 (build) waits for virtual_router/4 to be running, its deadline has passed.");
  job.waits_for.clear();
  job.state = job_state::active;
  now.add_step("podnet-a", "namespace", step_state::done);
  now.check("between_steps", "job 12 (build) has 1 of 1 steps done and is about to go on.");
}

TEST_CASE("why: the job that has got furthest is explained, and those behind it are named") {
  story now(running_updating);
  now.open(job_state::queued, operation::update);
  now.open(job_state::active, operation::update);
  now.open(job_state::queued, operation::build);
  CHECK(explained_job(now.facts)->id == job_id(13));
  const auto said = explain(now.facts);
  CHECK(said.causes.size() == 3);
  CHECK(said.causes[1].code == "job_behind");
  CHECK(said.causes[1].text == "job 12 (update) is queued as well");
}

TEST_CASE("why: unresourced, by which step and with which words") {
  story now(unresourced);
  now.facts.last = make_job(12, "virtual_router/3", operation::build, job_state::failed, now.time.ago(6min));
  now.add_step("podnet-a", "namespace", step_state::done);
  auto& step = now.add_step("podnet-a", "address", step_state::failed);
  step.exit_code = 2;
  step.error = "Cannot find device";
  now.check("unresourced",
            "unresourced since 2026-11-20T09:55:00.000Z (5m 0s ago): step 2 of 2 (address) on podnet-a exit 2: Cannot "
            "find device.");
  auto& undoing = now.add_step("podnet-a", "undo: namespace", step_state::failed);
  undoing.role = undo_role;
  undoing.error = "step_failed: it is busy";
  now.check("unresourced",
            "unresourced since 2026-11-20T09:55:00.000Z (5m 0s ago): step 2 of 2 (address) on podnet-a exit 2: Cannot "
            "find device; undone: 0 of 1 steps; not undo: namespace on podnet-a: step_failed: it is busy.");
  now.facts.steps.clear();
  now.facts.what.reason = "the record has no public address";
  now.check("unresourced", "unresourced since 2026-11-20T09:55:00.000Z (5m 0s ago): the record has no public address.");
}

TEST_CASE("why: nothing, but a degraded pair and an undelivered report are said") {
  story now(running);
  now.check("none", "nothing: it is running since 2026-11-20T09:55:00.000Z (5m 0s ago).");
  now.facts.what.degraded = true;
  now.facts.what.reason = "podnet-b was away";
  now.facts.reports = {{4, now.facts.what.id, job_id(12), running, now.time.ago(12s)},
                       {5, now.facts.what.id, job_id(13), quiesced, now.time.ago(1s)}};
  probe_view reporter;
  reporter.type = "reporter";
  reporter.last_error = "cloud_timeout: no answer";
  now.facts.actors = {reporter};
  const auto said = explain(now.facts);
  CHECK(said.causes[1].text == "degraded: podnet-b was away");
  CHECK(said.causes[2].text ==
        "the report of running is not yet delivered to the cloud since 2026-11-20T09:59:48.000Z (12s ago), 1 more "
        "behind it; the reporter's "
        "last error: cloud_timeout: no answer");
}

TEST_CASE("why: work without a job names what stands in the way of the poll") {
  story now(requested);
  now.facts.problems = {{"cloud", "login refused"}};
  now.check("no_job",
            "no job is open for it yet; the next poll or listing of the cloud starts one (requested since "
            "2026-11-20T09:55:00.000Z "
            "(5m 0s ago)); cloud: login refused.");
}

TEST_CASE("why: what the resource's own actor is at, and its own problems") {
  story now(building);
  probe_view actor;
  actor.type = "lifecycle";
  actor.state = "reading the record";
  actor.waits_for = "the cloud's record of virtual_router/3";
  now.facts.actors = {actor};
  now.facts.problems = {
      {"journal", "journal_full"}, {"record virtual_router/33", "no"}, {"record virtual_router/3", "cloud_timeout"}};
  now.check("at_work",
            "it is being worked on: reading the record, waiting for the cloud's record of virtual_router/3; journal: "
            "journal_full; record virtual_router/3: cloud_timeout.");
}

TEST_CASE("why: a grace period ends at its time") {
  story now(scrub_queue);
  now.facts.what.due = now.time.now + 3h;
  now.check("grace",
            "waits for its grace period to end at 2026-11-20T13:00:00.000Z, in 3h 0m; until then the cloud can take it "
            "back.");
  now.facts.what.due = now.time.ago(1s);
  now.check("grace", "its grace period ended at 2026-11-20T09:59:59.000Z: its scrub is about to start.");
}

TEST_CASE("why: an actor that has been busy for long is named") {
  story now(running);
  probe_view host;
  host.type = "host";
  host.key = "podnet-a";
  host.last_message = "run_step";
  host.busy_now = 45s;
  now.facts.actors = {host};
  CHECK(explain(now.facts).causes.back().text == "the host actor of podnet-a has been handling run_step for 45s");
}

TEST_CASE("why: every state has an answer, with a job and without") {
  for (const auto& each : lifecycle_table) {
    story without(each.state);
    CHECK(explain(without.facts).causes.size() >= 1);
    for (const auto state : {job_state::queued, job_state::waiting, job_state::active}) {
      story with(each.state);
      with.open(state);
      const auto said = explain(with.facts);
      CHECK(said.sentence.size() > 20);
      CHECK(said.sentence.find("  ") == std::string::npos);
    }
  }
}

TEST_CASE("why: what the journal does not have may be a record without an id, or of a kind that the cloud lacks") {
  story now(requested);
  const auto said = [&] { return explain_unknown(now.facts, now.time.ago(9s)); };
  now.facts.problems = {{"cloud", "cloud_timeout"},
                        {"journal", "journal_full"},
                        {"listed lamp/*", "kind: none"},
                        {"listed virtual_router/?", "record_malformed: id: is missing"}};
  CHECK(said() ==
        "virtual_router/3 is not in the journal: the cloud has not named it (its list was read 9s ago); listed "
        "virtual_router/?: record_malformed: id: is missing; cloud: cloud_timeout; journal: journal_full.");
  now.facts.what.id = {"lamp", "3"};
  CHECK(said() ==
        "lamp/3 is not in the journal: the cloud has not named it (its list was read 9s ago); listed lamp/*: kind: "
        "none; cloud: cloud_timeout; journal: journal_full.");
  CHECK(explain_unknown(now.facts, {}).find("the first listing of the cloud is not read yet; ") != std::string::npos);
}

TEST_CASE("why: a reason from outside is one bounded line") {
  story now(unresourced);
  now.facts.what.reason = std::string(5000, 'x') + "\n";
  CHECK(explain(now.facts).sentence.size() < 500);
}
