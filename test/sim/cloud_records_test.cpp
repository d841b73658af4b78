#include <fstream>
#include <sstream>

#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string problems_of(const std::string& text) { return problems_text(parse_records(text).problems, "f"); }

}  // namespace

TEST_CASE("the example has three projects, each a router with IPv4 and IPv6 networks and rules, and loads") {
  const auto records = parse_records(file_text("test/data/sim/three_projects.yaml"));
  CHECK(problems_text(records.problems, "three_projects.yaml").empty());
  REQUIRE(records.value.projects.size() == 3);
  for (const auto& project : records.value.projects) {
    CHECK(project.router.subnets.size() == 3);
    CHECK_FALSE(project.router.rules.empty());
    CHECK(project.router.public_address.starts_with("203.0.113."));
  }
  stopped_clock time;
  cloud_face face({}, time);
  CHECK(face.load(records.value));
}

TEST_CASE("JSON is accepted as it is") {
  const auto records = parse_records(R"({"projects":[{"name":"j","grace_period":null,"router":{"state":4}}]})");
  CHECK(records.problems.empty());
  CHECK(records.value.projects.at(0).router.state == running);
  CHECK_FALSE(records.value.projects.at(0).grace_period);
}

TEST_CASE("every problem is told at once, with its line and column") {
  const auto text = problems_of(R"(projects:
  - name: a
    colour: red
    router:
      state: sleeping
      subnets:
        - {name: x, address: 10.0.0.0.1/24}
        - {name: y, vlan: 5000, address: 10.0.1.1/24}
      rules:
        - {source: here, destination: 10.0.0.1, protocol: gre}
      nat:
        - {public: 203.0.113.9, private: 172.16.0.1}
  - id: none
    vms: 7
)");
  INFO(text);
  for (const auto part :
       {"f:3:5: projects.0.colour: is not a known key", "f:5:14: projects.0.router.state: 'sleeping' is not a state",
        "f:7:30: projects.0.router.subnets.0.address: '10.0.0.0.1/24'",
        "f:8:27: projects.0.router.subnets.1.vlan: '5000' is not a whole number from 1 to 4094",
        "f:10:20: projects.0.router.rules.0.source: 'here'", "projects.0.router.rules.0.protocol: 'gre' is none of",
        "projects.0.router.nat: 172.16.0.1 lies in none", "projects.1.id: 'none'", "projects.1.name: is missing",
        "projects.1.vms: must be a list"})
    CHECK(text.find(part) != std::string::npos);
}

TEST_CASE("volumes and devices are read, and stand where the file puts them") {
  const auto records = parse_records(R"(region: {detach_works: true}
servers: [{id: 7}]
projects:
  - name: a
    vms: [{id: 3, name: web, server: 7}]
    volumes:
      - {id: 5, name: data, state: running, gb: 40, vm: 3}
      - {name: spare}
devices:
  - {id: 9, id_on_host: "0000:5e:00.0", sku: GPU_H100, server: 7, vm: 3}
  - {server: 7}
)");
  REQUIRE(records.problems.empty());
  CHECK(records.value.region.detach_works);
  stopped_clock time;
  cloud_face face({}, time);
  REQUIRE(face.load(records.value));
  const auto read = [&](const std::string& path) {
    return content_of(face.handle({"GET", "/sim/" + path, "", "", "", true}).what);
  };
  const auto data = read("ceph/5"), spare = read("volumes/1");
  CHECK(data.at("parent_id") == 3);
  CHECK(data.at("state") == 4);
  CHECK(data.at("specs").at(0).at("quantity") == 40);
  CHECK(spare.at("name") == "spare");
  CHECK(spare.at("state") == 1);
  CHECK(spare.at("parent_id").is_null());
  const auto gpu = read("device/9"), idle = read("device/1");
  CHECK(gpu.at("vm_id") == 3);
  CHECK(gpu.at("server").at("id") == 7);
  CHECK(gpu.at("device_type").at("sku") == "GPU_H100");
  CHECK(gpu.at("id_on_host") == "0000:5e:00.0");
  CHECK(idle.at("vm_id").is_null());
  CHECK(face.load(records.value).error().code == "record_exists");
}

TEST_CASE("a volume or device of a VM or server that is not there is told") {
  const auto text = problems_of(R"(projects:
  - name: a
    vms: [{id: 3, name: web}]
    volumes: [{vm: 4}, {id: 5}, {id: 5, gb: 0}]
  - name: b
    volumes: [{vm: 3}]
devices: [{vm: 4}, {server: 2}, {id: 1, colour: red}, {id: 1}]
)");
  INFO(text);
  for (const auto part : {"f:4:20: projects.0.volumes.0.vm: no VM has the id 4", "projects.0.volumes.2.gb: '0'",
                          "volume 5 is given twice", "projects.1.volumes.0.vm: no VM has the id 3",
                          "f:7:16: devices.0.vm: no VM has the id 4", "devices.1.server: no server has the id 2",
                          "devices.2.colour: is not a known key", "device 1 is given twice"})
    CHECK(text.find(part) != std::string::npos);
}

TEST_CASE("numbers and public addresses that are given twice are told") {
  const auto text = problems_of(R"(projects:
  - {id: 1, name: a, router: {id: 1, public_address: 203.0.113.5}}
  - {id: 1, name: b, router: {id: 1, public_address: 203.0.113.5}}
)");
  INFO(text);
  for (const auto part :
       {"project 1 is given twice", "virtual router 1 is given twice", "public address 203.0.113.5 is given twice"})
    CHECK(text.find(part) != std::string::npos);
  CHECK(problems_of("projects: []\nprojects: []\n").find("stands twice") != std::string::npos);
}

TEST_CASE("a text that is no YAML is one problem with its place, and no map another") {
  CHECK(problems_of("projects:\n  - {name: [}\n").starts_with("f:2:"));
  CHECK(problems_of("- 1\n").find("must be a map") != std::string::npos);
  CHECK(parse_records("").problems.size() == 1);
}

TEST_CASE("forced fields keep the type that they are written in") {
  const auto records =
      parse_records("projects:\n  - {name: a, router: {raw: {id: '7', state: 4, x: null, deep: [true, {k: v}]}}}\n");
  REQUIRE(records.problems.empty());
  const auto& raw = records.value.projects.at(0).router.raw;
  CHECK(raw.at("id") == "7");
  CHECK(raw.at("state") == 4);
  CHECK(raw.at("x").is_null());
  CHECK(raw.at("deep") == json::value{true, {{"k", "v"}}});
}

TEST_CASE("a forced value that refers to itself, or multiplies, is refused and not followed") {
  CHECK_FALSE(parse_records("projects: [{name: a, router: {raw: &x {again: *x}}}]").problems.empty());
  std::string bomb = "projects:\n  - name: a\n    router:\n      raw:\n        l0: &l0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int level = 1; level < 9; ++level) {
    bomb += fmt::format("        l{0}: &l{0} [", level);
    for (int i = 0; i < 10; ++i) bomb += fmt::format("{}*l{}", i ? "," : "", level - 1);
    bomb += "]\n";
  }
  CHECK(problems_of(bomb).find("is too large or refers to itself") != std::string::npos);
}

TEST_CASE("hostile names travel untouched") {
  const std::string hostile = "x\"; touch /pwned; $(touch /pwned2)\n\xE2\x82\xAC";
  model_fixture f(small_project(hostile));
  CHECK(text_in(f.read(kind::project, 1), "name") == hostile);
}

TEST_CASE("addresses are read as the cloud stores them") {
  CHECK(network_text("10.0.0.2") == "10.0.0.2/32");
  CHECK(network_text("10.0.0.9/24") == "10.0.0.0/24");
  CHECK(network_text("2001:db8::1") == "2001:db8::1/128");
  CHECK(network_text("2001:db8::1/64") == "2001:db8::/64");
  for (const auto wrong : {"", "10.0.0", "10.0.0.0/33", "::1/129", "any", "10.0.0.1/", "fe80::1%eth0", "1.2.3.4/x"}) {
    INFO(wrong);
    CHECK_FALSE(network_text(wrong));
  }
  CHECK(lies_in("10.0.0.200", "10.0.0.1/24"));
  CHECK_FALSE(lies_in("10.0.1.2", "10.0.0.1/24"));
  CHECK_FALSE(lies_in("2001:db8::2", "10.0.0.1/24"));
  CHECK(lies_in("fd00::9", "fd00::1/64"));
}

TEST_CASE("what is taken is told when a project is added, and nothing of it is kept") {
  model_fixture f;
  auto twice = small_project("q");
  CHECK(f.model.add(twice).error().message == "the public address 203.0.113.200 is in use");
  twice.router.nat.clear();
  twice.router.id = 1;
  CHECK(f.model.add(twice).error().message == "virtual_router 1 exists");
  CHECK(f.model.rows().all(kind::project).size() == 1);
}

TEST_CASE("a region whose public subnet is used up says so") {
  stopped_clock time;
  cloud_model model(time);
  region_spec region;
  region.public_subnet = "203.0.113.1/30";
  model.set_region(region);
  project_spec one;
  one.name = "one";
  CHECK(model.add(one));
  CHECK(model.add(one).error().message == "no public address is free in 203.0.113.1/30");
}

}  // namespace regent::sim
