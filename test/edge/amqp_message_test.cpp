#include "edge/amqp_message.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {
event an_event(std::int64_t sequence, const std::string& topic) {
  return {sequence,       *parse_iso("2026-11-20T10:00:00.250Z"), topic, {"virtual_router", "3"}, job_id(5), job_id(6),
          "no \"bridge\""};
}
}  // namespace

TEST_CASE("each event is a message of its own, with its topic as routing key and an id that stays the same") {
  const event_batch batch{7, 0, {an_event(8, "job.started"), an_event(9, "job.failed")}, 9};
  const auto made = amqp_messages(batch, "cafe0123", wall_time(99s));
  REQUIRE(made.size() == 2);
  CHECK(made[0].routing_key == "job.started");
  CHECK(made[1].routing_key == "job.failed");
  CHECK(made[1].type == "event");
  CHECK(made[1].id == "cafe0123-9");
  CHECK(made[1].seconds == 1795168800);
  CHECK(made[1].body == R"({"sequence":9,"at":"2026-11-20T10:00:00.250Z","topic":"job.failed",)"
                        R"("resource":"virtual_router/3","root":5,"job":6,"text":"no \"bridge\""})");
}

TEST_CASE("what was lost is told by a message before the events, or alone") {
  const auto made = amqp_messages({7, 12, {an_event(20, "job.failed")}, 20}, "cafe0123", wall_time(99s));
  REQUIRE(made.size() == 2);
  CHECK(made[0].routing_key == "sink.gap");
  CHECK(made[0].type == "gap");
  CHECK(made[0].id == "cafe0123-gap-7-12");
  CHECK(made[0].seconds == 99);
  CHECK(made[0].body == R"({"gap":{"lost":12,"after":7}})");
  CHECK(made[1].id == "cafe0123-20");
  CHECK(amqp_messages({7, 12, {}, 19}, "cafe0123", wall_time(99s)).size() == 1);
  CHECK(amqp_messages({7, 0, {}, 19}, "cafe0123", wall_time(99s)).empty());
}
