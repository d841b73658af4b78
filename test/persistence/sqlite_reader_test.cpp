#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "persistence/journal_reader.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// Every row of a list, page by page. Checks that every page has the same total and that it is right.
template <class Row, class Ask>
std::vector<Row> every_page(Ask ask, std::size_t limit) {
  std::vector<Row> all;
  std::string after;
  std::int64_t total = -1;
  do {
    auto found = ask(after, limit);
    INFO((found ? "" : found.error().text()));
    REQUIRE(found.has_value());
    if (total >= 0) CHECK(found->total == total);
    total = found->total;
    CHECK(found->rows.size() <= limit);
    CHECK((found->next.empty() || found->rows.size() == limit));
    all.insert(all.end(), found->rows.begin(), found->rows.end());
    after = found->next;
  } while (!after.empty());
  CHECK(total == static_cast<std::int64_t>(all.size()));
  return all;
}

/// Resources of two kinds in several states and projects, with degraded ones among them.
std::vector<resource> population(int count) {
  std::vector<resource> all;
  for (int n = 0; n < count; ++n) {
    auto row = full_resource(n);
    row.id.kind = n % 4 == 0 ? "virtual_router" : "vm-1.x_y";
    row.state = lifecycle_table[static_cast<std::size_t>(n % 5)].state;
    row.project = "p" + std::to_string(n % 3);
    row.degraded = n % 7 == 0;
    row.document.clear();
    all.push_back(row);
  }
  return all;
}

bool matches(const resource_filter& filter, const resource& row) {
  return (filter.kind.empty() || filter.kind == row.id.kind) &&
         (filter.state.empty() || filter.state == name(row.state)) &&
         (filter.project.empty() || filter.project == row.project) &&
         (!filter.degraded || filter.degraded == row.degraded);
}

template <class Page>
void check_refused(const result<Page>& answer, const std::string& code) {
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().kind == error_kind::permanent);
  CHECK(answer.error().code == code);
  CHECK(answer.error().message.size() < 300);
}

}  // namespace

TEST_CASE("resources are found by every combination of filters, on pages of every size, with the right total") {
  file_place place;
  const auto all = population(60);
  {
    auto open = must_open(place);
    must_commit(*open, {transaction(all.begin(), all.end())});
    // Totals follow changes too: into a state, out of it, and away.
    auto moved = all[1];
    moved.state = lifecycle_state::closed;
    must_commit(*open, {{moved}});
    must_commit(*open, {{all[1], full_resource(7777)}, {forget_resource{full_resource(7777).id}}});
  }
  auto reader = must_read(place.path());
  for (const auto* kind : {"", "virtual_router", "nothing"}) {
    for (const auto* state : {"", "building", "closed"}) {
      for (const auto* project : {"", "p1", "nobody's"}) {
        for (const auto degraded : {std::optional<bool>{}, std::optional<bool>{true}, std::optional<bool>{false}}) {
          for (const std::size_t limit : {1, 7, 1000}) {
            const resource_filter filter{kind, state, project, degraded};
            INFO("kind=" << kind << " state=" << state << " project=" << project << " limit=" << limit
                         << " degraded=" << (degraded ? std::to_string(int{*degraded}) : "any"));
            std::vector<resource> expected;
            for (const auto& row : all) {
              if (matches(filter, row)) expected.push_back(row);
            }
            std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
            const auto found = every_page<resource>(
                [&](const std::string& after, std::size_t rows) { return reader->resources(filter, after, rows); },
                limit);
            CHECK(all_text(found) == all_text(expected));
          }
        }
      }
    }
  }
}

TEST_CASE("one resource is found with its document, and a missing one is nothing") {
  file_place place;
  must_commit(*must_open(place), {{full_resource(3)}});
  auto reader = must_read(place.path());
  CHECK(text(reader->find_resource(full_resource(3).id)->value()) == text(full_resource(3)));
  CHECK_FALSE(reader->find_resource({"virtual_router", "4"})->has_value());
  CHECK_FALSE(reader->find_resource({"", ""})->has_value());
  CHECK_FALSE(reader->find_resource({"virtual_router", "3' OR '1'='1"})->has_value());
}

TEST_CASE("jobs are found by resource and state, newest first, on pages of every size, with the right total") {
  file_place place;
  std::vector<job> all;
  for (int n = 1; n <= 50; ++n) {
    all.push_back(full_job(n, static_cast<job_state>(n % 6)));
    all.back().resource.id = std::to_string(n % 4);
  }
  {
    auto open = must_open(place);
    must_commit(*open, {transaction(all.begin(), all.end())});
    auto moved = all[0];
    moved.state = job_state::superseded;
    must_commit(*open, {{moved}});
    must_commit(*open, {{all[0]}});
  }
  auto reader = must_read(place.path());
  for (const auto* about : {"", "virtual_router/1", "virtual_router/404"}) {
    for (const auto* state : {"", "open", "queued", "succeeded", "superseded"}) {
      for (const std::size_t limit : {1, 4, 1000}) {
        INFO("resource=" << about << " state=" << state << " limit=" << limit);
        std::vector<job> expected;
        for (auto row = all.rbegin(); row != all.rend(); ++row) {
          const bool in_state =
              *state == '\0' || name(row->state) == state || (std::string(state) == "open" && is_open(row->state));
          if (in_state && (*about == '\0' || row->resource.text() == about)) expected.push_back(*row);
        }
        const auto found = every_page<job>(
            [&](const std::string& after, std::size_t rows) {
              return reader->jobs({about, state}, after, rows);
            },
            limit);
        CHECK(all_text(found) == all_text(expected));
      }
    }
  }
}

TEST_CASE("a job is found with its steps in order, and a missing one is nothing") {
  file_place place;
  must_commit(*must_open(place), {{full_job(7, job_state::failed), full_step(7, 10), full_step(7, 2)}});
  auto reader = must_read(place.path());
  CHECK(text(reader->find_job(job_id(7))->value()) == text(full_job(7, job_state::failed)));
  CHECK(all_text(*reader->steps(job_id(7))) == all_text(std::vector{full_step(7, 2), full_step(7, 10)}));
  CHECK_FALSE(reader->find_job(job_id(8))->has_value());
  CHECK_FALSE(reader->find_job(job_id(-1))->has_value());
  CHECK(reader->steps(job_id(8))->empty());
}

TEST_CASE("leases and undelivered reports are listed") {
  file_place place;
  const auto group = must_commit(*must_open(place), {{full_job(1), full_job(2), full_lease(2), full_lease(1)},
                                                     {full_report(2), full_report(1), full_report(2)}});
  auto reader = must_read(place.path());
  CHECK(all_text(*reader->leases()) == all_text(std::vector{full_lease(1), full_lease(2)}));
  const auto reports = reader->reports({});
  REQUIRE(reports->size() == 3);
  CHECK(text(reports->at(1)) == text(std::get<report>(group[1][1])));
  CHECK(reader->reports({"virtual_router", "2"})->size() == 2);
  CHECK(reader->reports({"virtual_router", "3"})->empty());
}

TEST_CASE("what operators have said of a resource is found, and dead letters are listed, newest job first") {
  file_place place;
  transaction all;
  for (int i = 1; i <= 5; ++i) {
    all.push_back(full_job(i, job_state::failed));
    all.push_back(dead_letter{full_job(i).resource, job_id(i), wall_time(milliseconds(i)), i, "eve"});
  }
  const resource_held held{full_job(2).resource, hold::release, "eve: mine", wall_time(milliseconds(7))};
  all.push_back(held);
  must_commit(*must_open(place), {all});
  auto reader = must_read(place.path());
  const auto marks = reader->marks(held.resource);
  REQUIRE(marks.has_value());
  CHECK(text(*marks->held) == text(held));
  CHECK(marks->letter->job == job_id(2));
  CHECK(marks->letter->from_step == 2);
  const auto none = reader->marks({"virtual_router", "404"});
  CHECK_FALSE(none->held);
  CHECK_FALSE(none->letter);
  const auto first = reader->dead_letters("", 2);
  REQUIRE(first.has_value());
  CHECK(first->total == 5);
  REQUIRE(first->rows.size() == 2);
  CHECK(first->rows[0].job == job_id(5));
  const auto last = reader->dead_letters(reader->dead_letters(first->next, 2)->next, 2);
  REQUIRE(last->rows.size() == 1);
  CHECK(last->rows[0].job == job_id(1));
  CHECK(last->next.empty());
  CHECK(reader->dead_letters("x", 2).error().code == "bad_cursor");
}

TEST_CASE("events are found by resource, newest first, on pages of every size, with the right total") {
  file_place place;
  place.options.events_kept = 40;
  std::vector<event> all;
  {
    auto open = must_open(place);
    for (int n = 0; n < 60; ++n) {
      auto row = full_event(n % 5);
      if (n % 5 == 0) row.resource = {};
      all.push_back(std::get<event>(must_commit(*open, {{row}})[0][0]));
    }
  }
  all.erase(all.begin(), all.begin() + 20);
  std::reverse(all.begin(), all.end());
  auto reader = must_read(place.path());
  for (const auto& about : {resource_id{}, resource_id{"virtual_router", "3"}, resource_id{"virtual_router", "404"}}) {
    for (const std::size_t limit : {1, 7, 1000}) {
      std::vector<event> expected;
      for (const auto& row : all) {
        if (about.empty() || row.resource == about) expected.push_back(row);
      }
      const auto found = every_page<event>(
          [&](const std::string& after, std::size_t rows) { return reader->events(about, after, rows); }, limit);
      CHECK(all_text(found) == all_text(expected));
    }
  }
}

namespace {
/// Events whose topics alternate, of two resources and of none; as many as are kept.
std::vector<event> commit_events(file_place& place, int count) {
  auto open = must_open(place);
  std::vector<event> all;
  for (int n = 0; n < count; ++n) {
    auto row = full_event(n);
    row.topic = n % 3 == 0 ? "job.started" : n % 3 == 1 ? "job.failed" : "resource.state";
    row.resource = n % 2 == 0 ? resource_id{"virtual_router", std::to_string(n % 4)} : resource_id{};
    all.push_back(std::get<event>(must_commit(*open, {{row}})[0][0]));
  }
  if (const auto kept = static_cast<std::size_t>(place.options.events_kept); all.size() > kept)
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kept));
  return all;
}
}  // namespace

TEST_CASE("events are read on from a cursor, oldest first, each once, whatever the filter and the size of the looks") {
  file_place place;
  const auto all = commit_events(place, 60);
  auto reader = must_read(place.path());
  for (const auto* topics : {"", "job.*", "job.failed,resource.#", "host.*"}) {
    for (const auto& about : {resource_id{}, resource_id{"virtual_router", "2"}}) {
      const event_filter filter{*topic_filter::parse(topics), about};
      std::vector<event> wanted;
      for (const auto& row : all)
        if (filter.topics.matches(row.topic) && (about.empty() || row.resource == about)) wanted.push_back(row);
      for (const std::size_t limit : {1, 7, 1000}) {
        std::vector<event> found;
        std::int64_t cursor = 0;
        for (bool more = true; more;) {
          const auto look = reader->look_at_events(filter, event_order::oldest_first, cursor, limit);
          REQUIRE(look);
          CHECK(look->rows.size() <= limit);
          CHECK(look->lost == 0);
          found.insert(found.end(), look->rows.begin(), look->rows.end());
          cursor = look->cursor;
          more = look->more;
        }
        CHECK(all_text(found) == all_text(wanted));
        CHECK(cursor == 60);
        found.clear();
        std::optional<std::int64_t> below;
        for (bool more = true; more;) {
          const auto look = reader->look_at_events(filter, event_order::newest_first, below, limit);
          REQUIRE(look);
          found.insert(found.end(), look->rows.begin(), look->rows.end());
          below = look->cursor;
          more = look->more;
        }
        std::reverse(found.begin(), found.end());
        CHECK(all_text(found) == all_text(wanted));
      }
    }
  }
}

TEST_CASE("a cursor older than what is kept says how many events are lost, and one of another journal is refused") {
  file_place place;
  place.options.events_kept = 40;
  const auto kept = commit_events(place, 60);
  auto reader = must_read(place.path());
  const auto oldest = kept.front().sequence;
  const auto old = reader->look_at_events({}, event_order::oldest_first, 7, 1000);
  REQUIRE(old);
  CHECK(old->lost == oldest - 1 - 7);
  CHECK(all_text(old->rows) == all_text(kept));
  CHECK(reader->look_at_events({}, event_order::oldest_first, oldest - 1, 1)->lost == 0);
  const auto end = reader->look_at_events({}, event_order::oldest_first, 60, 1);
  REQUIRE(end);
  CHECK(end->rows.empty());
  CHECK(end->newest == 60);
  check_refused(reader->look_at_events({}, event_order::oldest_first, 61, 1), "bad_cursor");
}

TEST_CASE("a journal without events is read from its beginning") {
  file_place place;
  must_open(place);
  auto reader = must_read(place.path());
  const auto none = reader->look_at_events({}, event_order::oldest_first, 0, 1);
  REQUIRE(none);
  CHECK(none->lost == 0);
  CHECK(none->newest == 0);
  CHECK_FALSE(none->more);
  CHECK(reader->look_at_events({}, event_order::newest_first, {}, 1)->rows.empty());
  check_refused(reader->look_at_events({}, event_order::oldest_first, 1, 1), "bad_cursor");
}

TEST_CASE("a look for a rare topic is bounded, and goes on where it was") {
  file_place place;
  std::vector<transaction> group(1);
  for (int n = 0; n < limits::events_looked_at + 10; ++n) {
    auto row = full_event(n);
    row.topic = n == limits::events_looked_at + 5 ? "job.failed" : "job.started";
    group[0].emplace_back(row);
  }
  must_commit(*must_open(place), group);
  auto reader = must_read(place.path());
  const event_filter failed{*topic_filter::parse("job.failed"), {}};
  const auto first = reader->look_at_events(failed, event_order::oldest_first, 0, 10);
  REQUIRE(first);
  CHECK(first->rows.empty());
  CHECK(first->more);
  CHECK(first->cursor == limits::events_looked_at);
  const auto second = reader->look_at_events(failed, event_order::oldest_first, first->cursor, 10);
  REQUIRE(second);
  CHECK(second->rows.size() == 1);
  CHECK_FALSE(second->more);
}

TEST_CASE("counts have every state in the table's order, with those that nobody is in") {
  file_place place;
  {
    auto open = must_open(place);
    const auto all = population(10);
    must_commit(*open,
                {transaction(all.begin(), all.end()), {full_job(1), full_job(2, job_state::failed), full_job(3)}});
    must_commit(*open, {{full_job(3, job_state::failed), forget_resource{all[0].id}}});
  }
  auto reader = must_read(place.path());
  const auto resources = *reader->resource_counts();
  REQUIRE(resources.size() == lifecycle_state_count);
  for (std::size_t i = 0; i < resources.size(); ++i) {
    CHECK(resources[i].first == lifecycle_table[i].name);
    CHECK(resources[i].second == (i == 0 ? 1 : i < 5 ? 2 : 0));
  }
  const auto jobs = *reader->job_counts();
  REQUIRE(jobs.size() == job_state_names.size());
  for (const auto& [state, count] : jobs) CHECK(count == (state == "failed" ? 2 : state == "active" ? 1 : 0));
}

TEST_CASE("a page has no more rows than the limit of all pages, and a limit of none means the usual one") {
  file_place place;
  std::vector<transaction> group(1);
  for (int n = 0; n < 1100; ++n) group[0].emplace_back(full_event(n));
  must_commit(*must_open(place), group);
  auto reader = must_read(place.path());
  const auto most = *reader->events({}, "", std::numeric_limits<std::size_t>::max());
  CHECK(most.rows.size() == limits::page_rows_most);
  CHECK(most.total == 1100);
  CHECK_FALSE(most.next.empty());
  CHECK(reader->events({}, most.next, limits::page_rows_most)->rows.size() == 100);
  CHECK(reader->events({}, "", 0)->rows.size() == limits::page_rows_default);
}

TEST_CASE("a hostile cursor is refused by name, and the reader goes on") {
  file_place place;
  must_commit(*must_open(place), {{full_resource(1), full_job(1), full_event(1)}});
  auto reader = must_read(place.path());
  for (const auto& cursor :
       {std::string("x"), std::string("1'; DROP TABLE job; --"), std::string("-1"), std::string("0"), std::string("1 "),
        std::string(" 1"), std::string("99999999999999999999"), std::string("1\0 2", 4), std::string(1'000'000, '9'),
        std::string("0x10"), std::string("1.5"), std::string("/")}) {
    INFO(cursor.substr(0, 40));
    check_refused(reader->jobs({}, cursor, 10), "bad_cursor");
    check_refused(reader->events({}, cursor, 10), "bad_cursor");
    check_refused(reader->resources({}, cursor, 10), "bad_cursor");
  }
  for (const auto& cursor :
       {std::string("virtual_router/"), std::string("/1"), std::string("a/b/c"), std::string("a/%27"),
        std::string("a/\xff"), std::string("a/") + std::string(1'000'000, '\'')}) {
    check_refused(reader->resources({}, cursor, 10), "bad_cursor");
  }
  CHECK(reader->resources({}, "zzz/zzz", 10)->rows.empty());
  CHECK(reader->resources({}, "", 10)->rows.size() == 1);
  CHECK(reader->jobs({}, "9223372036854775807", 10)->rows.size() == 1);
}

TEST_CASE("a filter that cannot match anything is refused by name, and a hostile one matches nothing") {
  file_place place;
  must_commit(*must_open(place), {{full_resource(1), full_job(1)}});
  auto reader = must_read(place.path());
  check_refused(reader->resources({"", "runing", "", {}}, "", 10), "bad_filter");
  check_refused(reader->resources({"", std::string(1'000'000, 'x'), "", {}}, "", 10), "bad_filter");
  check_refused(reader->jobs({"", "opened"}, "", 10), "bad_filter");
  check_refused(reader->jobs({"virtual_router", ""}, "", 10), "bad_filter");
  check_refused(reader->jobs({"virtual_router/1' OR '1'='1", ""}, "", 10), "bad_filter");
  for (const auto& value : {std::string("' OR '1'='1"), std::string("%"), std::string("*"),
                            std::string(1'000'000, '\''), std::string("p\0q", 3)}) {
    CHECK(reader->resources({value, "", "", {}}, "", 10)->total == 0);
    CHECK(reader->resources({"", "", value, {}}, "", 10)->total == 0);
    CHECK(reader->events({value, value}, "", 10)->total == 0);
    CHECK(reader->reports({value, value})->empty());
  }
}

TEST_CASE("a reader sees every commit that was acknowledged before it looks, and pages on while others are made") {
  file_place place;
  auto open = must_open(place);
  auto reader = must_read(place.path());
  CHECK(reader->jobs({}, "", 10)->total == 0);
  for (int n = 1; n <= 20; ++n) {
    must_commit(*open, {{full_job(n)}});
    CHECK(reader->jobs({}, "", 1)->total == n);
  }
  const auto first = *reader->jobs({}, "", 10);
  must_commit(*open, {{full_job(21)}});
  const auto second = *reader->jobs({}, first.next, 10);
  REQUIRE(second.rows.size() == 10);
  CHECK(second.rows.front().id == job_id(10));
  CHECK(second.total == 21);
}

TEST_CASE("readers on other threads always see whole groups while the writer commits") {
  file_place place;
  auto open = must_open(place);
  must_begin(*open);
  std::atomic<bool> over = false;
  std::atomic<int> torn = 0, failed = 0, looks = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      auto reader = open_sqlite_reader(place.path());
      if (!reader) {
        ++failed;
        return;
      }
      while (!over) {
        // Two jobs a group: a page and its total are of one moment, between two groups.
        const auto found = (*reader)->jobs({}, "", 1000);
        if (!found) {
          ++failed;
        } else if (found->total % 2 != 0 || found->rows.size() != static_cast<std::size_t>(found->total)) {
          ++torn;
        }
        ++looks;
      }
    });
  }
  int n = 0;
  while (n < 300 || (looks < 30 && n < 900)) {
    must_commit(*open, {{full_job(n + 1)}, {full_job(n + 2)}});
    n += 2;
  }
  over = true;
  for (auto& one : readers) one.join();
  CHECK(torn == 0);
  CHECK(failed == 0);
}

TEST_CASE("a journal without a writer is read, also one whose writer died with its log not yet copied") {
  file_place place;
  auto open = must_open(place);
  must_commit(*open, {{full_job(1)}});
  const auto copy = place.folder / "left-behind.db";
  std::filesystem::copy_file(place.path(), copy);
  std::filesystem::copy_file(place.path() + "-wal", copy + "-wal");
  REQUIRE(size_of(copy + "-wal") > 0);
  CHECK(must_read(copy)->jobs({}, "", 10)->total == 1);
  open.reset();
  CHECK(must_read(place.path())->jobs({}, "", 10)->total == 1);
  CHECK(must_read(place.path())->jobs({}, "", 10)->total == 1);
}

TEST_CASE("what is no journal cannot be read, and the error says why") {
  file_place place;
  auto code_of = [](const std::string& path) {
    auto opened = open_sqlite_reader(path);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().kind == error_kind::permanent);
    CHECK(opened.error().message.find(path) != std::string::npos);
    return opened.error().code;
  };
  CHECK(code_of(place.path()) == "journal_missing");
  CHECK(code_of(place.folder.path()) == "journal_io");
  run_sql(place.folder / "other.db", "CREATE TABLE theirs (a)");
  CHECK(code_of(place.folder / "other.db") == "journal_corrupt");
  run_sql(place.folder / "empty.db", "");
  CHECK(code_of(place.folder / "empty.db") == "journal_missing");
  must_open(place);
  overwrite(place.path(), 0, std::string(200, 'x'));
  CHECK(code_of(place.path()) == "journal_corrupt");
}

TEST_CASE("a reader cannot write, whatever it is asked") {
  file_place place;
  must_commit(*must_open(place), {{full_job(1)}});
  auto db = sqlite::connection::open(place.path(), SQLITE_OPEN_READONLY, milliseconds(0));
  const auto refused = db->run("DELETE FROM job", "write to");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == "journal_io");
}
