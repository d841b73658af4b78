#include "edge/event_delivery.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {
event_look look(std::int64_t first, int count, std::size_t text_bytes = 10) {
  event_look made;
  for (int i = 0; i < count; ++i) {
    made.rows.emplace_back();
    made.rows.back().sequence = first + i;
    made.rows.back().text = std::string(text_bytes, 'x');
  }
  made.cursor = made.newest = first + count - 1;
  return made;
}

const steady_time start{std::chrono::hours(1)};
}  // namespace

TEST_CASE("the cursor moves when a batch was taken, and only then") {
  event_delivery sink(7, 1);
  const auto batch = sink.batch_of(look(8, 3));
  CHECK(batch.after == 7);
  CHECK(batch.cursor == 10);
  CHECK(sink.cursor() == 7);
  sink.refused({"no"}, start);
  CHECK(sink.cursor() == 7);
  sink.taken(batch);
  CHECK(sink.cursor() == 10);
}

TEST_CASE("a batch is bounded in events and in bytes, and goes on where it was cut") {
  event_delivery sink(0, 1);
  const auto many = sink.batch_of(look(1, 300));
  CHECK(many.events.size() == limits::event_batch);
  CHECK(many.cursor == static_cast<std::int64_t>(limits::event_batch));
  const auto large = sink.batch_of(look(1, 50, limits::event_batch_bytes / 4));
  CHECK(large.events.size() == 4);
  CHECK(large.cursor == 4);
  const auto huge = sink.batch_of(look(1, 5, 10 * limits::event_batch_bytes));
  CHECK(huge.events.size() == 1);
  CHECK(huge.cursor == 1);
}

TEST_CASE("what was lost is a batch although there is no event in it") {
  event_delivery sink(0, 1);
  auto found = look(1, 0);
  CHECK(sink.batch_of(found).empty());
  found.lost = 3;
  CHECK_FALSE(sink.batch_of(found).empty());
}

TEST_CASE("refusals back off further and further, within a bound, and a success ends that") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    event_delivery sink(0, seed);
    auto now = start;
    for (int i = 0; i < 40; ++i) {
      sink.refused({"no"}, now);
      CHECK(sink.failures() == i + 1);
      CHECK(sink.wait(now) <= limits::sink_backoff_most);
      now += sink.wait(now);
      CHECK(sink.wait(now) == 0ms);
    }
    sink.refused({"later", 90s}, now);
    CHECK(sink.wait(now) >= 90s);
    sink.refused({"much later", 1000h}, now);
    CHECK(sink.wait(now) == limits::sink_retry_after_most);
    sink.hurry();
    CHECK(sink.wait(now) == 0ms);
    CHECK(sink.failures() == 42);
    sink.taken(sink.batch_of(look(1, 1)));
    CHECK(sink.failures() == 0);
    CHECK(sink.wait(now) == 0ms);
  }
}

TEST_CASE("a sink for which a batch is too large gets smaller ones, and in time larger ones again") {
  event_delivery sink(0, 1);
  for (int i = 0; i < 20; ++i) sink.refused({"too large", 0ms, true}, start);
  CHECK(sink.batch_most() == 1);
  CHECK(sink.batch_of(look(1, 9)).events.size() == 1);
  for (int i = 0; i < 20; ++i) sink.taken(sink.batch_of(look(sink.cursor() + 1, 300)));
  CHECK(sink.batch_most() == limits::event_batch);
}

TEST_CASE("the cursor is kept soon after deliveries, now and then without them, and never twice") {
  event_delivery sink(0, 1);
  CHECK_FALSE(sink.to_keep(start));
  sink.taken(sink.batch_of(look(1, 5)));
  CHECK_FALSE(sink.to_keep(start));
  CHECK(sink.to_keep(start + limits::sink_cursor_kept) == 5);
  CHECK_FALSE(sink.to_keep(start + 10h));
  auto unwanted = look(6, 0);
  unwanted.cursor = 90;
  sink.taken(sink.batch_of(unwanted));
  CHECK_FALSE(sink.to_keep(start + limits::sink_cursor_kept + limits::sink_cursor_kept_idle / 2));
  CHECK(sink.to_keep(start + limits::sink_cursor_kept + limits::sink_cursor_kept_idle) == 90);
}
