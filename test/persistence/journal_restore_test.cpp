#include "persistence/journal_restore.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "persistence/journal_backup.hpp"
#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {

class still_clock final : public clock {
 public:
  wall_time wall() const override { return now; }
  steady_time steady() const override { return {}; }
  wall_time now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()) + std::chrono::hours(1);
};

/// A journal at work, its backup, and the life that it led after that.
struct two_lives {
  file_place place;
  still_clock time;
  std::string backup = place.folder / "backup.db";
  journal_contents before;

  two_lives() {
    {
      auto open = must_open(place);
      before = must_begin(*open);
      auto done = full_job(1, job_state::succeeded);
      auto sent = full_step(2);
      sent.state = step_state::sent;
      auto closed = full_resource(3);
      closed.state = lifecycle_state::closed;
      auto owed = full_job(4, job_state::waiting);
      owed.resource = closed.id;
      owed.what = operation::scrub;
      owed.started.reset();
      must_commit(*open,
                  {{full_resource(1), done, full_step(1), full_event(1)},
                   {full_resource(2), full_job(2), sent, full_lease(2), full_report(2), full_event(2)},
                   {closed, owed, full_step(4), host_seen{host_id("podnet-a"), "boot-1", {}}},
                   {host_cordoned{host_id("podnet-b"), "a new disk", {}},
                    schedule_mark{"nightly", "@daily UTC", wall_time(milliseconds(7)), {}, {}, "bo", wall_time()}}});
    }
    REQUIRE(back_up_journal(place.path(), backup, {}).has_value());
    for (int life = 0; life < 3; ++life) reopen(place);
    auto open = must_open(place);
    must_begin(*open);
    must_commit(*open, {{full_job(2, job_state::succeeded), full_step(2),
                         end_lease{host_id("podnet-a"), "virtual_router/2", job_id(2)}},
                        {full_job(40, job_state::succeeded)}});
  }

  result<journal_restored> restore(bool anyway = false) {
    return restore_journal(backup, place.path(), time, restore_options{anyway});
  }
  journal_restored must_restore(bool anyway = false) {
    auto made = restore(anyway);
    INFO((made ? "" : made.error().text()));
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  std::string refusal() {
    const auto made = restore();
    REQUIRE_FALSE(made.has_value());
    return made.error().code;
  }
};

}  // namespace

TEST_CASE("a restored journal has what the backup had, and nothing of what may no longer be so") {
  two_lives lives;
  const auto made = lives.must_restore();
  CHECK(made.jobs_ended == 1);
  CHECK(made.reports_dropped == 1);
  CHECK(made.unread.empty());
  CHECK(check_journal(lives.place.path())->empty());

  const auto rows = lives.place.look();
  REQUIRE(rows.jobs.size() == 3);
  CHECK(rows.jobs[0].state == job_state::succeeded);
  CHECK(rows.jobs[1].state == job_state::superseded);
  CHECK(rows.jobs[1].error_code == "journal_restored");
  CHECK(rows.jobs[1].waits_for.empty());
  CHECK(rows.jobs[2].state == job_state::waiting);  // what is closed is scrubbed where it was not yet
  REQUIRE(rows.steps.size() == 3);
  CHECK(rows.steps[1].state == step_state::unknown);
  CHECK(rows.steps[1].run == full_step(2).run);  // as it was sent
  REQUIRE(rows.resources.size() == 3);
  CHECK(rows.resources[0].state == lifecycle_state::ignore);
  CHECK(rows.resources[0].document == full_resource(1).document);
  CHECK(rows.resources[2].state == lifecycle_state::closed);
  CHECK(rows.events.back().topic == "journal.restored");

  const auto begun = reopen(lives.place);
  CHECK(begun.jobs.size() == 1);
  CHECK(begun.leases.empty());
  CHECK(begun.reports.empty());
  REQUIRE(begun.hosts.size() == 1);
  CHECK(begun.hosts[0].boot_id == restored_boot_id);
  CHECK(begun.cordons.size() == 1);
  REQUIRE(begun.schedules.size() == 1);
  CHECK_FALSE(begun.schedules[0].dealt);
  CHECK(begun.schedules[0].paused == "bo");
}

TEST_CASE("no run id, no number of a job and no epoch of a restored journal was ever given out before") {
  two_lives lives;
  const auto made = lives.must_restore();
  const auto begun = reopen(lives.place);
  CHECK(made.former_id == lives.before.journal_id);
  CHECK(begun.journal_id == made.journal_id);
  CHECK(begun.journal_id != made.former_id);
  CHECK(begun.last_job == 40);
  CHECK(begun.epoch == made.epoch + 1);
  CHECK(made.epoch > 5 + limits::restore_epoch_raise);
  SECTION("also when the journal in between is lost") {
    std::filesystem::remove(lives.place.path());
    lives.time.now += std::chrono::hours(1);
    CHECK(lives.must_restore().epoch > begun.epoch);
  }
  SECTION("also when the clock was put back") {
    lives.time.now = {};
    CHECK(lives.must_restore(true).epoch > begun.epoch);
  }
}

TEST_CASE("what a restore replaces is kept with its log, under a name of its own each time") {
  two_lives lives;
  {
    auto open = must_open(lives.place);
    must_begin(*open);
    must_commit(*open, {{full_job(50, job_state::succeeded)}});
    // As a daemon that was killed leaves them.
    for (const auto* suffix : {"", "-wal"})
      std::filesystem::copy_file(lives.place.path() + suffix, lives.place.folder / "killed" + suffix);
  }
  for (const auto* suffix : {"", "-wal"})
    std::filesystem::rename(lives.place.folder / "killed" + suffix, lives.place.path() + suffix);
  const auto first = lives.must_restore().set_aside;
  CHECK(first.starts_with(lives.place.path() + ".before-restore-"));
  CHECK(ask_sql(first, "SELECT count(*) FROM job WHERE id = 50") == 1);
  CHECK_FALSE(std::filesystem::exists(lives.place.path() + "-wal"));
  const auto second = lives.must_restore().set_aside;
  CHECK(second != first);
  CHECK(std::filesystem::exists(first));
  CHECK(std::filesystem::exists(second));
}

TEST_CASE("a restored journal is its owner's alone") {
  two_lives lives;
  lives.must_restore();
  struct stat about {};
  REQUIRE(::stat(lives.place.path().c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
}

TEST_CASE("a journal that cannot be read, or is not there, is replaced as well") {
  two_lives lives;
  SECTION("damaged") {
    overwrite(lives.place.path(), 0, std::string(200, 'x'));
    const auto made = lives.must_restore();
    CHECK_FALSE(made.unread.empty());
    CHECK(size_of(made.set_aside) > 0);
  }
  SECTION("gone") {
    std::filesystem::remove(lives.place.path());
    CHECK(lives.must_restore().set_aside.empty());
  }
  CHECK(reopen(lives.place).epoch > static_cast<epoch_number>(limits::restore_epoch_raise));
}

TEST_CASE("a restore that must not be changes nothing") {
  two_lives lives;
  SECTION("a daemon has the journal") {
    auto open = must_open(lives.place);
    CHECK(lives.refusal() == "journal_locked");
  }
  SECTION("the backup is damaged") {
    overwrite_page(lives.backup, 6);
    CHECK(lives.refusal() == "journal_corrupt");
  }
  SECTION("the backup is no journal") {
    std::ofstream(lives.backup) << "region: test";
    CHECK(lives.refusal() == "journal_corrupt");
  }
  SECTION("there is no backup") {
    std::filesystem::remove(lives.backup);
    CHECK(lives.refusal() == "journal_missing");
  }
  SECTION("the backup is the journal") {
    lives.backup = lives.place.path();
    CHECK(lives.refusal() == "journal_locked");
  }
  SECTION("a run of the backup may be going on") {
    lives.time.now -= std::chrono::hours(1);
    CHECK(lives.refusal() == "runs_may_live");
  }
  CHECK_FALSE(std::filesystem::exists(lives.place.path() + ".restore-part"));
  const auto begun = reopen(lives.place);
  CHECK(begun.last_job == 40);
  CHECK(begun.epoch == 6);
}

TEST_CASE(
    "a run that the present journal has sent is waited for until its deadline, from when the journal was last "
    "written") {
  two_lives lives;
  auto late = full_step(41);
  late.state = step_state::sent;
  late.deadline = std::chrono::hours(3);
  {
    auto open = must_open(lives.place);
    must_commit(*open, {{full_job(41), late}});
  }
  const auto refused = lives.restore();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == error_kind::transient);
  CHECK(refused.error().code == "runs_may_live");
  CHECK(refused.error().message.find(late.run.value() + " on podnet-a") != std::string::npos);
  SECTION("and may be overruled") { CHECK(lives.must_restore(true).jobs_ended == 1); }
  SECTION("and not longer") {
    lives.time.now += std::chrono::hours(3);
    CHECK(lives.must_restore().jobs_ended == 1);
  }
}

TEST_CASE("no daemon begins where a restore has died, until it is done again") {
  two_lives lives;
  const auto ready = lives.place.path() + ".restoring";
  SECTION("before the journal was set aside") { std::filesystem::copy_file(lives.backup, ready); }
  SECTION("after it") {
    std::filesystem::copy_file(lives.backup, ready);
    std::filesystem::rename(lives.place.path(), lives.place.path() + ".before-restore-x");
  }
  const auto opened = lives.place.open();
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == "journal_restoring");
  CHECK(opened.error().message.find(ready) != std::string::npos);
  lives.must_restore();
  CHECK_FALSE(std::filesystem::exists(ready));
  CHECK(must_begin(*must_open(lives.place)).jobs.size() == 1);
}
