#include "transport/runner_protocol.hpp"

#include <array>
#include <cstdio>
#include <random>

#include "test/contract/command_channel_suite.hpp"
#include "test/support/catch.hpp"
#include "transport/quote.hpp"

using namespace regent;
using namespace regent::test;

namespace {

std::string random_bytes(std::mt19937& dice, std::size_t most, int lowest) {
  std::string bytes(std::uniform_int_distribution<std::size_t>(0, most)(dice), '\0');
  for (char& c : bytes) c = static_cast<char>(std::uniform_int_distribution<int>(lowest, 255)(dice));
  return bytes;
}

std::string shell_says(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string said;
  std::array<char, 4096> piece;
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    said.append(piece.data(), got);
  ::pclose(pipe);
  return said;
}

std::vector<runner::message> read_all(const std::string& bytes, std::mt19937& dice) {
  runner::reader reader;
  std::vector<runner::message> messages;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t piece = 1 + dice() % 50;
    reader.feed(std::string_view(bytes).substr(at, piece));
    at += piece;
    for (;;) {
      auto next = reader.next();
      REQUIRE(next);
      if (!*next) break;
      messages.push_back(std::move(**next));
    }
  }
  return messages;
}

}  // namespace

TEST_CASE("a quoted value is one word for a shell, whatever its bytes") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  for (int i = 0; i < 25; ++i) {
    const std::string value = random_bytes(dice, 200, 1);
    CHECK(shell_says("printf %s " + shell_quote(value)) == value);
  }
  CHECK(shell_says("printf %s " + shell_quote("'; touch /pwned; $(touch /pwned2) `x` \\")) ==
        "'; touch /pwned; $(touch /pwned2) `x` \\");
}

TEST_CASE("reports are read as they were written, however the bytes are cut") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  std::string bytes = "Welcome!\nREGENT/1 is not it\n\nREGENT/1\nready boot-1\n";
  std::vector<run_report> sent;
  for (int i = 0; i < 40; ++i) {
    run_report report;
    report.run = run_id("run-" + std::to_string(i));
    report.status =
        std::array{run_status::finished, run_status::never_seen, run_status::lost, run_status::refused}[dice() % 4];
    report.exit_code = static_cast<int>(dice() % 256) - 1;
    report.timed_out = static_cast<time_limit>(dice() % 3);
    report.cancelled = dice() % 2;
    report.truncated = dice() % 2;
    report.took = milliseconds(dice() % 100000);
    report.output = random_bytes(dice, 500, 0);
    report.errors = random_bytes(dice, 500, 0);
    report.boot_id = "boot-" + std::to_string(dice() % 3);
    bytes += fmt::format("report {} {} {} {} {:d} {:d} {:d} {} {} {}\n", report.run.value(), name(report.status),
                         report.boot_id, report.exit_code, static_cast<int>(report.timed_out), report.cancelled,
                         report.truncated, report.took.count(), report.output.size(), report.errors.size()) +
             report.output + report.errors;
    sent.push_back(report);
  }
  bytes += "pong 17 250\nunfit some_code 3\nwhy";
  const auto messages = read_all(bytes, dice);
  REQUIRE(messages.size() == sent.size() + 3);
  CHECK(std::get<runner::ready>(messages.front()).boot_id == "boot-1");
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto& report = std::get<run_report>(messages[i + 1]);
    CHECK(report.run == sent[i].run);
    CHECK(report.status == sent[i].status);
    CHECK(report.exit_code == sent[i].exit_code);
    CHECK(report.timed_out == sent[i].timed_out);
    CHECK(report.cancelled == sent[i].cancelled);
    CHECK(report.truncated == sent[i].truncated);
    CHECK(report.took == sent[i].took);
    CHECK(report.output == sent[i].output);
    CHECK(report.errors == sent[i].errors);
    CHECK(report.boot_id == sent[i].boot_id);
  }
  CHECK(std::get<runner::pong>(messages[sent.size() + 1]).number == 17);
  CHECK(std::get<runner::unfit>(messages.back()).code == "some_code");
  CHECK(std::get<runner::unfit>(messages.back()).why == "why");
}

TEST_CASE("a run under way is told with what it says of how far it is: one line, bounded, whatever its bytes") {
  std::mt19937 dice(1);
  const std::string wild = "a\nreport x finished b 0 0 0 0 0 0 0\n\x1b[2J\x7f\xff\xfe";
  std::string bytes = "\nREGENT/1\nrunning a boot-1 - -1 0\nrunning a boot-1 40 1500 14\ncopying blocks";
  bytes += fmt::format("running b boot-1 - 0 {}\n", wild.size()) + wild;
  bytes += fmt::format("running b boot-1 101 0 {}\n", 5000) + std::string(5000, 'x');
  bytes += "running b boot-1 0 9223372036854775807 0\npong 3 -\n";
  const auto messages = read_all(bytes, dice);
  REQUIRE(messages.size() == 6);
  const auto said = [&](std::size_t at) { return std::get<run_report>(messages[at]); };
  for (std::size_t i = 0; i < 5; ++i) CHECK(said(i).status == run_status::running);
  CHECK(said(0).run == run_id("a"));
  CHECK(said(0).boot_id == "boot-1");
  CHECK_FALSE(said(0).progress);
  CHECK(progress_text(said(1).progress.value()) == "40 %: copying blocks, 1s ago");
  CHECK(said(2).progress.value().words == "a report x finished b 0 0 0 0 0 0 0  [2J \xff\xfe");
  CHECK_FALSE(said(3).progress.value().percent);
  CHECK(said(3).progress.value().words == std::string(limits::progress_words_bytes, 'x'));
  CHECK(said(4).progress.value().age == milliseconds(limits::step_deadline_most));
  for (std::size_t i = 0; i < 5; ++i) CHECK(said(i).errors.empty());
}

TEST_CASE("what is not the protocol is an error, not a wait or a crash") {
  for (const char* line :
       {"report x\n", "report a finished b 0 0 0 0 0 -1 0\n", "report a finished 0 0 0 0 0 0 0\n",
        "report a finished b 0 0 0 0 0 99999999999 0\n", "report A finished b 0 0 0 0 0 0 0\n",
        "report a what b 0 0 0 0 0 0 0\n", "report a running b 0 0 0 0 0 0 0\n", "running a b 5 0\n",
        "running a b x 0 0\n", "running a b - x 0\n", "running a b - 0 99999999999\n", "running A b - -1 0\n",
        "pong x 1\n", "pong 1\n", "pong 1 x\n", "unfit a\n", "hello\n", "\n"}) {
    runner::reader reader;
    reader.feed(std::string("\nREGENT/1\n") + line);
    INFO(line);
    CHECK_FALSE(reader.next());
  }
  runner::reader endless;
  endless.feed(std::string(100'000, 'x'));
  CHECK_FALSE(endless.next());
  runner::reader long_line;
  long_line.feed("\nREGENT/1\n" + std::string(2000, 'x'));
  CHECK_FALSE(long_line.next());
}

TEST_CASE("random bytes never make the reader do anything but wait or fail") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  for (int i = 0; i < 300; ++i) {
    runner::reader reader;
    reader.feed("\nREGENT/1\nreport a finished b 0 0 0 0 0 3 3\n" + random_bytes(dice, 300, 0));
    for (int steps = 0; steps < 100; ++steps) {
      const auto next = reader.next();
      if (!next || !*next) break;
    }
  }
  SUCCEED();
}

TEST_CASE("a run's frame has lengths that fit its bytes") {
  auto request = make_run("r-1", make_script("x"), "build",
                          {{"a", std::string("one two\n")}, {"b", std::vector<std::string>{"", "x", "yy"}}});
  request.deadline = milliseconds(1500);
  request.stall = milliseconds(300);
  request.output_cap = 10;
  const auto frame = runner::run(request);
  REQUIRE(frame);
  const std::string start = "run r-1 7 " + request.script_hash + " build 1500 300 10 1000 ";
  const std::string end = " a=8 b[]=3:0,1,2";
  const std::string header = start + "-" + end;
  CHECK(*frame == fmt::format("{:07} {:07}\n", header.size(), 11) + header + "one two\nxyy");
  request.scope = "virtual_router/3";
  CHECK(runner::run(request)->find(start + "virtual_router=3" + end) != std::string::npos);
}

TEST_CASE("a hello carries any host name as a harmless word") {
  CHECK(*runner::hello("r1", host_id("a/b c"), 5, "/var/lib/x") == "0000020 0000010\nhello r1 a%2Fb%20c 5/var/lib/x");
  CHECK_FALSE(runner::hello("r/1", host_id("a"), 5, "/x"));
  CHECK_FALSE(runner::hello("r1", host_id("a"), 5, "x"));
}

TEST_CASE("a script is sent only under its own hash") {
  const auto script = make_script("build() { :; }\n");
  CHECK(*runner::script(script.hash, *script.text) == "0000071 0000015\nscript " + script.hash + *script.text);
  CHECK_FALSE(runner::script(script.hash, "build() { rm -rf /; }\n"));
  CHECK_FALSE(runner::script("../" + script.hash.substr(3), *script.text));
  const auto with_nul = make_script(std::string("a\0b", 3));
  CHECK_FALSE(runner::script(with_nul.hash, *with_nul.text));
}

TEST_CASE("malformed ids are left out of a forget, and one of none is nothing") {
  const std::vector<run_id> runs = {run_id("a"), run_id("../b"), run_id("c")};
  CHECK(runner::forget(runs) == "0000010 0000000\nforget a c");
  const std::vector<run_id> none = {run_id("../b")};
  CHECK(runner::forget(none).empty());
}
