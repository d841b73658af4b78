// `regent config …` as a command: exit codes, and what it says.
#include <filesystem>

#include "region/json.hpp"
#include "test/cli/regent_process.hpp"
#include "test/primitives/router_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

TEST_CASE("the example is a region file that config check finds good") {
  const scratch_directory here;
  const auto example = run_regent({"config", "example"});
  CHECK(example.exit == 0);
  CHECK(example.err.empty());
  write_text(here.file("region.yaml"), example.out);
  const auto check = run_regent({"config", "check", here.file("region.yaml")});
  CHECK(check.exit == 0);
  CHECK(has(check.out, "region.yaml: good: "));
  CHECK(check.err.empty());
}

TEST_CASE("config check sums a good file up, and answers programs with the region as it is understood") {
  const scratch_directory here;
  const auto file = here.file("region.yaml");
  write_text(file, region_text("tenant: {type: vlan, interface: private0}"));
  const auto check = run_regent({"config", "check", file});
  CHECK(check.exit == 0);
  CHECK(check.out == file + ": good: 2 hosts, podnet a+b (a enabled), vlan on private0, cloud http://127.0.0.1:1/\n");
  const auto json = run_regent({"config", "check", file, "--json"});
  CHECK(json.exit == 0);
  const auto said = parse_json(json.out);
  REQUIRE(said);
  CHECK((**said)["good"].GetBool());
  CHECK((**said)["problems"].Empty());
  CHECK((**said)["region"]["hosts"].Size() == 2);
}

TEST_CASE("config check says every mistake of a bad file, and exits 2") {
  const std::string file = "test/data/region/every_mistake.yaml";
  const auto check = run_regent({"config", "check", file});
  CHECK(check.exit == 2);
  CHECK(has(check.out, file + ":12:"));
  CHECK(has(check.out, "page_limit"));
  const auto json = run_regent({"config", "check", file, "--json"});
  CHECK(json.exit == 2);
  const auto said = parse_json(json.out);
  REQUIRE(said);
  CHECK_FALSE((**said)["good"].GetBool());
  CHECK((**said)["problems"].Size() > 10);
  CHECK((**said)["problems"][0]["line"].GetInt() > 0);
  CHECK((**said)["region"].IsNull());
  CHECK(run_regent({"config", "check", "/no/such/region.yaml"}).exit == 2);
}

TEST_CASE("config check knows the kinds: those built in, and those of the folders that the file names") {
  const scratch_directory here;
  const auto file = here.file("region.yaml");
  const auto check = [&](const std::string& more) {
    write_text(file, region_text("tenant: {type: vlan, interface: private0}") + more);
    return run_regent({"config", "check", file});
  };
  const std::string throttle = "throttles: [{name: few, kind: virtual_rooter, at_once: 3}]\n";
  const auto misspelt = check(throttle);
  CHECK(misspelt.exit == 2);
  CHECK(
      has(misspelt.out, ": throttles.0.kind: 'virtual_rooter' is not one of the kinds; did you mean virtual_router?"));
  const auto late = check("schedules: [{name: nightly, cron: '0 3 * * *', do: {verb: mend, where: {kind: ceph}}}]\n");
  CHECK(late.exit == 2);
  CHECK(has(late.out, ": schedules.0.do.where.kind: 'ceph' is not one of the kinds; there are virtual_router"));

  const auto volumes = std::filesystem::absolute("test/data/volumes").string();
  CHECK(check("kinds: [" + volumes + "]\nthrottles: [{name: few, kind: ceph, at_once: 3}]\n").exit == 0);
  const auto gone = check("kinds: [" + here.file("none") + "]\n" + throttle);
  CHECK(gone.exit == 2);
  CHECK(has(gone.out, "kinds: " + here.file("none") + ": is not a folder"));
  std::filesystem::create_directories(here.file("mine/kinds"));
  write_text(here.file("mine/kinds/lamp.yaml"), "kind: lamp\n");
  write_text(here.file("mine/kinds/virtual_router.yaml"), "kind: virtual_router\n");
  const auto bad = check("kinds: [" + here.file("mine") + "]\n");
  CHECK(bad.exit == 2);
  CHECK(has(bad.out, ": kinds: kinds/lamp.yaml:1: "));
  CHECK(has(bad.out, "there is already one of that name"));
}

TEST_CASE("config schedules shows when a region file's schedules would fire, without a daemon") {
  const scratch_directory here;
  const auto file = here.file("region.yaml");
  const auto write = [&](const std::string& cron) {
    write_text(file, region_text("tenant: {type: vlan, interface: private0}") + "schedules: [{name: nightly, cron: '" +
                         cron + "', time_zone: Asia/Tokyo, do: {verb: retry}}]\n");
  };
  write("30 2 * * *");
  const auto said = run_regent({"config", "schedules", file, "--next", "2"});
  CHECK(said.exit == 0);
  CHECK(has(said.out, "nightly   30 2 * * *  Asia/Tokyo"));
  CHECK(has(said.out, "T17:30:00.000Z  "));
  CHECK(has(said.out, "T02:30:00+09:00\n"));
  const auto json = run_regent({"config", "schedules", file, "--json"});
  const auto parsed = parse_json(json.out);
  REQUIRE(parsed);
  CHECK((**parsed)["rows"][0]["next_runs"].Size() == 5);
  write("30 2 30 2 *");
  const auto never = run_regent({"config", "schedules", file});
  CHECK(never.exit == 2);
  CHECK(has(never.err, "never fires"));
  CHECK(run_regent({"config", "schedules", file, "--next", "101"}).exit == 2);
}

TEST_CASE("config import makes a region file whose only mistakes are what Robot did not know") {
  const scratch_directory here;
  const auto made = run_regent({"config", "import", "test/data/region/robot_config.json"});
  CHECK(made.exit == 0);
  CHECK(made.err.empty());
  write_text(here.file("region.yaml"), made.out);
  const auto check = run_regent({"config", "check", here.file("region.yaml")});
  CHECK(check.exit == 2);
  CHECK(has(check.out, "is a placeholder"));
}

TEST_CASE("config import of what is no config.json, and wrong use of config, are exit 2 and said on stderr") {
  const scratch_directory here;
  write_text(here.file("config.json"), "{\"pod_number\": ");
  const std::vector<std::vector<std::string>> all{{"config", "import", here.file("config.json")},
                                                  {"config", "import", "/no/such/config.json"},
                                                  {"config", "import"},
                                                  {"config", "check"},
                                                  {"config", "improve"},
                                                  {"config"}};
  for (const auto& words : all) {
    const auto said = run_regent(words);
    INFO(words.back());
    CHECK(said.exit == 2);
    CHECK(said.out.empty());
    CHECK_FALSE(said.err.empty());
  }
}
