#include "test/actors/region_fixture.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

TEST_CASE("a requested router is built on both nodes, step by step, and the cloud is told in order") {
  region_fixture region;
  build(region);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
  CHECK(region.cloud_side.reports ==
        std::vector<std::pair<resource_id, lifecycle_state>>{{region.router, building}, {region.router, running}});
  CHECK(region.row()->state == running);
  CHECK(region.store->leases.empty());
  CHECK(region.store->reports.empty());
  CHECK(region.open_jobs().empty());
  CHECK(region.facts->probes.list(region.time.steady(), 0, 100, "lifecycle", "").empty());
}

TEST_CASE("every operation that a user may ask for comes to its end") {
  region_fixture region;
  build(region);
  const auto asks = [&](lifecycle_state wish, lifecycle_state end) {
    region.cloud_side.ask(region.router, wish);
    region.pass(6s);
    CHECK(region.state_in_cloud() == end);
    CHECK(region.row()->state == end);
    CHECK(region.open_jobs().empty());
  };
  asks(running_update, running);
  asks(quiesce, quiesced);
  asks(quiesced_update, quiesced);
  asks(restart, running);
  asks(scrub, scrub_queue);
  asks(restart, running);
}

TEST_CASE("a scrub waits out the grace period, and the cloud's word comes before anything is destroyed") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  REQUIRE(region.state_in_cloud() == scrub_queue);
  region.pass(50min);
  CHECK(region.state_in_cloud() == scrub_queue);
  region.pass(12min);
  CHECK(region.state_in_cloud() == closed);
  CHECK(region.hosts["a"].log.back() == "fw.scrub");
}

TEST_CASE(
    "a scrub that the cloud refuses destroys nothing, waits with its cause and deadline, and goes on when it may") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  region.cloud_side.refuses_scrubbing = "iaas_virtual_router_update_003";
  region.pass(65min);
  CHECK(region.state_in_cloud() == scrub_queue);
  const auto waiting = region.open_jobs();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].waits_for.find("iaas_virtual_router_update_003") != std::string::npos);
  CHECK(waiting[0].wait_deadline.has_value());
  CHECK(region.hosts["a"].log.back() != "fw.scrub");
  region.cloud_side.refuses_scrubbing.reset();
  region.pass(1min);
  CHECK(region.state_in_cloud() == closed);
}

TEST_CASE("a claim that waits for another resource of the project is made again as soon as that one has moved") {
  region_fixture region;
  const resource_id other{"virtual_router", "2"};
  region.cloud_side.records[other].state = requested;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  region.cloud_side.refuses_scrubbing = "while 2 is not quiesced";
  region.cloud_side.after_report = [&](const resource_id& id, played_cloud::entry& entry) {
    if (id == other && entry.state == quiesced) region.cloud_side.refuses_scrubbing.reset();
  };
  region.pass(61min);
  REQUIRE(region.state_in_cloud() == scrub_queue);
  region.cloud_side.ask(other, quiesce);
  region.pass(6s);  // a poll, and much less than claim_retry
  CHECK(region.state_in_cloud() == closed);
}

TEST_CASE("a standby that has long been down delays no operation") {
  region_fixture region;
  build(region);
  region.host_down("b");
  region.pass(1min);
  region.cloud_side.ask(region.router, running_update);
  region.pass(6s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.row()->degraded);
}

TEST_CASE("a user who restores a router while its scrub waits gets it back") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  region.cloud_side.refuses_scrubbing = "iaas_virtual_router_update_003";
  region.pass(65min);
  region.cloud_side.ask(region.router, restart);
  region.pass(2min);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a failing step makes the router unresourced with the reason, and its leases are free again") {
  region_fixture region;
  region.hosts["a"].behaves = [](const run_request& run) { return *run.script == "fw" ? 2 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(1s);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.row()->reason.find("step_failed") != std::string::npos);
  CHECK(region.store->leases.empty());
  CHECK(region.jobs(job_state::failed).size() == 1);
}

TEST_CASE("a record that cannot be planned is told to the cloud without touching a host") {
  region_fixture region;
  asks_for_build(region);
  region.cloud_side.records[region.router].document = "{}";
  region.start();
  region.pass(1s);
  CHECK(region.state_in_cloud() == unresourced);
  CHECK(region.hosts["a"].log.empty());
  CHECK(region.row()->reason.find("plan_path_missing") != std::string::npos);
}

TEST_CASE("what the cloud takes no state of is not built over and over, however often it is named, and says why") {
  region_fixture region;
  region.cloud_side.refuses_states = "iaas_ceph_update_201";
  asks_for_build(region);
  region.start();
  for (int second = 0; second < 120; ++second) {
    region.cloud_side.news.insert(region.router);
    region.pass(1s);
  }
  CHECK(region.state_in_cloud() == requested);
  const auto runs = region.hosts["a"].log.size();
  CHECK(runs > 0);
  CHECK(runs <= 7 * 2);  // at once, once more at once, then after 5, 20 and each 30 s: two steps each time
  const auto told = [&] {
    for (const auto& [about, text] : region.facts->problems())
      if (about == "report virtual_router/1") return text;
    return std::string();
  };
  CHECK(told().find("is refused: cloud_refused: iaas_ceph_update_201") != std::string::npos);
  region.cloud_side.refuses_states.reset();
  region.pass(35s);
  CHECK(region.state_in_cloud() == running);
  CHECK(told().empty());
}

TEST_CASE("a malformed record is named and stops nobody else") {
  region_fixture region;
  asks_for_build(region);
  const resource_id other{"virtual_router", "2"};
  region.cloud_side.records[other].malformed = true;
  region.start();
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.facts->bad_records == 1);
  bool named = false;
  for (const auto& [key, text] : region.facts->problems())
    named = named || text.find("subnets.0.vlan") != std::string::npos;
  CHECK(named);
}

TEST_CASE("a step that says try again is tried again") {
  region_fixture region;
  int calls = 0;
  region.hosts["a"].behaves = [&](const run_request& run) { return *run.script == "fw" && ++calls < 3 ? 75 : 0; };
  asks_for_build(region);
  region.start();
  region.pass(5s);
  CHECK(region.state_in_cloud() == running);
  CHECK(calls == 3);
}

TEST_CASE("with the enabled node down the build waits with its cause, and fails when the wait is over") {
  region_fixture region;
  region.hosts["a"].reachable = false;
  asks_for_build(region);
  region.start();
  region.pass(30s);
  CHECK(region.state_in_cloud() == building);
  const auto waiting = region.open_jobs();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].state == job_state::waiting);
  CHECK(waiting[0].waits_for.find("a is down") != std::string::npos);
  CHECK(waiting[0].wait_deadline.has_value());
  SECTION("until the host returns") {
    region.host_up("a");
    region.pass(1s);
    CHECK(region.state_in_cloud() == running);
  }
  SECTION("and not for ever") {
    region.pass(10min);
    CHECK(region.state_in_cloud() == unresourced);
    CHECK(region.row()->reason.find("host_unreachable") != std::string::npos);
    CHECK(region.row()->reason.find("wait_for_host") != std::string::npos);
  }
}

TEST_CASE("a host that reboots under a run is read back before the step is done again") {
  region_fixture region;
  region.hosts["a"].hangs = {"net"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_reboots("a");
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "net.read", "net.build", "fw.build"});
}

TEST_CASE("a run that ended just before a reboot, which nobody had heard of, is undone by it all the same") {
  region_fixture region;
  region.hosts["a"].hangs = {"net"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_down("a");
  region.host_finishes("a");
  region.hosts["a"].boot_id += "+";  // the runner's files outlive it
  region.host_up("a");
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "net.build", "fw.build"});
}

TEST_CASE("what was done before a reboot is done again before the step that rests on it") {
  region_fixture region;
  region.hosts["a"].hangs = {"fw"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_reboots("a");
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.read", "fw.build"});
}

TEST_CASE("a node that reboots while the other is being built is built again before the end") {
  region_fixture region;
  region.hosts["b"].hangs = {"net"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_reboots("a");
  region.host_finishes("b");
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build"});
}

TEST_CASE("what stood on a host that has rebooted is built there again, without a word to the cloud") {
  region_fixture region;
  build(region);
  region.pass(5s);
  SECTION("while the daemon lives") { region.host_reboots("b"); }
  SECTION("while the daemon is away") {
    region.crash();
    region.hosts["b"].boot_id += "+";
    region.start();
  }
  region.pass(5s);
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build", "net.build", "fw.build"});
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
  CHECK(region.cloud_side.reports.size() == 2);
  CHECK(region.open_jobs().empty());
  CHECK(region.store->hosts.at("b").boot_id == region.hosts["b"].boot_id);
}

TEST_CASE("a connection lost under a run changes nothing: the run is attached to and done once") {
  region_fixture region;
  region.hosts["a"].hangs = {"net"};
  asks_for_build(region);
  region.start();
  region.pass(1s);
  region.host_down("a");
  region.pass(5s);
  region.host_finishes("a");
  region.host_up("a");
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
}

TEST_CASE("with the cloud away everything is done, and told when it is back") {
  region_fixture region;
  asks_for_build(region);
  region.hosts["a"].behaves = [&](const run_request&) {
    region.cloud_side.away = true;
    return 0;
  };
  region.start();
  region.pass(10s);
  CHECK(region.row()->state == running);
  CHECK(region.store->reports.size() + region.cloud_side.reports.size() == 2);
  region.cloud_side.away = false;
  region.pass(2min);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.store->reports.empty());
}

TEST_CASE("a state that the cloud has lost is told again after the next listing") {
  region_fixture region;
  build(region);
  region.pass(2min);
  region.cloud_side.records[region.router].state = building;
  SECTION("no more was lost") {
    region.pass(2min);
    CHECK(region.hosts["a"].log.size() == 2);
  }
  SECTION("a change that came meanwhile, of which nobody was told, is found and done") {
    region.cloud_side.records[region.router].document = R"({"v":2})";
    region.pass(2min);
    CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.update", "fw.update"});
    CHECK(region.row()->document == R"({"v":2})");
  }
  CHECK(region.state_in_cloud() == running);
}

TEST_CASE("what was built of a record that makes no sense for a while is compared with it once it does") {
  region_fixture region;
  asks_for_build(region);
  region.hosts["b"].behaves = [&](const run_request&) {
    region.cloud_side.records[region.router].malformed = true;
    return 0;
  };
  region.start();
  region.pass(2min);
  REQUIRE(region.state_in_cloud() == running);
  CHECK(region.row()->unconfirmed);
  region.hosts["b"].behaves = {};
  region.cloud_side.records[region.router] = {running, R"({"v":2})", 9, false};
  region.pass(2min);
  CHECK(region.row()->document == R"({"v":2})");
  CHECK_FALSE(region.row()->unconfirmed);
}

TEST_CASE("a record that changes while it is built is built as it is in the end") {
  region_fixture region;
  asks_for_build(region);
  region.hosts["b"].behaves = [&](const run_request& run) {
    if (*run.script == "fw") region.cloud_side.records[region.router].document = R"({"v":2})";
    return 0;
  };
  region.start();
  region.pass(1s);
  CHECK(region.state_in_cloud() == running);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.update", "fw.update"});
  CHECK(region.row()->document == R"({"v":2})");
}

TEST_CASE("a record that a user changes just before the cloud hears that it runs is built as it is in the end") {
  region_fixture region;
  asks_for_build(region);
  region.cloud_side.after_report = [](const resource_id&, played_cloud::entry& entry) {
    if (entry.state == running) entry.document = R"({"v":2})";
  };
  SECTION("at once") {
    region.start();
    region.pass(1s);
  }
  SECTION("also when the daemon dies before it has looked") {
    region.start();
    while (region.state_in_cloud() != running) REQUIRE((region.settle(1) == 1 || (region.pass(250ms), true)));
    region.crash();
    region.start();
    region.pass(5s);
  }
  CHECK(region.row()->document == R"({"v":2})");
  CHECK_FALSE(region.row()->unconfirmed);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.update", "fw.update"});
  CHECK(region.hosts["b"].log == strings{"net.build", "fw.build", "net.update", "fw.update"});
  CHECK(region.cloud_side.reports.back().second == running);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("what was built and cannot be looked at again is not asked for without end") {
  region_fixture region;
  asks_for_build(region);
  region.cloud_side.after_report = [](const resource_id&, played_cloud::entry& entry) {
    if (entry.state == running) entry.malformed = true;
  };
  region.start();
  region.pass(1min);
  CHECK(region.cloud_side.reads < 60);
}

TEST_CASE("a claim that was waited for ends with its wait, whatever ends it") {
  region_fixture region;
  build(region);
  region.cloud_side.ask(region.router, scrub);
  region.pass(6s);
  region.cloud_side.refuses_scrubbing = "iaas_virtual_router_update_003";
  region.pass(65min);
  REQUIRE(region.open_jobs().size() == 1);
  SECTION("the cloud has it running again") {
    region.cloud_side.records[region.router].state = running;
    region.pass(2min);
    CHECK(region.row()->state == running);
  }
  SECTION("the record is gone") {
    region.cloud_side.records[region.router].malformed = true;
    region.pass(2min);
    CHECK(region.jobs(job_state::failed).size() == 1);
  }
  SECTION("a restart is asked for while the daemon is away") {
    region.crash();
    region.cloud_side.records[region.router].state = restart;
    region.start();
    region.pass(2min);
    CHECK(region.state_in_cloud() == running);
    const auto done = region.jobs(job_state::succeeded);
    CHECK(done.back().what == operation::restart);
    CHECK(region.jobs(job_state::superseded).size() == 1);
  }
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a host that leaves the region file fails whoever waits for its lease, with the reason") {
  region_fixture region;
  const resource_id other{"virtual_router", "2"};
  region.hosts["a"].hangs = {"net"};
  asks_for_build(region);
  region.cloud_side.records[other].state = requested;
  for (auto& host : region.config->hosts) host.concurrency = 1;
  region.start();
  region.pass(2s);
  auto without = std::make_shared<region_config>(*region.config);
  std::erase_if(without->hosts, [](const host_config& host) { return host.name == host_id("a"); });
  region.reload(without);
  region.pass(2s);
  CHECK(region.state_in_cloud("1") == unresourced);
  CHECK(region.state_in_cloud("2") == unresourced);
  CHECK(region.row("2")->reason.find("taken out of the region file") != std::string::npos);
  CHECK(region.store->leases.empty());
}

TEST_CASE("a secret reaches the host and never the journal") {
  region_fixture region;
  build(region);
  CHECK(region.hosts["a"].secrets.count("s3cret") == 2);
  for (const auto& [key, step] : region.store->steps) CHECK(step.parameters.find("s3cret") == std::string::npos);
}

TEST_CASE("a job that the journal refuses gives its leases back, and the next attempt is not in its way") {
  region_fixture region;
  build(region);
  region.pass(5s);
  job other;  // of a number that is given out next, which nothing explains
  other.id = job_id(region.store->jobs.rbegin()->second.id.value() + 1);
  other.root = other.id;
  other.resource = {"disk", "9"};
  other.state = job_state::succeeded;
  region.store->jobs[other.id.value()] = other;
  region.cloud_side.ask(region.router, running_update);
  region.pass(2s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build"});
  region.pass(10s);
  CHECK(region.hosts["a"].log == strings{"net.build", "fw.build", "net.update", "fw.update"});
  CHECK(region.state_in_cloud() == running);
  CHECK(region.open_jobs().empty());
}

TEST_CASE("a journal that cannot be written stops everything and loses nothing") {
  region_fixture region;
  asks_for_build(region);
  region.start();
  region.store->next_commit = error{error_kind::transient, "journal_full", "no space"};
  region.settle();
  CHECK(region.hosts["a"].log.empty());
  region.pass(3s);
  CHECK(region.state_in_cloud() == running);
}

TEST_CASE("in-progress states with nobody at work are taken up at the first listing") {
  region_fixture region;
  const auto state =
      GENERATE(building, running_updating, quiescing, restarting, scrub_prep, quiesced_updating, scrubbing);
  region.cloud_side.records[region.router].state = state;
  region.start();
  region.pass(2s);
  CHECK(region.state_in_cloud() == *row(state).forward);
  CHECK_FALSE(region.hosts["a"].log.empty());
}

TEST_CASE("a crash after any message whatsoever is survived: nothing is done twice under one run, and all ends well") {
  for (std::size_t messages = 1;; ++messages) {
    region_fixture region;
    asks_for_build(region);
    region.start();
    const auto handled = region.settle(messages);
    INFO("crash after " << handled << " messages");
    region.crash();
    region.start();
    region.pass(2min);
    REQUIRE(region.state_in_cloud() == running);
    REQUIRE(region.row()->state == running);
    REQUIRE(region.open_jobs().empty());
    REQUIRE(region.store->leases.empty());
    REQUIRE(region.store->reports.empty());
    for (auto& [name, host] : region.hosts)
      for (const auto& [run, times] : host.executions) REQUIRE(times == 1);
    for (auto& [name, host] : region.hosts) REQUIRE(host.secrets.count("s3cret") == host.executions.size());
    for (const auto* name : {"a", "b"}) {
      const auto& log = region.hosts[name].log;
      REQUIRE(std::count(log.begin(), log.end(), "fw.build") >= 1);
    }
    if (handled < messages) break;  // it had all been done before the crash
  }
}

TEST_CASE("a hundred routers at once share two hosts without two holders of a scope") {
  region_fixture region;
  for (int i = 1; i <= 100; ++i) region.cloud_side.records[{"virtual_router", std::to_string(i)}].state = requested;
  region.start();
  region.pass(10s);
  for (int i = 1; i <= 100; ++i) CHECK(region.state_in_cloud(std::to_string(i)) == running);
  CHECK(region.store->leases.empty());
  CHECK(region.hosts["a"].log.size() == 200);
}

TEST_CASE(
    "many that were built at once are all confirmed, a few at a time, and what has changed meanwhile is a user's") {
  region_fixture region;
  constexpr int many = 60;
  for (int n = 1; n <= many; ++n) region.cloud_side.ask({"virtual_router", std::to_string(n)}, requested);
  region.start();
  const auto built = [&] {
    return std::count_if(region.cloud_side.records.begin(), region.cloud_side.records.end(),
                         [](const auto& one) { return one.second.state == running; });
  };
  const auto unconfirmed = [&] {
    int count = 0;
    for (int n = 1; n <= many; ++n) count += region.row(std::to_string(n))->unconfirmed ? 1 : 0;
    return count;
  };
  SECTION("in one life") {
    std::size_t most = 0;
    for (int i = 0; (built() < many || unconfirmed() > 0) && i < 100'000; ++i) {
      if (region.settle(1) == 0) region.pass(100ms);
      const auto all = region.facts->probes.list(region.time.steady(), 0, 1000, "lifecycle", {});
      const auto reading = std::count_if(all.begin(), all.end(), [](const probe_view& one) {
        return one.state == "reading the record" || one.state == "noting the state";
      });
      if (built() == many) most = std::max(most, static_cast<std::size_t>(reading));
    }
    CHECK(region.cloud_side.reads == 2 * many);
    CHECK(most > 1);
    CHECK(most <= 16);
  }
  SECTION("a crash before the last") {
    for (int i = 0; built() < many && i < 100'000; ++i)
      if (region.settle(1) == 0) region.pass(100ms);
    REQUIRE(built() == many);
    REQUIRE(unconfirmed() > 0);
    region.restart();
    region.pass(5s);
  }
  SECTION("a record that has changed meanwhile") {
    region.cloud_side.after_report = [](const resource_id& id, played_cloud::entry& entry) {
      if (entry.state == running && id.id == "60" && entry.document == R"({"v":1})") entry.document = R"({"v":2})";
    };
    region.pass(5s);
    CHECK(region.row("60")->document == R"({"v":2})");
    const auto done = region.jobs(job_state::succeeded);
    const auto change = std::find_if(done.begin(), done.end(), [](const job& one) { return one.repair; });
    REQUIRE(change != done.end());
    CHECK(change->in == lane::user);
  }
  CHECK(built() == many);
  CHECK(unconfirmed() == 0);
  CHECK(region.open_jobs().empty());
}
