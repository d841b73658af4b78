// A writer that is killed at any moment: what it acknowledged is there, and what is there is whole.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>

#include "test/persistence/temp_journal.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// In the child: commits groups of two transactions, numbered on from what is there, and writes the last number of each
/// group to the pipe once it is acknowledged. Never returns.
[[noreturn]] void commit_for_ever(const std::string& path, int acknowledge) {
  auto open = open_sqlite_journal(path);
  if (!open) ::_exit(3);
  auto begun = (*open)->begin_reign();
  if (!begun) ::_exit(4);
  for (int n = static_cast<int>(begun->last_job) + 1;; n += 2) {
    auto of = [](int m) -> transaction {
      auto brief = full_step(m);
      brief.output = "brief";
      return {full_resource(m), full_job(m), brief, full_lease(m), full_report(m), full_event(m)};
    };
    std::vector<transaction> group{of(n), of(n + 1)};
    if (!(*open)->commit(group)) ::_exit(5);
    const int last = n + 1;
    if (::write(acknowledge, &last, sizeof last) != sizeof last) ::_exit(6);
  }
}

/// Reads acknowledged numbers until `stop_after` of them or the pipe's end; the last one, or `before` if there was
/// none.
int read_acknowledged(int pipe, int before, int stop_after) {
  int number = 0;
  for (int i = 0; i < stop_after && ::read(pipe, &number, sizeof number) == sizeof number; ++i) before = number;
  return before;
}

std::uint32_t seed() {
  if (const char* given = std::getenv("SEED")) return static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
  return std::random_device{}();
}

}  // namespace

TEST_CASE("a writer killed at thirty random moments loses nothing that it acknowledged and leaves nothing half done") {
  const auto chosen = seed();
  WARN("SEED=" << chosen);
  std::mt19937 random(chosen);
  file_place place;
  int acknowledged = 0;
  for (int round = 1; round <= 30; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(pipe[0]);
      commit_for_ever(place.path(), pipe[1]);
    }
    ::close(pipe[1]);
    // After some commits, and then at a random moment of the ones that follow.
    acknowledged = read_acknowledged(pipe[0], acknowledged, std::uniform_int_distribution(1, 40)(random));
    const auto moment =
        std::chrono::steady_clock::now() + std::chrono::microseconds(std::uniform_int_distribution(0, 3000)(random));
    while (std::chrono::steady_clock::now() < moment) {
    }
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO("round " << round << ", the child's own exit code " << WEXITSTATUS(status));
    REQUIRE(WIFSIGNALED(status));
    acknowledged = read_acknowledged(pipe[0], acknowledged, std::numeric_limits<int>::max());
    ::close(pipe[0]);

    auto open = must_open(place);
    const auto found = must_begin(*open);
    const auto jobs = static_cast<int>(found.jobs.size());
    CHECK(jobs >= acknowledged);
    CHECK(jobs <= acknowledged + 2);  // at most the group under way, if it was committed and not yet acknowledged
    CHECK(jobs % 2 == 0);
    CHECK(found.last_job == jobs);
    CHECK(found.epoch == static_cast<epoch_number>(2 * round));
    CHECK(found.resources.size() == found.jobs.size());
    CHECK(found.steps.size() == found.jobs.size());
    CHECK(found.leases.size() == found.jobs.size());
    CHECK(found.reports.size() == found.jobs.size());
    CHECK(must_read(place.path())->events({}, "", 1)->total == jobs);
    CHECK(must_read(place.path())->resources({}, "", 1)->total == jobs);
    CHECK(must_read(place.path())->jobs({}, "", 1)->total == jobs);
    acknowledged = jobs;
  }
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == 0);
  CHECK(ask_sql(place.path(), "SELECT count(*) FROM pragma_foreign_key_check") == 0);
}
