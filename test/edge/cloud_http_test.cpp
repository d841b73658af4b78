#include <thread>

#include "edge/http_client.hpp"
#include "edge/http_query.hpp"
#include "test/edge/cloud_certificates.hpp"
#include "test/edge/cloud_server.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {
http_client client_of(const std::string& url, const std::string& ca_file = "", std::size_t body_most = 1 << 20) {
  return {parse_http_address(url).value(), ca_file, body_most};
}

const http_request get{"GET", "/iaas/thing/", {}, ""};
constexpr milliseconds patience{10'000};  ///< for what must succeed
constexpr milliseconds brief{150};        ///< for what never answers
}  // namespace

TEST_CASE("an address is split into its parts, and a wrong one is refused by name") {
  const auto plain = parse_http_address("http://cloud.example/iaas").value();
  CHECK_FALSE(plain.tls);
  CHECK(plain.host == "cloud.example");
  CHECK(plain.port == "80");
  CHECK(plain.prefix == "/iaas/");
  const auto six = parse_http_address("https://[fd00::1]:8443").value();
  CHECK(six.tls);
  CHECK(six.host == "fd00::1");
  CHECK(six.port == "8443");
  CHECK(six.prefix == "/");
  CHECK(six.authority() == "[fd00::1]:8443");
  for (const auto* wrong : {"", "cloud.example/", "ftp://x/", "http://", "http://x:0/", "http://x:65536/",
                            "http://x:1a/", "http://x/?a=b", "http://x y/", "http://x/a b/", "http://x\r\nA: b/"})
    CHECK(parse_http_address(wrong).error().code == "url_malformed");
  const auto leaking = parse_http_address("https://robot:pa55word@x/");
  CHECK(leaking.error().code == "url_malformed");
  CHECK(leaking.error().message.find("pa55word") == std::string::npos);
}

TEST_CASE("a query's brackets and quotes are percent-encoded") {
  CHECK(percent_encode("search[state__in]") == "search%5Bstate__in%5D");
  CHECK(percent_encode("(1,2)") == "%281%2C2%29");
  CHECK(percent_encode("a-b_c.d~e f&g=\xc3\xa9") == "a-b_c.d~e%20f%26g%3D%C3%A9");
}

TEST_CASE("calls reuse the connection, and a server that closed it in between is asked on a new one") {
  cloud_server server([](const seen_request& request) {
    if (request.target == "/iaas/last/") {
      auto last = scripted_answer::json(200, "{}");
      last.headers = {{"Connection", "close"}};
      return last;
    }
    return scripted_answer::json(200, request.method + " " + request.target + " " + request.body);
  });
  auto client = client_of(server.url());
  CHECK(client.call(get, patience).value().body == "GET /iaas/thing/ ");
  CHECK(client.call({"PATCH", "/iaas/x/", {}, "{\"a\":1}"}, patience).value().body == "PATCH /iaas/x/ {\"a\":1}");
  CHECK(server.seen().back().connection == 1);
  CHECK(client.call({"GET", "/iaas/last/", {}, ""}, patience));
  CHECK(client.call(get, patience));
  CHECK(server.seen().back().connection == 2);
}

TEST_CASE("a kept connection that dies under a GET is made again once, but a PATCH is never said twice") {
  const auto method = GENERATE(std::string("GET"), std::string("PATCH"));
  cloud_server server([&](const seen_request& request) {
    return request.connection == 1 && request.target == "/iaas/second/" ? scripted_answer::lost()
                                                                        : scripted_answer::json(200, "{}");
  });
  auto client = client_of(server.url());
  REQUIRE(client.call(get, patience));
  const auto second = client.call({method, "/iaas/second/", {}, ""}, patience);
  if (method == "GET") {
    CHECK(second);
  } else {
    CHECK(second.error().code == "cloud_unreachable");
    CHECK(server.count("PATCH", "second/") == 1);
  }
  CHECK(client.call(get, patience));
}

TEST_CASE("what is not an HTTP answer is a malformed one, and the next call works") {
  const auto bytes = GENERATE(std::string("\x01\x02 garbage \xff\r\n\r\n"), std::string("SSH-2.0-OpenSSH\r\n"),
                              std::string("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"content\":["),
                              std::string("HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n{}"));
  cloud_server server([&](const seen_request& request) {
    return request.connection == 1 ? scripted_answer::raw(bytes) : scripted_answer::json(200, "{}");
  });
  auto client = client_of(server.url());
  const auto answer = client.call(get, patience);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == "cloud_malformed");
  CHECK(answer.error().kind == error_kind::transient);
  CHECK(answer.error().message.find("GET /iaas/thing/") != std::string::npos);
  CHECK(client.call(get, patience));
}

TEST_CASE("an answer with bytes behind its end does not become the next call's answer") {
  cloud_server server([](const seen_request& request) {
    return request.connection == 1
               ? scripted_answer::raw(
                     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
               : scripted_answer::json(200, "good");
  });
  auto client = client_of(server.url());
  CHECK(client.call(get, patience).value().body == "{}");
  CHECK(client.call(get, patience).value().body == "good");
}

TEST_CASE("an answer longer than allowed is refused, announced or not") {
  const std::string body(5000, 'x');
  const bool announced = GENERATE(true, false);
  cloud_server server([&](const seen_request&) {
    return announced ? scripted_answer::json(200, body) : scripted_answer::raw("HTTP/1.1 200 OK\r\n\r\n" + body);
  });
  const auto answer = client_of(server.url(), "", 4096).call(get, patience);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == "cloud_too_long");
  CHECK(answer.error().message.find("4096") != std::string::npos);
}

TEST_CASE("a server that never answers costs the deadline and no more, and a new connection serves the next call") {
  cloud_server server([](const seen_request& request) {
    return request.connection == 1 ? scripted_answer::never() : scripted_answer::json(200, "{}");
  });
  auto client = client_of(server.url());
  const auto answer = client.call(get, brief);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == "cloud_timeout");
  CHECK(client.call(get, patience));
}

TEST_CASE("nobody listening, and a name that cannot exist, are unreachable") {
  int port = 0;
  {
    port = cloud_server([](const seen_request&) { return scripted_answer::lost(); }).port();
  }
  const auto refused = client_of(fmt::format("http://127.0.0.1:{}/", port)).call(get, patience);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "cloud_unreachable");
  // A label of more than 63 bytes is refused without asking any name server.
  const auto nameless = client_of("http://" + std::string(70, 'x') + "/").call(get, patience);
  REQUIRE_FALSE(nameless);
  CHECK(nameless.error().code == "cloud_unreachable");
}

TEST_CASE("a stopped call ends at once, and so does each later one") {
  std::stop_source stop;
  cloud_server server([&](const seen_request&) {
    stop.request_stop();  // the request has arrived: the caller waits for the answer
    return scripted_answer::never();
  });
  auto client = client_of(server.url());
  const auto answer = client.call(get, std::chrono::hours(1), stop.get_token());
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == "cloud_stopped");
  CHECK(client.call(get, patience, stop.get_token()).error().code == "cloud_stopped");
}

TEST_CASE("a certificate of a trusted authority for this name or address is accepted, and its connection is kept") {
  const certificate_authority authority;
  const bool by_name = GENERATE(true, false);
  cloud_server server([](const seen_request&) { return scripted_answer::json(200, "{}"); },
                      authority.issue(by_name ? "DNS:localhost" : "IP:127.0.0.1"));
  auto client = client_of(server.url(by_name ? "localhost" : "127.0.0.1"), authority.ca_file());
  const auto first = client.call(get, patience);
  REQUIRE((first ? std::string() : first.error().text()) == "");
  REQUIRE(client.call(get, patience));
  CHECK(server.seen().size() == 2);
}

TEST_CASE("a certificate of another authority, for another name or address, or no TLS at all is refused") {
  const certificate_authority authority;
  const certificate_authority other;
  struct refusal {
    std::string names, host, ca_file, word;
  };
  const std::vector<refusal> refusals{
      refusal{"DNS:localhost", "localhost", other.ca_file(), "certificate"},
      refusal{"DNS:cloud.example", "localhost", authority.ca_file(), "ostname mismatch"},
      refusal{"IP:192.0.2.1", "127.0.0.1", authority.ca_file(), "IP address mismatch"},
      refusal{"DNS:localhost", "localhost", "", "certificate"},
      refusal{"DNS:localhost", "localhost", "/nonexistent/ca.pem", "/nonexistent/ca.pem"}};
  const auto what = refusals.at(GENERATE(0U, 1U, 2U, 3U, 4U));
  cloud_server server([](const seen_request&) { return scripted_answer::json(200, "{}"); },
                      authority.issue(what.names));
  const auto answer = client_of(server.url(what.host), what.ca_file).call(get, patience);
  REQUIRE_FALSE(answer);
  INFO(answer.error().text());
  CHECK(answer.error().code == "cloud_tls");
  CHECK(answer.error().message.find(what.word) != std::string::npos);
  CHECK(server.seen().empty());

  cloud_server plain([](const seen_request&) { return scripted_answer::json(200, "{}"); });
  const auto mixed =
      client_of(fmt::format("https://127.0.0.1:{}/", plain.port()), authority.ca_file()).call(get, patience);
  REQUIRE_FALSE(mixed);
  CHECK(mixed.error().code == "cloud_tls");
}
