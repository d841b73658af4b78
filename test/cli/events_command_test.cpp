// regent events as a user types it, against a face in this process.
#include <future>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include "cli/commands.hpp"
#include "edge/http_server.hpp"
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"
#include "test/support/text.hpp"

using namespace regent;
using namespace regent::test;

namespace {
struct events_said {
  int exit = -1;
  std::string out, err;
};

/// What is written to a stream, readable meanwhile.
class watched_text final : public std::streambuf {
 public:
  explicit watched_text(std::ostream& of) : of_(of), before_(of.rdbuf(this)) {}
  watched_text(const watched_text&) = delete;
  watched_text& operator=(const watched_text&) = delete;
  ~watched_text() override { of_.rdbuf(before_); }
  std::string text() const {
    const std::lock_guard lock(guard_);
    return text_;
  }

 private:
  int_type overflow(int_type c) override {
    const std::lock_guard lock(guard_);
    text_ += traits_type::to_char_type(c);
    return c;
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    const std::lock_guard lock(guard_);
    text_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }
  std::ostream& of_;
  std::streambuf* before_;
  mutable std::mutex guard_;
  std::string text_;
};

int events_exit(std::vector<std::string> words) {
  CLI::App app;
  int exit = -1;
  cli::add_events_command(app, exit);
  words.insert(words.begin(), "events");
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError&) {
    exit = 2;
  }
  return exit;
}

events_said events(std::vector<std::string> words) {
  const watched_text out(std::cout), err(std::cerr);
  const int exit = events_exit(std::move(words));
  return {exit, out.text(), err.text()};
}

struct daemon_with_events {
  daemon_with_events() {
    for (int n = 3; n <= 7; ++n) add(n % 2 == 0 ? "job.failed" : "job.started");
    start();
  }
  void add(const std::string& topic) {
    const auto next = journal.events.empty() ? 3 : journal.events.front().sequence + 1;
    journal.events.insert(journal.events.begin(), {next,
                                                   time.now,
                                                   topic,
                                                   {"virtual_router", std::to_string(next % 2)},
                                                   job_id(7),
                                                   job_id(8),
                                                   "event\x1b " + std::to_string(next)});
  }
  void start() {
    auto started = start_http_server(
        {socket()}, [this](const http_question& asked) { return face.answer(asked.target, asked.last_event_id); });
    REQUIRE(started);
    server = std::move(*started);
  }
  std::string socket() const { return directory.file("s"); }
  events_said ask(std::vector<std::string> words) {
    words.insert(words.end(), {"--socket", socket()});
    return events(std::move(words));
  }
  scratch_directory directory;
  still_clock time;
  daemon_facts facts;
  fake_journal journal;
  routes face{"here", journal.opener(), facts, time};
  std::unique_ptr<http_server> server;
};

/// The sequences of the lines, in order.
std::string sequences(const std::string& lines) {
  std::istringstream in(lines);
  std::string all;
  for (std::string line; std::getline(in, line);) {
    const auto parsed = parse_json(line);
    REQUIRE(parsed);
    const auto* number = find_path(**parsed, "sequence");
    all += (number != nullptr ? json_text(*number) : line) + " ";
  }
  return all;
}

}  // namespace

TEST_CASE("the last events are listed with the newest at the end, safe for the terminal") {
  daemon_with_events here;
  const auto all = here.ask({"--limit", "2"});
  CHECK(all.exit == 0);
  CHECK(all.err.empty());
  CHECK(all.out ==
        "       6  2026-11-20T10:00:00.000Z  job.failed          virtual_router/0      event\\x1b 6\n"
        "       7  2026-11-20T10:00:00.000Z  job.started         virtual_router/1      event\\x1b 7\n");
  CHECK(sequences(here.ask({"--json"}).out) == "3 4 5 6 7 ");
  CHECK(sequences(here.ask({"--json", "--topic", "job.failed"}).out) == "4 6 ");
  CHECK(sequences(here.ask({"--json", "--resource", "virtual_router/1", "--limit", "2"}).out) == "5 7 ");
  CHECK(
      here.ask({"--json", "--limit", "1"}).out ==
      R"({"sequence":7,"at":"2026-11-20T10:00:00.000Z","topic":"job.started","resource":"virtual_router/1","root":7,"job":8,"text":"event\u001B 7"})"
      "\n");
}

TEST_CASE("events after a cursor are listed oldest first, with what was lost before them and how to go on") {
  daemon_with_events here;
  const auto some = here.ask({"--json", "--after", "4", "--limit", "2"});
  CHECK(sequences(some.out) == "5 6 ");
  CHECK(has(some.err, "go on with --after 6"));
  CHECK(here.ask({"--after", "7"}).out.empty());
  const auto old = here.ask({"--json", "--after", "0"});
  CHECK(old.exit == 0);
  CHECK(sequences(old.out) == R"({"gap":{"lost":2,"after":0}} 3 4 5 6 7 )");
  CHECK(has(old.err, "2 events after 0 are lost"));
}

TEST_CASE("lists longer than a page of the daemon's are read to the end") {
  daemon_with_events here;
  here.server.reset();
  for (int n = 8; n <= 2500; ++n) here.add("job.started");
  here.start();
  for (const auto& words : {std::vector<std::string>{"--json", "--limit", "2400"},
                            std::vector<std::string>{"--json", "--limit", "2400", "--after", "100"}}) {
    const auto listed = sequences(here.ask(words).out);
    CHECK(has(listed, "101 102 "));
    CHECK(has(listed, "2499 2500 "));
    CHECK(std::count(listed.begin(), listed.end(), ' ') == 2400);
  }
}

TEST_CASE("following goes on where it was when the daemon comes back, without loss or repeat") {
  daemon_with_events here;
  const watched_text out(std::cout), err(std::cerr);
  auto followed = std::async(std::launch::async, [socket = here.socket()] {
    return events_exit({"-f", "--json", "--after", "5", "--limit", "5", "--socket", socket});
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!has(out.text(), "event\\u001B 7") && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  // The others are made while the daemon is away.
  for (int n = 8; n <= 12; ++n) {
    here.server.reset();
    here.add("job.started");
    here.start();
  }
  CHECK(followed.get() == 0);
  CHECK(sequences(out.text()) == "6 7 8 9 10 ");
}

TEST_CASE("what cannot be is exit 2 with the daemon's words, nobody there is exit 3") {
  daemon_with_events here;
  for (const bool follow : {false, true}) {
    const auto with = [&](std::vector<std::string> words) {
      if (follow) words.push_back("-f");
      return words;
    };
    const auto topic = here.ask(with({"--topic", "job.faild"}));
    CHECK(topic.exit == 2);
    CHECK(has(topic.err, "topic='job.faild' matches no topic there is"));
    CHECK(topic.out.empty());
    CHECK(here.ask(with({"--resource", "router"})).exit == 2);
    CHECK(here.ask(with({"--after", "8"})).exit == 2);
    CHECK(here.ask(with({"--after", "-1"})).exit == 2);
    CHECK(here.ask(with({"--limit", "0"})).exit == 2);
    const auto nobody = events(with({"--socket", here.directory.file("none")}));
    CHECK(nobody.exit == 3);
    CHECK(has(nobody.err, "cannot reach the regent daemon"));
  }
  here.server.reset();
  here.journal.broken = error{error_kind::transient, "journal_busy", "busy"};
  here.start();
  CHECK(here.ask({}).exit == 1);
  CHECK(here.ask({"-f"}).exit == 1);
}
