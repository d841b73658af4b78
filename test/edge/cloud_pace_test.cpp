#include "edge/cloud_pace.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {
steady_time at(std::int64_t ms) { return steady_time(milliseconds(1'000'000 + ms)); }
}  // namespace

TEST_CASE("a back-off is anything from nothing to a bound that doubles up to its most") {
  std::mt19937_64 random(7);
  milliseconds widest[10] = {};
  for (int round = 0; round < 500; ++round)
    for (int attempt = 0; attempt < 10; ++attempt) {
      const auto wait = jittered_backoff(attempt, milliseconds(100), milliseconds(2000), random);
      REQUIRE(wait >= milliseconds(0));
      REQUIRE(wait <= std::min(milliseconds(100 << attempt), milliseconds(2000)));
      widest[attempt] = std::max(widest[attempt], wait);
    }
  CHECK(widest[0] > milliseconds(80));
  CHECK(widest[3] > milliseconds(600));
  CHECK(widest[9] > milliseconds(1600));
  CHECK(jittered_backoff(1'000'000, milliseconds(100), milliseconds(2000), random) <= milliseconds(2000));
}

TEST_CASE("a burst passes at once, then each request waits until a second after the one a rate before it") {
  request_rate rate(3);
  for (int i = 0; i < 3; ++i) CHECK(rate.take(at(i * 10), milliseconds(5000)) == milliseconds(0));
  CHECK(rate.take(at(30), milliseconds(5000)) == milliseconds(970));
  CHECK(rate.take(at(30), milliseconds(5000)) == milliseconds(980));
  CHECK(rate.take(at(30), milliseconds(5000)) == milliseconds(990));
  CHECK(rate.take(at(30), milliseconds(5000)) == milliseconds(1970));
}

TEST_CASE("a request without the patience for its slot does not take it") {
  request_rate rate(1);
  CHECK(rate.take(at(0), milliseconds(0)) == milliseconds(0));
  CHECK_FALSE(rate.take(at(0), milliseconds(999)));
  CHECK(rate.take(at(0), milliseconds(1000)) == milliseconds(1000));
}

TEST_CASE("a hold delays everybody until its end") {
  request_rate rate(10);
  rate.hold(at(3000));
  rate.hold(at(2000));
  CHECK(rate.take(at(0), milliseconds(5000)) == milliseconds(3000));
  CHECK(rate.take(at(4000), milliseconds(5000)) == milliseconds(0));
}

TEST_CASE("a circuit opens after failures in a row, lets one probe through, and opens longer when it fails") {
  circuit_breaker breaker({3, milliseconds(1000), milliseconds(8000)}, 1);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(breaker.enter(at(0)));
    breaker.failed(at(0), "down");
  }
  REQUIRE(breaker.enter(at(0)));
  breaker.succeeded();
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(breaker.open());
    REQUIRE(breaker.enter(at(0)));
    breaker.failed(at(0), "down");
  }
  CHECK(breaker.open());
  CHECK(breaker.text(at(0)).find("down") != std::string::npos);
  REQUIRE(breaker.enter(at(1000)));
  CHECK_FALSE(breaker.enter(at(1000)));
  breaker.failed(at(1000), "still down");
  CHECK(breaker.open());
  REQUIRE(breaker.enter(at(3000)));
  breaker.abandoned();
  REQUIRE(breaker.enter(at(3000)));
  breaker.succeeded();
  CHECK_FALSE(breaker.open());
  CHECK(breaker.enter(at(3000)));
}

TEST_CASE("calls that were under way when the circuit opened do not lengthen its wait") {
  circuit_breaker breaker({1, milliseconds(1000), milliseconds(60'000)}, 1);
  for (int i = 0; i < 20; ++i) REQUIRE(breaker.enter(at(0)));
  for (int i = 0; i < 20; ++i) breaker.failed(at(0), "down");
  CHECK(breaker.enter(at(1000)));
}
