// The whole face on real sockets, with the real journal's reader.
#include "edge/http_face.hpp"

#include <set>

#include "persistence/journal.hpp"
#include "region/json.hpp"
#include "test/edge/fake_journal.hpp"
#include "test/edge/socket_client.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

namespace {
struct running_face {
  running_face() {
    config.name = "here";
    config.state_directory = directory.file("");
    config.listen.port = 0;
    facts.ready = true;
  }
  void start() {
    auto started = start_http_face(config, journal_path(), facts, time, {}, {});
    REQUIRE(started);
    face = std::move(*started);
  }
  std::string journal_path() const { return directory.file("journal.db"); }
  socket_client client() const { return socket_client(directory.file("regent.sock")); }
  scratch_directory directory;
  region_config config;
  daemon_facts facts;
  system_clock time;
  std::unique_ptr<http_face> face;
};

json_document parsed(const socket_client::answer& answer) {
  INFO(answer.body.substr(0, 500));
  CHECK(answer.status == 200);
  auto document = parse_json(answer.body);
  REQUIRE(document);
  return *document;
}

void fill(journal& into, int count) {
  const auto now = system_clock().wall();
  std::vector<transaction> group;
  for (int i = 0; i < count; ++i) {
    group.push_back({make_resource("virtual_router/" + std::to_string(i), i % 1000 == 0 ? unresourced : running, now)});
    if (group.size() < limits::transactions_per_commit && i + 1 < count) continue;
    REQUIRE(into.commit(group));
    group.clear();
  }
}
}  // namespace

TEST_CASE("the face answers before there is a journal, says so, and reads it once it is there") {
  running_face here;
  here.start();
  auto client = here.client();
  CHECK(client.ask("/readyz").status == 200);
  const auto missing = client.ask("/api/v1/resources");
  CHECK(missing.status == 503);
  CHECK(missing.body.find("journal_missing") != std::string::npos);
  auto journal = open_sqlite_journal(here.journal_path());
  REQUIRE(journal);
  REQUIRE((*journal)->begin_reign());
  fill(**journal, 3);
  CHECK((*parsed(client.ask("/api/v1/resources")))["total"].GetInt() == 3);
}

TEST_CASE("the face answers while an actor is wedged, over TCP too") {
  running_face here;
  auto wedged = here.facts.probes.add("journal", "");
  wedged->begun("commit", here.time.steady() - 1h);
  here.start();
  REQUIRE(here.face->port() > 0);
  socket_client client(here.face->port());
  const auto actors = parsed(client.ask("/debug/actors?type=journal"));
  CHECK((*actors)["rows"][0]["busy_now_ms"].GetInt64() >= 3'600'000);
  CHECK(client.ask("/metrics").body.find("regent_actor_busy_seconds_max{type=\"journal\"} 36") != std::string::npos);
}

TEST_CASE("200 clients ask everything at once while the journal is written") {
  running_face here;
  auto journal = open_sqlite_journal(here.journal_path());
  REQUIRE(journal);
  REQUIRE((*journal)->begin_reign());
  here.start();
  const std::vector<std::string> targets{"/api/v1/resources", "/api/v1/status", "/metrics",
                                         "/api/v1/why/virtual_router/1", "/api/v1/locks"};
  fill(**journal, 10);
  std::vector<socket_client> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(here.client());
    REQUIRE(clients.back().send("GET " + targets[static_cast<std::size_t>(i) % targets.size()] +
                                " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  fill(**journal, 2000);
  for (auto& client : clients) CHECK(client.receive().status == 200);
}

TEST_CASE("100,000 resources are paged to the end, each once, and counted without being loaded") {
  running_face here;
  auto journal = open_sqlite_journal(here.journal_path());
  REQUIRE(journal);
  REQUIRE((*journal)->begin_reign());
  fill(**journal, 100'000);
  here.start();
  auto client = here.client();
  const auto status = parsed(client.ask("/api/v1/status"));
  CHECK((*status)["resources"]["running"].GetInt() == 99'900);
  CHECK((*parsed(client.ask("/api/v1/resources?state=unresourced&limit=1")))["total"].GetInt() == 100);
  CHECK((*parsed(client.ask("/api/v1/why/virtual_router/77777")))["state"].GetString() == std::string("running"));
  std::set<std::string> seen;
  std::string after;
  do {
    const auto page = parsed(client.ask("/api/v1/resources?limit=1000&after=" + after));
    for (const auto& row : (*page)["rows"].GetArray()) seen.insert(row["resource"].GetString());
    REQUIRE((*page)["rows"].Size() == 1000);
    after = (*page)["next"].IsNull() ? "" : (*page)["next"].GetString();
  } while (!after.empty());
  CHECK(seen.size() == 100'000);
}

TEST_CASE("a cursor or a filter that the journal does not know is the asker's mistake") {
  running_face here;
  auto journal = open_sqlite_journal(here.journal_path());
  REQUIRE(journal);
  REQUIRE((*journal)->begin_reign());
  here.start();
  auto client = here.client();
  for (const auto* target : {"/api/v1/resources?after=x", "/api/v1/jobs?after=x", "/api/v1/events?after=-1"})
    CHECK(client.ask(target).status == 400);
}

TEST_CASE("a socket that cannot be had is an error that names it") {
  running_face here;
  here.config.listen.unix_socket = here.directory.file("no/such/directory/s");
  const auto started = start_http_face(here.config, here.journal_path(), here.facts, here.time, {}, {});
  REQUIRE_FALSE(started);
  CHECK(started.error().code == "listen_failed");
  CHECK(started.error().message.find("no/such/directory/s") != std::string::npos);
}
