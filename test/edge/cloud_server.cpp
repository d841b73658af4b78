#include "test/edge/cloud_server.hpp"

#include <sys/socket.h>

#include <fmt/format.h>

namespace regent::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

cloud_server::cloud_server(script answers, std::optional<server_tls> tls)
    : script_(std::move(answers)), acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
  if (tls) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(tls->certificate_file);
    tls_->use_private_key_file(tls->key_file, asio::ssl::context::pem);
  }
  port_ = acceptor_.local_endpoint().port();
  acceptor_thread_ = std::thread([this] { accept(); });
}

cloud_server::~cloud_server() {
  stopping_ = true;
  ::shutdown(acceptor_.native_handle(), SHUT_RDWR);  // wakes accept()
  acceptor_thread_.join();
  {
    const std::lock_guard lock(guard_);
    for (const auto& socket : sockets_) ::shutdown(socket->native_handle(), SHUT_RDWR);
  }
  for (auto& talker : talkers_) talker.join();
}

std::string cloud_server::url(const std::string& host) const {
  return fmt::format("{}://{}:{}/iaas/", tls_ ? "https" : "http", host, port_);
}

std::vector<seen_request> cloud_server::seen() const {
  const std::lock_guard lock(guard_);
  return seen_;
}

std::size_t cloud_server::count(const std::string& method, const std::string& path) const {
  std::size_t out = 0;
  for (const auto& request : seen())
    if (request.method == method && request.target.substr(0, request.target.find('?')) == "/iaas/" + path) ++out;
  return out;
}

void cloud_server::accept() {
  constexpr std::size_t connections_most = 256;
  for (int number = 1; !stopping_; ++number) {
    auto socket = std::make_shared<tcp::socket>(io_);
    error_code code;
    acceptor_.accept(*socket, code);
    if (code) return;
    const std::lock_guard lock(guard_);
    if (talkers_.size() >= connections_most) return;
    sockets_.push_back(socket);
    talkers_.emplace_back([this, socket, number] { serve(socket, number); });
  }
}

void cloud_server::serve(const std::shared_ptr<tcp::socket>& socket, int number) {
  if (tls_) {
    asio::ssl::stream<tcp::socket&> stream(*socket, *tls_);
    error_code code;
    stream.handshake(asio::ssl::stream_base::server, code);
    if (!code) talk(stream, number);
  } else {
    talk(*socket, number);
  }
  ::shutdown(socket->native_handle(), SHUT_RDWR);  // closed by its owner, the list
}

template <class Stream>
void cloud_server::talk(Stream& stream, int number) {
  boost::beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> got;
    error_code code;
    http::read(stream, buffer, got, code);
    if (code) return;
    const seen_request request{std::string(got.method_string()), std::string(got.target()),
                               std::string(got["X-Auth-Token"]), got.body(), number};
    {
      const std::lock_guard lock(guard_);
      seen_.push_back(request);
    }
    const auto answer = script_(request);
    if (answer.mode == scripted_answer::how::close) return;
    if (answer.mode == scripted_answer::how::silence) {
      http::request<http::string_body> nothing;
      http::read(stream, buffer, nothing, code);
      return;
    }
    if (answer.mode == scripted_answer::how::raw) {
      asio::write(stream, asio::buffer(answer.body), code);
      return;
    }
    http::response<http::string_body> out(static_cast<http::status>(answer.status), 11, answer.body);
    out.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : answer.headers) out.set(name, value);
    out.prepare_payload();
    http::write(stream, out, code);
    if (code) return;
  }
}

}  // namespace regent::test
