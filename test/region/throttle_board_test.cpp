#include "region/throttle_board.hpp"

#include <random>

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

const steady_time start{std::chrono::hours(5)};

permit_request router(int number, const std::string& project = "7", lane in = lane::user) {
  return {{"virtual_router", std::to_string(number)}, project, {host_id("a"), host_id("b")}, {host_id("a")}, in, false};
}

resource_id id_of(int number) { return {"virtual_router", std::to_string(number)}; }

std::string ids(const std::vector<resource_id>& granted) {
  std::string all;
  for (const auto& one : granted) all += (all.empty() ? "" : " ") + one.id;
  return all;
}

throttle_config throttle(std::size_t at_once, throttle_each each = throttle_each::all) {
  throttle_config made;
  made.name = "t";
  made.at_once = at_once;
  made.each = each;
  return made;
}

throttle_config rate(std::size_t begin, milliseconds within) {
  throttle_config made;
  made.name = "t";
  made.begin = begin;
  made.within = within;
  return made;
}

}  // namespace

TEST_CASE("without a throttle everybody begins at once, and is counted once there is one") {
  throttle_board board;
  board.ask(router(1), start);
  CHECK(board.why(id_of(1)).empty());
  board.configure({throttle(1)});
  board.ask(router(2), start);
  CHECK(board.grant(start).empty());
  CHECK(board.why(id_of(2)) == "throttle t: 1 of 1 at work");
  board.end(id_of(1));
  CHECK(ids(board.grant(start)) == "2");
}

TEST_CASE("as many are at work as the throttle says, and the next begins when one ends") {
  throttle_board board;
  board.configure({throttle(2)});
  for (int n = 1; n <= 4; ++n) board.ask(router(n), start + std::chrono::seconds(n));
  CHECK(ids(board.grant(start + 5s)) == "1 2");
  CHECK(board.grant(start + 5s).empty());
  board.end(id_of(2));
  CHECK(ids(board.grant(start + 5s)) == "3");
  const auto all = board.list(start);
  REQUIRE(all.size() == 1);
  CHECK(all[0].working == 2);
  CHECK(all[0].waiting == 1);
}

TEST_CASE("who waits for something else is not at work, and goes on without asking") {
  throttle_board board;
  board.configure({throttle(1)});
  board.ask(router(1), start);
  board.ask(router(2), start);
  CHECK(ids(board.grant(start)) == "1");
  board.rests(id_of(1), true);
  board.rests(id_of(1), true);
  CHECK(ids(board.grant(start)) == "2");
  board.rests(id_of(1), false);
  CHECK(board.list(start)[0].working == 2);
  board.ask(router(3), start);
  board.end(id_of(1));
  CHECK(board.grant(start).empty());
  board.end(id_of(2));
  CHECK(ids(board.grant(start)) == "3");
}

TEST_CASE("what has begun in an earlier life goes on at once, and counts") {
  throttle_board board;
  board.configure({throttle(1)});
  for (int n = 1; n <= 2; ++n) {
    auto begun = router(n);
    begun.begun = true;
    board.ask(begun, start);
    CHECK(board.why(id_of(n)).empty());
  }
  board.ask(router(3), start);
  CHECK(board.grant(start).empty());
  CHECK(board.why(id_of(3)) == "throttle t: 2 of 1 at work");
}

TEST_CASE("each project, kind and host has a count of its own, and one that is full delays no other") {
  throttle_board board;
  board.configure({throttle(1, throttle_each::project)});
  board.ask(router(1, "7"), start);
  board.ask(router(2, "7"), start);
  board.ask(router(3, "8"), start);
  CHECK(ids(board.grant(start)) == "1 3");
  CHECK(board.why(id_of(2)) == "throttle t: project 7 has 1 of 1 at work");
  board.configure({throttle(1, throttle_each::kind)});
  CHECK(board.why(id_of(2)) == "throttle t: kind virtual_router has 2 of 1 at work");
  board.configure({throttle(2, throttle_each::host)});
  CHECK(board.why(id_of(2)) == "throttle t: host a has 2 of 2 at work");
  auto only_b = router(2);
  only_b.hosts = {host_id("c")};
  board.ask(only_b, start);
  CHECK(ids(board.grant(start)) == "2");
}

TEST_CASE("a throttle is about what its words say, and all that apply must have room") {
  throttle_board board;
  auto one = throttle(1);
  one.kind = "virtual_router";
  one.project = "7";
  one.host = host_id("a");
  auto other = throttle(2);
  other.name = "u";
  board.configure({one, other});
  board.ask(router(1), start);
  board.ask(router(2), start);
  board.ask(router(3, "8"), start);
  auto disk = router(4);
  disk.resource = {"disk", "4"};
  board.ask(disk, start);
  CHECK(ids(board.grant(start)) == "1 3");
  CHECK(board.why(id_of(2)) == "throttle t: 1 of 1 at work");
  CHECK(board.why({"disk", "4"}) == "throttle u: 2 of 2 at work");
}

TEST_CASE("in no span do more begin than the throttle says") {
  throttle_board board;
  board.configure({rate(3, 60s)});
  std::vector<steady_time> begun;
  std::mt19937 chance(7);
  int next = 1;
  for (auto now = start; now < start + 20min; now += std::chrono::milliseconds(chance() % 9000)) {
    board.ask(router(next), now);
    ++next;
    for (const auto& id : board.grant(now)) {
      begun.push_back(now);
      board.end(id);
    }
  }
  REQUIRE(begun.size() >= 3 * 19);
  for (std::size_t i = 3; i < begun.size(); ++i) CHECK(begun[i] - begun[i - 3] >= 60s);
}

TEST_CASE("who waits for a rate is told so, and begins when the span is over") {
  throttle_board board;
  board.configure({rate(1, 60s)});
  board.ask(router(1), start);
  board.ask(router(2), start);
  CHECK(ids(board.grant(start)) == "1");
  CHECK(board.why(id_of(2)) == "throttle t: 1 of 1 begun within 1m 0s");
  CHECK(board.list(start + 20s)[0].begun == 1);
  CHECK(board.list(start + 61s)[0].begun == 0);
  CHECK(board.grant(start + 59s).empty());
  CHECK(ids(board.grant(start + 60s)) == "2");
}

TEST_CASE("who needs a host that is away takes no room, up to its own deadline for that") {
  throttle_board board;
  board.configure({throttle(1)});
  board.ask(router(1), start);
  board.ask(router(2), start + 1s);
  const hosts_away standby{{host_id("b"), "to be up"}}, first{{host_id("a"), "to be up"}};
  CHECK(board.grant(start + 2s, first, 10min).empty());
  CHECK(board.why(id_of(1), first) == "a to be up");
  CHECK(board.list(start)[0].working == 0);
  SECTION("it is back") { CHECK(ids(board.grant(start + 3s, standby, 10min)) == "1"); }
  SECTION("it does not come back") { CHECK(ids(board.grant(start + 10min + 2s, first, 10min)) == "1"); }
}

TEST_CASE("a host that goes away while somebody waits for room is waited for from then on") {
  throttle_board board;
  board.configure({throttle(1)});
  board.ask(router(1), start);
  board.ask(router(2), start);
  CHECK(ids(board.grant(start)) == "1");
  board.end(id_of(1));
  const hosts_away away{{host_id("a"), "to be up"}};
  CHECK(board.grant(start + 15min, away, 10min).empty());
  CHECK(board.grant(start + 24min, away, 10min).empty());
  CHECK(ids(board.grant(start + 25min, away, 10min)) == "2");
}

TEST_CASE("who has just asked gets what there is room for, and who waits is told when it is something else") {
  throttle_board board;
  board.configure({throttle(1)});
  const hosts_away away{{host_id("a"), "to take new jobs (it has much to do)"}};
  board.ask(router(1), start);
  CHECK_FALSE(board.grant_newcomer(id_of(1), start, away));
  CHECK(board.news(away) == std::vector{std::pair(id_of(1), std::string("a to take new jobs (it has much to do)"))});
  CHECK(board.news(away).empty());
  CHECK(board.grant_newcomer(id_of(1), start));
  CHECK_FALSE(board.grant_newcomer(id_of(1), start));
  board.ask(router(2), start);
  CHECK_FALSE(board.grant_newcomer(id_of(2), start));
  CHECK(board.news({}) == std::vector{std::pair(id_of(2), std::string("throttle t: 1 of 1 at work"))});
  board.end(id_of(1));
  CHECK(board.news({}) == std::vector{std::pair(id_of(2), std::string("its turn"))});
}

TEST_CASE("users go first, and who waits long moves up") {
  throttle_board board(2min);
  board.configure({throttle(1)});
  board.ask(router(1), start);
  board.grant(start);
  board.ask(router(2, "7", lane::audit), start);
  board.ask(router(3, "7", lane::retry), start + 1s);
  board.ask(router(4, "7", lane::user), start + 2s);
  board.end(id_of(1));
  CHECK(ids(board.grant(start + 3s)) == "4");
  board.end(id_of(4));
  board.ask(router(5, "7", lane::user), start + 239s);
  CHECK(ids(board.grant(start + 240s)) == "2");
  board.end(id_of(2));
  CHECK(ids(board.grant(start + 240s)) == "3");
  board.end(id_of(3));
  CHECK(ids(board.grant(start + 240s)) == "5");
}

TEST_CASE("other throttles hold from now on, for who works, who waits and what has begun") {
  throttle_board board;
  board.configure({rate(2, 60s)});
  for (int n = 1; n <= 4; ++n) board.ask(router(n), start);
  CHECK(ids(board.grant(start)) == "1 2");
  board.configure({rate(3, 60s)});
  CHECK(ids(board.grant(start + 1s)) == "3");
  auto lowered = throttle(1);
  lowered.begin = 5;
  lowered.within = 60s;
  board.configure({lowered});
  CHECK(board.grant(start + 1s).empty());
  for (int n = 1; n <= 3; ++n) board.end(id_of(n));
  CHECK(ids(board.grant(start + 1s)) == "4");
  board.ask(router(5), start);
  board.configure({});
  CHECK(ids(board.grant(start + 1s)) == "5");
  CHECK(board.list(start).empty());
}

TEST_CASE("who waited under a throttle that is gone, and asks again, is there once") {
  throttle_board board;
  board.configure({throttle(1)});
  board.ask(router(1), start);
  board.ask(router(2), start);
  CHECK(ids(board.grant(start)) == "1");
  board.configure({});
  board.ask(router(2), start);
  CHECK_FALSE(board.somebody_waits());
  CHECK(board.grant(start).empty());
}

TEST_CASE("ten thousand wait, and each gets its turn") {
  throttle_board board;
  board.configure({throttle(10), throttle(3, throttle_each::project)});
  for (int n = 0; n < 10'000; ++n) board.ask(router(n, std::to_string(n % 100)), start);
  std::size_t done = 0;
  for (auto now = start; done < 10'000; now += 1ms) {
    const auto granted = board.grant(now);
    REQUIRE_FALSE(granted.empty());
    REQUIRE(granted.size() <= 10);
    done += granted.size();
    for (const auto& id : granted) board.end(id);
  }
  CHECK(board.grant(start).empty());
}
