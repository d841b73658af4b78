#include "base/clock.hpp"

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("a wall time survives being written and read") {
  const wall_time at{milliseconds(1'790'000'123'456)};
  CHECK(iso_text(at) == "2026-09-21T14:15:23.456Z");
  CHECK(parse_iso(iso_text(at)) == at);
}

TEST_CASE("the cloud's naive stamps with microseconds are read as UTC") {
  CHECK(parse_iso("2026-11-20T10:00:00.123456") == parse_iso("2026-11-20T10:00:00.123Z"));
  CHECK(parse_iso("2026-11-20 10:00:00") == parse_iso("2026-11-20T10:00:00Z"));
}

TEST_CASE("what is no time is not read") {
  const auto* text = GENERATE("", "2026", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "2026-11-20T24:00:00",
                              "2026-11-20T10:00:00+02:00", "2026-11-20T10:00:0x", "2026/11/20T10:00:00", "9999999999");
  CHECK_FALSE(parse_iso(text).has_value());
}

TEST_CASE("spans are told in the two largest units") {
  CHECK(span_text(milliseconds(850)) == "850ms");
  CHECK(span_text(std::chrono::seconds(12)) == "12s");
  CHECK(span_text(std::chrono::seconds(250)) == "4m 10s");
  CHECK(span_text(std::chrono::hours(52)) == "2d 4h");
}
