#include "edge/publisher_confirms.hpp"

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("all is confirmed when each number is, alone or with those before it, in any order") {
  publisher_confirms channel;
  CHECK(channel.all());
  for (int i = 0; i < 5; ++i) channel.sent();
  channel.confirmed(4, false);
  channel.confirmed(2, true);
  CHECK_FALSE(channel.all());
  CHECK(channel.waits_for(3, false));
  CHECK_FALSE(channel.waits_for(4, false));
  CHECK_FALSE(channel.waits_for(2, true));
  channel.confirmed(5, true);
  CHECK(channel.all());
}

TEST_CASE("no number stands for all that there are, and one that is confirmed twice changes nothing") {
  publisher_confirms channel;
  channel.sent();
  channel.sent();
  CHECK(channel.waits_for(0, true));
  channel.confirmed(1, false);
  channel.confirmed(1, false);
  CHECK_FALSE(channel.all());
  channel.confirmed(0, true);
  CHECK(channel.all());
  CHECK_FALSE(channel.waits_for(0, true));
}

TEST_CASE("what was given up does not count for what is sent after it") {
  publisher_confirms channel;
  channel.sent();
  channel.sent();
  channel.forget();
  CHECK(channel.all());
  channel.sent();
  channel.confirmed(2, true);
  CHECK_FALSE(channel.all());
  CHECK_FALSE(channel.waits_for(1, false));
  channel.confirmed(3, false);
  CHECK(channel.all());
}
