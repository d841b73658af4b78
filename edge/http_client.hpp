// A small HTTP/1.1 client: blocking calls with one deadline over name lookup, connect, handshake, write and read.
// Verifies certificate and host name, reuses its connection, follows no redirect. One object belongs to one thread.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"

namespace regent {

/// Where a server is: "https://host:port/prefix/".
struct http_address {
  bool tls = false;
  std::string host;  ///< name or address, IPv6 without brackets
  std::string port;
  std::string prefix = "/";       ///< begins and ends with '/'
  std::string authority() const;  ///< "host:port", as in the Host header and in messages
};

/// Errors: permanent `url_malformed`. A user name or password in the address is refused: it would end in messages.
result<http_address> parse_http_address(std::string_view url);

struct http_request {
  std::string method;
  std::string target;  ///< begins with '/', already encoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< JSON, or empty
};

struct http_reply {
  int status = 0;
  std::string content_type;
  std::string retry_after;
  std::string location;
  std::string body;
};

class http_client {
 public:
  /// `ca_file`: PEM of trusted roots; the system's if empty. It is read at the first call that needs it.
  http_client(http_address address, std::string ca_file, std::size_t body_most = limits::cloud_body_bytes);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) = delete;

  const http_address& address() const { return address_; }

  /// Any answer at all is a success here. Errors, all transient and naming method, target and server: `cloud_timeout`,
  /// `cloud_unreachable` (also a connection lost before the answer: the request may have been carried out),
  /// `cloud_tls`, `cloud_malformed` (not HTTP, ends early), `cloud_too_long` (its body is), `cloud_stopped`.
  result<http_reply> call(const http_request& request, milliseconds deadline, const std::stop_token& stop = {});

 private:
  class line;
  http_address address_;
  std::unique_ptr<line> line_;
};

}  // namespace regent
