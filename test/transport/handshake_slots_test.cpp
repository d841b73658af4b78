#include "transport/handshake_slots.hpp"

#include <vector>

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("slots are granted in order, up to their number") {
  handshake_slots slots(2);
  std::vector<int> granted;
  for (int i = 0; i < 4; ++i) {
    slots.acquire(false, [&granted, i] { granted.push_back(i); });
  }
  CHECK(granted == std::vector<int>{0, 1});
  slots.release(false);
  CHECK(granted == std::vector<int>{0, 1, 2});
  slots.release(false);
  slots.release(false);
  CHECK(granted == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("suspects hold at most half of the slots, and wait behind the others") {
  handshake_slots slots(4);
  int suspects = 0, others = 0;
  for (int i = 0; i < 10; ++i) slots.acquire(true, [&] { ++suspects; });
  CHECK(suspects == 2);
  for (int i = 0; i < 3; ++i) slots.acquire(false, [&] { ++others; });
  CHECK(others == 2);
  slots.release(true);
  CHECK(others == 3);
  CHECK(suspects == 2);
  slots.release(true);
  CHECK(suspects == 3);
}
