#include "region/host_board.hpp"

#include "test/support/catch.hpp"

using namespace regent;

namespace {
host_status status_of(const std::string& name, const std::string& state) {
  host_status made;
  made.host = host_id(name);
  made.state = state;
  return made;
}
host_leases one_holder() { return {{{job_id(7), "virtual_router/3", "user", {}}}, {}}; }
}  // namespace

TEST_CASE("what a host is and what is leased there are told apart, and seen together") {
  host_board board;
  board.publish(status_of("b", "up"));
  board.publish(status_of("a", "connecting"));
  board.publish_leases(host_id("b"), one_holder());
  board.publish(status_of("b", "down"));
  const auto all = board.list();
  REQUIRE(all.size() == 2);
  CHECK(all[0].host == host_id("a"));
  CHECK(all[0].held.empty());
  CHECK(all[1].state == "down");
  REQUIRE(all[1].held.size() == 1);
  CHECK(all[1].held[0].job == job_id(7));
  REQUIRE(board.picture(host_id("b")));
  CHECK(board.picture(host_id("b"))->held.size() == 1);
  CHECK(board.find(host_id("b"))->state == "down");
  CHECK(board.leases(host_id("b"))->held.size() == 1);
}

TEST_CASE("a host that is not known, or no longer, has neither") {
  host_board board;
  board.publish_leases(host_id("a"), one_holder());
  CHECK(board.list().empty());
  board.publish(status_of("a", "up"));
  board.remove(host_id("a"));
  CHECK(board.find(host_id("a")) == nullptr);
  CHECK(board.leases(host_id("a")) == nullptr);
  CHECK_FALSE(board.picture(host_id("a")));
  board.publish_leases(host_id("a"), one_holder());
  board.publish(status_of("a", "up"));
  CHECK(board.leases(host_id("a"))->held.empty());
}
