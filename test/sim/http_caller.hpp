// A plain HTTP client for tests of the simulator's socket: it believes nothing and retries nothing.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <string>

namespace regent::sim {

struct heard {
  int status = 0;
  std::string body;
  std::string location;
};

class http_caller {
 public:
  /// `tls`: speak TLS and trust whatever certificate there is.
  explicit http_caller(int port, bool tls = false) : plain_(io_) {
    plain_.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
    if (!tls) return;
    sealed_.emplace(plain_.socket(), context_);
    sealed_->handshake(boost::asio::ssl::stream_base::client);
  }

  /// None if the connection ended before a whole answer came.
  std::optional<heard> send(const std::string& method, const std::string& target, const std::string& token = {},
                            const std::string& body = {}) {
    return sealed_ ? send_on(*sealed_, method, target, token, body) : send_on(plain_, method, target, token, body);
  }

 private:
  template <class Stream>
  std::optional<heard> send_on(Stream& stream, const std::string& method, const std::string& target,
                               const std::string& token, const std::string& body) {
    namespace http = boost::beast::http;
    http::request<http::string_body> asking;
    asking.method_string(method);
    asking.target(target);
    asking.set(http::field::host, "127.0.0.1");
    if (!body.empty()) asking.set(http::field::content_type, "application/json");
    if (!token.empty()) asking.set("X-Auth-Token", token);
    asking.body() = body;
    asking.prepare_payload();
    boost::beast::error_code bad;
    http::write(stream, asking, bad);
    http::response<http::string_body> said;
    if (!bad) http::read(stream, buffer_, said, bad);
    if (bad) return std::nullopt;
    return heard{static_cast<int>(said.result_int()), said.body(), std::string(said[http::field::location])};
  }

  boost::asio::io_context io_;
  boost::beast::tcp_stream plain_;
  boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
  std::optional<boost::beast::ssl_stream<boost::asio::ip::tcp::socket&>> sealed_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace regent::sim
