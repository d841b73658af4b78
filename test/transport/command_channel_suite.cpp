#include "test/contract/command_channel_suite.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "test/transport/command_channel_fixture.hpp"

namespace regent::test {
namespace {

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
