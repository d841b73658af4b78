#include "cli/daemon_client.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>

#include "region/region_config.hpp"

namespace regent::cli {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

std::string daemon_address::text() const {
  if (!unix_socket.empty()) return unix_socket;
  return host.find(':') == std::string::npos ? fmt::format("http://{}:{}", host, port)
                                             : fmt::format("http://[{}]:{}", host, port);
}

namespace {
failure bad_url(const std::string& url) {
  return fail(error_kind::permanent, "bad_url", "'{}' is not an address such as http://127.0.0.1:8420", url);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

result<std::vector<daemon_address>> addresses_of_config(const std::string& path) {
  const auto check = load_region_config(path);
  if (!check.config) return fail(error_kind::permanent, "bad_config", "{}", check.text(path));
  const auto& listen = check.config->listen;
  std::vector<daemon_address> found;
  found.push_back(
      {listen.unix_socket.empty() ? check.config->state_directory + "/regent.sock" : listen.unix_socket, {}, 0});
  if (listen.tcp && listen.port > 0) found.push_back({{}, listen.address, listen.port});
  return found;
}

result<std::vector<daemon_address>> address_of_url(const std::string& url) {
  auto address = parse_daemon_url(url);
  if (!address) return failure(address.error());
  return std::vector<daemon_address>{std::move(*address)};
}
}  // namespace

result<daemon_address> parse_daemon_url(const std::string& url) {
  std::string_view rest = url;
  if (!rest.starts_with("http://")) return bad_url(url);
  rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  const bool has_port = colon != rest.npos && rest.find(']', colon) == rest.npos;
  auto host = rest.substr(0, has_port ? colon : rest.size());
  const auto digits = has_port ? rest.substr(colon + 1) : std::string_view("80");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("/?#@[] \t\r\n") != host.npos || digits.empty() || digits.size() > 5 ||
      digits.find_first_not_of("0123456789") != digits.npos)
    return bad_url(url);
  const int port = std::stoi(std::string(digits));
  if (port < 1 || port > 65535) return bad_url(url);
  return daemon_address{{}, std::string(host), port};
}

result<std::vector<daemon_address>> daemon_addresses(const daemon_choice& choice) {
  using list = std::vector<daemon_address>;
  if (!choice.socket.empty()) return list{{choice.socket, {}, 0}};
  if (!choice.url.empty()) return address_of_url(choice.url);
  if (!choice.config.empty()) return addresses_of_config(choice.config);
  if (const auto socket = environment("REGENT_SOCKET"); !socket.empty()) return list{{socket, {}, 0}};
  if (const auto url = environment("REGENT_URL"); !url.empty()) return address_of_url(url);
  return list{{"/run/regent/regent.sock", {}, 0}, {"/var/lib/regent/regent.sock", {}, 0}};
}

namespace {
/// One question under way; everything happens within io.run(), each part bounded by the one deadline, and each wait for
/// a stream's next bytes by `silence`.
class question {
 public:
  question(const daemon_address& where, const std::string& target, std::chrono::milliseconds deadline, daemon_call how,
           take_bytes take = {}, std::chrono::milliseconds silence = {}, const std::string& body = {})
      : where_(where),
        deadline_(std::chrono::steady_clock::now() + deadline),
        take_(std::move(take)),
        silence_(silence) {
    request_.version(11);
    request_.method(how == daemon_call::tell ? http::verb::post : http::verb::get);
    request_.target(target);
    const auto authority = where.text();
    request_.set(http::field::host, where.unix_socket.empty() ? authority.substr(7) : "localhost");
    request_.set(http::field::connection, "close");
    request_.body() = body;
    if (!body.empty()) request_.prepare_payload();
    parser_.body_limit(daemon_answer_bytes);
  }

  result<daemon_answer> ask() {
    auto endpoint = resolve();
    if (!endpoint) return failure(endpoint.error());
    stream_.expires_at(deadline_);
    stream_.async_connect(*endpoint, [this](error_code failed) { connected(failed); });
    io_.run();
    if (failed_) return failure(*failed_);
    const auto& said = parser_.get();
    return daemon_answer{static_cast<int>(said.result_int()), said.body()};
  }

 private:
  result<net::generic::stream_protocol::endpoint> resolve() {
    if (!where_.unix_socket.empty()) {
      if (where_.unix_socket.size() > 107 || where_.unix_socket.find('\0') != std::string::npos)
        return unreachable("a socket's path has at most 107 bytes");
      return net::local::stream_protocol::endpoint(where_.unix_socket);
    }
    error_code failed;
    net::ip::tcp::resolver resolver(io_);
    const auto found = resolver.resolve(where_.host, std::to_string(where_.port), failed);
    if (failed || found.empty()) return unreachable(failed.message());
    return found.begin()->endpoint();
  }

  failure unreachable(const std::string& why) const {
    return fail(error_kind::transient, "daemon_unreachable", "cannot reach the regent daemon at {}: {}", where_.text(),
                why);
  }

  void connected(error_code failed) {
    if (failed) {
      failed_ = failed == beast::error::timeout ? silent() : unreachable(failed.message()).value();
      return;
    }
    http::async_write(stream_, request_, [this](error_code wrong, std::size_t) {
      if (wrong == beast::error::timeout) failed_ = silent();
      // A daemon that refuses early has answered before it closed: read that in any case.
      if (!failed_ && !take_) read();
      if (!failed_ && take_) read_header();
    });
  }

  void read() {
    http::async_read(stream_, buffer_, parser_, [this](error_code failed, std::size_t) { judge(failed); });
  }

  void read_header() {
    parser_.eager(false);
    http::async_read_header(stream_, buffer_, parser_, [this](error_code failed, std::size_t) {
      judge(failed);
      if (failed) return;
      if (parser_.get()[http::field::content_type] != "text/event-stream") return read();
      const std::string begun(static_cast<const char*>(buffer_.data().data()), buffer_.size());
      buffer_.clear();
      if (begun.empty() || take_(begun)) read_on();
    });
  }

  /// What a stream says has no length: it ends with the connection.
  void read_on() {
    stream_.expires_after(silence_);
    stream_.async_read_some(buffer_.prepare(64 * 1024), [this](error_code failed, std::size_t count) {
      if (failed == beast::error::timeout) failed_ = silent();
      if (failed) return;
      buffer_.commit(count);
      const bool go_on = take_({static_cast<const char*>(buffer_.data().data()), count});
      buffer_.consume(count);
      if (go_on) read_on();
    });
  }

  void judge(error_code failed) {
    if (failed == beast::error::timeout)
      failed_ = silent();
    else if (failed)
      failed_ = error{error_kind::permanent, "daemon_garbled",
                      fmt::format("what answers at {} does not answer as a regent daemon does: {}", where_.text(),
                                  failed.message())};
  }

  error silent() const {
    return {error_kind::transient, "daemon_silent",
            fmt::format("the regent daemon at {} does not answer in time", where_.text())};
  }

  const daemon_address& where_;
  std::chrono::steady_clock::time_point deadline_;
  take_bytes take_;  // empty: one whole answer is wanted
  std::chrono::milliseconds silence_;
  net::io_context io_{1};
  beast::basic_stream<net::generic::stream_protocol> stream_{io_};
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  std::optional<error> failed_;
};
}  // namespace

result<daemon_answer> ask_daemon(const daemon_address& where, const std::string& target,
                                 std::chrono::milliseconds deadline, daemon_call how, const std::string& body) {
  try {
    return question(where, target, deadline, how, {}, {}, body).ask();
  } catch (const std::exception& broken) {
    return fail(error_kind::permanent, "daemon_garbled", "cannot ask {}: {}", where.text(), broken.what());
  }
}

namespace {
/// Asks one address after the other until somebody is there.
template <class Ask>
result<daemon_answer> first_that_answers(const std::vector<daemon_address>& where, Ask ask) {
  std::string tried;
  for (const auto& each : where) {
    auto answer = ask(each);
    if (answer || answer.error().code != "daemon_unreachable") return answer;
    if (where.size() == 1)
      return fail(error_kind::transient, "daemon_unreachable",
                  "{} (is `regent serve` running, and is this user allowed to ask it?)", answer.error().message);
    tried += (tried.empty() ? "" : " or ") + each.text();
  }
  return fail(error_kind::transient, "daemon_unreachable",
              "no regent daemon answers at {} (is `regent serve` running? --socket, --url or --config say where)",
              tried);
}
}  // namespace

result<daemon_answer> ask_daemon(const std::vector<daemon_address>& where, const std::string& target, daemon_call how,
                                 const std::string& body) {
  return first_that_answers(where,
                            [&](const auto& each) { return ask_daemon(each, target, daemon_deadline, how, body); });
}

result<daemon_answer> follow_daemon(const std::vector<daemon_address>& where, const std::string& target,
                                    std::chrono::milliseconds silence, const take_bytes& take) {
  return first_that_answers(where, [&](const daemon_address& each) -> result<daemon_answer> {
    try {
      return question(each, target, daemon_deadline, daemon_call::look, take, silence).ask();
    } catch (const std::exception& broken) {
      return fail(error_kind::permanent, "daemon_garbled", "cannot follow {}: {}", each.text(), broken.what());
    }
  });
}

}  // namespace regent::cli
