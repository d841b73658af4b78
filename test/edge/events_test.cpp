// Events as people and programs read them: lists, and streams over a real socket.
#include <thread>

#include "edge/routes.hpp"
#include "region/event_topic.hpp"
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"
#include "test/support/text.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
event make_event(std::int64_t sequence, const std::string& topic, wall_time at) {
  return {sequence,
          at,
          topic,
          {"virtual_router", std::to_string(sequence % 2)},
          job_id(7),
          job_id(8),
          "event " + std::to_string(sequence)};
}

/// A clock of which time passes as told.
struct told_clock final : clock {
  steady_time now{std::chrono::hours(1)};
  wall_time wall() const override { return *parse_iso("2026-11-20T10:00:00.000Z"); }
  steady_time steady() const override { return now; }
};

struct journal_with_events {
  journal_with_events() {
    for (int n = 3; n <= 7; ++n) add(n % 2 == 0 ? "job.failed" : "job.started");
  }
  void add(const std::string& topic) {
    const auto next = journal.events.empty() ? 3 : journal.events.front().sequence + 1;
    journal.events.insert(journal.events.begin(), make_event(next, topic, time.wall()));
    ++facts.events_committed;
  }
  json_document get(const std::string& target, int status = 200) {
    const auto answer = face.answer(target);
    INFO(target << " → " << answer.body);
    CHECK(answer.status == status);
    return *parse_json(answer.body);
  }
  std::shared_ptr<http_stream> stream(const std::string& query = "", const std::string& last_event_id = "") {
    auto answer = face.answer("/api/v1/events/stream" + query, last_event_id);
    INFO(answer.body);
    REQUIRE(answer.stream);
    CHECK(answer.type == "text/event-stream");
    return answer.stream;
  }
  told_clock time;
  daemon_facts facts;
  fake_journal journal;
  routes face{"here", journal.opener(), facts, time};
};

std::string sequences(const json_document& from) {
  std::string all;
  for (const auto& row : (*from)["rows"].GetArray()) all += std::to_string(row["sequence"].GetInt64()) + " ";
  return all;
}

}  // namespace

TEST_CASE("events are listed newest first, of a topic as well, and on from a cursor oldest first") {
  journal_with_events here;
  CHECK(sequences(here.get("/api/v1/events")) == "7 6 5 4 3 ");
  CHECK(sequences(here.get("/api/v1/events?topic=job.failed")) == "6 4 ");
  const auto some = here.get("/api/v1/events?topic=%23&limit=2");
  CHECK(sequences(some) == "7 6 ");
  CHECK((*some)["truncated"].GetBool());
  CHECK(sequences(here.get(std::string("/api/v1/events?topic=%23&after=") + (*some)["next"].GetString())) == "5 4 3 ");
  const auto forward = here.get("/api/v1/events?order=oldest&after=4&limit=2");
  CHECK(sequences(forward) == "5 6 ");
  CHECK((*forward)["lost"].GetInt64() == 0);
  CHECK((*forward)["truncated"].GetBool());
  CHECK((*forward)["next"] == "6");
  const auto end = here.get("/api/v1/events?order=oldest&after=7");
  CHECK(sequences(end).empty());
  CHECK((*end)["next"] == "7");
  CHECK_FALSE((*end)["truncated"].GetBool());
  const auto old = here.get("/api/v1/events?order=oldest&topic=job.*&resource=virtual_router/0");
  CHECK(sequences(old) == "4 6 ");
  CHECK((*old)["lost"].GetInt64() == 2);
  CHECK((*old)["rows"][0]["root"].GetInt64() == 7);
}

TEST_CASE("what cannot be a topic, a resource, an order or a cursor is refused by name") {
  journal_with_events here;
  const auto code = [&](const std::string& target) {
    const auto said = here.get(target, 400);
    return std::string((*said)["error"]["code"].GetString());
  };
  for (const std::string path : {"/api/v1/events", "/api/v1/events/stream"}) {
    CHECK(code(path + "?topic=job..x") == "bad_query");
    CHECK(code(path + "?topic=no.such") == "bad_query");
    CHECK(code(path + "?resource=x") == "bad_query");
    CHECK(code(path + "?colour=red") == "unknown_parameter");
  }
  CHECK(code("/api/v1/events?order=random") == "bad_query");
  for (const std::string cursor : {"x", "-1", "99999999999999999999", "8"}) {
    CHECK(code("/api/v1/events?order=oldest&after=" + cursor) == "bad_cursor");
    CHECK(code("/api/v1/events/stream?after=" + cursor) == "bad_cursor");
  }
  CHECK(here.face.answer("/api/v1/events/stream", "nonsense").status == 400);
}

TEST_CASE("every topic is listed with its meaning") {
  journal_with_events here;
  const auto all = here.get("/api/v1/topics");
  CHECK((*all)["rows"].Size() == event_topic_table.size());
  CHECK((*all)["rows"][0]["topic"] == "job.started");
}

TEST_CASE("sinks are listed with how far they are, and why not further") {
  journal_with_events here;
  CHECK((*here.get("/api/v1/sinks"))["total"].GetInt64() == 0);
  sink_status one;
  one.name = "operations";
  one.target = "hooks.example.com:443";
  one.state = "failing";
  one.reason = "it answers 500";
  one.after = 7;
  one.behind = 12;
  here.facts.sinks.publish(one);
  const auto all = here.get("/api/v1/sinks");
  CHECK((*all)["rows"][0]["sink"] == "operations");
  CHECK((*all)["rows"][0]["behind"].GetInt64() == 12);
  CHECK((*all)["rows"][0]["reason"] == "it answers 500");
  CHECK((*all)["rows"][0]["last_delivery"].IsNull());
  here.facts.sinks.remove("operations");
  CHECK((*here.get("/api/v1/sinks"))["rows"].Empty());
}

TEST_CASE("a stream without a cursor begins now: its first block is the cursor, then each new event comes once") {
  journal_with_events here;
  const auto stream = here.stream();
  CHECK(stream->next() == "retry: 1000\nid: 7\n\n");
  CHECK(stream->next().empty());
  here.add("job.failed");
  CHECK(stream->next() ==
        "id: 8\ndata: {\"sequence\":8,\"at\":\"2026-11-20T10:00:00.000Z\",\"topic\":\"job.failed\","
        "\"resource\":\"virtual_router/0\",\"root\":7,\"job\":8,\"text\":\"event 8\"}\n\n");
  CHECK(stream->next().empty());
}

TEST_CASE("a stream goes on after its cursor, the header's before the parameter's, and says what was lost") {
  journal_with_events here;
  CHECK(has(here.stream("?after=6")->next(), "id: 6\n\nid: 7\ndata: "));
  CHECK(has(here.stream("?after=2", "6")->next(), "id: 6\n\nid: 7\n"));
  const auto late = here.stream("?after=0&topic=job.failed")->next();
  CHECK(has(late, "event: gap\nid: 2\ndata: {\"lost\":2,\"after\":0,\"next\":3,"));
  CHECK(has(late, "id: 4\ndata: "));
  CHECK_FALSE(has(late, "job.started"));
}

TEST_CASE(
    "an idle stream asks the journal nothing until its heartbeat, which moves the cursor past what was not wanted") {
  journal_with_events here;
  const auto stream = here.stream("?topic=job.failed");
  stream->next();
  here.add("job.started");
  CHECK(stream->next().empty());
  here.journal.broken = error{error_kind::transient, "journal_busy", "busy"};  // would be said if it were asked
  CHECK(stream->next().empty());
  here.journal.broken.reset();
  here.time.now += limits::event_stream_heartbeat;
  CHECK(stream->next() == ": still here\nid: 8\n\n");
  CHECK(stream->next().empty());
}

TEST_CASE("a stream that is far behind comes in bounded pieces, none left out, none twice") {
  journal_with_events here;
  for (int n = 8; n <= 500; ++n) {
    here.add("job.failed");
    here.journal.events.front().text = std::string(4000, 'x');
  }
  const auto stream = here.stream("?after=7");
  std::int64_t last = 7;
  for (auto piece = stream->next(); !piece.empty(); piece = stream->next()) {
    CHECK(piece.size() < limits::event_stream_piece + 10'000);
    for (auto at = piece.find("\"sequence\":"); at != piece.npos; at = piece.find("\"sequence\":", at + 1))
      CHECK(std::stoll(piece.substr(at + 11)) == ++last);
  }
  CHECK(last == 500);
}

TEST_CASE("a journal that cannot be read ends a stream with the reason, and refuses a new one") {
  journal_with_events here;
  const auto stream = here.stream();
  stream->next();
  here.journal.broken = error{error_kind::permanent, "journal_io", "the disk is gone"};
  here.add("job.failed");
  CHECK(stream->next() == "event: error\ndata: {\"code\":\"journal_io\",\"message\":\"the disk is gone\"}\n\n");
  CHECK(stream->over());
  CHECK(stream->next().empty());
  CHECK(here.face.answer("/api/v1/events/stream").status == 503);
}

TEST_CASE("only so many streams are open at once, and one that ends makes room") {
  journal_with_events here;
  std::vector<std::shared_ptr<http_stream>> all;
  for (std::size_t i = 0; i < limits::event_streams; ++i) all.push_back(here.stream());
  const auto refused = here.face.answer("/api/v1/events/stream");
  CHECK(refused.status == 503);
  CHECK(has(refused.body, "\"too_many_streams\""));
  all.pop_back();
  CHECK(here.stream());
}

namespace {
/// Says what it is given, when it is given it.
struct fed_stream final : http_stream {
  std::string next() override {
    const std::lock_guard lock(guard);
    ended = last;
    return std::exchange(piece, {});
  }
  bool over() const override { return ended; }
  void say(const std::string& text, bool and_no_more = false) {
    const std::lock_guard lock(guard);
    piece += text;
    last = and_no_more;
  }
  std::mutex guard;
  std::string piece;
  bool last = false;   // with the piece
  bool ended = false;  // of the server's thread alone
};

struct served_stream {
  explicit served_stream(http_bounds bounds = {}) {
    auto started = start_http_server(
        {directory.file("s"), true, "127.0.0.1", 0},
        [this](const http_question& asked) {
          if (asked.target != "/stream") return http_answer{200, "text/plain", "small"};
          cursor = asked.last_event_id;
          return http_answer{200, "text/event-stream", {}, source};
        },
        bounds);
    REQUIRE(started);
    server = std::move(*started);
  }
  scratch_directory directory;
  std::string cursor;
  std::shared_ptr<fed_stream> source = std::make_shared<fed_stream>();
  std::unique_ptr<http_server> server;
};

bool comes(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}
}  // namespace

TEST_CASE("a stream's pieces leave as they come, over TCP and the Unix socket, and the Last-Event-ID is handed on") {
  for (const bool tcp : {true, false}) {
    served_stream face;
    socket_client client = tcp ? socket_client(face.server->port()) : socket_client(face.directory.file("s"));
    client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 17\r\n\r\n");
    face.source->say("one ");
    CHECK(client.read_until("one "));
    face.source->say("two ");
    CHECK(client.read_until("two "));
    CHECK(face.cursor == "17");
    CHECK(has(client.seen(), "Content-Type: text/event-stream\r\n"));
    CHECK(has(client.seen(), "Connection: close\r\n"));
    CHECK_FALSE(has(client.seen(), "Content-Length"));
  }
}

TEST_CASE("HEAD of a stream is its header alone") {
  served_stream face;
  socket_client client(face.directory.file("s"));
  CHECK(client.ask("/stream", "HEAD").status == 200);
  CHECK(client.ended());
}

TEST_CASE("a stream that is over ends its connection after its last piece") {
  served_stream face;
  socket_client client(face.directory.file("s"));
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  face.source->say("begun ");
  REQUIRE(client.read_until("begun "));
  face.source->say("last", true);
  CHECK(client.read_until("last"));
  CHECK(client.ended());
}

TEST_CASE("a stream's client that goes is noticed although there is nothing to say") {
  served_stream face;
  {
    socket_client client(face.directory.file("s"));
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    face.source->say("hello");
    REQUIRE(client.read_until("hello"));
    CHECK(face.source.use_count() > 1);
  }
  CHECK(comes([&] { return face.server->connections() == 0; }));
}

TEST_CASE("a stream's client that takes nothing is dropped, and delays nobody meanwhile") {
  http_bounds bounds;
  bounds.idle = 300ms;
  served_stream face(bounds);
  socket_client slow(face.directory.file("s"));
  slow.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  face.source->say(std::string(16 << 20, 'x'));
  CHECK(socket_client(face.directory.file("s")).ask("/").body == "small");
  CHECK(comes([&] { return face.server->connections() == 0; }));
}

TEST_CASE("a stream outlives the time that others may be idle, and more words of its client") {
  http_bounds bounds;
  bounds.idle = 100ms;
  served_stream face(bounds);
  socket_client client(face.directory.file("s"));
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  face.source->say("one ");
  REQUIRE(client.read_until("one "));
  client.send("GET /never-answered HTTP/1.1\r\nHost: x\r\n\r\n");
  socket_client other(face.directory.file("s"));  // dropped for its silence: so much time has passed
  other.send("GET ");
  CHECK(other.ended());
  face.source->say("two ");
  CHECK(client.read_until("two "));
}

TEST_CASE("stopping the server ends its streams at once") {
  auto face = std::make_unique<served_stream>();
  socket_client client(face->directory.file("s"));
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  face->source->say("hello");
  REQUIRE(client.read_until("hello"));
  const auto source = face->source;
  face.reset();
  CHECK(client.ended());
  CHECK(source.use_count() == 1);
}
