// The server alone: sockets, bounds and refusals.
#include <fcntl.h>
#include <sys/stat.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "edge/http_server.hpp"
#include "edge/listening.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
http_answer echo(std::string_view target) { return {200, "text/plain", std::string(target)}; }

struct served {
  explicit served(http_handler handler = echo, http_bounds bounds = {}) {
    auto started = start_http_server({directory.file("s"), true, "127.0.0.1", 0}, std::move(handler), bounds);
    REQUIRE(started);
    server = std::move(*started);
  }
  socket_client over_unix() { return socket_client(directory.file("s")); }
  socket_client over_tcp() { return socket_client(server->port()); }
  scratch_directory directory;
  std::unique_ptr<http_server> server;
};

bool within_deadline(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}
}  // namespace

TEST_CASE("a question is answered over the Unix socket and over TCP, with type and length") {
  served face;
  for (const bool tcp : {false, true}) {
    auto client = tcp ? face.over_tcp() : face.over_unix();
    const auto got = client.ask("/a/b?c=d");
    CHECK(got.status == 200);
    CHECK(got.body == "/a/b?c=d");
    CHECK(got.header.find("Content-Type: text/plain\r\n") != std::string::npos);
    CHECK(got.header.find("Content-Length: 8\r\n") != std::string::npos);
  }
}

TEST_CASE("a connection is kept for the next question, and pipelined questions are answered in order") {
  served face;
  auto client = face.over_unix();
  CHECK(client.ask("/1").body == "/1");
  client.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.receive().body == "/2");
  CHECK(client.receive().body == "/3");
  CHECK(face.server->connections() == 1);
}

TEST_CASE("HEAD gets the header of GET and no body") {
  served face;
  auto client = face.over_unix();
  const auto got = client.ask("/four", "HEAD");
  CHECK(got.status == 200);
  CHECK(got.header.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(client.ask("/next").body == "/next");
}

TEST_CASE("any other method is refused with 405 and what is allowed") {
  served face;
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"}) {
    auto client = face.over_unix();
    const auto got = client.ask("/", method);
    CHECK(got.status == 405);
    CHECK(got.header.find("Allow: GET, HEAD\r\n") != std::string::npos);
    CHECK(got.body.find("\"method_not_allowed\"") != std::string::npos);
  }
  auto client = face.over_unix();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(client.receive().status == 405);
  CHECK(client.ask("/after").body == "/after");
}

TEST_CASE("what is no HTTP is answered with 400 and the connection ends") {
  served face;
  for (const auto* bytes :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    auto client = face.over_unix();
    client.send(bytes);
    const auto got = client.receive();
    INFO(bytes);
    CHECK(got.status == 400);
    CHECK(got.body.find("\"error\"") != std::string::npos);
  }
  CHECK(face.over_unix().ask("/still").body == "/still");
}

TEST_CASE("a header or a body that is too large is refused and read no further") {
  http_bounds bounds;
  bounds.body_bytes = 1000;
  served face(echo, bounds);
  auto with_header = face.over_unix();
  with_header.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x'));
  CHECK(with_header.receive().status == 431);
  CHECK(with_header.ended());
  auto with_target = face.over_unix();
  with_target.send("GET /" + std::string(20'000, 'x'));
  CHECK(with_target.receive().status == 431);
  auto with_body = face.over_unix();
  with_body.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  CHECK(with_body.receive().status == 413);
  auto chunked = face.over_unix();
  chunked.send("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x'));
  CHECK(chunked.receive().status == 413);
}

TEST_CASE("over TCP only this machine's own names are answered, over the Unix socket any") {
  served face;
  for (const auto* host : {"localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8420", "127.1.2.3", "[::1]:80", "[::1]"})
    CHECK(face.over_tcp().ask("/", "GET", std::string("Host: ") + host + "\r\n").status == 200);
  for (const auto* host : {"evil.example", "evil.example:8420", "localhost.evil.example", "192.0.2.1", "",
                           "localhost:x", "127.0.0.1@evil"})
    CHECK(face.over_tcp().ask("/", "GET", std::string("Host: ") + host + "\r\n").status == 403);
  CHECK(face.over_tcp().ask("/", "GET", "").status == 400);
  CHECK(face.over_unix().ask("/", "GET", "Host: evil.example\r\n").status == 200);
}

TEST_CASE("the address listened on is allowed, and listening everywhere any address is but no foreign name") {
  CHECK(host_allowed("192.0.2.7:8420", "192.0.2.7"));
  CHECK_FALSE(host_allowed("192.0.2.8:8420", "192.0.2.7"));
  CHECK(host_allowed("[2001:db8::7]:8420", "2001:db8:0::7"));
  CHECK(host_allowed("192.0.2.8", "0.0.0.0"));
  CHECK_FALSE(host_allowed("evil.example", "0.0.0.0"));
  CHECK_FALSE(host_allowed("", "0.0.0.0"));
}

TEST_CASE("200 clients at once are all answered") {
  served face;
  std::vector<socket_client> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(i % 2 == 0 ? face.over_unix() : face.over_tcp());
  for (std::size_t i = 0; i < clients.size(); ++i)
    REQUIRE(clients[i].send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  for (std::size_t i = 0; i < clients.size(); ++i) CHECK(clients[i].receive().body == "/" + std::to_string(i));
}

TEST_CASE("a client that never finishes its request is dropped, and one that is silent makes room for others") {
  http_bounds bounds;
  bounds.connections = 3;
  SECTION("after the idle time") {
    bounds.idle = 50ms;
    served face(echo, bounds);
    auto slow = face.over_unix();
    slow.send("GET / HTTP/1.1\r\nHost: loc");
    CHECK(slow.ended());
  }
  SECTION("at once when the connections are used up") {
    bounds.patience = 1ms;
    served face(echo, bounds);
    std::vector<socket_client> slow;
    for (int i = 0; i < 20; ++i) {
      slow.push_back(face.over_unix());
      slow.back().send("GET / HTTP/1.1\r\nHo");
    }
    CHECK(face.over_unix().ask("/through").body == "/through");
    CHECK(face.over_tcp().ask("/through").body == "/through");
    CHECK(slow.front().ended());
    // Each listener may have accepted one before it knew of the other's.
    CHECK(within_deadline([&] { return face.server->connections() <= bounds.connections + 1; }));
  }
}

TEST_CASE("a client that reads nothing delays nobody and is dropped") {
  http_bounds bounds;
  bounds.idle = 300ms;
  served face(
      [](std::string_view target) {
        return http_answer{200, "text/plain", target == "/large" ? std::string(8 << 20, 'x') : "small"};
      },
      bounds);
  auto slow = face.over_unix();
  REQUIRE(slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(face.over_unix().ask("/").body == "small");
  CHECK(within_deadline([&] { return face.server->connections() == 0; }));
}

TEST_CASE("answers that nobody takes are bounded: then others are told to come again") {
  http_bounds bounds;
  bounds.answers_bytes = 1 << 20;
  served face(
      [](std::string_view target) {
        return http_answer{200, "text/plain", target == "/large" ? std::string(8 << 20, 'x') : "small"};
      },
      bounds);
  auto slow = face.over_unix();
  REQUIRE(slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(within_deadline([&] { return face.over_unix().ask("/").status == 503; }));
  CHECK(slow.receive().body.size() == 8 << 20);
  CHECK(within_deadline([&] { return face.over_unix().ask("/").status == 200; }));
}

TEST_CASE("an exception in a handler is a 500 that says what it was") {
  served face([](std::string_view) -> http_answer { throw std::runtime_error("a \"quoted\" mistake"); });
  auto client = face.over_unix();
  const auto got = client.ask("/");
  CHECK(got.status == 500);
  CHECK(got.body == "{\"error\":{\"code\":\"bug\",\"message\":\"a \\\"quoted\\\" mistake\"}}\n");
  CHECK(client.ask("/").status == 500);
}

TEST_CASE("the socket file of a killed process is replaced, a served one and other files are not") {
  scratch_directory directory;
  const auto path = directory.file("s");
  SECTION("left over") {
    {
      auto left = listen_unix(path);
      REQUIRE(left);
    }
    REQUIRE(std::filesystem::exists(path));
    CHECK(start_http_server({path}, echo));
  }
  SECTION("served") {
    auto first = start_http_server({path}, echo);
    REQUIRE(first);
    const auto second = start_http_server({path}, echo);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == "listen_failed");
    CHECK(second.error().message.find(path) != std::string::npos);
    CHECK(socket_client(path).ask("/x").body == "/x");
  }
  SECTION("a file") {
    std::ofstream(path) << "precious";
    CHECK_FALSE(start_http_server({path}, echo));
    CHECK(std::filesystem::file_size(path) == 8);
  }
  SECTION("a directory that is not there") { CHECK_FALSE(start_http_server({directory.file("no/s")}, echo)); }
  SECTION("a path that is too long") { CHECK_FALSE(start_http_server({directory.file(std::string(200, 'x'))}, echo)); }
}

TEST_CASE("the socket is for owner and group only and goes with the server") {
  scratch_directory directory;
  const auto path = directory.file("s");
  {
    auto server = start_http_server({path}, echo);
    REQUIRE(server);
    struct stat there {};
    REQUIRE(::stat(path.c_str(), &there) == 0);
    CHECK((there.st_mode & 0777) == 0660);
    CHECK((*server)->port() == 0);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a port in use and an address of another machine are errors that name them") {
  auto first = start_http_server({"", true, "127.0.0.1", 0}, echo);
  REQUIRE(first);
  const auto second = start_http_server({"", true, "127.0.0.1", (*first)->port()}, echo);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find(std::to_string((*first)->port())) != std::string::npos);
  const auto elsewhere = start_http_server({"", true, "192.0.2.200", 0}, echo);
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().message.find("192.0.2.200") != std::string::npos);
  CHECK_FALSE(start_http_server({"", true, "no.such.name.example", 0}, echo));
}

TEST_CASE("listening sockets are closed in children") {
  scratch_directory directory;
  const auto unix_socket = listen_unix(directory.file("s"));
  const auto tcp_socket = listen_tcp("localhost", 0);
  REQUIRE(unix_socket);
  REQUIRE(tcp_socket);
  CHECK((::fcntl(unix_socket->get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(tcp_socket->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("stopping the server ends open connections and does not wait for them") {
  auto face = std::make_unique<served>();
  auto client = face->over_unix();
  REQUIRE(client.ask("/").status == 200);
  face.reset();
  CHECK(client.ended());
}
