// Volumes, which the dialect knows by name only.
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

TEST_CASE("a record of a plain kind that makes no sense is refused with its field") {
  std::string deep = "1";
  std::string nested = "1";
  for (int i = 0; i < 40; ++i) {
    deep = "[" + deep + "]";
    nested = R"({"in":)" + nested + "}";
  }
  struct row {
    std::string content, field;
  };
  const auto bad =
      GENERATE_COPY(row{R"({"id":5,"name":"x","state":50,"project_id":7})", "state"},
                    row{R"({"id":5,"name":7,"state":1,"project_id":7})", "name"},
                    row{R"({"id":5,"name":"a\u0007b","state":1,"project_id":7})", "name"},
                    row{R"({"id":5,"name":"x","state":1,"project_id":"7"})", "project_id"},
                    row{volume_json(R"(,"deep":)" + deep), "the record"},
                    row{volume_json(R"(,"deep":)" + nested + R"(,"more":{"a":1})"), "the record"},
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

TEST_CASE("routers need a stamp, volumes have none") {
  cloud_fixture cloud(serving(R"({"id":5,"name":"x","state":1})"));
  CHECK(cloud.client().read(volume));
  const auto got = cloud.client().read({"virtual_router", "5"});
  REQUIRE_FALSE(got);
  CHECK(got.error().message.find("updated") != std::string::npos);
}

TEST_CASE("kinds whose states hang on others are none of the dialect's") {
  cloud_fixture cloud(serving(volume_json()));
  for (const auto* kind : {"snapshot", "backup", "vm"}) {
    CHECK(cloud.client().read({kind, "5"}).error().code == "kind_unknown");
    CHECK(cloud.client().list(kind, {requested})->bad.at(0).id == fmt::format("{}/*", kind));
  }
  CHECK(cloud.server.seen().empty());
}

TEST_CASE("a poll names volumes beside routers, and what is wrong with theirs keeps no router back") {
  const auto volumes =
      GENERATE(std::string(R"({"build":[1]})"), std::string(R"({"build":["x"]})"), std::string("null"));
  cloud_fixture cloud([&](const seen_request&) {
    return scripted_answer::json(
        200, one_json(R"({"project_ids":[],"resource":{},"virtual_routers":{"build":[4]},"ceph":)" + volumes + "}"));
  });
  const auto changed = cloud.client().changes();
  REQUIRE((changed ? std::string() : changed.error().text()) == "");
  std::vector<std::string> ids;
  for (const auto& id : *changed) ids.push_back(id.text());
  std::vector<std::string> wanted{"virtual_router/4"};
  if (volumes == R"({"build":[1]})") wanted.push_back("ceph/1");
  CHECK(ids == wanted);
}

TEST_CASE("a user who attaches or detaches a volume right after a report has not lost it") {
  const auto [told, found] = GENERATE(std::pair(running, 6), std::pair(quiesced, 4));
  std::string state = "12";
  cloud_fixture cloud([&](const seen_request& request) {
    if (request.method == "PATCH") state = std::to_string(found);
    return scripted_answer::json(200, one_json(R"({"id":5,"state":)" + state + "}"));
  });
  CHECK(cloud.client().report(volume, told));
  CHECK(cloud.server.count("PATCH", "ceph/5/") == 1);
}
