#include "test/edge/cloud_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {
const resource_id told_of{"virtual_router", "3"};

/// A router whose state a PATCH sets, unless the test's hook does something else first.
struct patched_router {
  std::atomic<int> state{2};
  std::atomic<int> patches{0};
  /// What a PATCH answers instead, before (true) or after (false) it is applied; none: it is applied and answered 200.
  std::function<std::optional<scripted_answer>(int patch, bool before)> hook;

  scripted_answer operator()(const seen_request& request) {
    if (request.method == "GET") return scripted_answer::json(200, one_json(head_json(3, state)));
    const int number = ++patches;
    if (hook)
      if (auto answer = hook(number, true)) return *answer;
    state = std::stoi(request.body.substr(request.body.find(':') + 1));
    if (hook)
      if (auto answer = hook(number, false)) return *answer;
    return scripted_answer::json(200, one_json(head_json(3, state)));
  }
};

std::function<std::optional<scripted_answer>(int, bool)> at(bool before, scripted_answer answer, int patches = 1) {
  return [=](int patch, bool now) { return now == before && patch <= patches ? std::optional(answer) : std::nullopt; };
}
}  // namespace

TEST_CASE("a report sends the state and nothing else, and reads it back") {
  patched_router cloud_router;
  cloud_fixture cloud(std::ref(cloud_router));
  REQUIRE(cloud.client().report(told_of, running));
  const auto seen = cloud.server.seen();
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].method == "PATCH");
  CHECK(seen[1].target == "/iaas/virtual_router/3/");
  CHECK(seen[1].body == R"({"state":4})");
  CHECK(seen[2].method == "GET");
}

TEST_CASE("a report that the server lost is written again, up to three times") {
  patched_router cloud_router;
  const int lost = GENERATE(1, 3, 4);
  cloud_router.hook = at(true, scripted_answer::json(200, one_json(head_json(3, 4))), lost);
  cloud_fixture cloud(std::ref(cloud_router));
  const auto said = cloud.client().report(told_of, running);
  if (lost < 4) {
    CHECK(said);
    CHECK(cloud_router.patches == lost + 1);
  } else {
    CHECK(said.error().code == "cloud_update_lost");
    CHECK(said.error().kind == error_kind::transient);
    CHECK(cloud_router.patches == 4);
  }
}

TEST_CASE("a report whose answer was lost, late or a 500 after the change is a success without a second write") {
  patched_router cloud_router;
  cloud_router.hook = at(false, GENERATE(scripted_answer::lost(), scripted_answer::json(500, "<h1>oops</h1>"),
                                         scripted_answer::json(200, "{\"content\":{\"sta"),
                                         scripted_answer::raw("garbage\r\n\r\n"), scripted_answer::never()));
  cloud_fixture cloud(std::ref(cloud_router));
  cloud.options.deadline = milliseconds(400);
  REQUIRE(cloud.client().report(told_of, running));
  CHECK(cloud_router.patches == 1);
}

TEST_CASE("a report that failed before the change is said again") {
  patched_router cloud_router;
  cloud_router.hook = at(true, GENERATE(scripted_answer::lost(), scripted_answer::json(500, "<h1>oops</h1>")));
  cloud_fixture cloud(std::ref(cloud_router));
  REQUIRE(cloud.client().report(told_of, running));
  CHECK(cloud_router.patches == 2);
  CHECK(cloud_router.state == 4);
}

TEST_CASE("a refusal is a conflict with the cloud's code and words") {
  patched_router cloud_router;
  cloud_router.state = 8;
  cloud_router.hook =
      at(true, scripted_answer::json(400, refusal_json("iaas_virtual_router_update_003", "The project has a VM.")));
  cloud_fixture cloud(std::ref(cloud_router));
  const auto said = cloud.client().report(told_of, scrubbing);
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == error_kind::conflict);
  CHECK(said.error().code == "cloud_refused");
  CHECK(said.error().message == "virtual_router/3 to scrubbing: iaas_virtual_router_update_003: The project has a VM.");
  CHECK(cloud_router.patches == 1);
}

TEST_CASE("a refusal is a success if the cloud already has the state, or a user has gone on from it") {
  patched_router cloud_router;
  cloud_router.state = GENERATE(4, 5, 8, 10);
  cloud_router.hook =
      at(true, scripted_answer::json(400, refusal_json("iaas_virtual_router_update_101", "No such way.")));
  cloud_fixture cloud(std::ref(cloud_router));
  CHECK(cloud.client().report(told_of, running));
}

TEST_CASE("a user who changes the record right after the report does not make it a lost one") {
  patched_router cloud_router;
  cloud_router.hook = [&](int, bool before) -> std::optional<scripted_answer> {
    if (!before) cloud_router.state = 10;
    return {};
  };
  cloud_fixture cloud(std::ref(cloud_router));
  CHECK(cloud.client().report(told_of, running));
  CHECK(cloud_router.patches == 1);
}

TEST_CASE("scrub_queue is not said twice, because that would begin the grace period again") {
  patched_router cloud_router;
  cloud_router.state = 9;
  cloud_fixture cloud(std::ref(cloud_router));
  REQUIRE(cloud.client().report(told_of, scrub_queue));
  CHECK(cloud_router.patches == 0);
  cloud_router.state = 14;
  REQUIRE(cloud.client().report(told_of, scrub_queue));
  CHECK(cloud_router.patches == 1);
}

TEST_CASE("a closed resource that the cloud no longer has is closed, any other state of it is a conflict") {
  cloud_fixture cloud([](const seen_request&) {
    return scripted_answer::json(404, refusal_json("iaas_virtual_router_read_001", "Gone."));
  });
  CHECK(cloud.client().report(told_of, closed));
  const auto said = cloud.client().report(told_of, running);
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == error_kind::conflict);
}

TEST_CASE("a 404 that is not the API's own word does not close anything") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::json(404, "<h1>Not Found</h1>"); });
  const auto said = cloud.client().report(told_of, closed);
  REQUIRE_FALSE(said);
  CHECK(said.error().kind == error_kind::transient);
}

TEST_CASE("whatever else goes wrong with a report is transient") {
  const auto answer =
      GENERATE(scripted_answer::json(500, ""), scripted_answer::lost(), scripted_answer::json(301, ""),
               scripted_answer::json(405, R"({"detail":"no"})"), scripted_answer::json(401, R"({"detail":"no"})"),
               scripted_answer::json(200, ""), scripted_answer::json(200, R"({"content":{"id":4,"state":4}})"));
  cloud_fixture cloud([&](const seen_request&) { return answer; });
  for (int i = 0; i < 3; ++i) {
    const auto said = cloud.client().report(told_of, running);
    REQUIRE_FALSE(said);
    INFO(said.error().text());
    CHECK(said.error().kind == error_kind::transient);
  }
}

TEST_CASE("an id that is not a number never becomes a part of a path") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::lost(); });
  for (const auto* id : {"", "..", "3/../../vm/4", "-1", "0", "3?x=1", "99999999999999999999"}) {
    CHECK_FALSE(cloud.client().report({"virtual_router", id}, running));
    CHECK(cloud.client().read({"virtual_router", id}).error().code == "cloud_not_found");
  }
  CHECK(cloud.server.seen().empty());
}
