// How fast the journal commits and answers, side by side with the least that SQLite could do.
//   journal_bench [--transitions N] [--population RESOURCES EVENTS] [--in FOLDER]
// A transition is what a step of a job costs: its resource, job, step and event rows, committed alone or in a group.
// The peer is a bare sqlite3 loop with the same settings that inserts four rows of the same texts into four tables
// without checks or indexes.
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "persistence/journal_reader.hpp"
#include "persistence/journal_replay.hpp"
#include "persistence/sqlite_journal.hpp"

using namespace regent;

namespace {

struct settings {
  int transitions = 20'000;
  int resources = 100'000;
  int events = 1'000'000;
  std::string folder = std::filesystem::temp_directory_path().string();
};

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
T must(result<T> answer) {
  if (answer) return std::move(*answer);
  fmt::print(stderr, "journal_bench: {}\n", answer.error().text());
  std::exit(1);
}
void must(const result<void>& answer) {
  if (answer) return;
  fmt::print(stderr, "journal_bench: {}\n", answer.error().text());
  std::exit(1);
}

/// Transition `n` of a population that builds: each job is begun by one transition and ended by the next.
transaction transition(int n) {
  const bool ends = n % 2 == 1;
  const int number = n / 2 + 1;
  resource about;
  about.id = {"virtual_router", std::to_string(number % 1000)};
  about.state = ends ? lifecycle_state::running : lifecycle_state::building;
  about.name = "router";
  about.project = std::to_string(number % 100);
  about.updated = "2026-11-20T10:00:00.000000Z";
  job work;
  work.id = work.root = job_id(number);
  work.resource = about.id;
  work.what = operation::build;
  work.state = ends ? job_state::succeeded : job_state::active;
  work.cause = "cloud: requested";
  step one;
  one.job = work.id;
  one.host = host_id("podnet-a");
  one.primitive = "net/address";
  one.verb = "build";
  one.role = "enabled";
  one.about = "the address of the router";
  one.parameters = R"({"namespace":"vr-3","device":"public0","address":"192.0.2.10/24","gateway":"192.0.2.1"})";
  one.deadline = milliseconds(60'000);
  one.state = ends ? step_state::done : step_state::sent;
  one.run = run_id(fmt::format("0badcafe-{}-0-1", number));
  one.attempt = 1;
  event told;
  told.topic = ends ? "step.done" : "step.sent";
  told.resource = about.id;
  told.root = work.id;
  told.text = "net/address build on podnet-a";
  return {about, work, one, told};
}

// --- the peer

void bare(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fmt::print(stderr, "journal_bench: {}\n", sqlite3_errmsg(db));
    std::exit(1);
  }
}

double bare_loop(const std::string& path, int transitions, int group) {
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  bare(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  sqlite3_stmt* inserts[4];
  for (int i = 0; i < 4; ++i) {
    bare(db, fmt::format("CREATE TABLE t{} (number INTEGER PRIMARY KEY, a, b, c)", i).c_str());
    const auto sql = fmt::format("INSERT INTO t{} (a, b, c) VALUES (?, ?, ?)", i);
    sqlite3_prepare_v2(db, sql.c_str(), -1, &inserts[i], nullptr);
  }
  const char* texts[] = {"virtual_router 2026-11-20T10:00:00.000000Z", "cloud: requested",
                         "net/address build on podnet-a",
                         R"({"namespace":"vr-3","device":"public0","address":"192.0.2.10/24","gateway":"192.0.2.1"})"};
  const double took = seconds([&] {
    for (int n = 0; n < transitions;) {
      bare(db, "BEGIN IMMEDIATE");
      for (int k = 0; k < group && n < transitions; ++k, ++n) {
        for (int i = 0; i < 4; ++i) {
          sqlite3_bind_int(inserts[i], 1, n);
          sqlite3_bind_text(inserts[i], 2, texts[i], -1, SQLITE_STATIC);
          sqlite3_bind_text(inserts[i], 3, "running", -1, SQLITE_STATIC);
          sqlite3_step(inserts[i]);
          sqlite3_reset(inserts[i]);
        }
      }
      bare(db, "COMMIT");
    }
  });
  for (auto* one : inserts) sqlite3_finalize(one);
  sqlite3_close(db);
  return took;
}

double our_loop(const std::string& path, int transitions, int group) {
  auto open = must(open_sqlite_journal(path));
  must(open->begin_reign());
  return seconds([&] {
    std::vector<transaction> rows;
    for (int n = 0; n < transitions;) {
      rows.clear();
      for (int k = 0; k < group && n < transitions; ++k, ++n) rows.push_back(transition(n));
      must(open->commit(rows));
    }
  });
}

void commits(const settings& with) {
  fmt::print("{:>10} {:>14} {:>14} {:>14} {:>8}\n", "group of", "commits/s", "transitions/s", "bare sqlite3", "ratio");
  for (const int group : {1, 64, 512}) {
    const int transitions = group == 1 ? std::max(with.transitions / 10, 1) : with.transitions;
    // In turns, so that a disk that is slow for a moment is slow for both.
    double ours = 0;
    double theirs = 0;
    constexpr int turns = 3;
    for (int turn = 0; turn < turns; ++turn) {
      ours += our_loop(fmt::format("{}/ours-{}-{}.db", with.folder, group, turn), transitions, group);
      theirs += bare_loop(fmt::format("{}/bare-{}-{}.db", with.folder, group, turn), transitions, group);
    }
    const double rate = turns * transitions / ours;
    const double peer = turns * transitions / theirs;
    fmt::print("{:>10} {:>14.0f} {:>14.0f} {:>14.0f} {:>8.2f}\n", group, rate / group, rate, peer, rate / peer);
  }
}

// --- a large region

void populate(const std::string& path, const settings& with) {
  sqlite_journal_options options;
  options.events_kept = with.events;
  auto open = must(open_sqlite_journal(path, options));
  std::vector<transaction> group(1);
  auto flush = [&](bool now) {
    if (!now && group[0].size() < 2000) return;
    must(open->commit(group));
    group[0].clear();
  };
  for (int n = 0; n < with.resources; ++n) {
    resource row;
    row.id = {"virtual_router", std::to_string(n)};
    row.state = n % 100 == 0 ? lifecycle_state::unresourced : lifecycle_state::running;
    row.project = n % 2 == 0 ? "one" : std::to_string(n % 5000);
    row.document = std::string(2000, 'd');
    job work;
    work.id = work.root = job_id(n + 1);
    work.resource = row.id;
    work.state = n % 100 == 1 ? job_state::active : n % 50 == 0 ? job_state::failed : job_state::succeeded;
    step one;
    one.job = work.id;
    one.output = std::string(200, 'o');
    group[0].insert(group[0].end(), {row, work, one});
    flush(false);
  }
  for (int n = 0; n < with.events; ++n) {
    event told;
    told.topic = "step.done";
    told.resource = {"virtual_router", std::to_string(n % with.resources)};
    told.text = "net/address build on podnet-a";
    group[0].emplace_back(told);
    flush(false);
  }
  flush(true);
}

/// Times one look: the first page, then a hundred more.
template <class Ask>
void look(const char* what, Ask ask) {
  std::string after;
  std::int64_t total = 0;
  const double first = seconds([&] {
    auto found = must(ask(after));
    after = found.next;
    total = found.total;
  });
  int pages = 0;
  const double others = seconds([&] {
    for (; pages < 100 && !after.empty(); ++pages) after = must(ask(after)).next;
  });
  fmt::print("{:<44} {:>9.2f} ms first, {:>6.2f} ms a page after, total {}\n", what, first * 1e3,
             pages == 0 ? 0.0 : others * 1e3 / pages, total);
}

void reads(const std::string& path) {
  auto reader = must(open_sqlite_reader(path));
  auto of = [&](const resource_filter& filter) {
    return [&reader, filter](const std::string& after) { return reader->resources(filter, after, 100); };
  };
  look("resources", of({}));
  look("resources unresourced", of({"", "unresourced", "", {}}));
  look("resources of a small project", of({"", "", "4999", {}}));
  look("resources of half a region", of({"", "", "one", {}}));
  look("resources unresourced of half a region", of({"", "unresourced", "one", {}}));
  look("resources not degraded, running", of({"", "running", "", false}));
  look("resources degraded", of({"", "", "", true}));
  look("jobs", [&](const std::string& after) { return reader->jobs({}, after, 100); });
  look("jobs open", [&](const std::string& after) { return reader->jobs({"", "open"}, after, 100); });
  look("jobs failed", [&](const std::string& after) { return reader->jobs({"", "failed"}, after, 100); });
  look("jobs of a resource", [&](const std::string& after) {
    return reader->jobs({"virtual_router/7", ""}, after, 100);
  });
  look("events", [&](const std::string& after) { return reader->events({}, after, 100); });
  look("events of a resource", [&](const std::string& after) {
    return reader->events({"virtual_router", "7"}, after, 100);
  });
  fmt::print("{:<44} {:>9.2f} ms\n", "counts of resources and jobs",
             1e3 * seconds([&] { must(reader->resource_counts()), must(reader->job_counts()); }));
}

void replay(const std::string& path) {
  std::int64_t events = 0;
  const double took = seconds([&] {
    auto walk = must(open_replay(path, {}));
    while (must(walk->next())) ++events;
    must(walk->open_jobs());
  });
  fmt::print("{:<44} {:>9.2f} s for {} events\n", "replay", took, events);
}

void large(const settings& with) {
  const auto path = with.folder + "/large.db";
  fmt::print("\n{} resources with documents, as many jobs and steps, {} events: filled in {:.1f} s, ", with.resources,
             with.events, seconds([&] { populate(path, with); }));
  fmt::print("{} MB\n", std::filesystem::file_size(path) >> 20);
  sqlite_journal_options unhurried;
  unhurried.events_kept = with.events;
  unhurried.check_budget = std::chrono::minutes(10);
  fmt::print("{:<44} {:>9.0f} ms\n", "open, checking every table",
             1e3 * seconds([&] { must(open_sqlite_journal(path, unhurried)); }));
  auto usual = unhurried;
  usual.check_budget = sqlite_journal_options{}.check_budget;
  std::unique_ptr<journal> open;
  fmt::print("{:<44} {:>9.0f} ms\n", "open, checking as long as serve does",
             1e3 * seconds([&] { open = must(open_sqlite_journal(path, usual)); }));
  fmt::print("{:<44} {:>9.0f} ms\n", "begin a reign", 1e3 * seconds([&] { must(open->begin_reign()); }));
  reads(path);
  open.reset();
  replay(path);
}

settings parse(int count, char** words) {
  settings made;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--transitions" && i + 1 < count) {
      made.transitions = std::max(std::atoi(words[++i]), 1);
    } else if (word == "--population" && i + 2 < count) {
      made.resources = std::max(std::atoi(words[++i]), 1);
      made.events = std::max(std::atoi(words[++i]), 1);
    } else if (word == "--in" && i + 1 < count) {
      made.folder = words[++i];
    } else {
      fmt::print(stderr, "usage: journal_bench [--transitions N] [--population RESOURCES EVENTS] [--in FOLDER]\n");
      std::exit(2);
    }
  }
  made.folder += fmt::format("/journal-bench-{}", ::getpid());
  return made;
}

}  // namespace

int main(int count, char** words) {
  const auto with = parse(count, words);
  std::filesystem::create_directories(with.folder);
  commits(with);
  large(with);
  std::filesystem::remove_all(with.folder);
  return 0;
}
