// `regent plan` as a command: exit codes, what it prints, and what of a secret it does not.
#include "actors/lifecycle_rows.hpp"
#include "test/cli/regent_process.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {

/// A region file and a record file, and regent planning with them.
struct planning {
  planning() {
    write_text(region, region_text("tenant: {type: vlan, interface: private0}"));
    write_text(record, router_document);
  }
  regent_said plan(std::vector<std::string> words) const {
    words.insert(words.begin(), "plan");
    return run_regent(words);
  }
  regent_said build(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"virtual_router/3", "build", "-c", region, "--record", record};
    words.insert(words.end(), more.begin(), more.end());
    return plan(words);
  }
  scratch_directory directory;
  std::string region = directory.file("region.yaml");
  std::string record = directory.file("record.json");
};

}  // namespace

TEST_CASE("plan prints exactly the golden plan") {
  const planning here;
  const auto said = here.build();
  CHECK(said.exit == 0);
  CHECK(said.err.empty());
  CHECK(said.out == read_text("test/golden/virtual_router_build_pair_vlan.txt"));
  const auto update = here.plan({"virtual_router/3", "update", "--config", here.region, "--record", here.record});
  CHECK(update.out == read_text("test/golden/virtual_router_update_pair_vlan.txt"));
  write_text(here.region, region_text("tenant: {type: none}", false));
  const auto quiesced =
      here.plan({"virtual_router/3", "update", "--quiesced", "-c", here.region, "--record", here.record});
  CHECK(quiesced.out == read_text("test/golden/virtual_router_update_quiesced.txt"));
}

TEST_CASE("plan --json prints the plan for programs") {
  const planning here;
  const auto json = here.build({"--json"});
  CHECK(json.exit == 0);
  const auto made = built_in().make_plan(operation::build, router_of(router_document),
                                         region_of("tenant: {type: vlan, interface: private0}"), false);
  REQUIRE(made);
  CHECK(json.out == plan_json(*made) + "\n");
}

TEST_CASE("plan and serve read the same region file if none is named") {
  const auto line = [](const std::string& command) {
    const auto help = run_regent({command, "--help"});
    CHECK(help.exit == 0);
    const auto at = help.out.find("-c,--config");
    REQUIRE(at != std::string::npos);
    return help.out.substr(at, help.out.find('\n', at) - at);
  };
  CHECK(has(line("plan"), "/etc/regent/region.yaml"));
  CHECK(line("plan") == line("serve"));
  CHECK(has(run_regent({"plan", "virtual_router", "build"}).err, "is not a resource"));  // and no option is missing
}

TEST_CASE("wrong use of plan and bad files are exit 2, and name what is wrong") {
  const planning here;
  write_text(here.directory.file("bad.yaml"), "region: [");
  write_text(here.directory.file("bad.json"), "{");
  struct row {
    std::vector<std::string> words;
    const char* says;
  };
  const std::vector<row> rows{
      {{"virtual_router", "build", "-c", here.region}, "'virtual_router' is not a resource"},
      {{"virtual_router/3", "bild", "-c", here.region}, "no operation 'bild'; there are read, build"},
      {{"virtual_router/3", "build", "-c", here.directory.file("bad.yaml")}, "bad.yaml:1:"},
      {{"virtual_router/3", "build", "-c", "/no/such/region.yaml"}, "/no/such/region.yaml: there is no such file"},
      {{"virtual_router/3", "build", "-c", here.region, "--record", "/no/such/record"}, "/no/such/record"},
      {{"virtual_router/3", "build", "-c", here.region, "--record", here.directory.file("bad.json")}, "bad.json"},
      {{"virtual_router/3"}, "operation is required"},
  };
  for (const auto& one : rows) {
    const auto said = here.plan(one.words);
    INFO(one.says);
    CHECK(said.exit == 2);
    CHECK(said.out.empty());
    CHECK(has(said.err, one.says));
  }
}

TEST_CASE("a record that cannot be planned, a kind that is not there and a cloud that is away are exit 1") {
  const planning here;
  write_text(here.record, "{}");
  const auto unplannable = here.build();
  CHECK(unplannable.exit == 1);
  CHECK(has(unplannable.err, "record.networks is missing"));
  const auto unknown = here.plan({"teapot/1", "build", "-c", here.region, "--record", here.record});
  CHECK(unknown.exit == 1);
  CHECK(has(unknown.err, "teapot"));
  ::setenv("P", "password", 1);
  ::setenv("K", "key", 1);
  const auto away = here.plan({"virtual_router/3", "build", "-c", here.region});
  CHECK(away.exit == 1);
  CHECK(away.out.empty());
  CHECK(has(away.err, "127.0.0.1:1"));
}

TEST_CASE("a secret of an operator's own primitive is neither in what plan prints nor in the journal's rows") {
  planning here;
  const auto kinds = here.directory.file("own");
  std::filesystem::create_directories(kinds + "/kinds");
  write_text(kinds + "/vault.sh",
             "#!/usr/bin/env bash\n# ---\n# name: vault\n# summary: A vault.\n# parameters:\n"
             "#   owner: {type: name, required: true}\n#   word: {type: name, required: true, secret: true}\n"
             "#   words: {type: list<name>, default: [], secret: true}\n# verbs:\n#   build: {deadline: 5s}\n"
             "#   read: {deadline: 5s}\n# ---\nbuild() {\n  unchanged\n}\nread() {\n  :\n}\n");
  write_text(kinds + "/kinds/vault.yaml",
             "kind: vault\nsummary: A vault\nlease_scope: \"{resource.id}\"\noperations:\n  build:\n"
             "    - primitive: vault\n      verb: build\n      on: podnet\n      about: \"vault of {record.owner}\"\n"
             "      parameters: {owner: \"{record.owner}\", word: \"{record.word}\", words: \"{record.words}\"}\n");
  write_text(here.region, read_text(here.region) + "kinds: ['" + kinds + "']\n");
  const std::string document = R"({"owner":"alice","word":"hunter2","words":["hunter3"]})";
  write_text(here.record, document);
  std::vector<std::string> words{"vault/9", "build", "-c", here.region, "--record", here.record};
  const auto text = here.plan(words);
  CHECK(text.err.empty());
  CHECK(text.exit == 0);
  CHECK(has(text.out, "owner = alice"));
  CHECK(has(text.out, "word = ***"));
  CHECK(has(text.out, "words = ***"));
  CHECK_FALSE(has(text.out, "hunter"));
  words.push_back("--json");
  const auto json = here.plan(words);
  CHECK(has(json.out, R"("word":"***")"));
  CHECK_FALSE(has(json.out, "hunter"));

  const auto known = load_catalogue({kinds});
  REQUIRE((known ? "" : known.error().text()) == "");
  auto record = router_of(document);
  record.head.id = {"vault", "9"};
  const auto made = (*known)->make_plan(operation::build, record, region_of("tenant: {type: none}"), false);
  REQUIRE(made);
  const auto rows = steps_of(*made, job_id(1), 0);
  REQUIRE(rows.size() == 2);
  for (const auto& row : rows) {
    CHECK(row.parameters == R"({"owner":"alice","word":null,"words":null})");
    CHECK(row.about == "vault of alice");
  }
}
