#include "persistence/journal_replay.hpp"

#include <filesystem>

#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

const wall_time noon = *parse_iso("2026-11-20T12:00:00Z");

event said(int second, int root, const char* topic, const char* router = "1") {
  event row;
  row.at = noon + std::chrono::seconds(second);
  row.topic = topic;
  row.resource = {"virtual_router", router};
  row.root = job_id(root);
  row.text = topic;
  return row;
}

step ended_step(int job, int index, int second) {
  auto row = full_step(job, index);
  row.output = "brief";
  row.state = step_state::done;
  row.started = noon + std::chrono::seconds(second - 1);
  row.ended = noon + std::chrono::seconds(second);
  return row;
}

job of_tree(int n, int root, int created, std::optional<int> ended) {
  auto row = full_job(n, ended ? job_state::succeeded : job_state::waiting);
  row.root = job_id(root);
  row.resource = {"virtual_router", "1"};
  row.created = noon + std::chrono::seconds(created);
  row.started = row.created;
  row.ended.reset();
  if (ended) row.ended = noon + std::chrono::seconds(*ended);
  return row;
}

/// An operation of two steps, and its repair, which waits with one step begun; another router in between.
void fill_tree(file_place& place) {
  auto open = must_open(place);
  must_begin(*open);
  auto begun = ended_step(8, 0, 9);
  begun.state = step_state::sent;
  begun.ended.reset();
  auto planned = full_step(8, 1);
  planned.started.reset();
  planned.ended.reset();
  must_commit(*open,
              {{of_tree(7, 7, 0, 4), ended_step(7, 0, 2), ended_step(7, 1, 3), of_tree(8, 7, 4, {}), begun, planned},
               {said(0, 7, "job.started"), said(1, 99, "resource.state", "2"), said(2, 7, "step.done"),
                said(4, 7, "resource.state"), said(9, 0, "host.down", "")}});
}

std::vector<std::string> told_by(journal_replay& file) {
  std::vector<std::string> all;
  for (;;) {
    auto next = file.next();
    INFO((next ? "" : next.error().text()));
    REQUIRE(next.has_value());
    if (!*next) return all;
    auto line = fmt::format("{} {}:", (*next)->what.sequence, (*next)->what.topic);
    for (const auto& one : (*next)->jobs) line += fmt::format(" job {}", one.id.value());
    for (const auto& one : (*next)->steps) line += fmt::format(" step {}.{}", one.job.value(), one.index);
    all.push_back(line);
  }
}

std::unique_ptr<journal_replay> must_replay(const std::string& path, const replay_filter& filter = {}) {
  auto file = open_replay(path, filter);
  INFO((file ? "" : file.error().text()));
  REQUIRE(file.has_value());
  return std::move(*file);
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a journal is replayed event by event, each with what was done for it until then") {
  file_place place;
  fill_tree(place);
  const auto file = must_replay(place.path());
  CHECK(file->identity()->last_job == 8);
  CHECK(told_by(*file) == lines{"1 job.started: job 7", "2 resource.state:", "3 step.done: step 7.0",
                                "4 resource.state: job 7 job 8 step 7.1", "5 host.down:"});
  const auto open = file->open_jobs();
  REQUIRE(open.has_value());
  REQUIRE(open->size() == 1);
  CHECK(open->at(0).job.id == job_id(8));
  CHECK_FALSE(open->at(0).job.waits_for.empty());
  REQUIRE(open->at(0).steps.size() == 1);
  CHECK(open->at(0).steps[0].state == step_state::sent);
  CHECK(file->unread().empty());
}

TEST_CASE("a replay can be of one resource, of one job, and begin in the middle") {
  file_place place;
  fill_tree(place);
  replay_filter filter;
  SECTION("one resource") {
    filter.resource = {"virtual_router", "2"};
    const auto file = must_replay(place.path(), filter);
    CHECK(told_by(*file) == lines{"2 resource.state:"});
    CHECK(file->open_jobs()->empty());
  }
  SECTION("one job") {
    filter.job = job_id(8);
    const auto file = must_replay(place.path(), filter);
    CHECK(told_by(*file) == lines{"1 job.started:", "3 step.done:", "4 resource.state: job 8"});
    CHECK(file->open_jobs()->size() == 1);
  }
  SECTION("a job that is not kept any more") {
    filter.job = job_id(99);
    CHECK(told_by(*must_replay(place.path(), filter)) == lines{"2 resource.state:"});
  }
  SECTION("from an event on") {
    filter.from = 4;
    CHECK(told_by(*must_replay(place.path(), filter)) ==
          lines{"4 resource.state: job 7 job 8 step 7.0 step 7.1", "5 host.down:"});
  }
}

TEST_CASE("a replay changes nothing, and needs no writer and no right to write") {
  file_place place;
  fill_tree(place);
  const auto before = std::filesystem::last_write_time(place.path());
  told_by(*must_replay(place.path()));
  CHECK(std::filesystem::last_write_time(place.path()) == before);
}

TEST_CASE("a damaged journal is replayed as far as it can be read, and what could not be is told") {
  file_place place;
  constexpr int count = 3000;
  {
    auto open = must_open(place);
    must_begin(*open);
    std::vector<transaction> group(1);
    for (int n = 1; n <= count; ++n) group[0].emplace_back(said(n, 0, "resource.state"));
    must_commit(*open, std::move(group));
  }
  const auto page_of_events =
      ask_sql(place.path(),
              "SELECT pageno FROM dbstat WHERE name = 'event' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 5");
  SECTION("a page in the middle") {
    overwrite_page(place.path(), page_of_events);
    const auto file = must_replay(place.path());
    const auto told = told_by(*file);
    CHECK(told.size() > count - 200);
    CHECK(told.size() < count);
    CHECK(told.front() == "1 resource.state:");
    CHECK(told.back() == "3000 resource.state:");
    REQUIRE(file->unread().size() == 1);
    CHECK(file->unread()[0].starts_with("events between "));
  }
  SECTION("the end is cut off") {
    cut_in_half(place.path());
    const auto file = must_replay(place.path());
    const auto told = told_by(*file);
    CHECK(told.size() < count);
    CHECK_FALSE(file->unread().empty());
  }
  SECTION("the first page") {
    overwrite(place.path(), 0, std::string(200, 'x'));
    CHECK(open_replay(place.path(), {}).error().code == "journal_corrupt");
  }
}

TEST_CASE("what is no journal is not replayed") {
  temp_folder folder;
  CHECK(open_replay(folder / "none.db", {}).error().code == "journal_missing");
  CHECK(open_replay(folder.path(), {}).error().code == "journal_missing");
}
