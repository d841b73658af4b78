// The read commands as a user types them, against a face in this process.
#include <future>
#include <iostream>
#include <sstream>

#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "edge/http_server.hpp"
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"
#include "test/support/text.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
/// Takes what is written to a stream for as long as it lives.
class captured {
 public:
  explicit captured(std::ostream& from) : from_(from), before_(from.rdbuf(text_.rdbuf())) {}
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;
  ~captured() { from_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostream& from_;
  std::ostringstream text_;
  std::streambuf* before_;
};

struct said {
  int exit = -1;
  std::string out, err;
};

said regent_command(std::vector<std::string> words) {
  CLI::App app;
  app.require_subcommand(1);
  said result;
  cli::add_read_commands(app, result.exit);
  captured out(std::cout), err(std::cerr);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError&) {
    result.exit = 2;
  }
  result.out = out.text();
  result.err = err.text();
  return result;
}

struct daemon_here {
  daemon_here() {
    facts.ready = true;
    facts.epoch = 3;
    auto server_or = start_http_server({socket(), true, "127.0.0.1", 0}, [this](std::string_view target) {
      last_target = target;
      return face.answer(target);
    });
    REQUIRE(server_or);
    server = std::move(*server_or);
  }
  std::string socket() const { return directory.file("s"); }
  said ask(std::vector<std::string> words) {
    words.insert(words.end(), {"--socket", socket()});
    return regent_command(std::move(words));
  }
  scratch_directory directory;
  still_clock time;
  daemon_facts facts;
  fake_journal journal;
  routes face{"here", journal.opener(), facts, time};
  std::string last_target;
  std::unique_ptr<http_server> server;
};

}  // namespace

TEST_CASE("resources are listed in a table, with what is wrong beside them") {
  daemon_here here;
  here.journal.resources = {make_resource("virtual_router/1", running, here.time.ago(90s)),
                            make_resource("virtual_router/2", unresourced, here.time.ago(2s))};
  here.journal.resources[1].reason = "no such bridge";
  const auto all = here.ask({"resources"});
  CHECK(all.exit == 0);
  CHECK(all.err.empty());
  CHECK(all.out ==
        "RESOURCE          STATE        NAME                      PROJECT  CHANGED  NOTE\n"
        "virtual_router/1  running      name of virtual_router/1  7         1m 30s  -\n"
        "virtual_router/2  unresourced  name of virtual_router/2  7             2s  no such bridge\n");
  CHECK(has(here.ask({"resources", "virtual_router/2"}).out, "unresourced since 2026-11-20T09:59:58.000Z (2s ago)"));
}

TEST_CASE("schedules are listed with their last and next runs, and one is shown with what comes") {
  daemon_here here;
  schedule_status one;
  one.config.name = "nightly";
  one.config.when = cron_expression::parse("30 2 * * *").value();
  one.config.what = {bulk_verb::mend, "virtual_router", "", "", true};
  one.dealt = here.time.ago(1h);
  auto other = one;
  other.config.name = "weekly";
  other.paused = "bo: a disk";
  here.facts.schedules.publish({one, other});
  here.journal.schedules = {{"nightly", "", {}, here.time.ago(90s), job_id(7), "", {}}};
  here.journal.jobs = {make_job(7, "tree/7", operation::read, job_state::succeeded, here.time.ago(90s))};
  const auto all = here.ask({"schedules"});
  CHECK(all.exit == 0);
  CHECK(all.out ==
        "SCHEDULE  CRON        ZONE  NEXT                        LAST  JOB  STATE      NOTE\n"
        "nightly   30 2 * * *  UTC   2026-11-21T02:30:00.000Z  1m 30s    7  succeeded  -\n"
        "weekly    30 2 * * *  UTC   -                              -    -  -          paused: bo: a disk\n");
  const auto shown = here.ask({"schedules", "nightly", "--next", "2"});
  CHECK(here.last_target == "/api/v1/schedules/nightly?next=2");
  CHECK(has(shown.out, "does           mend, virtual_router, degraded\n"));
  CHECK(has(shown.out, "its job        7: succeeded\n"));
  CHECK(has(shown.out, "2026-11-22T02:30:00.000Z  2026-11-22T02:30:00+00:00\n"));
  CHECK(has(here.ask({"schedules", "--next", "1"}).out, "\nweekly\nDUE"));
  CHECK(has(here.ask({"schedules", "--json"}).out, "\"schedule\":\"weekly\""));
  CHECK(here.ask({"schedules", "--next", "1000"}).exit == 2);
  CHECK(here.ask({"schedules", "monthly"}).exit == 1);
}

TEST_CASE("filters reach the daemon encoded, and a wrong one is exit 2 with the daemon's words") {
  daemon_here here;
  CHECK(here.ask({"resources", "--kind", "a b&limit=1", "--state", "running", "--project", "7", "--degraded", "true",
                  "--limit", "5"})
            .exit == 0);
  CHECK(here.last_target == "/api/v1/resources?kind=a%20b%26limit%3D1&state=running&project=7&degraded=true&limit=5");
  const auto wrong = here.ask({"resources", "--state", "runing"});
  CHECK(wrong.exit == 2);
  CHECK(wrong.out.empty());
  CHECK(has(wrong.err, "state=runing is not one of ignore, requested"));
  CHECK(here.ask({"resources", "--limit", "5000"}).exit == 2);
  CHECK(here.ask({"resources", "--colour", "red"}).exit == 2);
  CHECK(here.ask({"why", "virtual_router"}).exit == 2);
  CHECK(here.ask({"why"}).exit == 2);
  CHECK(here.ask({"job", "../../healthz"}).exit == 2);
  CHECK(here.ask({"resources", "virtual_router/1", "--state", "running"}).exit == 2);
}

TEST_CASE("a cut answer says so and how to go on, and going on reaches the end") {
  daemon_here here;
  for (int i = 0; i < 5; ++i)
    here.journal.resources.push_back(make_resource("virtual_router/" + std::to_string(i), running, here.time.now));
  CHECK(has(here.ask({"resources", "--limit", "2"}).out, "\n2 of 5 are shown; go on with --after '2'"));
  const auto rest = here.ask({"resources", "--limit", "3", "--after", "2"}).out;
  CHECK(has(rest, "virtual_router/4"));
  CHECK_FALSE(has(rest, "are shown"));
}

TEST_CASE("--json prints the daemon's answer exactly, an error's as well") {
  daemon_here here;
  here.journal.resources = {make_resource("virtual_router/1", running, here.time.now)};
  for (const auto* target : {"resources", "jobs", "hosts", "locks", "actors"}) {
    const auto said = here.ask({target, "--json"});
    CHECK(said.exit == 0);
    CHECK(said.out == here.face.answer(here.last_target).body);
  }
  const auto missing = here.ask({"why", "virtual_router/9", "--json"});
  CHECK(missing.exit == 1);
  CHECK(missing.out == here.face.answer("/api/v1/why/virtual_router/9").body);
  CHECK(here.ask({"resources", "--state", "x", "--json"}).exit == 2);
}

TEST_CASE("status is 0 while all is well and 1 when it is not, and says what is not") {
  daemon_here here;
  const auto well = here.ask({"status"});
  CHECK(well.exit == 0);
  CHECK(has(well.out, "state          ready\n"));
  here.facts.note("cloud", "login refused");
  const auto ill = here.ask({"status"});
  CHECK(ill.exit == 1);
  CHECK(has(ill.out, "problem        cloud: login refused\n"));
  CHECK(here.ask({"status", "--json"}).exit == 1);
  here.facts.note("cloud", "");
  here.facts.ready = false;
  CHECK(here.ask({"status"}).exit == 1);
}

TEST_CASE("a job is shown with its steps and what they said, made safe for the terminal") {
  daemon_here here;
  here.journal.jobs = {make_job(7, "virtual_router/1", operation::build, job_state::failed, here.time.ago(9s))};
  here.journal.jobs[0].error_message = "step 2 failed";
  here.journal.steps = {make_step(7, 0, "podnet-a", "namespace", step_state::done),
                        make_step(7, 1, "podnet-a", "rules", step_state::failed)};
  here.journal.steps[1].exit_code = 2;
  here.journal.steps[1].attempt = 1;
  here.journal.steps[1].error = "exit 2";
  here.journal.steps[1].output = "first\n\x1b[2Jsecond\xff\n";
  const auto job = here.ask({"job", "7"});
  CHECK(job.exit == 0);
  CHECK(has(job.out, "error          step 2 failed\n"));
  CHECK(has(job.out, "   2  podnet-a  -     failed     2    1     -  address build: rules\n"));
  CHECK(has(job.out, "step 2 on podnet-a: exit 2\n    first\n    \\x1b[2Jsecond\xef\xbf\xbd\n"));
  CHECK(has(here.ask({"jobs"}).out, "step 2 failed"));
  const auto missing = here.ask({"job", "8"});
  CHECK(missing.exit == 1);
  CHECK(missing.err == "regent: no job 8 is known\n");
}

TEST_CASE("a job shows how far the run under way is, in words that cannot harm a terminal") {
  daemon_here here;
  here.journal.jobs = {make_job(7, "virtual_router/1", operation::build, job_state::active, here.time.ago(3s))};
  here.journal.steps = {make_step(7, 0, "podnet-a", "volume", step_state::sent)};
  here.journal.steps[0].run = run_id("run-1");
  CHECK_FALSE(has(here.ask({"job", "7"}).out, "step 1 on"));
  here.journal.jobs[0].started = here.time.ago(2s);
  here.journal.jobs[0].deadline = 30min;
  CHECK(has(here.ask({"job", "7"}).out, "\ndeadline       2026-11-20T10:29:58.000Z (30m 0s)\n"));
  here.facts.runs.heard(run_id("run-1"), {}, here.time.steady() - 3s);
  CHECK(has(here.ask({"job", "7"}).out, "\nstep 1 on podnet-a runs: its host said 3s ago that it goes on\n"));
  here.facts.runs.heard(run_id("run-1"), run_progress{40, "copying \x1b[2J blocks", 12s}, here.time.steady());
  CHECK(has(here.ask({"job", "7"}).out, "\nstep 1 on podnet-a runs: 40 %: copying \\x1b[2J blocks, 12s ago\n"));
}

TEST_CASE("hosts, locks, actors and why are shown for people") {
  daemon_here here;
  auto host = make_host("podnet-a", "down");
  host.reason = "connection refused";
  host.boot_id = "0f0e";
  host.held = {{job_id(7), "virtual_router", "user", here.time.ago(2s)}};
  host.queue = {{job_id(8), "virtual_router", "retry", here.time.ago(1s)}};
  publish_host(here.facts.hosts, host);
  here.journal.leases = {{host_id("podnet-a"), "virtual_router", job_id(7), 3, here.time.ago(2s)}};
  here.journal.resources = {make_resource("virtual_router/1", running, here.time.ago(2s))};
  auto actor = here.facts.probes.add("host", "podnet-a");
  actor->waits_for("a connection");
  CHECK(has(here.ask({"hosts"}).out,
            "podnet-a  podnet  192.0.2.1  down       0ms     -     0     1      1  0f0e     connection refused\n"));
  CHECK(has(here.ask({"hosts", "podnet-a"}).out,
            "queue\nJOB  SCOPE           LANE   AGE\n  8  virtual_router  retry   1s\n"));
  CHECK(has(here.ask({"locks"}).out, "podnet-a  virtual_router  held        -    7  -         user       3   2s  -\n"));
  CHECK(has(here.ask({"actors", "--type", "host"}).out, "waits for a connection\n"));
  const auto why = here.ask({"why", "virtual_router/1"});
  CHECK(why.exit == 0);
  CHECK(why.out == "virtual_router/1 is running: nothing: it is running since 2026-11-20T09:59:58.000Z (2s ago).\n");
}

TEST_CASE("the daemon is found by URL, by the environment and by default, the option first") {
  daemon_here here;
  const auto url = "http://127.0.0.1:" + std::to_string(here.server->port());
  CHECK(regent_command({"resources", "--url", url}).exit == 0);
  CHECK(regent_command({"resources", "--url", url + "/"}).exit == 0);
  ::setenv("REGENT_SOCKET", here.socket().c_str(), 1);
  CHECK(regent_command({"resources"}).exit == 0);
  CHECK(regent_command({"resources", "--socket", here.directory.file("none")}).exit == 3);
  ::unsetenv("REGENT_SOCKET");
  ::setenv("REGENT_URL", url.c_str(), 1);
  CHECK(regent_command({"resources"}).exit == 0);
  ::unsetenv("REGENT_URL");
  const auto defaults = cli::daemon_addresses({});
  REQUIRE(defaults);
  REQUIRE(defaults->size() == 2);
  CHECK((*defaults)[0].unix_socket == "/run/regent/regent.sock");
  CHECK((*defaults)[1].unix_socket == "/var/lib/regent/regent.sock");
  CHECK(regent_command({"resources", "--url", url, "--socket", here.socket()}).exit == 2);
}

TEST_CASE("a daemon that cannot be reached is exit 3 and one clear sentence") {
  scratch_directory directory;
  for (const auto& path : {directory.file("none"), directory.file(std::string(200, 'x'))}) {
    const auto said = regent_command({"status", "--socket", path});
    CHECK(said.exit == 3);
    CHECK(said.out.empty());
    CHECK(has(said.err, "regent: cannot reach the regent daemon at " + path));
    CHECK(std::count(said.err.begin(), said.err.end(), '\n') == 1);
  }
  const auto nobody = cli::ask_daemon(
      std::vector<cli::daemon_address>{{directory.file("a"), {}, 0}, {directory.file("b"), {}, 0}}, "/");
  REQUIRE_FALSE(nobody);
  CHECK(has(nobody.error().message, directory.file("a") + " or " + directory.file("b")));
}

TEST_CASE("an address that is none is exit 2 and named") {
  for (const auto* url : {"localhost:8420", "https://127.0.0.1:1", "http://", "http://x:0", "http://x:70000",
                          "http://x:1/path", "http://x:y", "http://a b:1"}) {
    const auto said = regent_command({"status", "--url", url});
    INFO(url);
    CHECK(said.exit == 2);
    CHECK(has(said.err, std::string("'") + url + "'"));
  }
  const auto v6 = cli::parse_daemon_url("http://[::1]:8420");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->text() == "http://[::1]:8420");
  CHECK(regent_command({"status", "--config", "/no/such/region.yaml"}).exit == 2);
}

TEST_CASE("a daemon that does not answer in time, or not as a daemon does, is exit 3 and said") {
  scratch_directory directory;
  const auto path = directory.file("s");
  SECTION("silent") {
    std::promise<void> enough;
    auto wait = enough.get_future().share();
    auto server = start_http_server({path}, [wait](std::string_view) {
      wait.wait();
      return http_answer{};
    });
    REQUIRE(server);
    const auto said = cli::ask_daemon({path, {}, 0}, "/", 50ms);
    enough.set_value();
    REQUIRE_FALSE(said);
    CHECK(said.error().code == "daemon_silent");
  }
  SECTION("something else") {
    auto server = start_http_server({path}, [](std::string_view) { return http_answer{200, "text/html", "<html>"}; });
    REQUIRE(server);
    const auto said = regent_command({"status", "--socket", path});
    CHECK(said.exit == 3);
    CHECK(has(said.err, "not a regent daemon"));
  }
  SECTION("fields of other types") {
    auto server = start_http_server({path}, [](std::string_view) {
      return http_answer{
          200, "application/json",
          R"({"rows":[1,{"leases":3,"state":[]},null],"total":"x","next":{},"truncated":1,"steps":{},"problems":"no"})"};
    });
    REQUIRE(server);
    for (const auto* command : {"status", "resources", "jobs", "hosts", "locks", "actors"}) {
      const auto said = regent_command({command, "--socket", path});
      CHECK((said.exit == 0 || said.exit == 1));
    }
    CHECK(regent_command({"job", "1", "--socket", path}).exit == 0);
    CHECK(regent_command({"why", "a/1", "--socket", path}).exit == 0);
  }
}
