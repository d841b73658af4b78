// Orders over HTTP: what reaches the daemon, what is only shown, and what is refused.
#include "edge/tree_routes.hpp"

#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

struct desk {
  desk() {
    journal.resources = {make_resource("virtual_router/1", running, time.ago(1h)),
                         make_resource("virtual_router/2", unresourced, time.ago(1h)),
                         make_resource("virtual_router/3", running, time.ago(1h)),
                         make_resource("virtual_router/4", closed, time.ago(1h))};
    journal.resources[2].degraded = true;
    journal.jobs = {make_job(7, "virtual_router/1", operation::build, job_state::succeeded, time.ago(1h)),
                    make_job(8, "virtual_router/2", operation::build, job_state::active, time.ago(3s)),
                    make_job(9, "tree/9", operation::read, job_state::active, time.ago(3s))};
  }
  http_answer say(const std::string& target, const std::string& body = {}) {
    http_answer got;
    face.answer({target, body}, [&](http_answer said) { got = std::move(said); });
    return got;
  }
  std::string meant() const {
    std::string all;
    for (const auto& one : heard.back()->branches) all += text_of(one) + "; ";
    return all;
  }
  still_clock time;
  fake_journal journal;
  std::vector<std::shared_ptr<const tree_order>> heard;
  std::string cause;
  kind_needs needs;
  tree_routes face{journal.opener(), needs, [this](auto order, std::string why, const auto& answer) {
                     heard.push_back(std::move(order));
                     cause = std::move(why);
                     answer(std::string("job 17"));
                   }};
};

}  // namespace

TEST_CASE("a word for many becomes a tree with a branch for each that is meant") {
  desk here;
  CHECK(here.say("/api/v1/bulk/retry?by=eve").body == "{\"done\":\"job 17\"}\n");
  CHECK(here.meant() == "retry virtual_router/2; retry virtual_router/3; ");
  CHECK(here.cause == "retry: eve");
  here.say("/api/v1/bulk/mend?by=eve&lane=audit");
  CHECK(here.meant() == "mend virtual_router/1; mend virtual_router/3; ");
  CHECK(here.heard.back()->in == lane::audit);
  here.say("/api/v1/bulk/mend?by=eve&degraded=true");
  CHECK(here.meant() == "mend virtual_router/3; ");
  here.say("/api/v1/bulk/cancel?by=eve");
  CHECK(here.meant() == "cancel job 8; ");
}

TEST_CASE("a preview shows the branches and reaches nobody") {
  desk here;
  const auto shown = here.say("/api/v1/bulk/retry?by=eve&preview=true");
  CHECK(shown.status == 200);
  CHECK(shown.body.find("\"about\":\"retry virtual_router/2\"") != std::string::npos);
  CHECK(shown.body.find("\"branches_total\":2") != std::string::npos);
  CHECK(here.say("/api/v1/trees?by=eve&preview=true", "{name: x, branches: [{name: a, wait: {job: 1}}]}").status ==
        200);
  CHECK(here.heard.empty());
}

TEST_CASE("an order in the body reaches the daemon as it stands") {
  desk here;
  CHECK(here.say("/api/v1/trees?by=eve", "{name: x, branches: [{name: a, do: mend, resource: virtual_router/1}]}")
            .status == 200);
  CHECK(here.meant() == "mend virtual_router/1; ");
  CHECK(here.cause == "x: eve");
}

TEST_CASE("orders that make no sense are refused with what would") {
  const auto [target, body, status, words] = GENERATE(table<std::string, std::string, int, std::string>({
      {"/api/v1/bulk/retry", "", 400, "by= is missing"},
      {"/api/v1/bulk/explode?by=eve", "", 400, "explode is no word for many"},
      {"/api/v1/bulk/scrub?by=eve&kind=virtual_router", "", 400, "a scrub and a restore are of one project: say which"},
      {"/api/v1/bulk/retry?by=eve&colour=red", "", 400, "there is no parameter colour"},
      {"/api/v1/bulk/retry?by=eve&lane=fast", "", 400, "lane"},
      {"/api/v1/bulk/retry?by=eve&degraded=perhaps", "", 400, "degraded"},
      {"/api/v1/bulk/retry?by=eve&kind=nothing", "", 409, "there is nothing to do for: retry kind=nothing"},
      {"/api/v1/bulk?by=eve", "", 404, "orders are for"},
      {"/api/v1/trees?by=eve", "", 400, "order"},
      {"/api/v1/trees?by=eve", "{name: x, branches: [{name: a}]}", 400,
       "order:1:22: branches.0: neither does nor waits"},
      {"/api/v1/trees?by=eve&lane=user", "{}", 400, "there is no parameter lane"},
  }));
  desk here;
  const auto said = here.say(target, body);
  CAPTURE(target, said.body);
  CHECK(said.status == status);
  CHECK(said.body.find(words) != std::string::npos);
  CHECK(here.heard.empty());
}
