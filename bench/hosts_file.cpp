#include "bench/hosts_file.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>

#include <cstdlib>
#include <fstream>

namespace regent::bench {

std::vector<bench_host> read_hosts(const std::string& path, std::size_t most) {
  std::ifstream file(path);
  rapidjson::IStreamWrapper stream(file);
  rapidjson::Document document;
  if (!file || document.ParseStream(stream).HasParseError() || !document.IsObject() || !document.HasMember("hosts"))
    give_up(fmt::format("{} is not a hosts.json of test-hosts", path));
  std::vector<bench_host> hosts;
  for (const auto& each : document["hosts"].GetArray()) {
    if (hosts.size() == most) break;
    hosts.push_back({each["name"].GetString(), each["address"].GetString(), each["user"].GetString(),
                     each["key_file"].GetString(), each["host_key"].GetString(), each["port"].GetInt()});
  }
  if (hosts.size() < most) give_up(fmt::format("{} has {} hosts, {} are wanted", path, hosts.size(), most));
  return hosts;
}

host_endpoint endpoint_of(const bench_host& host) {
  host_endpoint at;
  at.host = host_id(host.name);
  at.address = host.address;
  at.port = host.port;
  at.user = host.user;
  at.key_file = host.key_file;
  at.host_key = host.host_key;
  at.state_directory = "/var/lib/regent-host";
  return at;
}

void give_up(const std::string& why) {
  fmt::print(stderr, "bench: {}\n", why);
  std::_Exit(1);
}

void print_measured(std::size_t hosts, std::size_t runs, double connect_s, double runs_s) {
  fmt::print("{{\"hosts\":{},\"runs\":{},\"connect_s\":{:.4f},\"runs_s\":{:.4f},\"total_s\":{:.4f}}}\n", hosts, runs,
             connect_s, runs_s, connect_s + runs_s);
}

}  // namespace regent::bench
