// What the face says of schedules.
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

struct schedules_face {
  schedules_face() {
    schedule_status one;
    one.config.name = "nightly";
    one.config.when = cron_expression::parse("30 2 * * *").value();
    one.config.zone = time_zone::find("Europe/Dublin").value();
    one.config.jitter = 10min;
    one.config.missed = catch_up::once;
    one.config.what = {bulk_verb::mend, "virtual_router", "running", "", {}};
    one.dealt = time.ago(1h);
    auto other = one;
    other.config.name = "daily";
    other.config.enabled = false;
    other.dealt.reset();
    facts.schedules.publish({one, other});
    journal.schedules = {{"nightly", "", one.dealt, time.ago(8h), job_id(7), "", {}}};
    journal.jobs = {make_job(7, "tree/7", operation::read, job_state::active, time.ago(8h))};
  }
  json_document get(const std::string& target) {
    const auto said = face.answer(target);
    CHECK(said.status == 200);
    return parse_json(said.body).value();
  }
  still_clock time;  // 2026-11-20T10:00:00Z
  daemon_facts facts;
  fake_journal journal;
  routes face{"cork-1", journal.opener(), facts, time};
};

}  // namespace

TEST_CASE("schedules are listed with when they fire next, and what they began last") {
  schedules_face here;
  const auto all = here.get("/api/v1/schedules");
  REQUIRE((*all)["rows"].Size() == 2);
  const auto& off = (*all)["rows"][0];
  CHECK(std::string(off["schedule"].GetString()) == "daily");
  CHECK(off["next"].IsNull());
  CHECK(off["last_run"].IsNull());
  CHECK(off["last_job"].IsNull());
  const auto& on = (*all)["rows"][1];
  CHECK(std::string(on["cron"].GetString()) == "30 2 * * *");
  CHECK(std::string(on["time_zone"].GetString()) == "Europe/Dublin");
  CHECK(std::string(on["catch_up"].GetString()) == "once");
  CHECK(std::string(on["do"]["verb"].GetString()) == "mend");
  CHECK(on["do"]["degraded"].IsNull());
  CHECK(std::string(on["last_run"].GetString()) == "2026-11-20T02:00:00.000Z");
  CHECK(on["last_job"].GetInt() == 7);
  CHECK(std::string(on["last_job_state"].GetString()) == "active");
  CHECK(on["next_runs"].Empty());
  const auto due = firing_at(here.facts.schedules.list()[1].config, "cork-1", *parse_iso("2026-11-21T02:30:00Z")).due;
  CHECK(on["next"].GetString() == iso_text(due));
}

TEST_CASE("the next firings are shown ahead, in UTC and as a clock in the zone shows them") {
  schedules_face here;
  here.time.now = *parse_iso("2027-03-26T12:00:00Z");
  auto shown = here.facts.schedules.list();
  for (auto& one : shown) {
    one.config.jitter = {};
    if (one.dealt) one.dealt = here.time.now;
  }
  shown[1].paused = "bo: a disk";
  here.facts.schedules.publish(shown);
  for (const auto* name : {"nightly", "daily"}) {  // paused, and switched off: when it would fire
    const auto one = here.get(fmt::format("/api/v1/schedules/{}?next=3", name));
    CHECK((*one)["next"].IsNull());
    REQUIRE((*one)["next_runs"].Size() == 3);
    CHECK(std::string((*one)["next_runs"][1]["at"].GetString()) == "2027-03-28T01:30:00.000Z");
    CHECK(std::string((*one)["next_runs"][0]["local"].GetString()) == "2027-03-27T02:30:00+00:00");
    CHECK(std::string((*one)["next_runs"][1]["local"].GetString()) == "2027-03-28T02:30:00+01:00");
  }
  CHECK(std::string((*here.get("/api/v1/schedules/nightly"))["paused"].GetString()) == "bo: a disk");
}

TEST_CASE("a schedule that there is not, and a question that makes no sense, are refused") {
  schedules_face here;
  CHECK(here.face.answer("/api/v1/schedules/weekly").status == 404);
  CHECK(here.face.answer("/api/v1/schedules?next=101").status == 400);
  CHECK(here.face.answer("/api/v1/schedules?next=x").status == 400);
  CHECK(here.face.answer("/api/v1/schedules?limit=1").status == 400);
  here.journal.broken = error{error_kind::transient, "journal_busy", "busy"};
  CHECK(here.face.answer("/api/v1/schedules").status == 503);
}
