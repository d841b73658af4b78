// What a host remembers: each run once, its scope, what is lost, whose reign it is, and what it refuses.
#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "test/transport/command_channel_fixture.hpp"

namespace regent::test {

void check_once(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/once", gate = world.directory + "/gate";
  SECTION("a run that is sent twice is executed once") {
    const auto request = make_run("twice", script(), "count", {{"file", file}});
    for (int i = 0; i < 5; ++i) up.channel->send(request);
    up.record.await(request.run, run_status::finished);
    CHECK(up.run(request).exit_code == 0);
    CHECK(lines_in(file) == 1);
    const std::string history = file_text(world.endpoint.state_directory + "/r1/history");
    CHECK(history.find(" 7 twice " + request.script_hash + " count\n") == std::string("2026-11-20T10:00:00Z").size());
    CHECK(lines_in(world.endpoint.state_directory + "/r1/history") == 1);
  }
  SECTION("a run sent again by the next connection while it runs is not executed again, and its end is told") {
    const auto request = make_run("again", script(), "wait_for", {{"file", file}, {"gate", gate}});
    up.channel->send(request);
    const long pid = announced_pid(file);
    up.channel.reset();
    connection next(world);
    next.record.await_connected();
    next.channel->send(request);
    next.record.await(request.run, run_status::running);
    write_file(gate, "");
    const auto report = next.record.await(request.run, run_status::finished);
    CHECK(report.exit_code == 0);
    CHECK(report.output == "through\n");
    CHECK(std::stol(file_text(file)) == pid);
  }
  SECTION("a run that ended while nobody was connected is taken by asking") {
    up.channel->send(make_run("unseen", script(), "wait_for", {{"file", file}, {"gate", gate}}));
    const long pid = announced_pid(file);
    up.channel.reset();
    write_file(gate, "");
    CHECK(eventually([&] { return !process_alive(pid); }));
    connection next(world);
    next.record.await_connected();
    next.channel->ask(run_id("unseen"));
    CHECK(next.record.await(run_id("unseen"), run_status::finished).output == "through\n");
  }
  SECTION("what was never sent was never seen, and what is forgotten is so again") {
    up.channel->ask(run_id("unknown"));
    up.record.await(run_id("unknown"), run_status::never_seen);
    const auto request = make_run("forgotten", script(), "count", {{"file", file}});
    up.run(request);
    up.channel->forget({request.run});
    CHECK(eventually([&] { return !std::filesystem::exists(runs_of(world) + "forgotten"); }));
    up.channel->ask(request.run);
    up.record.await(request.run, run_status::never_seen);
  }
}

void check_scopes(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/first", second = world.directory + "/second";
  const std::string gate = world.directory + "/gate";
  const auto first = on("virtual_router/3", make_run("first", script(), "stubborn", {{"file", file}}));
  SECTION("what an earlier run still does on a resource is ended before the next one starts, on any connection") {
    up.channel->send(first);
    const long grandchild = announced_pid(file);
    up.channel.reset();
    connection next(world);
    next.record.await_connected();
    const auto report = next.run(on("virtual_router/3", make_run("second", script(), "count", {{"file", second}})));
    CHECK(report.exit_code == 0);
    CHECK(lines_in(second) == 1);
    CHECK_FALSE(process_alive(grandchild));
    next.channel->ask(first.run);
    const auto ended = next.record.await(first.run, run_status::finished);
    CHECK(ended.cancelled);
  }
  SECTION("what a killed supervisor has left on it is ended too") {
    up.channel->send(first);
    const long grandchild = announced_pid(file);
    REQUIRE(::kill(static_cast<pid_t>(supervisor_of(world, "first")), SIGKILL) == 0);
    CHECK(up.run(on("virtual_router/3", make_run("second", script(), "count", {{"file", second}}))).exit_code == 0);
    CHECK_FALSE(process_alive(grandchild));
    up.record.await(first.run, run_status::lost);
  }
  SECTION("other resources, and runs of none, are in nobody's way") {
    up.channel->send(on("virtual_router/3", make_run("first", script(), "wait_for", {{"file", file}, {"gate", gate}})));
    announced_pid(file);
    CHECK(up.run(on("virtual_router/33", make_run("other", script(), "count", {{"file", second}}))).exit_code == 0);
    CHECK(up.run(make_run("none", script(), "count", {{"file", second}})).exit_code == 0);
    write_file(gate, "");
    CHECK(up.record.await(run_id("first"), run_status::finished).exit_code == 0);
  }
  SECTION("runs one after the other, and a scope whose file is nonsense, are as without it") {
    for (const auto* id : {"one", "two", "three"})
      CHECK(up.run(on("virtual_router/3", make_run(id, script(), "count", {{"file", second}}))).exit_code == 0);
    write_file(world.endpoint.state_directory + "/r1/scopes/virtual_router=3", "../../../etc/passwd\n");
    CHECK(up.run(on("virtual_router/3", make_run("four", script(), "count", {{"file", second}}))).exit_code == 0);
    CHECK(lines_in(second) == 4);
  }
}

void check_losses(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/losses", gate = world.directory + "/gate";
  const std::string earlier = "00000000-0000-0000-0000-000000000000";
  SECTION("a run whose supervisor was killed is ended and told to be lost") {
    up.channel->send(make_run("orphan", script(), "stubborn", {{"file", file}}));
    const long grandchild = announced_pid(file);
    REQUIRE(::kill(static_cast<pid_t>(supervisor_of(world, "orphan")), SIGKILL) == 0);
    up.record.await(run_id("orphan"), run_status::lost);
    CHECK(eventually([&] { return !process_alive(grandchild); }));
  }
  SECTION("a run that died before its script began is lost, not running for ever, and does not begin any more") {
    const auto request = make_run("stillborn", script(), "count", {{"file", file}});
    write_file(runs_of(world) + "stillborn", "");
    up.channel->send(request);
    up.record.await(request.run, run_status::lost);
    CHECK(lines_in(file) == 0);
    up.channel->ask(request.run);
    up.record.await(request.run, run_status::lost);
  }
  SECTION("a run of an earlier boot is lost with that boot") {
    write_file(runs_of(world) + "rebooted", "claim " + earlier + " 1 1 7 .\ngo 1 1 .\n");
    up.channel->ask(run_id("rebooted"));
    CHECK(up.record.await(run_id("rebooted"), run_status::lost).boot_id == earlier);
    up.channel->ask(run_id("rebooted"));
    CHECK(up.record.await(run_id("rebooted"), run_status::lost).boot_id == earlier);
  }
  SECTION("a run that ended just before a reboot is finished, and says in which boot it ran") {
    write_file(runs_of(world) + "before", "claim " + earlier + " 1 1 7 .\ngo 1 1 .\nend finished 3 0 0 0 5 4 0\ndone.");
    up.channel->ask(run_id("before"));
    const auto report = up.record.await(run_id("before"), run_status::finished);
    CHECK(report.exit_code == 3);
    CHECK(report.output == "done");
    CHECK(report.boot_id == earlier);
    CHECK(up.record.boot_id == file_text("/proc/sys/kernel/random/boot_id").substr(0, 36));
  }
  SECTION("a kept outcome tells by which limit of time its run was ended") {
    const std::array limits_by_number{time_limit::none, time_limit::deadline, time_limit::stall};
    for (std::size_t number = 0; number < limits_by_number.size(); ++number) {
      const std::string id = fmt::format("kept-{}", number);
      write_file(runs_of(world) + id,
                 fmt::format("claim {} 1 1 7 .\ngo 1 1 .\nend finished 143 {} 0 0 5 0 0\n.", earlier, number));
      up.channel->ask(run_id(id));
      CHECK(up.record.await(run_id(id), run_status::finished).timed_out == limits_by_number[number]);
    }
  }
  SECTION("all other reports are of the boot in which the host answers") {
    CHECK(up.run(make_run("now", script(), "count", {{"file", file}})).boot_id == up.record.boot_id);
    up.channel->ask(run_id("now"));
    CHECK(up.record.await(run_id("now"), run_status::finished).boot_id == up.record.boot_id);
    up.channel->ask(run_id("unknown"));
    CHECK(up.record.await(run_id("unknown"), run_status::never_seen).boot_id == up.record.boot_id);
    up.channel->send(make_run("waiting", script(), "wait_for", {{"file", file + "2"}, {"gate", gate}}));
    announced_pid(file + "2");
    up.channel->ask(run_id("waiting"));
    CHECK(up.record.await(run_id("waiting"), run_status::running).boot_id == up.record.boot_id);
    write_file(gate, "");
    auto nothing = make_run("refused", script(), "count");
    nothing.script = std::make_shared<const std::string>("count() { :; }");
    nothing.script_hash[0] = nothing.script_hash[0] == 'a' ? 'b' : 'a';
    up.channel->send(nothing);
    CHECK(up.record.await(run_id("refused"), run_status::refused).boot_id == up.record.boot_id);
  }
  SECTION("half an outcome is none") {
    write_file(runs_of(world) + "half",
               "claim " + earlier + " 1 1 7 .\ngo 1 1 .\nend finished 0 0 0 0 5 100 0\nonly this");
    up.channel->ask(run_id("half"));
    up.record.await(run_id("half"), run_status::lost);
  }
  SECTION("a killed runner does not end its run, and the next connection takes the outcome") {
    up.channel->send(make_run("survivor", script(), "wait_for", {{"file", file}, {"gate", gate}}));
    announced_pid(file);
    const long pid = runner_of(world);
    REQUIRE(pid != 0);
    REQUIRE(::kill(static_cast<pid_t>(pid), SIGKILL) == 0);
    up.record.await_disconnected();
    up.record.await_connected();
    up.channel->ask(run_id("survivor"));
    up.record.await(run_id("survivor"), run_status::running);
    write_file(gate, "");
    CHECK(up.record.await(run_id("survivor"), run_status::finished).output == "through\n");
  }
  SECTION("outcomes that nobody asked for in a week are removed at the next connect") {
    write_file(runs_of(world) + "old", "x");
    std::filesystem::last_write_time(runs_of(world) + "old",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 8));
    write_file(runs_of(world) + "young", "claim " + earlier + " 1 1 7 .\n");
    up.channel.reset();
    connection next(world);
    CHECK(eventually([&] { return !std::filesystem::exists(runs_of(world) + "old"); }));
    CHECK(std::filesystem::exists(runs_of(world) + "young"));
  }
  SECTION("a history of over a megabyte is turned at the next connect") {
    const std::string history = world.endpoint.state_directory + "/r1/history";
    write_file(history, std::string((1 << 20) + 1, '\n'));
    up.channel.reset();
    connection next(world);
    next.record.await_connected();
    CHECK(eventually([&] { return std::filesystem::exists(history + ".1"); }));
    next.run(make_run("first", script(), "count", {{"file", file}}));
    CHECK(lines_in(history) == 1);
  }
}

void check_epochs(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/epochs";
  SECTION("a lower epoch than the host has seen is refused, and the newer connection does not suffer") {
    connection old(world, reign - 1);
    const error why = old.record.await_disconnected();
    CHECK(why.code == "epoch_superseded");
    CHECK(why.kind == error_kind::conflict);
    CHECK(up.run(make_run("still-here", script(), "count", {{"file", file}})).exit_code == 0);
  }
  SECTION("a newer reign takes the host over: the older one can start nothing more") {
    connection next(world, reign + 1);
    next.record.await_connected();
    up.channel->send(make_run("too-late", script(), "count", {{"file", file}}));
    const auto request = make_run("in-time", script(), "count", {{"file", file}}, reign + 1);
    CHECK(next.run(request).exit_code == 0);
    CHECK(up.record.wait([&] {
      return std::any_of(up.record.errors.begin(), up.record.errors.end(),
                         [](const error& each) { return each.code == "epoch_superseded"; });
    }));
    next.channel->ask(run_id("too-late"));
    next.record.await(run_id("too-late"), run_status::never_seen);
    CHECK(lines_in(file) == 1);
  }
  SECTION("a run of a lower epoch on a connection of a host that has seen a higher one is refused") {
    host_endpoint other = world.endpoint;
    other.host = host_id("other");
    connection second({other, world.directory}, reign + 1);
    second.record.await_connected();
    up.channel->send(make_run("stale", script(), "count", {{"file", file}}));
    const auto report = up.record.await(run_id("stale"), run_status::refused);
    CHECK(report.errors.find("epoch") != std::string::npos);
    CHECK(lines_in(file) == 0);
  }
}

void check_refusals(const channel_world& world, connection& up) {
  SECTION("hostile run ids, hashes, verbs and names are refused and touch nothing") {
    auto refused = [&](run_request request) {
      up.channel->send(request);
      const auto report = up.record.await(request.run, run_status::refused);
      CHECK_FALSE(report.errors.empty());
    };
    for (const char* id : {"", "../../etc/x", "a b", "A", "a;b", "$(id)"}) refused(make_run(id, script(), "state"));
    auto request = make_run("bad-hash", script(), "state");
    request.script_hash = "../" + request.script_hash.substr(3);
    refused(request);
    for (const char* verb : {"", "a b", "_r_main", "$(id)"}) refused(make_run("bad-verb", script(), verb));
    for (const char* name : {"", "1a", "a b", "PATH", "IFS", "BASH_ENV", "_R_OUT", "a[0]", "a=b", "LD_PRELOAD"}) {
      refused(make_run("bad-name", script(), "state", {{name, std::string("x")}}));
    }
    refused(make_run("with-nul", script(), "state", {{"x", std::string("a\0b", 3)}}));
    refused(make_run("too-much", script(), "state", {{"x", std::string(limits::run_parameters_total_bytes + 1, 'x')}}));
    for (const char* scope : {"-", "../x", "a/../b", "a b", "a;b", "$(id)", ".", "a/.b"})
      refused(on(scope, make_run("bad-scope", script(), "state")));
    auto late = make_run("no-time", script(), "state");
    late.deadline = milliseconds(0);
    refused(late);
  }
  SECTION("a script that does not match its hash is refused, and the right one is taken afterwards") {
    auto request = make_run("forged", script(), "environment");
    request.script = std::make_shared<const std::string>("environment() { :; }");
    up.channel->send(request);
    CHECK(up.record.await(request.run, run_status::refused).errors.find("hash") != std::string::npos);
    CHECK(up.run(make_run("genuine", script(), "environment")).exit_code == 0);
  }
  SECTION("a script that the host keeps damaged is mended by the next connection") {
    up.run(make_run("whole", script(), "environment"));
    up.channel.reset();  // or the two would take the host from each other
    const std::string kept = world.endpoint.state_directory + "/r1/scripts/" + script().hash;
    for (const std::string& damage : {std::string(), script().text->substr(0, 100), *script().text + "exit 1\n"}) {
      write_file(kept, damage);
      connection next(world);
      next.record.await_connected();
      CHECK(next.run(make_run("mended-" + std::to_string(damage.size()), script(), "environment")).exit_code == 0);
      CHECK(file_text(kept) == *script().text);
    }
  }
}

}  // namespace regent::test
