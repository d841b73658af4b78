#include "sim/region/sim_disk.hpp"

#include <sqlite3.h>

#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::sim;

namespace {

/// A database whose every commit is synced.
class database {
 public:
  database() {
    REQUIRE(sqlite3_open_v2("numbers.db", &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) == SQLITE_OK);
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
  }
  ~database() { sqlite3_close(db_); }
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  int run(const char* sql) { return sqlite3_exec(db_, sql, nullptr, nullptr, nullptr); }
  int number(const char* sql) {
    sqlite3_stmt* ask = nullptr;
    REQUIRE(sqlite3_prepare_v2(db_, sql, -1, &ask, nullptr) == SQLITE_OK);
    const int found = sqlite3_step(ask) == SQLITE_ROW ? sqlite3_column_int(ask, 0) : -1;
    sqlite3_finalize(ask);
    return found;
  }

 private:
  sqlite3* db_ = nullptr;
};

constexpr auto add = "INSERT INTO number SELECT count(*) + 1, hex(randomblob(500)) FROM number";

}  // namespace

TEST_CASE("a power cut at any write takes no commit that was acknowledged, and no part of one") {
  for (int at = 1; at < 120; ++at) {
    dice chance(static_cast<std::uint64_t>(at));
    timeline time;
    sim_disk disk(chance, time);
    int acknowledged = 0;
    {
      database before;
      REQUIRE(before.run("CREATE TABLE number (n INTEGER PRIMARY KEY, text TEXT)") == SQLITE_OK);
      disk.cut_power_at_write(at);
      while (!disk.power_was_cut()) {
        const bool done = before.run(add) == SQLITE_OK;
        if (done && !disk.power_was_cut()) ++acknowledged;
        if (acknowledged % 7 == 3) before.run("PRAGMA wal_checkpoint(PASSIVE)");
      }
    }
    disk.power_is_back();
    database after;
    const int found = after.number("SELECT count(*) FROM number");
    INFO("cut at write " << at);
    CHECK(found >= acknowledged);
    CHECK(found <= acknowledged + 1);
    CHECK(after.number("SELECT max(n) FROM number") == (found == 0 ? 0 : found));
    CHECK(after.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
  }
}

TEST_CASE("a disk that lies about syncs loses what was acknowledged") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dice chance(seed);
    timeline time;
    sim_disk disk(chance, time);
    {
      database before;
      before.run("CREATE TABLE number (n INTEGER PRIMARY KEY, text TEXT)");
      disk.lies_about_syncs(true);
      for (int i = 0; i < 5; ++i) REQUIRE(before.run(add) == SQLITE_OK);
      disk.cut_power();
    }
    disk.power_is_back();
    database after;
    if (after.number("SELECT count(*) FROM number") < 5) ++lost;
  }
  CHECK(lost > 0);
}

TEST_CASE("a killed process loses nothing, and a second connection keeps the log in place") {
  dice chance(1);
  timeline time;
  sim_disk disk(chance, time);
  {
    database writer;
    writer.run("CREATE TABLE number (n INTEGER PRIMARY KEY, text TEXT)");
    for (int i = 0; i < 5; ++i) {
      REQUIRE(writer.run(add) == SQLITE_OK);
      database reader;
      CHECK(reader.number("SELECT count(*) FROM number") == i + 1);
    }
    disk.kill_process();
  }
  disk.power_is_back();
  database after;
  CHECK(after.number("SELECT count(*) FROM number") == 5);
}

TEST_CASE("a full disk and a failing one refuse writes, and are well again") {
  dice chance(1);
  timeline time;
  sim_disk disk(chance, time);
  database db;
  REQUIRE(db.run("CREATE TABLE number (n INTEGER PRIMARY KEY, text TEXT)") == SQLITE_OK);
  disk.fails(disk_fault::full);
  CHECK(db.run(add) == SQLITE_FULL);
  disk.fails(disk_fault::io_error);
  CHECK((db.run(add) & 0xff) == SQLITE_IOERR);
  disk.fails(disk_fault::none);
  CHECK(db.run(add) == SQLITE_OK);
  CHECK(db.number("SELECT count(*) FROM number") == 1);
}
