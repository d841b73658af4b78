#include "region/run_board.hpp"

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

TEST_CASE(
    "the board has the newest word of each run under way, with ages as of now, and nothing of one that has ended") {
  const steady_time t0{1h};
  const run_id run("a");
  run_board board;
  CHECK_FALSE(board.find(run, t0));
  board.heard(run, {}, t0);
  CHECK(board.find(run, t0 + 3s)->age == 3s);
  CHECK_FALSE(board.find(run, t0 + 3s)->progress);
  board.heard(run, run_progress{40, "copying blocks", 12s}, t0 + 4s);
  const auto sign = board.find(run, t0 + 6s);
  CHECK(sign->age == 2s);
  CHECK(progress_text(*sign->progress) == "40 %: copying blocks, 14s ago");
  CHECK(board.size() == 1);
  board.ended(run);
  board.ended(run);
  CHECK(board.size() == 0);
}

TEST_CASE("progress is told with what there is of it") {
  CHECK(progress_text({40, "", 1s}) == "40 %, 1s ago");
  CHECK(progress_text({{}, "copying", 1s}) == "copying, 1s ago");
  CHECK(progress_text({{}, "", 1s}) == "progress, 1s ago");
}
