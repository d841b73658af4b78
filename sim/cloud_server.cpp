#include "sim/cloud_server.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.hpp"

namespace regent::sim {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto idle_most = 60s;  ///< between two calls, and for each to arrive or leave
constexpr std::uint64_t body_bytes_most = 64 << 20;
constexpr std::size_t connections_most = 512;
constexpr auto accept_pause = 100ms;  ///< after the machine refused a connection
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

using request = http::request<http::string_body>;
using response = http::response<http::string_body>;

std::string header(const request& from, std::string_view name) {
  const auto found = from.find(beast::string_view(name.data(), name.size()));
  return found == from.end() ? std::string() : std::string(found->value());
}

call call_of(const request& from, bool loopback) {
  return {std::string(from.method_string()),
          std::string(from.target()),
          header(from, "X-Auth-Token"),
          header(from, "Content-Type"),
          from.body(),
          loopback};
}

response response_of(const request& to, answer&& said) {
  response out{static_cast<http::status>(said.status), to.version()};
  out.keep_alive(to.keep_alive());
  if (!said.type.empty()) out.set(http::field::content_type, said.type);
  for (const auto& [name, value] : said.headers) out.set(name, value);
  out.body() = std::move(said.body);
  out.prepare_payload();
  return out;
}

/// One connection, until it ends, errs, or is told to hang up.
template <class Stream>
asio::awaitable<void> serve_calls(Stream& stream, cloud_face& face, bool loopback) {
  beast::flat_buffer buffer;
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(body_bytes_most);
    beast::get_lowest_layer(stream).expires_after(idle_most);
    const auto [unread, size] = co_await http::async_read(stream, buffer, parser, quietly);
    if (unread) co_return;
    const auto& asked = parser.get();
    auto said = face.handle(call_of(asked, loopback));
    if (said.delay.count() > 0) {
      asio::steady_timer timer(co_await asio::this_coro::executor, said.delay);
      if (const auto [cut] = co_await timer.async_wait(quietly); cut) co_return;
    }
    if (said.hang_up) co_return;
    auto out = response_of(asked, std::move(said.what));
    beast::get_lowest_layer(stream).expires_after(idle_most);
    const auto [unsent, sent] = co_await http::async_write(stream, out, quietly);
    if (unsent || !out.keep_alive()) co_return;
  }
}

class server final : public cloud_sim {
 public:
  server(const cloud_sim_options& options, const clock& time)
      : options_(options), face_(options.face, time), acceptor_(asio::make_strand(io_)) {}

  ~server() override {
    io_.stop();
    for (auto& thread : threads_) thread.join();
  }

  result<void> start() {
    if (auto loaded = face_.load(options_.records); !loaded) return loaded;
    if (auto secured = secure(); !secured) return secured;
    if (auto listening = listen(); !listening) return listening;
    asio::co_spawn(acceptor_.get_executor(), accept_all(), asio::detached);
    for (std::size_t i = 0; i < std::max<std::size_t>(options_.threads, 1); ++i)
      threads_.emplace_back([this] { io_.run(); });
    return {};
  }

  int port() const override { return port_; }

  std::string url() const override {
    const bool v6 = options_.address.find(':') != std::string::npos;
    return fmt::format("{}://{}:{}/", tls_ ? "https" : "http", v6 ? "[" + options_.address + "]" : options_.address,
                       port_);
  }

  reply handle(const call& what) override { return face_.handle(what); }

 private:
  result<void> secure() {
    if (options_.certificate_file.empty() && options_.key_file.empty()) return {};
    beast::error_code bad;
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(options_.certificate_file, bad);
    if (!bad) tls_->use_private_key_file(options_.key_file, asio::ssl::context::pem, bad);
    if (!bad) return {};
    return fail(error_kind::permanent, "certificate_unusable", "'{}' with key '{}': {}", options_.certificate_file,
                options_.key_file, bad.message());
  }

  result<void> listen() {
    beast::error_code bad;
    const auto address = asio::ip::make_address(options_.address, bad);
    const tcp::endpoint at(address, static_cast<std::uint16_t>(options_.port));
    if (!bad) acceptor_.open(at.protocol(), bad);
    if (!bad) acceptor_.set_option(asio::socket_base::reuse_address(true), bad);
    if (!bad) acceptor_.bind(at, bad);
    if (!bad) acceptor_.listen(asio::socket_base::max_listen_connections, bad);
    if (bad)
      return fail(error_kind::permanent, "listen_failed", "cannot listen on {} port {}: {}", options_.address,
                  options_.port, bad.message());
    port_ = acceptor_.local_endpoint(bad).port();
    return {};
  }

  asio::awaitable<void> accept_all() {
    for (;;) {
      auto [bad, socket] = co_await acceptor_.async_accept(asio::make_strand(io_), quietly);
      if (bad == asio::error::operation_aborted) co_return;
      if (bad) {
        log::warn("cloud-sim: cannot accept a connection: {}", bad.message());
        asio::steady_timer pause(acceptor_.get_executor(), accept_pause);
        co_await pause.async_wait(quietly);
        continue;
      }
      if (connections_ >= connections_most) continue;
      const auto where = socket.get_executor();
      asio::co_spawn(where, serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    const counted here(connections_);
    beast::error_code bad;
    const auto peer = socket.remote_endpoint(bad);
    const bool loopback = !bad && peer.address().is_loopback();
    socket.set_option(tcp::no_delay(true), bad);
    beast::tcp_stream plain(std::move(socket));
    if (!tls_) {
      co_await serve_calls(plain, face_, loopback);
      plain.socket().shutdown(tcp::socket::shutdown_both, bad);
      co_return;
    }
    beast::ssl_stream<beast::tcp_stream> sealed(std::move(plain), *tls_);
    beast::get_lowest_layer(sealed).expires_after(idle_most);
    if (const auto [refused] = co_await sealed.async_handshake(asio::ssl::stream_base::server, quietly); refused)
      co_return;
    co_await serve_calls(sealed, face_, loopback);
    beast::get_lowest_layer(sealed).socket().shutdown(tcp::socket::shutdown_both, bad);
  }

  struct counted {
    explicit counted(std::atomic<std::size_t>& of) : count(of) { ++count; }
    ~counted() { --count; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    std::atomic<std::size_t>& count;
  };

  const cloud_sim_options options_;
  cloud_face face_;
  std::optional<asio::ssl::context> tls_;
  std::atomic<std::size_t> connections_{0};
  int port_ = 0;
  // Last but the threads: what still waits in it refers to all of the above when it is destroyed.
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> threads_;
};

}  // namespace

result<std::unique_ptr<cloud_sim>> start_cloud_sim(const cloud_sim_options& options, const clock& time) {
  auto made = std::make_unique<server>(options, time);
  if (auto started = made->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<cloud_sim>(std::move(made));
}

}  // namespace regent::sim
