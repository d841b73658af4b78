#include "test/contract/command_channel_suite.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "test/support/catch.hpp"

namespace regent::test {
namespace {

constexpr epoch_number reign = 7;

const test_script& script() {
  static const test_script made = make_script(R"(
set -euo pipefail
say() { printf '%s' "$text"; printf '<%s>' "${list[@]}"; printf 'warn\n' >&2; }
leave() { exit "$code"; }
count() { printf 'x\n' >>"$file"; }
announce() { printf '%s\n' "$BASHPID" >"$file.new"; mv "$file.new" "$file"; }
wait_for() { announce; while [ ! -e "$gate" ]; do sleep 0.02; done; printf 'through\n'; }
stubborn() {
  trap '' TERM
  (trap '' TERM; announce; while :; do sleep 0.02; done) &
  while :; do sleep 0.02; done
}
flood() { while :; do printf '%01000d' 0; done; }
flood_a_little() { head -c 300000 /dev/zero | tr '\0' e >&2; printf end; }
leave_child() { sleep 600 & printf '%s\n' "$!" >"$file"; }
leave_daemon() {
  setsid sleep 600 &
  until read -r _ _ _ _ _ session _ <"/proc/$!/stat" && [ "$session" = "$!" ]; do sleep 0.01; done
  printf '%s\n' "$!" >"$file"
  printf 'started\n'
}
silent() { exec >&- 2>&-; sleep 0.3; exit 9; }
environment() { env; }
state() { pwd; umask; printf '%s\n' "$-" "${0}" "$#"; cat; }
)");
  return made;
}

/// With the library of primitives before it, as a real one has.
const test_script& telling_script() {
  static const test_script made = make_script(file_text("primitives/library.sh") + R"(
announce() { printf '%s\n' "$BASHPID" >"$file.new"; mv "$file.new" "$file"; }
wait_for() { while [[ ! -e $1 ]]; do sleep 0.02; done; }
tell() {
  progress "$percent" "$words"
  announce
  wait_for "$gate"
  progress 80 'the second half'
  wait_for "$gate.2"
  printf 'through\n'
}
tell_and_hang() {
  progress "$percent" "$words"
  trap '' TERM
  announce
  wait_for "$gate"
}
keep_talking() {
  local i
  for ((i = 0; i < words; i++)); do
    progress - "$i"
    sleep 0.3
  done
}
flood() {
  local i
  for ((i = 0; ; i++)); do progress - "word $i"; done
}
raw() {
  printf %s "$text" >"$REGENT_STATE_DIR/runs/$REGENT_RUN.progress"
  announce
  wait_for "$gate"
}
fifo() {
  mkfifo "$REGENT_STATE_DIR/runs/$REGENT_RUN.progress"
  announce
  wait_for "$gate"
}
)");
  return made;
}

std::size_t lines_in(const std::string& path) {
  const std::string text = file_text(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A connected channel with its transport, in the order in which they must go.
struct connection {
  explicit connection(const channel_world& world, epoch_number epoch = reign, const std::string& region = "r1")
      : carrier(make_transport(1, region, epoch)), channel(carrier->open(world.endpoint, record.sink())) {}
  run_report run(run_request request) {
    channel->send(request);
    return record.await(request.run, run_status::finished);
  }
  channel_record record;
  std::unique_ptr<transport> carrier;
  std::unique_ptr<command_channel> channel;
};

long announced_pid(const std::string& file) {
  REQUIRE(eventually([&] { return lines_in(file) == 1; }));
  return std::stol(file_text(file));
}

std::string runs_of(const channel_world& world) { return world.endpoint.state_directory + "/r1/runs/"; }

/// The run's supervisor, from its claim: "claim BOOT PID START EPOCH ."
long supervisor_of(const channel_world& world, const std::string& id) {
  std::istringstream claim(file_text(runs_of(world) + id));
  std::string word, boot;
  long pid = 0;
  claim >> word >> boot >> pid;
  return pid;
}

/// The living runner of the host named `host`, from its mark: "runner.HOST.BOOT.EPOCH.START.PID"
long runner_of(const channel_world& world) {
  for (const auto& each : std::filesystem::directory_iterator(world.endpoint.state_directory + "/r1")) {
    const std::string name = each.path().filename();
    if (!name.starts_with("runner.host.")) continue;
    const long pid = std::stol(name.substr(name.rfind('.') + 1));
    if (process_alive(pid)) return pid;
  }
  return 0;
}

void check_values(connection& up) {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  for (int round = 0; round < 12; ++round) {
    auto bytes = [&](std::size_t most) {
      std::string value(std::uniform_int_distribution<std::size_t>(0, most)(dice), '\0');
      for (char& c : value) c = static_cast<char>(std::uniform_int_distribution<int>(1, 255)(dice));
      return value;
    };
    const std::string text = bytes(round == 0 ? 40000 : 300);
    std::vector<std::string> list(1 + dice() % 5);
    for (auto& each : list) each = bytes(40);
    const auto report =
        up.run(make_run("value-" + std::to_string(round), script(), "say", {{"text", text}, {"list", list}}));
    std::string expected = text;
    for (const auto& each : list) expected += "<" + each + ">";
    CHECK(report.exit_code == 0);
    CHECK(report.output == expected);
    CHECK(report.errors == "warn\n");
    CHECK_FALSE(report.truncated);
  }
}

void check_ends(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/ends";
  SECTION("a run that ignores TERM is ended by cancel with its whole process group") {
    up.channel->send(make_run("cancelled", script(), "stubborn", {{"file", file}}));
    const long grandchild = announced_pid(file);
    CHECK(process_alive(grandchild));
    up.channel->cancel(run_id("cancelled"));
    const auto report = up.record.await(run_id("cancelled"), run_status::finished);
    CHECK(report.cancelled);
    CHECK(report.timed_out == time_limit::none);
    CHECK_FALSE(process_alive(grandchild));
  }
  SECTION("a run over its deadline is ended on the host with its whole process group") {
    auto request = make_run("late", script(), "stubborn", {{"file", file}});
    request.deadline = milliseconds(300);
    const auto report = up.run(request);
    CHECK(report.timed_out == time_limit::deadline);
    CHECK_FALSE(report.cancelled);
    CHECK_FALSE(process_alive(announced_pid(file)));
  }
  SECTION("a run without a word of progress for longer than it may be is ended with its whole process group") {
    auto request = make_run("stalled", telling_script(), "tell_and_hang",
                            {{"percent", "40"}, {"words", "x"}, {"file", file}, {"gate", world.directory + "/none"}});
    request.stall = milliseconds(400);
    const auto report = up.run(request);
    CHECK(report.timed_out == time_limit::stall);
    CHECK_FALSE(report.cancelled);
    CHECK_FALSE(process_alive(announced_pid(file)));
  }
  SECTION("a run that says nothing at all is ended by its stall, not by its deadline") {
    auto request = make_run("mute", script(), "stubborn", {{"file", file}});
    request.stall = milliseconds(300);
    request.deadline = milliseconds(20000);
    CHECK(up.run(request).timed_out == time_limit::stall);
    CHECK_FALSE(process_alive(announced_pid(file)));
  }
  SECTION("words of progress put a stall off, but not the deadline") {
    auto request = make_run("talking", telling_script(), "keep_talking", {{"words", "12"}});
    auto endless = make_run("talking-on", telling_script(), "flood");
    request.stall = endless.stall = milliseconds(3000);
    endless.deadline = milliseconds(4500);
    up.channel->send(request);
    up.channel->send(endless);
    const auto report = up.record.await(request.run, run_status::finished);
    CHECK(report.timed_out == time_limit::none);
    CHECK(report.exit_code == 0);
    CHECK(report.took > request.stall);
    CHECK(up.record.await(endless.run, run_status::finished).timed_out == time_limit::deadline);
  }
  SECTION("the deadline holds when the connection is gone") {
    auto request = make_run("abandoned", script(), "stubborn", {{"file", file}});
    request.deadline = milliseconds(500);
    up.channel->send(request);
    const long grandchild = announced_pid(file);
    up.channel.reset();
    CHECK(eventually([&] { return !process_alive(grandchild); }));
  }
  SECTION("what a run leaves in its process group is ended with it, and said") {
    const auto report = up.run(make_run("leaving", script(), "leave_child", {{"file", file}}));
    CHECK(report.exit_code == 0);
    CHECK(report.errors.find("left in its process group") != std::string::npos);
    CHECK_FALSE(process_alive(std::stol(file_text(file))));
  }
  SECTION("what a run leaves in a session of its own lives on, and holds up the run's end by no more than 0.1 s") {
    const auto report = up.run(make_run("starting", script(), "leave_daemon", {{"file", file}}));
    const long daemon = std::stol(file_text(file));
    CHECK(report.exit_code == 0);
    CHECK(report.output == "started\n");
    CHECK(report.errors.empty());
    CHECK(report.took < milliseconds(3000));  // a busy machine's; the daemon holds the run's output open for 600 s
    CHECK(process_alive(daemon));
    ::kill(static_cast<pid_t>(daemon), SIGKILL);
  }
  SECTION("a run that closes its output ends with its own exit code") {
    CHECK(up.run(make_run("silent", script(), "silent")).exit_code == 9);
  }
}

void check_output(connection& up) {
  SECTION("output over the cap is cut, said, and does not stop the run") {
    auto request = make_run("much", script(), "flood_a_little");
    request.output_cap = 1000;
    const auto report = up.run(request);
    CHECK(report.exit_code == 0);
    CHECK(report.truncated);
    CHECK(report.output == "end");
    CHECK(report.errors == std::string(1000, 'e'));
  }
  SECTION("a flood without end is ended by the deadline, within its cap") {
    auto request = make_run("flood", script(), "flood");
    request.deadline = milliseconds(500);
    const auto report = up.run(request);
    CHECK(report.timed_out == time_limit::deadline);
    CHECK(report.truncated);
    CHECK(report.output == std::string(limits::run_output_kept_bytes, '0'));
  }
}

void check_progress(const channel_world& world, connection& up) {
  const std::string file = world.directory + "/telling", gate = world.directory + "/gate";
  const auto asked = [](connection& by, const std::string& id) {
    by.channel->ask(run_id(id));
    return by.record.await(run_id(id), run_status::running).progress;
  };
  SECTION("what a run says of how far it is can be asked for, and is no part of its output") {
    up.channel->send(make_run("telling", telling_script(), "tell",
                              {{"percent", "40"}, {"words", "copying\nblocks"}, {"file", file}, {"gate", gate}}));
    announced_pid(file);
    const auto said = asked(up, "telling").value();
    CHECK(said.percent == 40);
    CHECK(said.words == "copying blocks");
    CHECK(said.age < milliseconds(20000));
    write_file(gate, "");
    CHECK(eventually([&] { return asked(up, "telling").value().percent == 80; }));
    write_file(gate + ".2", "");
    const auto report = up.record.await(run_id("telling"), run_status::finished);
    CHECK(report.output == "through\n");
    CHECK(report.errors.empty());
    up.channel->forget({report.run});
    CHECK(eventually([&] { return !std::filesystem::exists(runs_of(world) + "telling.progress"); }));
  }
  SECTION("it outlives the connection, and comes with the next one's heartbeats") {
    up.channel->send(make_run("outliving", telling_script(), "tell",
                              {{"percent", "7"}, {"words", ""}, {"file", file}, {"gate", gate}}));
    announced_pid(file);
    up.channel.reset();
    connection next(world);
    next.record.await_connected();
    CHECK(asked(next, "outliving").value().percent == 7);
    write_file(gate, "");
    CHECK(next.record.wait([&] {
      return std::any_of(next.record.reports.begin(), next.record.reports.end(),
                         [](const run_report& each) { return each.progress && each.progress->percent == 80; });
    }));
    write_file(gate + ".2", "");
    CHECK(next.record.await(run_id("outliving"), run_status::finished).output == "through\n");
  }
  SECTION("a run that floods with words is told of once a heartbeat, by its newest word, and other runs do not wait") {
    auto request = make_run("flooding", telling_script(), "flood");
    request.deadline = milliseconds(9000);
    up.channel->send(request);
    CHECK(up.run(make_run("beside", script(), "leave", {{"code", "3"}})).exit_code == 3);
    CHECK(up.record.await(run_id("flooding"), run_status::finished).timed_out == time_limit::deadline);
    std::vector<int> words;
    CHECK(up.record.wait([&] {
      for (const auto& each : up.record.reports)
        if (each.run == request.run && each.progress) words.push_back(std::stoi(each.progress->words.substr(5)));
      return !words.empty() && words.size() <= static_cast<std::size_t>(up.record.beats);
    }));
    CHECK(std::is_sorted(words.begin(), words.end()));
  }
  SECTION("a run under way that says nothing is told of with the heartbeats all the same") {
    up.channel->send(make_run("mute", script(), "wait_for", {{"file", file}, {"gate", gate}}));
    announced_pid(file);
    CHECK_FALSE(up.record.await(run_id("mute"), run_status::running).progress);
    write_file(gate, "");
    up.record.await(run_id("mute"), run_status::finished);
  }
  SECTION("hostile words are words, and what is none is nothing") {
    const std::string pwned = world.directory + "/pwned";
    int number = 0;
    const auto told = [&](const std::string& verb, const std::string& percent, const std::string& text) {
      const std::string id = fmt::format("hostile-{}", ++number), mark = file + id;
      up.channel->send(
          make_run(id, telling_script(), verb,
                   {{"percent", percent}, {"words", text}, {"text", text}, {"file", mark}, {"gate", gate}}));
      announced_pid(mark);
      return asked(up, id);
    };
    const std::string wild = "$(touch " + pwned + ") `touch " + pwned + "` \x1b[2J %s \\n ' \" ; * \nreport a lost";
    const auto words = told("tell", "a[$(touch " + pwned + ")]", wild).value();
    CHECK_FALSE(words.percent);
    CHECK(words.words == "$(touch " + pwned + ") `touch " + pwned + "`  [2J %s \\n ' \" ; *  report a lost");
    CHECK(told("tell", "101", std::string(40000, 'x')).value().words.size() == limits::progress_words_bytes);
    for (const std::string& raw :
         {std::string(), std::string("1"), std::string("1 5 3:ab"), std::string("1 5 3:ab."), std::string("1 101 1:a."),
          std::string("99999999999999999999 5 1:a."), std::string("1 5 201:") + std::string(500, 'x') + ".",
          "1 5 a[$(touch " + pwned + ")]:a.", "1 a[$(touch " + pwned + ")] 1:a.", "a[$(touch " + pwned + ")] 5 1:a."}) {
      INFO(raw);
      CHECK_FALSE(told("raw", "", raw));
    }
    CHECK_FALSE(told("fifo", "", ""));
    write_file(gate, "");
    write_file(gate + ".2", "");
    CHECK_FALSE(std::filesystem::exists(pwned));
    CHECK(up.run(make_run("after", script(), "leave", {{"code", "0"}})).exit_code == 0);
    CHECK(up.record.errors.empty());
  }
}

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

/// As a run that acts on the resource.
run_request on(const std::string& scope, run_request request) {
  request.scope = scope;
  return request;
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

}  // namespace

void check_command_channel(const channel_world& world) {
  connection up(world);
  up.record.await_connected();
  CHECK(up.record.boot_id.size() == 36);

  SECTION("any bytes of a value arrive as they are") { check_values(up); }
  SECTION("exit codes are passed as they are") {
    for (int code : {0, 1, 65, 75, 125, 255}) {
      const std::string text = std::to_string(code);
      CHECK(up.run(make_run("exit-" + text, script(), "leave", {{"code", text}})).exit_code == code);
    }
    CHECK(up.run(make_run("no-verb", script(), "missing")).exit_code == 65);
  }
  SECTION("a script has a clean environment, and nothing of the runner in its way") {
    const auto environment = up.run(make_run("env", script(), "environment")).output;
    std::set<std::string> names;
    std::istringstream lines(environment);
    for (std::string line; std::getline(lines, line);) names.insert(line.substr(0, line.find('=')));
    CHECK(names == std::set<std::string>{"PATH", "LC_ALL", "REGENT_RUN", "REGENT_STATE_DIR", "_"});
    CHECK(environment.find("REGENT_RUN=env\n") != std::string::npos);
    CHECK(up.run(make_run("state", script(), "state")).output == "/\n0022\nehuBc\nregent-runner\n0\n");
  }
  SECTION("two hundred runs in a row and eight at once all end, each once") {
    const std::string file = world.directory + "/many";
    for (int i = 0; i < 200; ++i) {
      REQUIRE(up.run(make_run("row-" + std::to_string(i), script(), "count", {{"file", file}})).exit_code == 0);
    }
    for (int i = 0; i < 8; ++i)
      up.channel->send(make_run("wide-" + std::to_string(i), script(), "count", {{"file", file}}));
    for (int i = 0; i < 8; ++i) up.record.await(run_id("wide-" + std::to_string(i)), run_status::finished);
    CHECK(lines_in(file) == 208);
    CHECK(up.record.errors.empty());
  }
  SECTION("a long history is turned while runs go on") {
    const std::string file = world.directory + "/more", history = world.endpoint.state_directory + "/r1/history";
    write_file(history, std::string((1 << 20) + 1, '\n'));
    // Supervisors count for themselves, and there may be several.
    for (int i = 0; i < 2000 && !std::filesystem::exists(history + ".1"); ++i)
      REQUIRE(up.run(make_run("turn-" + std::to_string(i), script(), "count", {{"file", file}})).exit_code == 0);
    CHECK(eventually([&] { return std::filesystem::exists(history + ".1"); }));
  }
  check_ends(world, up);
  check_output(up);
  check_progress(world, up);
  check_once(world, up);
  check_scopes(world, up);
  check_losses(world, up);
  check_epochs(world, up);
  check_refusals(world, up);
}

}  // namespace regent::test
