#include "base/probe.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {
const steady_time t0{1h};
}

TEST_CASE("a probe tells depth, the oldest message's age and the time that messages queued") {
  probe_registry all;
  const auto one = all.add("host", "a");
  one->enqueued(t0);
  one->enqueued(t0 + 10ms);
  CHECK(one->view(t0 + 30ms).mailbox_depth == 2);
  CHECK(one->view(t0 + 30ms).oldest_message == 30ms);
  one->begun("run_ended", t0 + 40ms);
  const auto busy = one->view(t0 + 45ms);
  CHECK(busy.mailbox_depth == 1);
  CHECK(busy.busy_now == 5ms);
  CHECK(busy.queued_total == 40ms);
  one->ended(t0 + 50ms);
  const auto idle = one->view(t0 + 60ms);
  CHECK(idle.busy_now == 0ms);
  CHECK(idle.busy_total == 10ms);
  CHECK(idle.handled == 1);
  CHECK(idle.last_message == "run_ended");
}

TEST_CASE("a registry forgets a probe when its actor is gone and pages in order of birth") {
  probe_registry all;
  const auto a = all.add("host", "a");
  auto b = all.add("lifecycle", "virtual_router/1");
  const auto c = all.add("host", "c");
  CHECK(all.list(t0, 0, 10, "host", "").size() == 2);
  CHECK(all.list(t0, 0, 1, "", "").front().key == "a");
  CHECK(all.list(t0, a->view(t0).number, 10, "", "").front().key == "virtual_router/1");
  b.reset();
  CHECK(all.size() == 2);
  CHECK(all.list(t0, 0, 10, "", "virtual_router/1").empty());
}
