// A host name's addresses, with a deadline. getaddrinfo cannot be interrupted, so it runs on a thread of its own that
// is left behind when the deadline passes; there is at most one such thread per object.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace regent {

class name_lookup {
 public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  /// Errors: transient `cloud_unreachable` (no such name), `cloud_timeout`, `cloud_stopped`.
  result<endpoints> find(const std::string& host, const std::string& port, std::chrono::steady_clock::time_point end,
                         const std::stop_token& stop);

 private:
  struct answer;
  std::shared_ptr<answer> pending_;
};

}  // namespace regent
