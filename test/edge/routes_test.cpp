// The routes with a journal in memory: what is answered, and what is refused.
#include <set>

#include "edge/http_query.hpp"
#include "edge/metrics.hpp"
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
struct region {
  region() {
    journal.resources = {make_resource("virtual_router/1", running, time.ago(1h)),
                         make_resource("virtual_router/2", building, time.ago(3s)),
                         make_resource("virtual_router/3", unresourced, time.ago(2min))};
    journal.resources[0].document = R"({"id":1,"name":"one"})";
    journal.resources[2].degraded = true;
    journal.jobs = {make_job(7, "virtual_router/1", operation::build, job_state::succeeded, time.ago(1h)),
                    make_job(8, "virtual_router/2", operation::build, job_state::active, time.ago(3s))};
    journal.jobs[1].started = time.ago(2s);
    journal.steps = {make_step(8, 0, "podnet-a", "namespace", step_state::done),
                     make_step(8, 1, "podnet-a", "address", step_state::sent)};
    journal.steps[0].exit_code = 0;
    journal.steps[0].output = "changed\n";
    journal.steps[0].started = time.ago(2s);
    journal.steps[0].ended = time.ago(1s);
    journal.leases = {{host_id("podnet-a"), "virtual_router/2", job_id(8), 3, time.ago(2s)}};
    journal.reports = {{1, journal.resources[0].id, job_id(7), running, time.ago(10s)}};
    for (int i = 5; i > 0; --i)
      journal.events.push_back({i, time.ago(i * 1s), "resource.state", journal.resources[0].id, job_id(7), job_id(7),
                                "event " + std::to_string(i)});
    auto host = make_host("podnet-a", "up");
    host.latency = 2ms;
    host.last_seen = time.ago(1s);
    host.held = {{job_id(8), "virtual_router/2", "user", time.ago(2s)}};
    host.queue = {{job_id(9), "virtual_router/2", "retry", time.ago(1s)}};
    publish_host(facts.hosts, host);
    publish_host(facts.hosts, make_host("podnet-b", "down"));
    facts.ready = true;
    facts.epoch = 3;
    facts.started_ms = time.ago(1h).time_since_epoch().count();
    facts.last_poll_ms = time.ago(2s).time_since_epoch().count();
  }
  http_answer raw(const std::string& target) { return face.answer(target); }
  json_document get(const std::string& target, int status = 200) {
    const auto answer = raw(target);
    INFO(target << " → " << answer.body);
    CHECK(answer.status == status);
    CHECK(answer.type == "application/json");
    auto parsed = parse_json(answer.body);
    REQUIRE(parsed);
    return *parsed;
  }
  still_clock time;
  daemon_facts facts;
  fake_journal journal;
  routes face{"test region", journal.opener(), facts, time};
};

std::string text(const json_document& from, const std::string& path) {
  const auto* found = find_path(*from, path);
  if (found == nullptr) return "(nothing at " + path + ")";
  return found->IsString() ? std::string(found->GetString(), found->GetStringLength()) : json_text(*found);
}
}  // namespace

TEST_CASE("resources are listed with state, ages and whether there are more") {
  region here;
  const auto all = here.get("/api/v1/resources");
  CHECK(text(all, "total") == "3");
  CHECK(text(all, "next") == "null");
  CHECK(text(all, "truncated") == "false");
  CHECK(text(all, "rows.1.resource") == "virtual_router/2");
  CHECK(text(all, "rows.1.state") == "building");
  CHECK(text(all, "rows.1.changed") == "2026-11-20T09:59:57.000Z");
  CHECK(text(all, "rows.1.changed_age_ms") == "3000");
  CHECK(text(here.get("/api/v1/resources?state=running&kind=virtual_router"), "total") == "1");
  CHECK(text(here.get("/api/v1/resources?degraded=true"), "rows.0.id") == "3");
  CHECK(text(here.get("/api/v1/resources?degraded=false"), "total") == "2");
  CHECK(text(here.get("/api/v1/resources?project=8"), "total") == "0");
}

TEST_CASE("a list is paged to its end, each row once") {
  region here;
  here.journal.resources.clear();
  for (int i = 0; i < 25; ++i)
    here.journal.resources.push_back(make_resource("virtual_router/" + std::to_string(i), running, here.time.now));
  std::set<std::string> seen;
  std::string after;
  for (int pages = 0; pages < 100; ++pages) {
    const auto page = here.get("/api/v1/resources?limit=7&after=" + percent_encode(after));
    for (const auto& row : (*page)["rows"].GetArray()) CHECK(seen.insert(row["resource"].GetString()).second);
    CHECK((*page)["truncated"].GetBool() == (*page)["next"].IsString());
    if ((*page)["next"].IsNull()) break;
    after = (*page)["next"].GetString();
  }
  CHECK(seen.size() == 25);
}

TEST_CASE("a resource's detail has its record, open jobs, last events and undelivered reports") {
  region here;
  const auto one = here.get("/api/v1/resources/virtual_router/1");
  CHECK(text(one, "document.name") == "one");
  CHECK(text(one, "last_events.0.text") == "event 5");
  CHECK(text(one, "undelivered_reports.0.state") == "running");
  CHECK(text(one, "undelivered_reports.0.created_age_ms") == "10000");
  CHECK(text(one, "open_jobs") == "[]");
  CHECK(text(here.get("/api/v1/resources/virtual_router/2"), "open_jobs.0.id") == "8");
  CHECK(text(here.get("/api/v1/resources/virtual_router/2"), "document") == "null");
  CHECK(text(here.get("/api/v1/resources/virtual_router/99", 404), "error.code") == "not_found");
}

TEST_CASE("jobs are listed newest first, and one is shown with its steps") {
  region here;
  CHECK(text(here.get("/api/v1/jobs"), "rows.0.id") == "8");
  CHECK(text(here.get("/api/v1/jobs?state=open"), "total") == "1");
  CHECK(text(here.get("/api/v1/jobs?state=succeeded&resource=virtual_router/1"), "rows.0.operation") == "build");
  const auto one = here.get("/api/v1/jobs/8");
  CHECK(text(one, "steps.0.exit_code") == "0");
  CHECK(text(one, "steps.0.output") == "changed\n");
  CHECK(text(one, "steps.0.duration_ms") == "1000");
  CHECK(text(one, "steps.0.parameters.device") == "eth0");
  CHECK(text(one, "steps.1.state") == "sent");
  CHECK(text(one, "steps.1.exit_code") == "null");
  CHECK(text(here.get("/api/v1/jobs/12345", 404), "error.code") == "not_found");
}

TEST_CASE("a job and its steps are shown with their limits of time") {
  region here;
  CHECK(text(here.get("/api/v1/jobs/8"), "deadline") == "null");
  CHECK(text(here.get("/api/v1/jobs/8"), "deadline_ms") == "null");
  CHECK(text(here.get("/api/v1/jobs/8"), "steps.1.stall_ms") == "null");
  here.journal.jobs[1].deadline = 30min;
  here.journal.steps[1].stall = 5min;
  const auto one = here.get("/api/v1/jobs/8");
  CHECK(text(one, "deadline") == "2026-11-20T10:29:58.000Z");
  CHECK(text(one, "deadline_ms") == "1800000");
  CHECK(text(one, "steps.1.deadline_ms") == "30000");
  CHECK(text(one, "steps.1.stall_ms") == "300000");
  here.journal.jobs[1].started.reset();
  CHECK(text(here.get("/api/v1/jobs/8"), "deadline") == "null");
}

TEST_CASE("a step whose run is under way has its progress, which no journal knows") {
  region here;
  CHECK(text(here.get("/api/v1/jobs/8"), "steps.1.progress") == "null");
  CHECK(text(here.get("/api/v1/jobs/8"), "steps.1.heard_age_ms") == "null");
  here.journal.steps[0].run = run_id("run-0");
  here.journal.steps[1].run = run_id("run-1");
  here.facts.runs.heard(run_id("run-1"), {}, here.time.steady() - 4s);
  CHECK(text(here.get("/api/v1/jobs/8"), "steps.1.heard_age_ms") == "4000");
  CHECK(text(here.get("/api/v1/jobs/8"), "steps.1.progress") == "null");
  here.facts.runs.heard(run_id("run-1"), run_progress{40, "copying \x1b blocks", 12s}, here.time.steady());
  here.facts.runs.heard(run_id("run-0"), run_progress{99, "late", 0s}, here.time.steady());
  const auto one = here.get("/api/v1/jobs/8");
  CHECK(text(one, "steps.1.progress.percent") == "40");
  CHECK(text(one, "steps.1.progress.words") == "copying \x1b blocks");
  CHECK(text(one, "steps.1.progress.age_ms") == "12000");
  CHECK(text(one, "steps.0.progress") == "null");  // it has ended
  CHECK(text(here.get("/api/v1/why/virtual_router/2"), "sentence").find("; 40 %: copying") != std::string::npos);
}

TEST_CASE("the outputs of a job's steps are cut when they are too much together, and the cut is said") {
  region here;
  here.journal.steps.clear();
  for (int i = 0; i < 100; ++i) {
    here.journal.steps.push_back(make_step(8, i, "podnet-a", "x", step_state::done));
    here.journal.steps.back().output = std::string(64 * 1024, 'o');
  }
  const auto answer = here.raw("/api/v1/jobs/8");
  CHECK(answer.body.size() < 5 * 1024 * 1024);
  const auto parsed = parse_json(answer.body);
  REQUIRE(parsed);
  CHECK(text(*parsed, "steps.0.output_cut") == "false");
  CHECK(text(*parsed, "steps.99.output_cut") == "true");
}

TEST_CASE("hosts are listed by name, and one is shown with its leases and queue") {
  region here;
  const auto all = here.get("/api/v1/hosts?limit=1");
  CHECK(text(all, "rows.0.host") == "podnet-a");
  CHECK(text(all, "rows.0.latency_ms") == "2");
  CHECK(text(all, "total") == "2");
  CHECK(text(all, "truncated") == "true");
  CHECK(text(here.get("/api/v1/hosts?after=" + text(all, "next")), "rows.0.host") == "podnet-b");
  CHECK(text(here.get("/api/v1/hosts?state=down"), "total") == "1");
  CHECK(text(here.get("/api/v1/hosts?role=kvm"), "total") == "0");
  const auto one = here.get("/api/v1/hosts/podnet-a");
  CHECK(text(one, "leases.0.job") == "8");
  CHECK(text(one, "queue.0.lane") == "retry");
  here.get("/api/v1/hosts/podnet-c", 404);
}

TEST_CASE("locks name owner, age and epoch of what is held, and the queue behind it in order") {
  region here;
  const auto all = here.get("/api/v1/locks");
  CHECK(text(all, "total") == "2");
  CHECK(text(all, "rows.0.state") == "held");
  CHECK(text(all, "rows.0.job") == "8");
  CHECK(text(all, "rows.0.resource") == "virtual_router/2");
  CHECK(text(all, "rows.0.epoch") == "3");
  CHECK(text(all, "rows.0.live") == "true");
  CHECK(text(all, "rows.0.age_ms") == "2000");
  CHECK(text(all, "rows.1.state") == "queued");
  CHECK(text(all, "rows.1.position") == "1");
  CHECK(text(here.get("/api/v1/locks?state=held"), "total") == "1");
  CHECK(text(here.get("/api/v1/locks?job=9"), "total") == "1");
  CHECK(text(here.get("/api/v1/locks?host=podnet-b"), "total") == "0");
  here.facts.hosts.remove(host_id("podnet-a"));
  const auto orphan = here.get("/api/v1/locks");
  CHECK(text(orphan, "total") == "1");
  CHECK(text(orphan, "rows.0.live") == "false");
}

TEST_CASE("a long queue of locks is paged to its end in order") {
  region here;
  auto host = make_host("podnet-a", "up");
  for (int i = 0; i < 250; ++i) host.queue.push_back({job_id(1000 - i), "s", "audit", here.time.now});
  publish_host(here.facts.hosts, host);
  std::vector<std::string> positions;
  std::string after;
  do {
    const auto page = here.get("/api/v1/locks?state=queued&limit=100&after=" + percent_encode(after));
    for (const auto& row : (*page)["rows"].GetArray()) positions.push_back(std::to_string(row["position"].GetInt()));
    after = (*page)["next"].IsNull() ? "" : (*page)["next"].GetString();
  } while (!after.empty());
  REQUIRE(positions.size() == 250);
  CHECK(positions.front() == "1");
  CHECK(positions[9] == "10");
  CHECK(positions.back() == "250");
}

TEST_CASE("events are paged newest first and filtered by resource") {
  region here;
  const auto first = here.get("/api/v1/events?limit=2");
  CHECK(text(first, "rows.0.sequence") == "5");
  CHECK(text(here.get("/api/v1/events?limit=2&after=" + text(first, "next")), "rows.0.sequence") == "3");
  CHECK(text(here.get("/api/v1/events?resource=virtual_router/2"), "total") == "0");
}

TEST_CASE("live actors are shown with every field, filtered and paged, a wedged one as well") {
  region here;
  std::vector<std::shared_ptr<probe>> alive;
  for (int i = 0; i < 5; ++i)
    alive.push_back(here.facts.probes.add("lifecycle", "virtual_router/" + std::to_string(i)));
  auto wedged = here.facts.probes.add("host", "podnet-a");
  wedged->enqueued(here.time.steady() - 9s);
  wedged->begun("run_step", here.time.steady() - 8s);
  wedged->enqueued(here.time.steady() - 7s);
  wedged->state("running");
  wedged->waits_for("podnet-a to answer");
  wedged->leases({"podnet-a:virtual_router/2"});
  wedged->failed("no answer");
  const auto one = here.get("/debug/actors/host/podnet-a");
  CHECK(text(one, "busy_now_ms") == "8000");
  CHECK(text(one, "oldest_message_ms") == "7000");
  CHECK(text(one, "queued_total_ms") == "1000");
  CHECK(text(one, "mailbox_depth") == "1");
  CHECK(text(one, "last_message") == "run_step");
  CHECK(text(one, "last_error") == "no answer");
  CHECK(text(one, "waits_for") == "podnet-a to answer");
  CHECK(text(one, "leases.0") == "podnet-a:virtual_router/2");
  CHECK(text(one, "state") == "running");
  const auto page = here.get("/debug/actors?type=lifecycle&limit=3");
  CHECK(text(page, "total") == "5");
  CHECK((*page)["rows"].Size() == 3);
  CHECK((*here.get("/debug/actors?type=lifecycle&limit=3&after=" + text(page, "next")))["rows"].Size() == 2);
  CHECK(text(here.get("/debug/actors"), "total") == "6");
  CHECK(text(here.get("/debug/actors?key=virtual_router/3"), "rows.0.key") == "virtual_router/3");
  CHECK(text(here.get("/debug/actors/lifecycle/virtual_router/3"), "key") == "virtual_router/3");
  CHECK(text(here.get("/debug/actors/lifecycle/virtual_router%2F3"), "key") == "virtual_router/3");
  here.get("/debug/actors/host/podnet-z", 404);
}

TEST_CASE("status tells what a person asks first") {
  region here;
  here.facts.note("cloud", "503 for 12s");
  const auto said = here.get("/api/v1/status");
  CHECK(text(said, "name") == "test region");
  CHECK(text(said, "version") == REGENT_VERSION);
  CHECK(text(said, "epoch") == "3");
  CHECK(text(said, "uptime_ms") == "3600000");
  CHECK(text(said, "ready") == "true");
  CHECK(text(said, "problems.0.about") == "cloud");
  CHECK(text(said, "resources.running") == "1");
  CHECK(text(said, "hosts.down") == "1");
  CHECK(text(said, "last_poll_age_ms") == "2000");
  CHECK(text(said, "last_listing") == "null");
  here.facts.note("cloud", "");
  CHECK(text(here.get("/api/v1/status"), "problems") == "[]");
}

TEST_CASE("many problems are counted and the first are shown") {
  region here;
  for (int i = 0; i < 500; ++i) here.facts.note("listed virtual_router/" + std::to_string(i), "no id");
  const auto said = here.get("/api/v1/status");
  CHECK((*said)["problems"].Size() == 100);
  CHECK(text(said, "problems_total") == "500");
  here.facts.ready = false;
  CHECK(here.raw("/readyz").body.size() < 3000);
}

TEST_CASE("health and readiness say 200, or 503 and why") {
  region here;
  here.get("/healthz");
  here.get("/readyz");
  here.facts.ready = false;
  here.facts.note("cloud", "refused");
  CHECK(text(here.get("/readyz", 503), "error.message").find("cloud: refused") != std::string::npos);
  here.get("/healthz");
  here.facts.live = false;
  CHECK(text(here.get("/healthz", 503), "error.code") == "not_live");
  here.get("/readyz", 503);
}

TEST_CASE("why answers a sentence, and causes that a program can match") {
  region here;
  const auto said = here.get("/api/v1/why/virtual_router/2");
  CHECK(text(said, "sentence").find("virtual_router/2 is building: step 2 of 2 (address) runs on podnet-a") == 0);
  CHECK(text(said, "causes.0.code") == "step_running");
  CHECK(text(said, "causes.0.host") == "podnet-a");
  CHECK(text(said, "causes.0.step") == "1");
  CHECK(text(here.get("/api/v1/why/virtual_router/1"), "causes.1.code") == "report");
}

TEST_CASE("why of what the journal does not have asks the live actor and the problems before it says unnamed") {
  region here;
  const auto said = [&] { return text(here.get("/api/v1/why/virtual_router/4", 404), "error.message"); };
  CHECK(said() == "virtual_router/4 is not in the journal: the first listing of the cloud is not read yet.");
  here.facts.last_listing_ms = here.time.ago(5s).time_since_epoch().count();
  CHECK(said() == "virtual_router/4 is not in the journal: the cloud has not named it (its list was read 5s ago).");
  {
    auto actor = here.facts.probes.add("lifecycle", "virtual_router/4");
    auto other = here.facts.probes.add("lifecycle", "virtual_router/44");
    actor->state("reading the record");
    actor->waits_for("the cloud");
    CHECK(said() ==
          "virtual_router/4 is not in the journal: it is being worked on: reading the record, waiting for the cloud.");
  }
  here.facts.note("listed virtual_router/44", "record_malformed: state: is missing");
  here.facts.note("record virtual_router/4", "record_malformed: virtual_router/4: subnets.0.vlan must be 0 to 4094");
  CHECK(said() ==
        "virtual_router/4 is not in the journal: record virtual_router/4: record_malformed: virtual_router/4: "
        "subnets.0.vlan must be 0 to 4094.");
}

TEST_CASE("hostile and mistaken queries are refused with what was wrong") {
  region here;
  for (const auto* target : {"/api/v1/resources?limit=0",
                             "/api/v1/resources?limit=1001",
                             "/api/v1/resources?limit=-1",
                             "/api/v1/resources?limit=1e3",
                             "/api/v1/resources?limit=99999999999999999999",
                             "/api/v1/resources?state=runing",
                             "/api/v1/resources?degraded=maybe",
                             "/api/v1/resources?stat=running",
                             "/api/v1/resources?state=running&state=building",
                             "/api/v1/resources?kind=%zz",
                             "/api/v1/resources?kind=%4",
                             "/api/v1/resources?kind=%00",
                             "/api/v1/resources?kind=a%0ab",
                             "/api/v1/resources?=x",
                             "/api/v1/jobs?state=opened",
                             "/api/v1/jobs?resource=virtual_router",
                             "/api/v1/jobs?resource=a/b/c",
                             "/api/v1/jobs/0",
                             "/api/v1/jobs/-1",
                             "/api/v1/jobs/x",
                             "/api/v1/jobs/99999999999999999999",
                             "/api/v1/locks?job=x",
                             "/api/v1/hosts?state=UP",
                             "/debug/actors?after=x",
                             "/metrics?x=y",
                             "/api/v1/status?limit=1"}) {
    INFO(target);
    const auto answer = here.raw(target);
    CHECK(answer.status == 400);
    CHECK(parse_json(answer.body));
  }
  for (const auto* target :
       {"/nothing", "/api", "/api/v1", "/api/v1/resources/virtual_router", "/api/v1/resources/a/b/c",
        "/debug/actors/host", "/api/v1/resources/../../etc/passwd", "/%2e%2e/etc", "/api/v1/hosts/podnet-a/x"}) {
    INFO(target);
    CHECK(here.raw(target).status == 404);
  }
  CHECK(text(here.get("/api/v1/resources?kind=';DROP%20TABLE%20resource--"), "total") == "0");
  CHECK(text(here.get("/api/v1/resources?kind=%ff%fe"), "total") == "0");
  CHECK(text(here.get("/api/v1/resources?state=&limit="), "total") == "3");
}

TEST_CASE("every answer is JSON that moves no terminal's cursor, whatever the names hold") {
  region here;
  const std::string hostile =
      "\x1b[2J\x07\x7f\xc2\x9b"
      "31m\xe2\x80\xae\xff\xfe\"\\</script>\n";
  here.journal.resources[0].name = hostile;
  here.journal.resources[0].document = "{\"name\":\"\xc2\x9b\x7f\"}";
  here.journal.steps[0].output = hostile;
  here.journal.steps[0].parameters = "no json " + hostile;
  for (const auto* target : {"/api/v1/resources", "/api/v1/resources/virtual_router/1", "/api/v1/jobs/8"}) {
    const auto answer = here.raw(target);
    CHECK(parse_json(answer.body));
    for (const auto* bytes : {"\x1b", "\x07", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xff"})
      CHECK(answer.body.find(bytes) == std::string::npos);
    CHECK(answer.body.find('\n') == answer.body.size() - 1);
  }
}

TEST_CASE("a journal that cannot be read is a 503 with its error, and other routes still answer") {
  region here;
  SECTION("it is not there yet") { here.journal.broken = error{error_kind::permanent, "journal_missing", "no file"}; }
  SECTION("it breaks later") {
    here.get("/api/v1/resources");
    here.journal.broken = error{error_kind::permanent, "journal_io", "I/O error"};
  }
  for (const auto* target : {"/api/v1/resources", "/api/v1/resources/virtual_router/1", "/api/v1/jobs",
                             "/api/v1/jobs/8", "/api/v1/locks", "/api/v1/why/virtual_router/1", "/api/v1/events"})
    CHECK(text(here.get(target, 503), "error.code") == here.journal.broken->code);
  CHECK(text(here.get("/api/v1/status"), "problems.0.about") == "journal reader");
  CHECK(text(here.get("/api/v1/status"), "resources") == "null");
  here.get("/api/v1/hosts");
  here.get("/debug/actors");
  here.get("/healthz");
  CHECK(here.raw("/metrics").body.find("regent_journal_readable 0\n") != std::string::npos);
  here.journal.broken.reset();
  CHECK(text(here.get("/api/v1/resources"), "total") == "3");
  CHECK(text(here.get("/api/v1/status"), "problems") == "[]");
}

TEST_CASE("the journal is opened once while it can be read, whatever is asked") {
  region here;
  for (const auto* target : {"/api/v1/resources", "/api/v1/jobs/12345", "/api/v1/why/virtual_router/9", "/metrics"})
    here.raw(target);
  CHECK(here.journal.opened == 1);
}

TEST_CASE("the index names every route") {
  region here;
  const auto index = here.raw("/");
  CHECK(index.type == "text/plain; charset=utf-8");
  for (const auto* path : {"/api/v1/status", "/api/v1/why/{}/{}", "/debug/actors", "/metrics", "/readyz"})
    CHECK(index.body.find(path) != std::string::npos);
}

TEST_CASE("a target is taken apart and decoded once") {
  const auto query = parse_target("/a%2Fb/c//d?x=1%2B1&y=a+b&z=&w");
  REQUIRE(query);
  CHECK(query->segments == std::vector<std::string>{"a/b", "c", "d"});
  CHECK(query->parameters == std::map<std::string, std::string>{{"x", "1+1"}, {"y", "a b"}});
  for (int c = 0x20; c < 0x7f; ++c) {
    const std::string text(1, static_cast<char>(c));
    CHECK(parse_target("/?k=" + percent_encode(text))->parameters.at("k") == text);
  }
}

TEST_CASE("a dead letter is shown with the step that failed, what is known of it, and the words that decide about it") {
  region here;
  auto dead = make_job(9, "virtual_router/3", operation::build, job_state::failed, here.time.ago(1h));
  dead.error_code = "step_failed";
  dead.error_message = "step 2 of 2: no such device";
  here.journal.jobs.push_back(dead);
  here.journal.steps.push_back(make_step(9, 0, "podnet-a", "namespace", step_state::done));
  auto broken = make_step(9, 1, "podnet-a", "address", step_state::failed);
  broken.exit_code = 2;
  broken.attempt = 3;
  broken.error = "step_failed: no such device";
  broken.output = "read back: nothing";
  here.journal.steps.push_back(broken);
  here.journal.letters = {{dead.resource, dead.id, here.time.ago(2min)}};
  const auto said = here.get("/api/v1/dead-letters");
  const auto text = json_text(*said);
  CHECK(find_path(*said, "total")->GetInt64() == 1);
  for (const auto* part : {R"("resource":"virtual_router/3")", R"("number":2)", R"("of":2)", R"("host":"podnet-a")",
                           R"("exit_code":2)", R"("attempt":3)", "read back: nothing", "no such device",
                           R"("since_age_ms":120000)", R"("regent retry virtual_router/3 --from 2")",
                           R"("regent mark-done 9")", R"("regent mark-done 9 2")", R"("regent mark-failed 9")"}) {
    INFO(part);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(here.get("/api/v1/resources/virtual_router/3")->FindMember("dead_job")->value.GetInt64() == 9);
  CHECK(json_text(*here.get("/api/v1/status")).find(R"("dead_letters":1)") != std::string::npos);
  CHECK(here.get("/api/v1/dead-letters?limit=x", 400)->IsObject());
}

TEST_CASE("holds are shown with resources, and hosts that are meant to be off are counted as that") {
  region here;
  here.journal.holds = {{here.journal.resources[0].id, hold::pause, "eve: wait", here.time.ago(1h)}};
  auto host = make_host("podnet-b", "down");
  host.cordon = "eve: a fan";
  host.how = closure::maintenance;
  publish_host(here.facts.hosts, host);
  CHECK(json_text(*here.get("/api/v1/status")).find(R"("hosts":{"down":1,"up":1})") != std::string::npos);
  host.drained = true;
  publish_host(here.facts.hosts, host);
  CHECK(json_text(*here.get("/api/v1/resources")).find(R"("hold":"pause","hold_why":"eve: wait")") !=
        std::string::npos);
  CHECK(json_text(*here.get("/api/v1/status")).find(R"("hosts":{"maintenance":1,"up":1})") != std::string::npos);
  CHECK(json_text(*here.get("/api/v1/hosts")).find(R"("service":"maintenance")") != std::string::npos);
}
