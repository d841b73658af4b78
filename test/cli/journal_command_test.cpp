// `regent journal …` as a command: exit codes, and what it says.
#include <filesystem>

#include "persistence/sqlite_journal.hpp"
#include "region/json.hpp"
#include "test/cli/regent_process.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"
#include "test/support/journal_rows.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// A state directory with a journal that has a job at work.
struct state_directory {
  scratch_directory here;
  std::string path = here.file("state");
  std::string journal = path + "/regent.db";

  state_directory() {
    std::filesystem::create_directory(path);
    auto open = begin();
    std::vector<transaction> group{{full_resource(1), full_job(1), full_step(1), full_lease(1), full_event(1)}};
    REQUIRE(open->commit(group).has_value());
  }
  std::unique_ptr<regent::journal> begin() const {
    auto open = open_sqlite_journal(journal);
    REQUIRE(open.has_value());
    REQUIRE((*open)->begin_reign().has_value());
    return std::move(*open);
  }
  /// A row that cannot be true.
  void spoil() const {
    auto open = begin();
    std::vector<transaction> group{{full_job(1, job_state::failed)}};
    REQUIRE(open->commit(group).has_value());
  }
};

}  // namespace

TEST_CASE("journal check finds the journal by its file, its directory and the region file, and says that it is whole") {
  const state_directory state;
  const auto region = state.here.file("region.yaml");
  write_text(region, region_text("tenant: {type: none}") + "state_directory: " + state.path + "\n");
  const std::vector<std::vector<std::string>> all{
      {"journal", "check", state.journal}, {"journal", "check", state.path}, {"journal", "check", "--config", region}};
  for (const auto& words : all) {
    const auto said = run_regent(words);
    INFO(words.back() << said.err);
    CHECK(said.exit == 0);
    CHECK(said.out == state.journal + ": whole, and every row makes sense\n");
  }
}

TEST_CASE("journal check says each finding in a line and exits 1, and 2 where nothing can be read") {
  const state_directory state;
  state.spoil();
  const auto said = run_regent({"journal", "check", state.path});
  CHECK(said.exit == 1);
  CHECK(has(said.out, "job 1 holds virtual_router/1 on podnet-a, and has ended: failed: the daemon gives it back"));
  CHECK(has(said.out, state.journal + ": 1 finding\n"));
  const auto json = run_regent({"journal", "check", state.path, "--json"});
  CHECK(json.exit == 1);
  const auto parsed = parse_json(json.out);
  REQUIRE(parsed);
  REQUIRE((**parsed)["findings"].Size() == 1);
  CHECK_FALSE((**parsed)["findings"][0]["damage"].GetBool());
  const auto none = run_regent({"journal", "check", state.here.file("none.db")});
  CHECK(none.exit == 2);
  CHECK(has(none.err, "journal_missing"));
  CHECK(run_regent({"journal", "check", "--config", "/no/such/region.yaml"}).exit == 2);
}

TEST_CASE("journal backup beside a writer, and journal restore once it has gone") {
  const state_directory state;
  const auto backup = state.here.file("backup.db");
  {
    const auto open = state.begin();
    const auto made = run_regent({"journal", "backup", backup, "--from", state.path});
    INFO(made.err);
    CHECK(made.exit == 0);
    CHECK(has(made.out, backup + ": journal "));
    CHECK(has(made.out, "at epoch 2, jobs up to 1"));
    const auto again = run_regent({"journal", "backup", backup, "--from", state.path});
    CHECK(again.exit == 2);
    CHECK(has(again.err, "backup_exists"));
    CHECK(has(again.err, "--force"));
    CHECK(run_regent({"journal", "backup", backup, "--from", state.path, "--force"}).exit == 0);
    const auto early = run_regent({"journal", "restore", backup, "--state", state.path});
    CHECK(early.exit == 1);
    CHECK(has(early.err, "journal_locked"));
  }
  const auto restored = run_regent({"journal", "restore", backup, "--state", state.path});
  INFO(restored.err);
  CHECK(restored.exit == 0);
  CHECK(has(restored.out, state.journal + ": restored; journal "));
  CHECK(has(restored.out, "is kept as " + state.journal + ".before-restore-"));
  CHECK(has(restored.out, "1 job ended and 0 reports dropped"));
  CHECK(run_regent({"journal", "check", state.path}).exit == 0);
  CHECK(run_regent({"journal", "check", backup}).exit == 0);
}

TEST_CASE("a journal that says what cannot be true is backed up, told, and exit 1") {
  const state_directory state;
  state.spoil();
  const auto backup = state.here.file("backup.db");
  const auto made = run_regent({"journal", "backup", backup, "--from", state.path});
  CHECK(made.exit == 1);
  CHECK(has(made.out, "job 1 holds virtual_router/1"));
  CHECK(has(made.out, "the backup is kept"));
  CHECK(std::filesystem::exists(backup));
}

TEST_CASE("journal compact and journal history show and keep what jobs were, for people and for programs") {
  const state_directory state;
  {
    const auto open = state.begin();
    std::vector<transaction> group{{full_job(2, job_state::succeeded)}, {full_job(3, job_state::failed)}};
    group[0].push_back(full_job(4, job_state::succeeded));
    for (auto& change : group)
      for (auto& row : change) std::get<job>(row).resource = {"virtual_router", "9"};
    REQUIRE(open->commit(group).has_value());
  }
  const auto before = run_regent({"journal", "history", state.path, "--json"});
  CHECK(before.exit == 0);
  const auto said = parse_json(before.out);
  REQUIRE(said);
  REQUIRE((**said)["rows"].Size() == 2);
  CHECK(std::string((**said)["rows"][0]["outcome"].GetString()) == "failed");
  CHECK(std::string((**said)["rows"][1]["outcome"].GetString()) == "succeeded");
  CHECK((**said)["rows"][1]["count"].GetInt() == 2);
  const auto compacted = run_regent({"journal", "compact", state.path, "--older-than", "1"});
  INFO(compacted.err);
  CHECK(compacted.exit == 0);
  CHECK(has(compacted.out, "3 jobs became summaries"));
  CHECK(run_regent({"journal", "history", state.path, "--json"}).out == before.out);
  CHECK(has(run_regent({"journal", "history", state.path}).out, "2023-11-14  virtual_router  scrub_prep  succeeded"));
  CHECK(run_regent({"journal", "compact", state.path, "--older-than", "soon"}).exit == 2);
}

TEST_CASE("replay tells a journal's events with their jobs and steps, for people and for programs") {
  const state_directory state;
  const auto told = run_regent({"replay", state.journal});
  INFO(told.err);
  CHECK(told.exit == 0);
  CHECK(has(told.out, "#1 resource.state virtual_router/1 (job 3): number 1"));
  CHECK(has(told.out, "still open (1):"));
  CHECK(has(told.out, "waits for the lease of podnet-b"));
  CHECK_FALSE(has(told.out, "\xff"));  // what came from outside is made safe
  const auto lines = run_regent({"replay", state.journal, "--json"});
  CHECK(lines.exit == 0);
  const auto first = parse_json(lines.out.substr(0, lines.out.find('\n')));
  REQUIRE(first);
  CHECK((**first)["event"]["sequence"].GetInt() == 1);
  const auto last = parse_json(lines.out.substr(lines.out.rfind("{\"open\"")));
  REQUIRE(last);
  CHECK((**last)["open"][0]["id"].GetInt() == 1);
  CHECK((**last)["unread"].Empty());
  const auto none = run_regent({"replay", state.journal, "--resource", "virtual_router/2"});
  CHECK(none.exit == 0);
  CHECK_FALSE(has(none.out, "#1 "));
}

TEST_CASE("wrong use of replay is exit 2 and said on stderr") {
  const state_directory state;
  for (const auto& words : std::vector<std::vector<std::string>>{{"replay"},
                                                                 {"replay", "/no/such.db"},
                                                                 {"replay", state.path},
                                                                 {"replay", state.journal, "--step"},
                                                                 {"replay", state.journal, "--resource", "router"},
                                                                 {"replay", state.journal, "--job", "0"},
                                                                 {"replay", state.journal, "--from", "x"}}) {
    const auto said = run_regent(words);
    INFO(words.back());
    CHECK(said.exit == 2);
    CHECK_FALSE(said.err.empty());
  }
}

TEST_CASE("wrong use of journal is exit 2 and said on stderr") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"journal"}, {"journal", "backup"}, {"journal", "restore"}, {"journal", "improve"}}) {
    const auto said = run_regent(words);
    INFO(words.back());
    CHECK(said.exit == 2);
    CHECK(said.out.empty());
    CHECK_FALSE(said.err.empty());
  }
}
