// A router's record and a region, as text; the catalogue as built in.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

#include "primitives/planner.hpp"

namespace regent::test {

inline constexpr const char* router_document = R"json({
  "id": 3, "name": "shop", "project": {"id": 7, "name": "shop"},
  "public": {"address": "192.0.2.10/24", "gateway": "192.0.2.1"},
  "networks": [
    {"id": 11, "name": "web", "address": "10.0.0.1/24", "vlan": 1000},
    {"id": 12, "name": "data", "address": "10.0.1.1/24", "vlan": 1001},
    {"id": 13, "name": "web6", "address": "2001:DB8:1:0::1/64", "vlan": 1000}],
  "rules": [
    {"id": 21, "order": 0, "allow": true, "log": false, "protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.0.0.2/32", "port": "80-90,22,85"},
    {"id": 22, "order": 1, "allow": true, "log": false, "protocol": "any", "source": "10.0.0.0/24", "destination": "10.0.1.0/24", "port": ""},
    {"id": 23, "order": 2, "allow": false, "log": true, "protocol": "udp", "source": "@office", "destination": "0.0.0.0/0", "port": "53"},
    {"id": 24, "order": 3, "allow": true, "log": false, "protocol": "icmp", "source": "::/0", "destination": "2001:db8:1::/64", "port": ""}],
  "nat": [{"public": "192.0.2.77", "private": "10.0.0.2"}],
  "routes": [
    {"destination": "10.9.0.0/16", "gateway": "10.0.0.9", "metric": 100},
    {"destination": "2001:db8:9::/48", "gateway": "2001:db8:1::9", "metric": 50}],
  "sets": [{"name": "office", "family": "ipv4", "elements": ["198.51.100.0/28", "198.51.100.77"]}]})json";

inline std::string region_text(const std::string& networks, bool pair = true) {
  const auto host = [](const char* name, int number) {
    return fmt::format(
        "  - {{name: {}, address: 198.51.100.{}, role: podnet, agent: true, host_key: ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f}}\n",
        name, number);
  };
  return "region: test\n"
         "cloud: {url: 'http://127.0.0.1:1/', email: robot@example.com, password: {environment: P}, api_key: "
         "{environment: K}}\n"
         "hosts:\n" +
         host("podnet-a", 1) + (pair ? host("podnet-b", 2) : "") + "podnet: {a: podnet-a, " +
         (pair ? "b: podnet-b, " : "") + "enabled: podnet-a}\n" + "networks: {" + networks + "}\n";
}

inline region_config region_of(const std::string& networks, bool pair = true) {
  auto checked = parse_region_config(region_text(networks, pair));
  if (!checked.config) throw std::runtime_error(checked.text("region.yaml"));
  return *checked.config;
}

inline record router_of(const std::string& document, const std::string& id = "3") {
  auto parsed = parse_json(document);
  if (!parsed) throw std::runtime_error(parsed.error().text());
  record out;
  out.head.id = {"virtual_router", id};
  out.name = "shop";
  out.document = *parsed;
  return out;
}

inline const catalogue& built_in() {
  static const auto loaded = load_catalogue({});
  if (!loaded) throw std::runtime_error(loaded.error().text());
  return **loaded;
}

}  // namespace regent::test
