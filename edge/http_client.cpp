#include "edge/http_client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <charconv>
#include <optional>

#include "edge/name_lookup.hpp"

namespace regent {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

std::string http_address::authority() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

namespace {
bool is_port(std::string_view text) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

bool is_address_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::string_view("-._:").find(c) != std::string_view::npos || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

bool is_path_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
}
}  // namespace

result<http_address> parse_http_address(std::string_view url) {
  const auto malformed = [&](std::string_view why) {
    const auto at = url.find('@');
    return fail(error_kind::permanent, "url_malformed", "{}: {}", at == url.npos ? url : "an address with '@'", why);
  };
  http_address out;
  auto rest = url;
  if (rest.starts_with("https://"))
    out.tls = true;
  else if (!rest.starts_with("http://"))
    return malformed("must begin with http:// or https://");
  rest.remove_prefix(out.tls ? 8 : 7);
  const auto slash = std::min(rest.find('/'), rest.size());
  auto authority = rest.substr(0, slash);
  if (authority.find('@') != authority.npos) return malformed("must not hold a user name or password");
  out.prefix = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  if (!out.prefix.ends_with('/')) out.prefix += '/';
  out.port = out.tls ? "443" : "80";
  const auto bracket = authority.starts_with('[') ? authority.find(']') : authority.npos;
  const auto colon = authority.rfind(':');
  if (colon != authority.npos && (bracket == authority.npos || colon > bracket)) {
    out.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (bracket != authority.npos) authority = authority.substr(1, bracket - 1);
  out.host = authority;
  if (!is_address_text(out.host)) return malformed("has no host name");
  if (!is_port(out.port)) return malformed("has a port that is not 1 to 65535");
  if (!is_path_text(out.prefix)) return malformed("has a path with a query or with characters that must be encoded");
  return out;
}

/// The connection and all that is needed to make it again.
class http_client::line {
 public:
  line(const http_address& address, std::string ca_file, std::size_t body_most)
      : address_(address), ca_file_(std::move(ca_file)), body_most_(body_most) {}

  result<http_reply> call(const http_request& request, milliseconds deadline, const std::stop_token& stop) {
    what_ = fmt::format("{} {} at {}", request.method, request.target, address_.authority());
    end_ = steady::now() + deadline;
    stop_ = stop;
    const std::stop_callback wake(stop, [this] { io_.stop(); });
    const bool reused = connected() && !is_stale();
    if (!reused)
      if (auto made = connect(); !made) return failure(made.error());
    auto answer = exchange(request);
    // The server closed an idle connection just as we used it: nothing was answered, and a GET may be said twice.
    if (!answer && reused && !answer_begun_ && request.method == "GET" && answer.error().code == "cloud_unreachable") {
      if (auto made = connect(); !made) return failure(made.error());
      answer = exchange(request);
    }
    if (!answer) close();
    return answer;
  }

 private:
  using tls_stream = ssl::stream<tcp::socket>;

  bool connected() const { return socket_ != nullptr; }

  /// Anything to read before we asked is an end of the connection, or an answer that is not ours.
  bool is_stale() {
    char byte = 0;
    const auto got = ::recv(socket_->native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }

  void close() {
    socket_ = nullptr;
    tls_.reset();
    plain_.reset();
    buffer_.clear();
  }

  failure failed(std::string code, std::string_view why) const {
    return fail(error_kind::transient, std::move(code), "{}: {}", what_, why);
  }

  /// The error of a step that ended with `code`: stop and deadline first, they are why it ended.
  failure step_failed(error_code code, std::string otherwise, std::string_view during) const {
    if (stop_.stop_requested()) return failed("cloud_stopped", fmt::format("stopped while {}", during));
    if (steady::now() >= end_) return failed("cloud_timeout", fmt::format("no end in time while {}", during));
    return failed(std::move(otherwise), fmt::format("{} while {}", code.message(), during));
  }

  /// Runs one asynchronous operation until it ends or `until` passes; then it is cancelled by closing the socket, and
  /// its handler, which refers to this frame, has run before we return.
  template <class Start>
  error_code run(Start start, steady::time_point until) {
    if (stop_.stop_requested()) return asio::error::operation_aborted;  // starting alone may send
    bool done = false;
    error_code out = asio::error::timed_out;
    start([&](error_code code, auto&&...) {
      done = true;
      out = code;
    });
    io_.restart();
    if (!stop_.stop_requested()) io_.run_until(until);
    if (done) return out;
    error_code ignored;
    socket_->close(ignored);
    while (!done) {
      io_.restart();
      io_.run();
    }
    return asio::error::timed_out;
  }

  result<void> connect() {
    close();
    if (auto ready = prepare_tls(); !ready) return ready;
    auto found = lookup_.find(address_.host, address_.port, end_, stop_);
    if (!found) return failed(found.error().code, found.error().message);
    error_code code = asio::error::host_not_found;
    for (std::size_t i = 0; i < found->size(); ++i) {
      open();
      // An address that swallows packets must leave time for the next one.
      const auto now = steady::now();
      const auto until = now + (end_ - now) / static_cast<long>(found->size() - i);
      code = run([&](auto handler) { socket_->async_connect((*found)[i], handler); }, until);
      if (!code || stop_.stop_requested()) break;
    }
    if (code) {
      auto error = step_failed(code, "cloud_unreachable", "connecting");
      close();
      return error;
    }
    error_code ignored;
    socket_->set_option(tcp::no_delay(true), ignored);
    return address_.tls ? handshake() : result<void>{};
  }

  void open() {
    close();
    if (address_.tls) {
      tls_.emplace(io_, *context_);
      socket_ = &tls_->next_layer();
    } else {
      plain_.emplace(io_);
      socket_ = &*plain_;
    }
  }

  result<void> prepare_tls() {
    if (!address_.tls || context_) return {};
    ssl::context context(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    error_code code;
    if (ca_file_.empty())
      context.set_default_verify_paths(code);
    else
      context.load_verify_file(ca_file_, code);
    if (code) return failed("cloud_tls", fmt::format("cannot read the trusted roots {}: {}", ca_file_, code.message()));
    context.set_verify_mode(ssl::verify_peer, code);
    context_.emplace(std::move(context));
    return {};
  }

  result<void> handshake() {
    auto* session = tls_->native_handle();
    error_code numeric;
    asio::ip::make_address(address_.host, numeric);
    auto* checks = SSL_get0_param(session);
    X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool named = numeric ? X509_VERIFY_PARAM_set1_host(checks, address_.host.c_str(), 0) == 1 &&
                                     SSL_set_tlsext_host_name(session, const_cast<char*>(address_.host.c_str())) == 1
                               : X509_VERIFY_PARAM_set1_ip_asc(checks, address_.host.c_str()) == 1;
    if (!named) {
      close();
      return failed("cloud_tls", "the host name cannot be verified");
    }
    const auto code = run([&](auto handler) { tls_->async_handshake(ssl::stream_base::client, handler); }, end_);
    if (!code) return {};
    const auto verdict = SSL_get_verify_result(session);
    auto error = verdict == X509_V_OK ? step_failed(code, "cloud_tls", "making the TLS connection")
                                      : failed("cloud_tls", fmt::format("the server's certificate is not accepted: {}",
                                                                        X509_verify_cert_error_string(verdict)));
    close();
    return error;
  }

  http::request<http::string_body> message(const http_request& request) const {
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(request.method);
    out.target(request.target);
    const bool usual = address_.port == (address_.tls ? "443" : "80");
    const auto authority = address_.authority();
    out.set(http::field::host, usual ? authority.substr(0, authority.rfind(':')) : authority);
    out.set(http::field::user_agent, "regent/" REGENT_VERSION);
    out.set(http::field::accept, "application/json");
    if (!request.body.empty()) out.set(http::field::content_type, "application/json");
    for (const auto& [name, value] : request.headers) out.set(name, value);
    out.body() = request.body;
    out.prepare_payload();
    return out;
  }

  result<http_reply> exchange(const http_request& request) {
    answer_begun_ = false;
    const auto out = message(request);
    const auto written =
        run([&](auto handler) { with_stream([&](auto& s) { http::async_write(s, out, handler); }); }, end_);
    if (written) return step_failed(written, "cloud_unreachable", "sending the request");
    http::response_parser<http::string_body> parser;
    parser.body_limit(body_most_);
    parser.header_limit(header_most);
    const auto got =
        run([&](auto handler) { with_stream([&](auto& s) { http::async_read(s, buffer_, parser, handler); }); }, end_);
    answer_begun_ = parser.got_some() || buffer_.size() > 0;
    if (got) return read_failed(got);
    auto message = parser.release();
    // More bytes than the answer's, or an answer that is not the last one: the next answer would not be the next
    // call's.
    if (!message.keep_alive() || buffer_.size() > 0 || message.result_int() < 200) close();
    const auto field = [&](http::field name) { return std::string(message[name]); };
    return http_reply{static_cast<int>(message.result_int()), field(http::field::content_type),
                      field(http::field::retry_after), field(http::field::location), std::move(message.body())};
  }

  failure read_failed(error_code code) const {
    if (code == http::error::body_limit)
      return failed("cloud_too_long", fmt::format("the answer is longer than {} bytes", body_most_));
    if (code == http::error::partial_message) return failed("cloud_malformed", "the answer ends early");
    const bool not_http =
        code.category() == make_error_code(http::error::bad_value).category() && code != http::error::end_of_stream;
    return step_failed(code, not_http ? "cloud_malformed" : "cloud_unreachable", "waiting for the answer");
  }

  template <class Use>
  void with_stream(Use use) {
    if (tls_)
      use(*tls_);
    else
      use(*plain_);
  }

  static constexpr std::uint32_t header_most = 64 * 1024;  ///< bytes of an answer's head

  http_address address_;
  std::string ca_file_;
  std::size_t body_most_;
  asio::io_context io_{1};
  name_lookup lookup_;
  std::optional<ssl::context> context_;
  std::optional<tls_stream> tls_;
  std::optional<tcp::socket> plain_;
  tcp::socket* socket_ = nullptr;  ///< the open one of the two; null: not connected
  boost::beast::flat_buffer buffer_;
  bool answer_begun_ = false;
  std::string what_;
  steady::time_point end_;
  std::stop_token stop_;
};

http_client::http_client(http_address address, std::string ca_file, std::size_t body_most)
    : address_(std::move(address)), line_(std::make_unique<line>(address_, std::move(ca_file), body_most)) {}
http_client::~http_client() = default;
http_client::http_client(http_client&&) noexcept = default;

result<http_reply> http_client::call(const http_request& request, milliseconds deadline, const std::stop_token& stop) {
  return line_->call(request, deadline, stop);
}

}  // namespace regent
