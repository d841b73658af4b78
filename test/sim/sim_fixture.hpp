// A clock that stands still until told, a model with records, and short ways to ask it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "sim/cloud_face.hpp"
#include "test/support/catch.hpp"

namespace regent::sim {

/// Thread-safe.
class stopped_clock final : public clock {
 public:
  wall_time wall() const override { return wall_time(std::chrono::seconds(1'795'000'000) + passed()); }
  steady_time steady() const override { return steady_time(std::chrono::hours(1) + passed()); }
  void pass(milliseconds span) { passed_ms_ += span.count(); }

 private:
  milliseconds passed() const { return milliseconds(passed_ms_); }
  std::atomic<std::int64_t> passed_ms_{0};
};

inline json::value parsed_body(const answer& from) { return json::parse(from.body); }

inline json::object content_of(const answer& from) {
  INFO(from.status << " " << from.body);
  REQUIRE(from.status / 100 == 2);
  return parsed_body(from).at("content").as_object();
}

/// The error code in any of the two shapes; empty if there is none.
inline std::string error_code(const answer& from) {
  if (from.type != "application/json" || from.body.empty()) return {};
  const auto body = parsed_body(from).as_object();
  if (body.contains("error_code")) return std::string(body.at("error_code").as_string());
  if (!body.contains("errors")) return {};
  return std::string(body.at("errors").as_object().begin()->value().at("error_code").as_string());
}

inline std::vector<std::int64_t> numbers(const json::value& list) {
  std::vector<std::int64_t> out;
  for (const auto& one : list.as_array()) out.push_back(one.as_int64());
  return out;
}

inline std::vector<std::int64_t> ids_of(const answer& list) {
  INFO(list.body);
  REQUIRE(list.status == 200);
  std::vector<std::int64_t> out;
  const auto body = parsed_body(list);
  for (const auto& one : body.at("content").as_array()) out.push_back(one.at("id").as_int64());
  return out;
}

/// One project with router 1 (two subnets, two rules, a NAT) and VMs 1 and 2, all in `state`.
inline project_spec small_project(std::string name = "p") {
  project_spec out;
  out.name = std::move(name);
  out.router.subnets = {{{}, "lan", "10.0.0.1/24", {}}, {{}, "dmz", "10.0.1.1/24", {}}};
  out.router.rules.resize(2);
  for (auto& rule : out.router.rules) {
    rule.source = "0.0.0.0/0";
    rule.destination = "10.0.0.2";
  }
  out.router.nat = {{"203.0.113.200", "10.0.0.2"}};
  vm_spec web;
  web.name = "web";
  web.addresses = {"10.0.0.2"};
  vm_spec db;
  db.name = "db";
  db.addresses = {"10.0.1.2"};
  out.vms = {web, db};
  return out;
}

struct model_fixture {
  stopped_clock time;
  cloud_model model{time};

  explicit model_fixture(const project_spec& project = small_project()) {
    REQUIRE(model.add(server_spec{}));
    REQUIRE(model.add(project));
  }
  void put(kind what, std::int64_t id, lifecycle_state state) {
    REQUIRE(model.force(what, id, {{"state", number_of(state)}}).status == 200);
  }
  lifecycle_state state(kind what, std::int64_t id) const {
    const auto* found = model.rows().find(what, id);
    REQUIRE(found != nullptr);
    return state_in(*found);
  }
  answer ask(kind what, std::int64_t id, lifecycle_state to, caller by) {
    return model.patch(what, id, {{"state", number_of(to)}}, by);
  }
  std::int64_t add_snapshot(lifecycle_state state, json::object more = {}) {
    more["vm_id"] = 1;
    const auto id = content_of(model.create(kind::snapshot, more)).at("id").as_int64();
    put(kind::snapshot, id, state);
    return id;
  }
  std::int64_t add_backup(lifecycle_state state) {
    const auto id = content_of(model.create(kind::backup, {{"vm_id", 1}})).at("id").as_int64();
    put(kind::backup, id, state);
    return id;
  }
  std::int64_t add_volume(lifecycle_state state, json::object more = {}) {
    more["project_id"] = 1;
    const auto id = content_of(model.create(kind::ceph, more)).at("id").as_int64();
    put(kind::ceph, id, state);
    return id;
  }
  json::object read(kind what, std::int64_t id) const { return content_of(model.get(what, id)); }
};

}  // namespace regent::sim
