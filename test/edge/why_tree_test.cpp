#include "edge/why_tree.hpp"

#include "edge/face_handlers.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"
#include "test/support/text.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

struct tree_story {
  tree_story() {
    facts.now = time.now;
    facts.root = make_job(17, "tree/17", operation::read, job_state::waiting, time.ago(1min));
    facts.ended = 1;
    facts.total = 5;
    facts.root.started = time.ago(1min);
    facts.root.deadline = 1h;
    facts.name = "nightly";
  }
  branch& add(branch_work work, const std::string& subject, job_id job = {}) {
    branch one;
    one.root = job_id(17);
    one.number = static_cast<int>(facts.under_way.size());
    one.work = work;
    one.subject = subject;
    one.state = branch_state::started;
    one.job = job;
    one.started = time.ago(30s);
    facts.under_way.push_back(one);
    facts.under_way_count = facts.under_way.size();
    return facts.under_way.back();
  }
  still_clock time;
  why_tree_facts facts;
};

}  // namespace

TEST_CASE("why a tree: each branch under way says what it waits for") {
  tree_story now;
  now.add(branch_work::mend, "virtual_router/3", job_id(21));
  now.facts.jobs[job_id(21)] =
      make_job(21, "virtual_router/3", operation::build, job_state::waiting, now.time.ago(20s));
  now.facts.jobs[job_id(21)].waits_for = "podnet-a to be up";
  auto& waits = now.add(branch_work::until_state, "virtual_router/4");
  waits.wanted = "running";
  waits.deadline = 10min;
  now.add(branch_work::retry, "virtual_router/5");
  now.add(branch_work::mend, "virtual_router/6", job_id(22));
  now.facts.jobs[job_id(22)] = make_job(22, "virtual_router/6", operation::build, job_state::active, now.time.ago(20s));
  const auto said = explain_tree(now.facts);
  CHECK(said.sentence ==
        "tree/17 (nightly) is waiting: 1 of 5 branches have ended, not longer than until 2026-11-20T10:59:00.000Z; "
        "mend virtual_router/3 (job 21) waits for podnet-a to be up; "
        "wait for virtual_router/4 to be running, not longer than until 2026-11-20T10:09:30.000Z; "
        "retry virtual_router/5 is about to begin, or waits for its resource to rest; "
        "mend virtual_router/6 (job 22) is at work.");
  REQUIRE(said.causes.size() == 4);
  CHECK(said.causes[0].code == "branch");
  CHECK(said.causes[0].job == job_id(21));
  now.facts.under_way_count = 9;
  CHECK(has(explain_tree(now.facts).sentence, "; and 5 more."));
}

TEST_CASE("why a tree: it waits itself, or is at its end") {
  tree_story now;
  now.facts.root.waits_for = "the whole of podnet-a";
  CHECK(explain_tree(now.facts).causes.front().code == "wait");
  CHECK(has(explain_tree(now.facts).sentence, "; it waits for the whole of podnet-a."));
  now.facts.root.state = job_state::failed;
  now.facts.root.error_message = "2 of 3 branches have ended badly";
  const auto said = explain_tree(now.facts);
  CHECK(said.causes.front().code == "ended");
  CHECK(said.sentence == "tree/17 (nightly) has failed: 2 of 3 branches have ended badly.");
}

TEST_CASE("why of a tree is asked for like that of a resource") {
  still_clock time;
  fake_journal journal;
  daemon_facts facts;
  journal.jobs = {make_job(9, "tree/9", operation::read, job_state::active, time.ago(3s)),
                  make_job(8, "virtual_router/2", operation::build, job_state::active, time.ago(3s))};
  face_handlers face("test", journal.opener(), facts, time);
  const auto ask = [&](const std::string& number) {
    route_request asked;
    asked.captured = {"tree", number};
    return face.why(asked);
  };
  REQUIRE(ask("9"));
  CHECK(has(*ask("9"), "tree/9 is active"));
  for (const auto* wrong : {"8", "10", "x", "99999999999999999999", "18446744073709551615"}) {
    REQUIRE_FALSE(ask(wrong));
    CHECK(ask(wrong).error().code == "not_found");
  }
}
