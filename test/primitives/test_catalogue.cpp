#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "primitives/catalogue.hpp"
#include "primitives/sha256.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

constexpr const char* good_primitive = R"(#!/usr/bin/env bash
# ---
# name: lamp
# summary: A lamp.
# parameters:
#   watts: {type: integer, min: 1, max: 100, required: true}
#   places: {type: table, default: [], columns: {room: {type: name}, prefix: {type: prefix, default: ""}}}
#   words: {type: list<name>, default: [], verbs: [build]}
# verbs:
#   build: {deadline: 5s}
#   read: {deadline: 500ms}
# ---
build() {
  unchanged
}
read() {
  :
}
)";

constexpr const char* good_kind = R"(kind: lamp
summary: A lamp
lease_scope: "{resource.id}"
operations:
  build:
    - primitive: lamp
      verb: build
      on: "{record.host}"
      about: "lamp of {record.watts} W"
      parameters:
        watts: "{record.watts}"
        words: [a, "{record.word}", {for_each: "{record.more}", value: "{item}-{index}"}]
        places:
          - {for_each: "{record.rooms}", columns: {room: "{item.name}"}}
)";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

std::string complaint_of(const std::string& primitive, const std::string& kind) {
  const auto made = make_catalogue({{"lamp", primitive, "test"}}, {{"lamp", kind, "test"}});
  if (made) return "";
  CHECK(made.error().code == "catalogue_malformed");
  return made.error().message;
}

class folder {
 public:
  folder() {
    auto name = (std::filesystem::temp_directory_path() / "regent-catalogue-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ / "kinds");
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  std::string text() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("the built-in catalogue loads, and every script stands behind the library and is named by its hash") {
  const auto& all = test::built_in();
  CHECK(all.kinds() == std::vector<std::string>{"virtual_router"});
  CHECK(all.has_scrub_queue("virtual_router"));
  CHECK_FALSE(all.has_scrub_queue("nothing"));
  CHECK(all.find_script("nothing") == nullptr);
  for (const auto* name : {"ns", "bridge_main", "bridgeif_ns", "network_ns", "route_ns", "vlanif_ns", "firewall_ns",
                           "links_ns", "directory_main"}) {
    const auto* script = all.find_script(name);
    REQUIRE(script != nullptr);
    CHECK(script->text->find("bad_parameter() {") < script->text->find("# name: " + std::string(name)));
    CHECK(script->hash == sha256_hex(*script->text));
    CHECK(script->hash.size() == 64);
  }
}

TEST_CASE("limits of time arrive in the plan: a verb's, or the step's instead, and the operation's") {
  const auto telling = replaced(replaced(good_primitive, "deadline: 5s", "deadline: 2h, stall: 5m"), "  unchanged",
                                "  progress 40 'half of it'");
  auto lamp = test::router_of(R"({"host": "podnet-a", "watts": 60, "word": "b"})");
  lamp.head.id = {"lamp", "9"};
  const auto planned = [&](const std::string& kind) {
    const auto made = make_catalogue({{"lamp", telling, "test"}}, {{"lamp", kind, "test"}});
    REQUIRE(made.has_value());
    return (*made)->make_plan(operation::build, lamp, test::region_of("tenant: {type: none}"), false);
  };
  const auto plain = planned(good_kind);
  REQUIRE(plain.has_value());
  CHECK(plain->deadline == milliseconds(0));
  CHECK(plain->steps[0].deadline == std::chrono::hours(2));
  CHECK(plain->steps[0].stall == std::chrono::minutes(5));
  const auto limited = planned(replaced(replaced(good_kind, "verb: build", "verb: build\n      stall: 30s"),
                                        "operations:", "deadlines: {build: 30m}\noperations:"));
  REQUIRE(limited.has_value());
  CHECK(limited->deadline == std::chrono::minutes(30));
  CHECK(limited->steps[0].stall == std::chrono::seconds(30));
  CHECK(limited->steps[0].undo.empty());
  const auto undone = planned(replaced(good_kind, "verb: build", "verb: build\n      undo: read"));
  REQUIRE(undone.has_value());
  CHECK(undone->steps[0].undo == "read");
  CHECK(plan_json(*undone).find(R"("undo":"read",)") != std::string::npos);
  CHECK(plan_text(*undone).find("; read undoes it if the operation fails") != std::string::npos);
  CHECK(plan_text(*limited).find("lamp/9 build: 1 step, lease 9, at most 30m 0s\n") == 0);
  CHECK(plan_text(*limited).find("lamp build, at most 2h 0m, 30s of it without progress\n") != std::string::npos);
  CHECK(plan_json(*limited).find(R"("deadline_ms":1800000,"steps")") != std::string::npos);
  CHECK(plan_json(*limited).find(R"("deadline_ms":7200000,"stall_ms":30000)") != std::string::npos);
  const auto made =
      make_catalogue({{"lamp", telling, "test"}},
                     {{"lamp", replaced(good_kind, "verb: build", "verb: build\n      deadline: 1m"), "test"}});
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().message.find("its stall of 5m 0s could never end it, for its deadline is 1m 0s") !=
        std::string::npos);
}

TEST_CASE("SHA-256 is the standard's") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("lists, tables, loops, items and indexes of a kind file arrive as parameters") {
  const auto made = make_catalogue({{"lamp", good_primitive, "test"}}, {{"lamp", good_kind, "test"}});
  REQUIRE(made.has_value());
  auto lamp = test::router_of(
      R"({"host": "podnet-a", "watts": 60, "word": "b", "more": ["c", "d"], "rooms": [{"name": "attic"}]})");
  lamp.head.id = {"lamp", "9"};
  const auto plan = (*made)->make_plan(operation::build, lamp, test::region_of("tenant: {type: none}"), false);
  REQUIRE(plan.has_value());
  CHECK(plan->lease_scope == "9");
  CHECK(
      plan_text(*plan) ==
      "lamp/9 build: 1 step, lease 9\n\n1. podnet-a (sole): lamp of 60 W\n   lamp build, at most 5s\n     watts = 60\n"
      "     places_count = 1\n     places_room = [attic]\n     places_prefix = [\"\"]\n     words = [a, b, c-0, "
      "d-1]\n");
  lamp.document = *parse_json(R"({"host": "podnet-z", "watts": 60, "word": "b"})");
  const auto nowhere = (*made)->make_plan(operation::build, lamp, test::region_of("tenant: {type: none}"), false);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().message.find("no host 'podnet-z'") != std::string::npos);
  CHECK((*made)->make_plan(operation::scrub, lamp, test::region_of("tenant: {type: none}"), false).error().code ==
        "plan_operation_unknown");
}

TEST_CASE("what is wrong with a primitive is said with file and line") {
  struct row {
    const char* what;
    const char* with;
    const char* says;
  };
  const row rows[] = {
      {"# name: lamp", "# name: lump", "lamp.sh:3: front matter: name is 'lump'"},
      {"type: integer", "type: intger", "lamp.sh:6: parameter watts: no type 'intger'; there are text, integer"},
      {"min: 1", "mim: 1", "lamp.sh:6: parameter watts: unknown key 'mim'"},
      {"required: true", "required: yes", "'required' is neither true nor false"},
      {", required: true", "", "either `required: true` or a default"},
      {"  watts:", "  places:", "'places' stands twice"},
      {"  watts:", "  Watts:", "its name is not of the form"},
      {"default: \"\"", "default: \"x\"", "default: \"x\" is not of type prefix"},
      {"columns: {room", "colums: {room", "a table needs columns"},
      {"verbs: [build]}", "verbs: [biuld]}", "there is no verb biuld"},
      {"deadline: 5s", "deadline: 5 parsecs", "lamp.sh:10: verb build: 'deadline' is not a span of time up to 6h"},
      {"deadline: 5s", "deadline: 5s, stall: 2s", "lamp.sh:10: verb build: a stall is time without `progress"},
      {"deadline: 5s", "deadline: 5s, stall: 5s", "its stall of 5s could never end it, for its deadline is 5s"},
      {"deadline: 5s", "stall: 90s", "its stall of 1m 30s could never end it, for its deadline is 1m 0s"},
      {"deadline: 5s", "stall: often", "'stall' is not a span of time up to 6h"},
      {"build() {", "bild() {", "there is no function build() {"},
      {"#   read: {deadline: 500ms}\n", "", "every primitive has a verb read"},
      {"# ---\nbuild", "build", "no front matter"},
      {"# summary: A lamp.", "# summary: [", "lamp.sh:"},
  };
  for (const auto& one : rows) {
    INFO(one.what << " -> " << one.with);
    const auto said = complaint_of(replaced(good_primitive, one.what, one.with), "kind: lamp\n");
    INFO(said);
    CHECK(said.find(one.says) != std::string::npos);
  }
}

TEST_CASE("what is wrong with a kind file is said with file and line") {
  struct row {
    const char* what;
    const char* with;
    const char* says;
  };
  const row rows[] = {
      {"kind: lamp", "kind: lump", "kinds/lamp.yaml:1: kind file: kind is 'lump'"},
      {"primitive: lamp", "primitive: lump", "kinds/lamp.yaml:6: step: there is no primitive 'lump'"},
      {"verb: build", "verb: bild", "primitive lamp has no verb 'bild'; it has build, read"},
      {"        watts: \"{record.watts}\"\n", "", "lamp build needs the parameter 'watts'"},
      {"watts: \"{record.watts}\"", "watts: 200", "kinds/lamp.yaml:11: \"200\" is not of type integer"},
      {"watts: \"{record.watts}\"", "volts: 2", "lamp build takes no parameter 'volts'"},
      {"{record.watts} W", "{rekord.watts} W", "{rekord.watts}: there is no 'rekord'"},
      {"{record.watts} W", "{item.watts} W", "{item.watts} stands outside of a for_each"},
      {"{record.watts} W", "{names.watts} W", "{names.watts}: no such name"},
      {"{record.watts} W", "{record.watts W", "has a { without its }"},
      {"{record.watts} W", "{record.watts|loud} W", "there is no filter 'loud'"},
      {"room: \"{item.name}\"", "roof: \"{item.name}\"", "there is no column 'roof'"},
      {"room: \"{item.name}\"", "prefix: \"{item.name}\"", "column 'room' is missing"},
      {"  build:\n", "  bild:\n", "no operation 'bild'; there are read, build"},
      {"operations:\n", "deadlines: {scrub: 30m}\noperations:\n",
       "kinds/lamp.yaml:4: deadlines: there is no operation 'scrub' in this file"},
      {"operations:\n", "deadlines: {build: 8000h}\noperations:\n", "'build' is not a span of time up to 7d 0h"},
      {"operations:\n", "deadlines: soon\noperations:\n", "deadlines is not a map"},
      {"verb: build", "verb: build\n      stall: 1s", "step: a stall is time without `progress"},
      {"verb: build", "verb: build\n      undo: scrub", "undo: primitive lamp has no verb 'scrub'"},
      {"verb: build", "verb: read\n      undo: build",
       "undo: build needs the parameter 'words', which read does not take"},
      {"lease_scope: \"{resource.id}\"\n", "", "'lease_scope' is missing"},
      {"lease_scope", "needs: [lump]\nlease_scope", "kinds/lamp.yaml:1: needs 'lump', and there is no such kind"},
      {"lease_scope", "needs: [lamp]\nlease_scope", "kinds/lamp.yaml:1: 'lamp' needs itself"},
      {"lease_scope", "needs: lamp\nlease_scope", "'needs' is not a list"},
      {"on: \"{record.host}\"", "when: \"sometimes\"\n      on: podnet", "'sometimes' is not a condition"},
  };
  for (const auto& one : rows) {
    INFO(one.what << " -> " << one.with);
    const auto said = complaint_of(good_primitive, replaced(good_kind, one.what, one.with));
    INFO(said);
    CHECK(said.find(one.says) != std::string::npos);
  }
}

TEST_CASE("every problem is reported at once") {
  const auto said = complaint_of(replaced(good_primitive, "type: integer", "type: intger"),
                                 replaced(good_kind, "verb: build", "verb: bild"));
  CHECK(said.find("intger") != std::string::npos);
  CHECK(said.find("bild") != std::string::npos);
}

TEST_CASE("an operator's folder adds kinds and primitives, and a name that is taken is an error") {
  const folder mine;
  mine.write("lamp.sh", good_primitive);
  mine.write("kinds/lamp.yaml", good_kind);
  const auto loaded = load_catalogue({mine.text()});
  REQUIRE(loaded.has_value());
  CHECK((*loaded)->kinds() == std::vector<std::string>{"lamp", "virtual_router"});
  CHECK((*loaded)->find_script("lamp") != nullptr);
  const folder again;
  again.write("ns.sh", good_primitive);
  const auto clash = load_catalogue({mine.text(), again.text()});
  REQUIRE_FALSE(clash.has_value());
  CHECK(clash.error().message == again.text() + "/ns.sh:1: there is already one of that name");
  CHECK(load_catalogue({"/nonexistent/folder"}).error().message == "/nonexistent/folder: is not a folder");
}

TEST_CASE("kinds say what they need, and a circle of them is an error") {
  const auto named = [](const std::string& name, const std::string& needs) {
    return replaced(replaced(good_kind, "kind: lamp", "kind: " + name), "lease_scope",
                    "needs: " + needs + "\nlease_scope");
  };
  const std::vector<catalogue_file> lamp{{"lamp", good_primitive, "test"}};
  const auto good = make_catalogue(lamp, {{"lamp", good_kind, "test"}, {"desk", named("desk", "[lamp]"), "test"}});
  REQUIRE(good);
  CHECK((*good)->needs() == kind_needs{{"desk", {"lamp"}}, {"lamp", {}}});
  const auto bad = make_catalogue(
      lamp, {{"a", named("a", "[b]"), "test"}, {"b", named("b", "[c]"), "test"}, {"c", named("c", "[b]"), "test"}});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("kinds/b.yaml:1: 'b' needs itself, maybe by way of others") != std::string::npos);
  CHECK(bad.error().message.find("kinds/c.yaml:1: 'c' needs itself") != std::string::npos);
  CHECK(bad.error().message.find("kinds/a.yaml") == std::string::npos);
}
