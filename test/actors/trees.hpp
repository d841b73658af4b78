// What tests of trees share: two routers, the newest root, and what has become of its branches.
#pragma once

#include <fmt/format.h>

#include "test/actors/region_fixture.hpp"
#include "test/support/catch.hpp"

namespace regent::test {

inline const resource_id second_router{"virtual_router", "2"};

/// Two routers that are running.
inline void build_two(region_fixture& region) {
  asks_for_build(region);
  region.cloud_side.records[second_router].state = requested;
  region.start();
  region.pass(std::chrono::seconds(2));
  REQUIRE(region.state_in_cloud("1") == running);
  REQUIRE(region.state_in_cloud("2") == running);
  region.hosts["a"].log.clear();
  region.hosts["b"].log.clear();
}

inline job root_of(const region_fixture& region) {
  std::optional<job> root;
  for (const auto& [number, one] : region.store->jobs)
    if (is_tree(one)) root = one;
  REQUIRE(root);
  return *root;
}

inline std::string branch_states(const region_fixture& region) {
  std::string all;
  for (const auto& one : region.branches(root_of(region).id)) all += fmt::format("{} {}, ", one.name, name(one.state));
  return all;
}

/// Sub-jobs of the root, and what comes of them.
inline std::vector<job> below(const region_fixture& region, job_id root) {
  std::vector<job> all;
  for (const auto& [number, one] : region.store->jobs)
    if (one.root == root && one.id != root) all.push_back(one);
  return all;
}

}  // namespace regent::test
