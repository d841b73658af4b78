#include "edge/webhook.hpp"

#include "test/edge/cloud_server.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
event_batch one_failure() {
  event_batch made{7, 0, {}, 8};
  made.events.push_back({8,
                         *parse_iso("2026-11-20T10:00:00.000Z"),
                         "job.failed",
                         {"virtual_router", "3"},
                         job_id(5),
                         job_id(6),
                         "no \"bridge\""});
  return made;
}

webhook hook_at(const std::string& url) {
  webhook_config config;
  config.name = "operations";
  config.url = url;
  config.secret = {secret_reference::source::inline_value, "a secret"};
  return {config, "cafe0123"};
}
}  // namespace

TEST_CASE("a batch's body has the events as streams have them, and what was lost before them") {
  CHECK(
      webhook_body("operations", one_failure()) ==
      R"({"sink":"operations","gap":null,"events":[{"sequence":8,"at":"2026-11-20T10:00:00.000Z","topic":"job.failed",)"
      R"("resource":"virtual_router/3","root":5,"job":6,"text":"no \"bridge\""}]})"
      "\n");
  event_batch gap{7, 12, {}, 19};
  CHECK(webhook_body("operations", gap) ==
        "{\"sink\":\"operations\",\"gap\":{\"lost\":12,\"after\":7},\"events\":[]}\n");
}

TEST_CASE("a signature is the one that Standard Webhooks gives as its example") {
  // github.com/standard-webhooks: the specification's libraries test against this one.
  const auto signed_text = webhook_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                             1614265330, R"({"test": 2432232314})");
  REQUIRE(signed_text);
  CHECK(*signed_text == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_CASE("every part of what is signed changes the signature, and a secret that is no base64 is refused") {
  const auto base = *webhook_signature("key", "id", 1, "body");
  CHECK(base != *webhook_signature("kez", "id", 1, "body"));
  CHECK(base != *webhook_signature("key", "ie", 1, "body"));
  CHECK(base != *webhook_signature("key", "id", 2, "body"));
  CHECK(base != *webhook_signature("key", "id", 1, "bodz"));
  for (const auto* secret : {"whsec_", "whsec_***", "whsec_abc"}) {
    const auto refused = webhook_signature(secret, "id", 1, "body");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "secret_unusable");
  }
}

TEST_CASE("what a sink asks to wait is seconds, within a bound; anything else is no wait") {
  CHECK(retry_after_of("7") == 7s);
  CHECK(retry_after_of("999999999999") == limits::sink_retry_after_most);
  for (const auto* text : {"", "-1", "7 ", "Fri, 20 Nov 2026 10:00:00 GMT", "1e9"}) CHECK(retry_after_of(text) == 0ms);
}

TEST_CASE("a delivery is a POST to the path as it stands, and any 2xx is success") {
  for (const int status : {200, 202, 204, 299}) {
    cloud_server server([&](const seen_request&) { return scripted_answer::json(status, ""); });
    auto hook = hook_at("http://127.0.0.1:" + std::to_string(server.port()) + "/hooks/regent");
    const auto said = hook.deliver(one_failure(), wall_time(5s), {});
    REQUIRE(said);
    CHECK(said->has_value());
    REQUIRE(server.seen().size() == 1);
    CHECK(server.seen()[0].method == "POST");
    CHECK(server.seen()[0].target == "/hooks/regent");
    CHECK(server.seen()[0].body == webhook_body("operations", one_failure()));
  }
}

TEST_CASE("anything else is refused with what it was, a wait that is asked for, and no word of the path") {
  scripted_answer answer;
  cloud_server server([&](const seen_request&) { return answer; });
  auto hook = hook_at(server.url() + "token-1234");
  const auto refusal_of = [&](scripted_answer with) {
    answer = std::move(with);
    const auto said = hook.deliver(one_failure(), wall_time(5s), {});
    REQUIRE(said);
    REQUIRE_FALSE(*said);
    CHECK(said->error().why.find("1234") == std::string::npos);
    return said->error();
  };
  auto busy = scripted_answer::json(503, "");
  busy.headers = {{"Retry-After", "7"}};
  CHECK(refusal_of(busy).retry_after == 7s);
  CHECK(refusal_of(busy).why == "it answers 503");
  CHECK(refusal_of(scripted_answer::json(413, "")).too_large);
  auto elsewhere = scripted_answer::json(302, "");
  elsewhere.headers = {{"Location", server.url() + "other"}};
  CHECK(refusal_of(elsewhere).why.find("sends us elsewhere") != std::string::npos);
  CHECK(server.count("POST", "/iaas/other") == 0);
  CHECK(refusal_of(scripted_answer::lost()).why.find("127.0.0.1") != std::string::npos);
  CHECK_FALSE(refusal_of(scripted_answer::raw("nonsense\r\n\r\n")).why.empty());
  CHECK(
      refusal_of(scripted_answer::json(200, std::string(limits::sink_answer_bytes + 1, 'x'))).why.find("longer than") !=
      std::string::npos);
}

TEST_CASE("a delivery is given up when the daemon stops, and then nothing is said of it") {
  std::stop_source stop;
  cloud_server server([&](const seen_request&) {
    stop.request_stop();
    return scripted_answer::never();
  });
  CHECK_FALSE(hook_at(server.url()).deliver(one_failure(), {}, stop.get_token()));
}

TEST_CASE("without its secret nothing is sent") {
  webhook_config config;
  config.name = "x";
  config.url = "http://127.0.0.1:1/";
  config.secret = {secret_reference::source::file, "/no/such/file"};
  const auto said = webhook(config, "cafe").deliver(one_failure(), {}, {});
  REQUIRE(said);
  REQUIRE_FALSE(*said);
  CHECK(said->error().why.find("/no/such/file") != std::string::npos);
}
