#include <thread>

#include "test/edge/cloud_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {
const cloud_call ask{"GET", "thing/", "", ""};

http_client line_to(const cloud_fixture& cloud) {
  return {parse_http_address(cloud.config.url).value(), cloud.config.ca_file};
}

scripted_answer fine(const seen_request&) { return scripted_answer::json(200, "{}"); }
}  // namespace

TEST_CASE("the first call logs in with e-mail, password and key, and later calls use its token") {
  cloud_fixture cloud(fine);
  auto line = line_to(cloud);
  REQUIRE(cloud.session().call(line, ask));
  REQUIRE(cloud.session().call(line, ask));
  const auto seen = cloud.server.seen();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].method == "POST");
  CHECK(seen[0].body == R"({"email":"robot@example.test","password":"pa55word","api_key":"k3y"})");
  CHECK(seen[1].token == "token-1");
  CHECK(seen[2].token == "token-1");
}

TEST_CASE("a token is renewed by PUT after 40 minutes") {
  cloud_fixture cloud(fine);
  auto line = line_to(cloud);
  REQUIRE(cloud.session().call(line, ask));
  cloud.time.advance(std::chrono::minutes(39));
  REQUIRE(cloud.session().call(line, ask));
  CHECK(cloud.server.seen().back().token == "token-1");
  cloud.time.advance(std::chrono::minutes(2));
  REQUIRE(cloud.session().call(line, ask));
  const auto seen = cloud.server.seen();
  CHECK(seen[seen.size() - 2].method == "PUT");
  CHECK(seen[seen.size() - 2].token == "token-1");
  CHECK(seen.back().token == "token-2");
}

TEST_CASE("a renewal that fails becomes a new login, and when that fails too the old token goes on") {
  cloud_fixture cloud(fine);
  const bool login_works = GENERATE(true, false);
  cloud.login = [&](const seen_request& request) {
    if (request.method == "PUT" || (cloud.logins > 0 && !login_works)) return scripted_answer::json(500, "<h1>no</h1>");
    return scripted_answer::json(201, fmt::format(R"({{"token":"token-{}"}})", ++cloud.logins));
  };
  auto line = line_to(cloud);
  REQUIRE(cloud.session().call(line, ask));
  cloud.time.advance(std::chrono::minutes(41));
  REQUIRE(cloud.session().call(line, ask));
  CHECK(cloud.server.seen().back().token == (login_works ? "token-2" : "token-1"));
}

TEST_CASE("an expired token is answered 401, and one new login serves the call") {
  cloud_fixture cloud([](const seen_request& request) {
    return request.token == "token-1" ? scripted_answer::json(401, R"({"detail":"JWT token is expired."})")
                                      : scripted_answer::json(200, "{}");
  });
  auto line = line_to(cloud);
  REQUIRE(cloud.session().call(line, ask));
  CHECK(cloud.logins == 2);
  REQUIRE(cloud.session().call(line, ask));
  CHECK(cloud.logins == 2);
}

TEST_CASE("a 401 to a fresh login is an error, and the next login waits") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::json(401, R"({"detail":"no, token-2"})"); });
  auto line = line_to(cloud);
  const auto refused = cloud.session().call(line, ask);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "cloud_login_refused");
  CHECK(refused.error().kind == error_kind::transient);
  CHECK(refused.error().message.find("token-2") == std::string::npos);
  CHECK(cloud.logins == 2);
  REQUIRE_FALSE(cloud.session().call(line, ask));
  CHECK(cloud.logins == 2);
}

TEST_CASE("a refused login names the cloud's code, hides the password, and is not repeated at once") {
  cloud_fixture cloud(fine);
  std::atomic<int> asked = 0;
  cloud.login = [&](const seen_request&) {
    ++asked;
    return scripted_answer::json(400, refusal_json("membership_login_101", "pa55word is wrong for k3y"));
  };
  auto line = line_to(cloud);
  const auto refused = cloud.session().call(line, ask);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "cloud_login_refused");
  CHECK(refused.error().message.find("membership_login_101") != std::string::npos);
  CHECK(refused.error().message.find("pa55word") == std::string::npos);
  CHECK(refused.error().message.find("k3y") == std::string::npos);
  const auto again = cloud.session().call(line, ask);
  CHECK(again.error().code == "cloud_login_refused");
  CHECK(asked == 1);
  cloud.time.advance(std::chrono::minutes(10));
  REQUIRE_FALSE(cloud.session().call(line, ask));
  CHECK(asked == 2);
}

TEST_CASE("a login without a usable token is an error that does not show the body") {
  cloud_fixture cloud(fine);
  const auto answer = GENERATE(scripted_answer::json(200, "{}"), scripted_answer::json(201, ""),
                               scripted_answer::json(201, R"({"token":"secret\r\nX-Evil: 1"})"),
                               scripted_answer::json(201, R"({"token":["secret"]})"),
                               scripted_answer::json(201, R"({"token":"secret"} and more)"),
                               scripted_answer::json(201, "[\"secret\"]"));
  cloud.login = [&](const seen_request&) { return answer; };
  auto line = line_to(cloud);
  const auto got = cloud.session().call(line, ask);
  REQUIRE_FALSE(got);
  CHECK((got.error().code == "cloud_malformed" || got.error().code == "cloud_login_refused"));
  CHECK(got.error().message.find("secret") == std::string::npos);
  CHECK(cloud.server.count("GET", "thing/") == 0);
}

TEST_CASE("a secret that cannot be read is named, and read again at the next login") {
  cloud_fixture cloud(fine);
  cloud.config.password = {secret_reference::source::environment, "REGENT_TEST_NO_SUCH_VARIABLE"};
  auto line = line_to(cloud);
  const auto got = cloud.session().call(line, ask);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "secret_unreadable");
  CHECK(got.error().kind == error_kind::transient);
  CHECK(cloud.server.seen().empty());
}

TEST_CASE("no second has more requests than the rate, and none is lost") {
  cloud_fixture cloud(fine);
  auto line = line_to(cloud);
  std::vector<steady_time> sent;
  for (int i = 0; i < 60; ++i) {
    REQUIRE(cloud.session().call(line, ask));
    sent.push_back(cloud.time.steady());
  }
  for (std::size_t i = 18; i < sent.size(); ++i) CHECK(sent[i] - sent[i - 18] >= std::chrono::seconds(1));
  CHECK(sent.back() - sent.front() < std::chrono::seconds(4));
}

TEST_CASE("a 429 waits as long as the cloud asks and then succeeds") {
  std::atomic<int> left = 2;
  cloud_fixture cloud([&](const seen_request&) {
    if (left-- <= 0) return scripted_answer::json(200, "{}");
    auto throttled = scripted_answer::json(429, R"({"detail":"Request was throttled."})");
    throttled.headers = {{"Retry-After", "3"}};
    return throttled;
  });
  auto line = line_to(cloud);
  REQUIRE(cloud.session().call(line, ask));
  CHECK(cloud.paused >= 6000);
  CHECK(cloud.server.count("GET", "thing/") == 3);
}

TEST_CASE("a cloud that asks for more time than the call has is an error, not a wait") {
  const auto asked = GENERATE(std::string("3600"), std::string("99999999999999999999"));
  cloud_fixture cloud([&](const seen_request&) {
    auto throttled = scripted_answer::json(429, R"({"detail":"Request was throttled."})");
    throttled.headers = {{"Retry-After", asked}};
    return throttled;
  });
  auto line = line_to(cloud);
  const auto got = cloud.session().call(line, ask);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "cloud_throttled");
  CHECK(cloud.paused < 20'000);
}

TEST_CASE("failures in a row open the circuit for all clients, one probe closes it again") {
  std::atomic<bool> works = false;
  cloud_fixture cloud([&](const seen_request&) {
    return works ? scripted_answer::json(200, "{}") : scripted_answer::json(503, "<h1>down</h1>");
  });
  auto line = line_to(cloud);
  auto other = line_to(cloud);
  for (int i = 0; i < 5; ++i) CHECK(cloud.session().call(line, ask).value().status == 503);
  const auto stopped = cloud.session().call(other, ask);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == "cloud_circuit_open");
  CHECK(stopped.error().message.find("503") != std::string::npos);
  CHECK(cloud.server.count("GET", "thing/") == 5);

  cloud.time.advance(std::chrono::minutes(2));
  CHECK(cloud.session().call(other, ask).value().status == 503);
  works = true;
  cloud.time.advance(std::chrono::minutes(2));
  CHECK(cloud.session().call(line, ask).value().status == 200);
  CHECK(cloud.session().call(other, ask).value().status == 200);
}

TEST_CASE("lost connections open the circuit too, and refusals do not") {
  const bool lost = GENERATE(true, false);
  cloud_fixture cloud([&](const seen_request&) {
    return lost ? scripted_answer::lost() : scripted_answer::json(400, refusal_json("x_101", "no"));
  });
  auto line = line_to(cloud);
  for (int i = 0; i < 10; ++i) {
    const auto got = cloud.session().call(line, ask);
    if (i >= 5) CHECK(got.has_value() == !lost);
    if (i >= 5 && lost) CHECK(got.error().code == "cloud_circuit_open");
  }
}

TEST_CASE("two threads share one login") {
  cloud_fixture cloud(fine);
  auto session = cloud.shared_session();
  std::atomic<int> answered = 0;
  const auto work = [&] {
    auto line = line_to(cloud);
    for (int i = 0; i < 30; ++i)
      if (session->call(line, ask)) ++answered;
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  CHECK(answered == 60);
  CHECK(cloud.logins == 1);
}

TEST_CASE("stop ends a call that waits for an answer or for its turn, and every later one") {
  auto throttled = scripted_answer::json(429, R"({"detail":"Request was throttled."})");
  throttled.headers = {{"Retry-After", "15"}};
  const auto answer = GENERATE_COPY(scripted_answer::never(), throttled);
  cloud_fixture cloud([&](const seen_request&) { return answer; });
  cloud.options.pause = nullptr;
  auto session = cloud.shared_session();
  std::string code;
  std::thread caller([&] {
    auto line = line_to(cloud);
    code = session->call(line, ask).error().code;
  });
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (cloud.server.count("GET", "thing/") == 0 && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  session->stop();
  caller.join();
  CHECK(code == "cloud_stopped");
  auto line = line_to(cloud);
  CHECK(session->call(line, ask).error().code == "cloud_stopped");
  CHECK(cloud.server.count("GET", "thing/") == 1);
}

TEST_CASE("a token that the server echoes does not reach the caller") {
  const int status = GENERATE(200, 400, 500);
  cloud_fixture cloud(
      [&](const seen_request& request) { return scripted_answer::json(status, "HTTP_X_AUTH_TOKEN " + request.token); });
  auto line = line_to(cloud);
  CHECK(cloud.session().call(line, ask).value().body == "HTTP_X_AUTH_TOKEN ***");
}
