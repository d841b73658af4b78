#include "region/lease_queue.hpp"

#include <random>
#include <set>

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {
const wall_time first{std::chrono::hours(24 * 365 * 50)};
lease_request wants(int job, std::string scope, lane in = lane::user, wall_time since = first) {
  return {job_id(job), std::move(scope), in, since};
}
}  // namespace

TEST_CASE("a scope has one holder, and the next gets it when it ends") {
  lease_queue queue(4);
  queue.ask(wants(1, "r1"));
  queue.ask(wants(2, "r1"));
  REQUIRE(queue.grant(first).size() == 1);
  CHECK(queue.holds(job_id(1), "r1"));
  CHECK(queue.grant(first).empty());
  CHECK(queue.end(job_id(1), "r1"));
  const auto granted = queue.grant(first);
  REQUIRE(granted.size() == 1);
  CHECK(granted[0].job == job_id(2));
}

TEST_CASE("a host has no more holders than its capacity") {
  lease_queue queue(2);
  for (int job = 1; job <= 5; ++job) queue.ask(wants(job, "r" + std::to_string(job)));
  CHECK(queue.grant(first).size() == 2);
  CHECK(queue.waiting(first).size() == 3);
}

TEST_CASE("asking twice queues once, and one who waits may leave") {
  lease_queue queue(1);
  queue.ask(wants(1, "r1"));
  queue.grant(first);
  queue.ask(wants(1, "r1"));
  queue.ask(wants(2, "r2"));
  queue.ask(wants(2, "r2"));
  CHECK(queue.waiting(first).size() == 1);
  CHECK(queue.end(job_id(2), "r2"));
  CHECK(queue.waiting(first).empty());
  CHECK_FALSE(queue.end(job_id(2), "r2"));
}

TEST_CASE("a user's change goes before a retry, and a retry before an audit") {
  lease_queue queue(1);
  queue.ask(wants(1, "a", lane::audit));
  queue.ask(wants(2, "b", lane::retry));
  queue.ask(wants(3, "c", lane::user));
  CHECK(queue.grant(first)[0].job == job_id(3));
}

TEST_CASE("an audit that has waited long goes before a user's new change") {
  lease_queue queue(1, 1min);
  queue.ask(wants(1, "a", lane::audit, first - 3min));
  queue.ask(wants(2, "b", lane::user, first));
  CHECK(queue.grant(first)[0].job == job_id(1));
}

TEST_CASE("a job that waits for the whole host is overtaken by nobody and stands alone") {
  lease_queue queue(4);
  queue.ask(wants(1, "r1"));
  queue.grant(first);
  queue.ask(wants(2, std::string(whole_host)));
  queue.ask(wants(3, "r3"));
  CHECK(queue.grant(first).empty());
  queue.end(job_id(1), "r1");
  const auto granted = queue.grant(first);
  REQUIRE(granted.size() == 1);
  CHECK(granted[0].job == job_id(2));
  queue.end(job_id(2), std::string(whole_host));
  CHECK(queue.grant(first).size() == 1);
}

TEST_CASE("leases restored from the journal count, even beyond the capacity") {
  lease_queue queue(1);
  queue.restore(wants(1, "r1"));
  queue.restore(wants(2, "r2"));
  queue.ask(wants(3, "r3"));
  CHECK(queue.grant(first).empty());
  queue.end(job_id(1), "r1");
  CHECK(queue.grant(first).empty());
  queue.end(job_id(2), "r2");
  CHECK(queue.grant(first).size() == 1);
}

TEST_CASE("whatever order things happen in, a scope never has two holders and everybody gets his turn") {
  const auto seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  lease_queue queue(3, 1min);
  std::set<int> open;
  int next = 0;
  auto now = first;
  std::map<int, std::string> scope;
  for (int turn = 0; turn < 2000; ++turn) {
    now += 1s;
    if (random() % 2 == 0 || open.empty()) {
      scope[++next] = "r" + std::to_string(random() % 6);
      queue.ask({job_id(next), scope[next], static_cast<lane>(random() % 3), now});
      open.insert(next);
    } else {
      const auto held = queue.held();
      if (!held.empty()) {
        queue.end(held[0].job, held[0].scope);
        open.erase(static_cast<int>(held[0].job.value()));
      }
    }
    for (const auto& granted : queue.grant(now)) CHECK(queue.holds(granted.job, granted.scope));
    REQUIRE(queue.held().size() <= 3);
  }
  for (int turn = 0; turn < 5000 && !open.empty(); ++turn) {
    const auto held = queue.held();
    for (const auto& request : held) {
      queue.end(request.job, request.scope);
      open.erase(static_cast<int>(request.job.value()));
    }
    queue.grant(now += 1s);
  }
  CHECK(open.empty());
}

TEST_CASE("a closed host grants what has begun, and children of what came before, and is empty without either") {
  lease_queue queue(4);
  auto begun = wants(11, "r1"), child = wants(12, "r2"), stranger = wants(13, "r3"), late = wants(14, "r4");
  begun.begun = true;
  child.root = job_id(5);
  late.root = job_id(9);
  CHECK(queue.empties(job_id(5)));
  for (const auto& one : {begun, child, stranger, late}) queue.ask(one);
  CHECK_FALSE(queue.empties(job_id(5)));
  CHECK(queue.grant(first, true, job_id(5)).size() == 2);
  CHECK(queue.holds(job_id(11), "r1"));
  CHECK(queue.holds(job_id(12), "r2"));
  CHECK_FALSE(queue.empties({}));
  queue.end(job_id(11), "r1");
  queue.end(job_id(12), "r2");
  CHECK(queue.empties(job_id(5)));  // those that wait are not let in
  CHECK_FALSE(queue.empties(job_id(9)));
  CHECK(queue.grant(first, true).empty());
  CHECK(queue.grant(first).size() == 2);
}

TEST_CASE("whoever holds the whole host for a root lets the root's jobs in, and nobody else") {
  const auto under = [](int job, std::string scope) {
    auto made = wants(job, std::move(scope));
    made.root = job_id(1);
    return made;
  };
  lease_queue queue(2);
  queue.ask(under(1, std::string(whole_host)));
  REQUIRE(queue.grant(first).size() == 1);
  queue.ask(wants(9, "r9"));
  queue.ask(under(2, "r2"));
  queue.ask(under(3, "r3"));
  queue.ask(under(4, "r4"));
  const auto let_in = queue.grant(first);
  REQUIRE(let_in.size() == 2);
  CHECK(let_in[0].job == job_id(2));
  CHECK(let_in[1].job == job_id(3));
  CHECK(queue.held().size() == 3);
  CHECK(queue.end(job_id(2), "r2"));
  CHECK(queue.grant(first).at(0).job == job_id(4));
  queue.end(job_id(3), "r3");
  queue.end(job_id(4), "r4");
  CHECK(queue.grant(first).empty());
  queue.end(job_id(1), std::string(whole_host));
  CHECK(queue.grant(first).at(0).job == job_id(9));
}

TEST_CASE("a root's job that wants the whole host too is not kept out by its own root") {
  lease_queue queue(4);
  auto root = wants(1, std::string(whole_host)), below = wants(2, std::string(whole_host));
  root.root = below.root = job_id(1);
  queue.ask(root);
  queue.grant(first);
  queue.ask(below);
  CHECK(queue.grant(first).size() == 1);
  CHECK(queue.end(job_id(2), std::string(whole_host)));
  CHECK(queue.holds(job_id(1), std::string(whole_host)));
}

TEST_CASE("another job that waits for the whole host does not keep the holder's own jobs out") {
  lease_queue queue(4);
  auto root = wants(1, std::string(whole_host)), below = wants(2, "r2");
  root.root = below.root = job_id(1);
  queue.ask(root);
  queue.grant(first);
  queue.ask(wants(8, std::string(whole_host)));
  queue.ask(below);
  CHECK(queue.grant(first).at(0).job == job_id(2));
}
