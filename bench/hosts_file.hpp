// The hosts that a measurement works on, as test/support/test-hosts writes them in DIR/hosts.json.
#pragma once

#include <string>
#include <vector>

#include "transport/transport.hpp"

namespace regent::bench {

struct bench_host {
  std::string name, address, user, key_file, host_key;
  int port = 22;
};

/// The first `most` of them. Ends the program with a message if the file cannot be read or has fewer.
std::vector<bench_host> read_hosts(const std::string& path, std::size_t most);

/// How the production transport reaches it.
host_endpoint endpoint_of(const bench_host& host);

/// Ends the program: a measurement that went wrong has no number.
[[noreturn]] void give_up(const std::string& why);

/// One line of JSON on stdout: {"hosts","runs","connect_s","runs_s","total_s"}.
void print_measured(std::size_t hosts, std::size_t runs, double connect_s, double runs_s);

}  // namespace regent::bench
