// Asks an SSH server for its host certificate, which it sends in the clear in the first step of a key exchange. Nothing
// is trusted because of how it came: the certificate is signed, and the connection that follows proves its key.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace regent {

class certificate_request {
 public:
  /// Takes over a connected, non-blocking socket.
  explicit certificate_request(int socket);
  ~certificate_request();
  certificate_request(const certificate_request&) = delete;
  certificate_request& operator=(const certificate_request&) = delete;

  int fd() const { return socket_; }
  /// The certificate's wire form; none: wait for input. An empty one: the server has no certificate.
  result<std::optional<std::string>> go_on();

 private:
  result<std::optional<std::string>> parse();

  int socket_;
  bool asked_ = false;
  std::string arrived_;
};

}  // namespace regent
