#include "region/known_region.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

const steady_time seen_at{std::chrono::hours(100)};
const wall_time w0{std::chrono::hours(24 * 365 * 50)};

record_head head(lifecycle_state state, std::string updated = "u1") {
  return {{"virtual_router", "1"}, state, std::move(updated), "7"};
}

known_resource at_rest(lifecycle_state state) {
  known_resource known;
  known.state = state;
  known.updated = "u1";
  return known;
}

}  // namespace

TEST_CASE("whatever wants work or is in progress with nobody at it is started, known or not") {
  for (const auto& row : lifecycle_table) {
    const bool active = row.klass == state_class::wants_work || row.klass == state_class::in_progress;
    if (active) CHECK(decide(nullptr, head(row.state), seen_at) == decision::work);
  }
}

TEST_CASE("what is busy is left alone in every state") {
  auto known = at_rest(building);
  known.busy = true;
  for (const auto& row : lifecycle_table) CHECK(decide(&known, head(row.state), seen_at) == decision::nothing);
}

TEST_CASE("an answer older than our last report proves nothing, a newer one shows that the report was lost") {
  auto known = at_rest(running);
  known.reports_pending = 1;
  CHECK(decide(&known, head(building), seen_at) == decision::nothing);
  known.reports_pending = 0;
  known.reported = seen_at;
  CHECK(decide(&known, head(building), seen_at - 1s) == decision::nothing);
  CHECK(decide(&known, head(building), seen_at + 1s) == decision::report_again);
  CHECK(decide(&known, head(restarting), seen_at + 1s) == decision::report_again);
}

TEST_CASE("an operation in progress that does not lead to what we know is taken up") {
  auto known = at_rest(quiesced);
  CHECK(decide(&known, head(building), seen_at) == decision::work);
  known.state = scrubbing;
  CHECK(decide(&known, head(scrubbing), seen_at) == decision::work);
}

TEST_CASE("a failure that the cloud has lost is reported again") {
  auto known = at_rest(unresourced);
  CHECK(decide(&known, head(building), seen_at) == decision::report_again);
}

TEST_CASE("a user's wish goes before everything that we know") {
  auto known = at_rest(running);
  CHECK(decide(&known, head(running_update), seen_at) == decision::work);
  CHECK(decide(&known, head(scrub), seen_at) == decision::work);
}

TEST_CASE("states at rest are noted once") {
  auto known = at_rest(running);
  CHECK(decide(&known, head(running, "later"), seen_at) == decision::nothing);
  CHECK(decide(&known, head(quiesced), seen_at) == decision::take_over);
  CHECK(decide(nullptr, head(running), seen_at) == decision::take_over);
  CHECK(decide(nullptr, head(ignore), seen_at) == decision::nothing);
}

TEST_CASE("the grace period is read again when the cloud's stamp moves") {
  auto known = at_rest(scrub_queue);
  CHECK(decide(&known, head(scrub_queue), seen_at) == decision::queue_scrub);
  known.due = w0 + 1h;
  CHECK(decide(&known, head(scrub_queue), seen_at) == decision::nothing);
  CHECK(decide(&known, head(scrub_queue, "u2"), seen_at) == decision::queue_scrub);
}
