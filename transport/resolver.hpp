// Addresses of host names, found on threads that may take their time.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace regent {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
using socket_addresses = std::vector<socket_address>;

/// The address that the text itself is; none if it is a name.
socket_addresses numeric_addresses(const std::string& text, int port);

/// A few helper threads, so that one dead name server delays only some of the names. Thread-safe.
class resolver {
 public:
  using answer = std::function<void(result<socket_addresses>)>;  ///< on a helper thread
  resolver();
  ~resolver() { stop(); }
  /// No answer is given after this. Lookups under way are not waited for: the C library's cannot be interrupted.
  void stop();
  void resolve(std::string name, int port, answer done);

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace regent
