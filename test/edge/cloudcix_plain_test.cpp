// Kinds that the dialect knows by name only: snapshots, backups and volumes.
#include <catch2/catch.hpp>

#include "base/limits.hpp"
#include "cloud_fixture.hpp"
#include "region/json.hpp"

using namespace regent;
using enum lifecycle_state;

namespace {
cloud_server::script serving(std::string content) {
  return [=](const seen_request&) { return scripted_answer::json(200, one_json(content)); };
}

std::string volume_json(const std::string& more = "") {
  return R"({"created":"T","id":5,"name":"data","parent_id":null,"project_id":7,"resource_type":3,"state":1,)"
         R"("specs":[{"sku":"SSD_001","quantity":20}])" +
         more + "}";
}

const resource_id volume{"ceph", "5"};
}  // namespace

TEST_CASE("a volume's document is what the cloud sends, without what changes by itself") {
  cloud_fixture cloud(
      serving(volume_json(R"(,"emails":["a@example.test"],"note":"two\nlines","history":[{"state":1}])")));
  const auto got = cloud.client().read(volume);
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK(cloud.server.seen().back().target == "/iaas/ceph/5/");
  CHECK(got->head.id == volume);
  CHECK(got->head.state == requested);
  CHECK(got->head.project == "7");
  CHECK(got->head.updated.empty());
  CHECK(got->name == "data");
  CHECK(got->grace.count() == 0);
  CHECK_FALSE(got->phantom);
  CHECK(json_text(*got->document) ==
        R"({"created":"T","id":5,"name":"data","parent_id":null,"project_id":7,"resource_type":3,)"
        R"("specs":[{"sku":"SSD_001","quantity":20}],"note":"two\nlines"})");
}

TEST_CASE("a snapshot's project is that of its VM") {
  cloud_fixture cloud(serving(
      R"({"active":true,"id":3,"name":"","state":10,"updated":"2026-11-20T10:00:00","vm":{"id":9,"state":4,"project":{"id":8,"name":"p"}}})"));
  const auto got = cloud.client().read({"snapshot", "3"});
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK(got->head.project == "8");
  CHECK(got->head.updated == "2026-11-20T10:00:00");
  CHECK(got->name == "snapshot/3");
  CHECK(json_text(*got->document) == R"({"active":true,"id":3,"name":"","vm":{"id":9,"project":{"id":8,"name":"p"}}})");
}

TEST_CASE("a record of a plain kind that makes no sense is refused with its field") {
  std::string deep = "1";
  for (int i = 0; i < 40; ++i) deep = "[" + deep + "]";
  struct row {
    std::string content, field;
  };
  const auto bad =
      GENERATE_COPY(row{R"({"id":5,"name":"x","state":50,"project_id":7})", "state"},
                    row{R"({"id":5,"name":7,"state":1,"project_id":7})", "name"},
                    row{R"({"id":5,"name":"a\u0007b","state":1,"project_id":7})", "name"},
                    row{R"({"id":5,"name":"x","state":1,"project_id":"7"})", "project_id"},
                    row{volume_json(R"(,"deep":)" + deep), "the record"},
                    row{volume_json(R"(,"long":")" + std::string(limits::document_bytes, 'x') + "\""), "bytes long"});
  INFO(bad.content.substr(0, 200));
  cloud_fixture cloud(serving(bad.content));
  const auto got = cloud.client().read(volume);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "record_malformed");
  CHECK(got.error().message.starts_with("ceph/5"));
  CHECK(got.error().message.find(bad.field) != std::string::npos);
}

TEST_CASE("the record of another id is not taken for the one that was asked for") {
  cloud_fixture cloud(serving(volume_json()));
  const auto got = cloud.client().read({"ceph", "6"});
  REQUIRE_FALSE(got);
  CHECK(got.error().kind == error_kind::transient);
  CHECK(got.error().code == "cloud_malformed");
}

TEST_CASE("snapshots need a stamp, volumes have none") {
  cloud_fixture cloud(serving(R"({"id":5,"name":"x","state":1})"));
  CHECK(cloud.client().read(volume));
  const auto got = cloud.client().read({"snapshot", "5"});
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find("updated") != std::string::npos);
}

TEST_CASE("a poll names volumes, snapshots and backups beside routers, and a group may be missing") {
  const auto group = [](const std::string& ids) { return R"({"build":[)" + ids + "]}"; };
  cloud_fixture cloud([&](const seen_request&) {
    return scripted_answer::json(
        200, one_json(R"({"project_ids":[],"resource":{"snapshot_kvm":)" + group("2") + R"(,"snapshot_hyperv":)" +
                      group("4") + R"(},"snapshots":)" + group("4,3,2") + R"(,"ceph":)" + group("1") + "}"));
  });
  const auto changed = cloud.client().changes();
  REQUIRE((changed ? std::string() : changed.error().text()) == "");
  std::vector<std::string> ids;
  for (const auto& id : *changed) ids.push_back(id.text());
  CHECK(ids == std::vector<std::string>{"snapshot/2", "snapshot/4", "snapshot/3", "ceph/1"});
}
