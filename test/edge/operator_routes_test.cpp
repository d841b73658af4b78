// What operators say over HTTP: what reaches the daemon, what does not, and what comes back.
#include "edge/operator_routes.hpp"

#include <thread>

#include "edge/http_query.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

struct desk {
  desk() {
    journal.jobs = {make_job(7, "virtual_router/1", operation::build, job_state::succeeded, time.ago(1h)),
                    make_job(8, "virtual_router/2", operation::build, job_state::active, time.ago(3s))};
  }
  http_answer say(const std::string& target) {
    http_answer got;
    face.answer(target, [&](http_answer said) { got = std::move(said); });
    return got;
  }
  still_clock time;
  fake_journal journal;
  std::vector<operator_command> heard;
  result<std::string> decides = std::string("so be it");
  operator_routes face{journal.opener(), [this](operator_command what, const auto& answer) {
                         heard.push_back(std::move(what));
                         answer(decides);
                       }};
};

}  // namespace

TEST_CASE("each word reaches the daemon with what it is said of, and who says it") {
  desk here;
  CHECK(here.say("/api/v1/jobs/8/cancel?by=eve%3A%20wrong%20one").body == "{\"done\":\"so be it\"}\n");
  CHECK(here.say("/api/v1/resources/virtual_router/3/retry?by=eve").status == 200);
  CHECK(here.say("/api/v1/hosts/podnet-a/cordon?by=eve").status == 200);
  CHECK(here.say("/api/v1/hosts/podnet-a/uncordon?by=eve").status == 200);
  for (const auto* verb : {"pause", "resume", "run"})
    CHECK(here.say(fmt::format("/api/v1/schedules/nightly/{}?by=eve", verb)).status == 200);
  REQUIRE(here.heard.size() == 7);
  CHECK(here.heard[4].what == operator_verb::schedule_pause);
  CHECK(here.heard[5].what == operator_verb::schedule_resume);
  CHECK(here.heard[6].what == operator_verb::schedule_run);
  CHECK(here.heard[6].schedule == "nightly");
  CHECK(here.heard[6].by == "eve");
  CHECK(here.heard[0].what == operator_verb::cancel);
  CHECK(here.heard[0].job == job_id(8));
  CHECK(here.heard[0].resource.text() == "virtual_router/2");
  CHECK(here.heard[0].by == "eve: wrong one");
  CHECK(here.heard[1].what == operator_verb::retry);
  CHECK(here.heard[1].resource.text() == "virtual_router/3");
  CHECK(here.heard[2].what == operator_verb::cordon);
  CHECK(here.heard[3].what == operator_verb::uncordon);
  CHECK(here.heard[3].host == host_id("podnet-a"));
}

TEST_CASE("every word is taken of its subject and of no other") {
  desk here;
  for (const auto& row : operator_verb_table) {
    INFO(row.name);
    const std::pair<operator_subject, const char*> addresses[] = {
        {operator_subject::job, "jobs/8"},
        {operator_subject::resource, "resources/virtual_router/3"},
        {operator_subject::host, "hosts/podnet-a"},
        {operator_subject::schedule, "schedules/nightly"}};
    for (const auto& [subject, address] : addresses) {
      const auto before = here.heard.size();
      const auto status = here.say(fmt::format("/api/v1/{}/{}?by=eve", address, row.name)).status;
      const auto meant = parse_operator_verb(row.name, subject);  // some words are said of several
      CHECK(status == (meant ? 200 : 404));
      REQUIRE(here.heard.size() == before + (meant ? 1 : 0));
      if (!meant) continue;
      CHECK(here.heard.back().what == *meant);
      CHECK(here.heard.back().preview == row_of(*meant).shows_first);
    }
    CHECK(parse_operator_verb(row.name, row.of));
  }
}

TEST_CASE("a preview is asked for and answered as such; a dangerous word is one unless it is said otherwise") {
  desk here;
  CHECK(here.say("/api/v1/jobs/8/cancel?by=eve&preview=1").body == "{\"would\":\"so be it\"}\n");
  CHECK(here.say("/api/v1/jobs/8/cancel?by=eve&preview=0").body == "{\"done\":\"so be it\"}\n");
  CHECK(here.say("/api/v1/hosts/podnet-a/force-detach?by=eve").body == "{\"would\":\"so be it\"}\n");
  CHECK(here.say("/api/v1/hosts/podnet-a/force-detach?by=eve&preview=0").body == "{\"done\":\"so be it\"}\n");
  REQUIRE(here.heard.size() == 4);
  CHECK(here.heard[0].preview);
  CHECK_FALSE(here.heard[1].preview);
  CHECK(here.heard[2].preview);
  CHECK_FALSE(here.heard[3].preview);
}

TEST_CASE("a step is named by its number, and an ended job may be marked") {
  desk here;
  CHECK(here.say("/api/v1/resources/virtual_router/3/retry?by=eve&from=4").status == 200);
  CHECK(here.say("/api/v1/jobs/7/mark-done?by=eve&step=2").status == 200);
  CHECK(here.say("/api/v1/jobs/7/mark-failed?by=eve").status == 200);
  REQUIRE(here.heard.size() == 3);
  CHECK(here.heard[0].step == 4);
  CHECK(here.heard[1].step == 2);
  CHECK(here.heard[1].resource.text() == "virtual_router/1");
  CHECK(here.heard[2].step == 0);
}

TEST_CASE("what makes no sense is refused with what would, and reaches nobody") {
  const auto [target, status, words] = GENERATE(table<std::string, int, std::string>({
      {"/api/v1/jobs/8/cancel", 400, "by= is missing"},
      {"/api/v1/jobs/8/cancel?by=", 400, "by= is missing"},
      {"/api/v1/jobs/8/cancel?by=eve&force=1", 400, "no parameter force"},
      {"/api/v1/jobs/8/cancel?by=" + std::string(1001, 'x'), 400, "1001 bytes"},
      {"/api/v1/jobs/8/cancel?by=%0a", 400, "bad_query"},
      {"/api/v1/jobs/7/cancel?by=eve", 409, "job 7 has ended already: succeeded"},
      {"/api/v1/jobs/8/cancel?by=eve&preview=yes", 400, "neither 0 nor 1"},
      {"/api/v1/jobs/8/cancel?by=eve&step=1", 400, "no parameter step"},
      {"/api/v1/jobs/8/mark-done?by=eve&step=0", 400, "step=0 is not a step's number"},
      {"/api/v1/resources/virtual_router/3/retry?by=eve&from=x", 400, "from=x is not a step's number"},
      {"/api/v1/resources/virtual_router/3/pause?by=eve&from=2", 400, "no parameter from"},
      {"/api/v1/jobs/404/cancel?by=eve", 404, "no job 404"},
      {"/api/v1/jobs/x/cancel?by=eve", 404, "no job x"},
      {"/api/v1/jobs/8/retry?by=eve", 404, "an operator's POST is for"},
      {"/api/v1/hosts/podnet-a/cancel?by=eve", 404, "an operator's POST is for"},
      {"/api/v1/schedules/nightly/cordon?by=eve", 404, "an operator's POST is for"},
      {"/api/v1/hosts/podnet-a/pause?by=eve", 404, "an operator's POST is for"},
      {"/api/v1/schedules/nightly/pause", 400, "by= is missing"},
      {"/api/v1/jobs?by=eve", 404, "an operator's POST is for"},
      {"/", 404, "an operator's POST is for"},
  }));
  desk here;
  const auto said = here.say(target);
  CHECK(said.status == status);
  CHECK(said.body.find(words) != std::string::npos);
  CHECK(here.heard.empty());
}

TEST_CASE("why the daemon does not do it is said with its code") {
  desk here;
  const auto [kind, code, status] = GENERATE(table<error_kind, std::string, int>({
      {error_kind::conflict, "job_not_open", 409},
      {error_kind::permanent, "not_found", 404},
      {error_kind::transient, "journal_full", 503},
  }));
  here.decides = tl::unexpected(error{kind, code, "because"});
  const auto said = here.say("/api/v1/jobs/8/cancel?by=eve");
  CHECK(said.status == status);
  CHECK(said.body == "{\"error\":{\"code\":\"" + code + "\",\"message\":\"because\"}}\n");
}

TEST_CASE("words are taken on the Unix socket alone, and answered from whichever thread decides") {
  scratch_directory directory;
  std::vector<std::thread> deciders;
  auto server = start_http_server(
      {directory.file("s"), true, "127.0.0.1", 0}, [](std::string_view) { return http_answer{}; }, {},
      [&](std::string_view target, const std::function<void(http_answer)>& answer) {
        deciders.emplace_back([answer, said = std::string(target)] { answer({200, "text/plain", said}); });
      });
  REQUIRE(server);
  socket_client client(directory.file("s"));
  for (int i = 0; i < 3; ++i) {
    const auto target = "/word/" + std::to_string(i);
    client.send("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    CHECK(client.receive().body == target);
  }
  socket_client foreign((*server)->port());
  foreign.send("POST /word HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(foreign.receive().status == 405);
  CHECK(deciders.size() == 3);
  for (auto& each : deciders) each.join();
}

TEST_CASE("a client that has gone, and a server that ends, do not mind an answer that comes late") {
  scratch_directory directory;
  std::vector<std::function<void(http_answer)>> waiting;
  auto server = start_http_server(
      {directory.file("s")}, [](std::string_view) { return http_answer{}; }, {},
      [&](std::string_view, const std::function<void(http_answer)>& answer) { waiting.push_back(answer); });
  REQUIRE(server);
  {
    socket_client gone(directory.file("s"));
    gone.send("POST /word HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    socket_client asking(directory.file("s"));
    asking.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");  // once answered, the word has been heard
    CHECK(asking.receive().status == 200);
  }
  REQUIRE(waiting.size() == 1);
  SECTION("the client") {
    waiting[0]({200, "text/plain", "late"});
    socket_client next(directory.file("s"));
    next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(next.receive().status == 200);
  }
  SECTION("the server") {
    server->reset();
    waiting[0]({200, "text/plain", "late"});
  }
}
