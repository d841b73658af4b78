#include "edge/metrics.hpp"

#include <sstream>

#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}
}  // namespace

TEST_CASE("metrics name resources, jobs, hosts, actors, runs, commits, ages and problems") {
  still_clock time;
  daemon_facts facts;
  facts.runs_sent = 12;
  facts.commits = 4;
  facts.last_poll_ms = time.ago(2500ms).time_since_epoch().count();
  facts.note("cloud", "down");
  facts.note("listed virtual_router/1", "bad");
  facts.note("listed virtual_router/2", "bad");
  auto host = make_host("podnet-a", "up");
  host.latency = 3ms;
  publish_host(facts.hosts, host);
  probe_view quiet, busy;
  quiet.type = busy.type = "host";
  busy.mailbox_depth = 9;
  busy.busy_now = 8s;
  const auto text =
      metrics_text({facts, "here", time.now, {quiet, busy}, state_counts{{"running", 5}}, state_counts{{"active", 2}}});
  for (const auto* line : {"regent_resources{state=\"running\"} 5",
                           "regent_resources{state=\"building\"} 0",
                           "regent_jobs{state=\"active\"} 2",
                           "regent_jobs{state=\"failed\"} 0",
                           "regent_hosts{state=\"up\"} 1",
                           "regent_hosts{state=\"down\"} 0",
                           "regent_host_latency_seconds{host=\"podnet-a\",role=\"podnet\"} 0.003",
                           "regent_runs_sent_total 12",
                           "regent_commits_total 4",
                           "regent_poll_age_seconds 2.5",
                           "regent_actors{type=\"host\"} 2",
                           "regent_actor_mailbox_depth_max{type=\"host\"} 9",
                           "regent_actor_busy_seconds_max{type=\"host\"} 8",
                           "regent_problem{about=\"cloud\"} 1",
                           "regent_problem{about=\"listed\"} 2",
                           "regent_problems 3",
                           "regent_ready 0",
                           "regent_journal_readable 1",
                           "# TYPE regent_runs_sent_total counter",
                           "# TYPE regent_resources gauge"}) {
    INFO(line << "\n" << text);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("every family of the metrics has its type and help, and no sample is without a value") {
  daemon_facts facts;
  const auto text = metrics_text({facts, "quote\" back\\ new\nline", wall_time(1s), {}, {}, {}});
  std::istringstream lines(text);
  int samples = 0;
  for (std::string line; std::getline(lines, line);) {
    REQUIRE_FALSE(line.empty());
    if (line[0] == '#') continue;
    ++samples;
    const auto name = line.substr(0, line.find_first_of("{ "));
    CHECK(text.find("# TYPE " + name + " ") != std::string::npos);
    CHECK(text.find("# HELP " + name + " ") != std::string::npos);
    CHECK_NOTHROW(std::stod(line.substr(line.rfind(' '))));
  }
  CHECK(samples > 10);
  CHECK(has_line(text, "regent_journal_readable 0"));
  CHECK(text.find("regent_resources") == std::string::npos);
}
