// From `secret: true` in a front matter to what people see: nothing of the value.
#include "primitives/catalogue.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

constexpr const char* vault = R"(#!/usr/bin/env bash
# ---
# name: vault
# summary: What has secrets of every shape.
# parameters:
#   open: {type: name, required: true}
#   word: {type: name, required: true, secret: true}
#   words: {type: list<name>, default: [], secret: true}
#   peers:
#     type: table
#     default: []
#     secret: true
#     columns: {at: {type: prefix, disjoint: true}, from: {type: address}, key: {type: name, unique: true}}
#     same_family: [[at, from]]
#   from: {type: address, required: true, secret: true}
#   to: {type: address, required: true, secret: true}
# same_family: [[from, to]]
# verbs:
#   build: {deadline: 5s}
#   read: {deadline: 5s}
# ---
build() {
  unchanged
}
read() {
  :
}
)";

constexpr const char* kind = R"(kind: vault
summary: A vault
lease_scope: "{resource.id}"
operations:
  build:
    - primitive: vault
      verb: build
      on: podnet
      about: "vault of {record.owner}"
      parameters:
        open: "{record.owner}"
        word: "{record.word}"
        words: ["{record.word}", {for_each: "{record.more}", value: "{item}"}]
        peers:
          - {for_each: "{record.peers}", columns: {at: "{item.at}", from: "{item.from}", key: "{item.key}"}}
        from: "{record.from}"
        to: "{record.to}"
)";

constexpr const char* document = R"({"owner": "alice", "word": "hunter2", "more": ["hunter3"],
  "peers": [{"at": "10.77.0.0/16", "from": "10.77.0.1", "key": "hunter4"}], "from": "10.77.0.2", "to": "10.77.0.3"})";

result<plan> plan_of(std::string text, const std::string& what = "", const std::string& instead = "") {
  if (!what.empty()) {
    REQUIRE(text.find(what) != std::string::npos);
    text.replace(text.find(what), what.size(), instead);
  }
  const auto known = make_catalogue({{"vault", vault, "test"}}, {{"vault", kind, "test"}});
  REQUIRE((known ? "" : known.error().text()) == "");
  auto record = test::router_of(text);
  record.head.id = {"vault", "9"};
  return (*known)->make_plan(operation::build, record, test::region_of("tenant: {type: none}", false), false);
}

bool tells(const std::string& text) {
  return text.find("hunter") != std::string::npos || text.find("10.77") != std::string::npos;
}

}  // namespace

TEST_CASE("a secret of any shape is sent as it is, and printed as *** for people and for programs") {
  const auto made = plan_of(document);
  REQUIRE((made ? "" : made.error().text()) == "");
  const auto& step = made->steps.at(0);
  REQUIRE(step.parameters.size() == 9);
  CHECK(std::get<std::string>(step.parameters[1].value) == "hunter2");
  CHECK(std::get<std::vector<std::string>>(step.parameters[2].value) == std::vector<std::string>{"hunter2", "hunter3"});
  CHECK(std::get<std::vector<std::string>>(step.parameters[6].value) == std::vector<std::string>{"hunter4"});
  for (const auto& one : step.parameters) CHECK(one.secret == (one.name != "open" && one.name != "peers_count"));
  CHECK(plan_text(*made) ==
        "vault/9 build: 1 step, lease 9\n\n1. podnet-a (sole): vault of alice\n   vault build, at most 5s\n"
        "     open = alice\n     word = ***\n     words = ***\n     peers_count = 1\n     peers_at = ***\n"
        "     peers_from = ***\n     peers_key = ***\n     from = ***\n     to = ***\n");
  CHECK_FALSE(tells(plan_json(*made)));
  const auto parsed = parse_json(plan_json(*made));
  REQUIRE(parsed);
  for (const auto* name : {"word", "words", "peers_at", "peers_from", "peers_key", "from", "to"})
    CHECK((**parsed)["steps"][0]["parameters"][name] == "***");
  CHECK((**parsed)["steps"][0]["parameters"]["open"] == "alice");
}

TEST_CASE("an error about a secret names the parameter and not the value") {
  struct row {
    const char* what;
    const char* instead;
    const char* says;
  };
  const row rows[] = {
      {"hunter2", "hunter 2", "parameter word: a secret value is not of type name"},
      {"hunter3", "hunter 3", "parameter words"},
      {"hunter4", "hunter 4", "column key: a secret value"},
      {"10.77.0.1\"", "fd77::1\"", "are of different families"},
      {"\"peers\": [", "\"peers\": [{\"at\": \"10.78.0.0/16\", \"from\": \"10.77.0.1\", \"key\": \"hunter4\"}, ",
       "column key: a secret value stands twice"},
      {"\"peers\": [", "\"peers\": [{\"at\": \"10.77.1.0/24\", \"from\": \"10.77.0.1\", \"key\": \"hunter5\"}, ",
       "column at: a secret value overlaps a secret value"},
      {"10.77.0.3", "fd77::3", "parameter to: a secret value is not of the family of from a secret value"},
  };
  for (const auto& one : rows) {
    INFO(one.what << " -> " << one.instead);
    const auto made = plan_of(document, one.what, one.instead);
    REQUIRE_FALSE(made);
    INFO(made.error().text());
    CHECK(made.error().message.find(one.says) != std::string::npos);
    CHECK_FALSE(tells(made.error().message));
    CHECK(made.error().message.find("fd77") == std::string::npos);
  }
}
