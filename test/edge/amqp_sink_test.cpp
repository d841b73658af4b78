// What can be known of a broker without one; test/integration/amqp_test.py has a real one.
#include "edge/amqp_sink.hpp"

#include <poll.h>

#include "test/edge/cloud_certificates.hpp"
#include "test/edge/cloud_server.hpp"
#include "test/edge/played_broker.hpp"
#include "test/support/catch.hpp"
#include "test/support/text.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
amqp_config config_of(const std::string& url, const std::string& ca_file = "") {
  amqp_config made;
  made.name = "bus";
  made.url = url;
  made.ca_file = ca_file;
  made.password = {secret_reference::source::inline_value, "a password"};
  made.exchange = "regent.events";
  return made;
}

event_batch one_event() {
  event_batch made{7, 0, {}, 8};
  made.events.push_back({8, wall_time(5s), "job.failed", {"virtual_router", "3"}, job_id(5), job_id(6), "why"});
  return made;
}

std::string refusal_of(const amqp_config& config) {
  const auto said = amqp_sink(config, "cafe").deliver(one_event(), wall_time(5s), {});
  REQUIRE(said);
  REQUIRE_FALSE(*said);
  CHECK(said->error().why.find("a password") == std::string::npos);
  return said->error().why;
}

/// Takes connections, by way of the kernel's queue, and never says a word.
struct silent_server {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor acceptor{
      io, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};
  std::string port() const { return std::to_string(acceptor.local_endpoint().port()); }
  /// Somebody is in the queue by then.
  bool is_called(milliseconds within) {
    pollfd queue{acceptor.native_handle(), POLLIN, 0};
    return ::poll(&queue, 1, static_cast<int>(within.count())) == 1;
  }
};
}  // namespace

TEST_CASE("a broker is shown with its vhost and exchange, and without user and password") {
  CHECK(amqp_sink(config_of("amqps://regent@mq.example.com/cloud"), "cafe").target() ==
        "mq.example.com:5671/cloud/regent.events");
}

TEST_CASE("without its password nothing is sent to a broker") {
  auto config = config_of("amqp://regent@127.0.0.1:1/");
  config.password = {secret_reference::source::file, "/no/such/file"};
  CHECK(has(refusal_of(config), "/no/such/file"));
}

TEST_CASE("a broker that is not there, or is something else, is named with what was wrong") {
  std::string port;
  {
    const silent_server gone;
    port = gone.port();
  }
  const auto nobody = refusal_of(config_of("amqp://regent@127.0.0.1:" + port + "/"));
  CHECK(has(nobody, "127.0.0.1:" + port + "/%2F: nobody takes the connection"));
  cloud_server web([](const seen_request&) { return scripted_answer::json(200, "{}"); });
  const auto other = refusal_of(config_of("amqp://regent@127.0.0.1:" + std::to_string(web.port()) + "/"));
  CHECK(has(other, "while logging in"));
}

TEST_CASE("a connection is kept from one delivery to the next, by heartbeats while nothing is sent") {
  played_broker broker;
  amqp_sink sink(config_of(broker.url()), "cafe");
  const auto is_delivered = [&] {
    const auto said = sink.deliver(one_event(), {}, {});
    return said && said->has_value();
  };
  CHECK(is_delivered());
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!broker.heard_heartbeat() && std::chrono::steady_clock::now() < end) {
    sink.rest();
    std::this_thread::sleep_for(5ms);
  }
  CHECK(broker.heard_heartbeat());
  CHECK(is_delivered());
  CHECK(broker.messages() == 2);
  CHECK(broker.connections() == 1);
}

TEST_CASE("a broker that went while nothing was sent is connected to again, and nothing is refused") {
  played_broker broker;
  amqp_sink sink(config_of(broker.url()), "cafe");
  for (int i = 1; i <= 3; ++i) {
    const auto said = sink.deliver(one_event(), {}, {});
    REQUIRE(said);
    INFO((said->has_value() ? std::string() : said->error().why));
    CHECK(said->has_value());
    broker.hang_up();
  }
  CHECK(broker.connections() == 3);
  CHECK(broker.messages() == 3);
}

TEST_CASE("a broker that never answers is left at once when the daemon stops, and nothing is said of the delivery") {
  const bool tls = GENERATE(false, true);
  silent_server silent;
  std::stop_source stop;
  amqp_sink sink(config_of((tls ? "amqps" : "amqp") + ("://regent@127.0.0.1:" + silent.port()) + "/"), "cafe");
  bool called = false;
  std::thread stopping([&] {
    called = silent.is_called(10s);
    stop.request_stop();
  });
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(sink.deliver(one_event(), {}, stop.get_token()));
  CHECK(std::chrono::steady_clock::now() - began < limits::sink_deadline / 2);
  stopping.join();
  CHECK(called);
}

TEST_CASE("a broker's certificate must be of a trusted authority and for this name or address") {
  const certificate_authority authority;
  const certificate_authority other;
  struct meeting {
    std::string names, host, ca_file, word;
  };
  const std::vector<meeting> meetings{{"DNS:localhost", "localhost", authority.ca_file(), "while logging in"},
                                      {"IP:127.0.0.1", "127.0.0.1", authority.ca_file(), "while logging in"},
                                      {"DNS:localhost", "localhost", other.ca_file(), "certificate"},
                                      {"DNS:mq.example", "localhost", authority.ca_file(), "ostname mismatch"},
                                      {"IP:192.0.2.1", "127.0.0.1", authority.ca_file(), "IP address mismatch"},
                                      {"DNS:localhost", "localhost", "", "certificate"},
                                      {"DNS:localhost", "localhost", "/nonexistent/ca.pem", "/nonexistent/ca.pem"}};
  for (const auto& one : meetings) {
    cloud_server server([](const seen_request&) { return scripted_answer::json(200, "{}"); },
                        authority.issue(one.names));
    const auto why =
        refusal_of(config_of("amqps://regent@" + one.host + ":" + std::to_string(server.port()) + "/", one.ca_file));
    INFO(one.names << " at " << one.host << ": " << why);
    CHECK(has(why, one.word));
  }
  const cloud_server plain([](const seen_request&) { return scripted_answer::json(200, "{}"); });
  const auto why = refusal_of(config_of("amqps://regent@127.0.0.1:" + std::to_string(plain.port()) + "/"));
  CHECK(has(why, "no TLS"));
}
