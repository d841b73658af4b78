// Region files for tests: a good one, and what is said of one with a line replaced.
#pragma once

#include <string>
#include <vector>

#include "region/region_config.hpp"
#include "test/support/catch.hpp"

namespace regent::test {

inline constexpr auto key_a = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

inline const std::vector<std::string> good_lines{
    "region: cork-1",                                   // 1
    "cloud:",                                           // 2
    "  url: https://iaas.example.com",                  // 3
    "  email: robot@example.com",                       // 4
    "  password: {file: /etc/regent/password}",         // 5
    "  api_key: {environment: REGENT_API_KEY}",         // 6
    "ssh:",                                             // 7
    "  key_file: /etc/regent/id",                       // 8
    "hosts:",                                           // 9
    "  - name: pod-a",                                  // 10
    "    address: 192.0.2.1",                           // 11
    "    host_key: " + std::string(key_a),              // 12
    "  - name: pod-b",                                  // 13
    "    address: 192.0.2.2",                           // 14
    "    host_key: " + std::string(key_a) + " root@b",  // 15
    "podnet: {a: pod-a, b: pod-b, enabled: pod-b}",     // 16
    "networks:",                                        // 17
    "  tenant: {type: vlan, interface: eth1}",          // 18
};

/// The good file with one line (from 1) replaced; a line after the last is added.
inline std::string file_with(std::size_t line, const std::string& replacement) {
  auto lines = good_lines;
  if (line > lines.size()) lines.emplace_back();
  lines[line - 1] = replacement;
  std::string text;
  for (const auto& each : lines) text += each + "\n";
  return text;
}

inline std::string good_file() { return file_with(1, good_lines[0]); }

inline region_config config_of(const std::string& text) {
  const auto check = parse_region_config(text);
  INFO(check.text("region.yaml"));
  REQUIRE(check.config.has_value());
  return *check.config;
}

inline std::string problems_of(const std::string& text) {
  const auto check = parse_region_config(text);
  CHECK(check.config.has_value() == check.problems.empty());
  return check.text("r");
}

inline std::string text_at(const region_config& config, std::string_view path) {
  const auto* value = find_path(*config.document, path);
  return value == nullptr ? "nothing" : json_text(*value);
}

struct bad_line {
  std::size_t line;
  std::string text;
  std::string expected;
};

inline void check_each(const std::vector<bad_line>& cases) {
  for (const auto& each : cases) {
    INFO("line " << each.line << " is: " << each.text);
    CHECK(problems_of(file_with(each.line, each.text)) == each.expected + "\n");
  }
}

}  // namespace regent::test
