#include "edge/http_server.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.hpp"
#include "edge/listening.hpp"
#include "region/json.hpp"

namespace regent {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using std::chrono::steady_clock;

http_answer http_error(int status, std::string_view code, std::string_view message) {
  return {status, "application/json",
          fmt::format("{{\"error\":{{\"code\":{},\"message\":{}}}}}\n", json_quote(code), json_quote(message))};
}

bool host_allowed(std::string_view host_header, std::string_view listen_address) {
  auto name = host_header;
  const auto bracket = name.rfind(']');
  const auto colon = name.rfind(':');
  if (colon != name.npos && (bracket == name.npos || colon > bracket)) {
    const auto port = name.substr(colon + 1);
    if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
    name = name.substr(0, colon);
  }
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  if (beast::iequals(name, "localhost") || beast::iequals(name, listen_address)) return true;
  error_code no_address;
  const auto address = net::ip::make_address(std::string(name), no_address);
  if (no_address) return false;
  if (address.is_loopback()) return true;
  const auto listening = net::ip::make_address(std::string(listen_address), no_address);
  if (no_address) return false;
  // Listening everywhere there is no one address; a numeric one cannot be the name of a foreign page.
  return address == listening || listening.is_unspecified();
}

namespace {

/// A request's body: only commands have one, any other is read to its end and dropped.
struct request_body {
  struct value_type {
    bool is_kept = false;
    std::string text;
  };
  struct reader {
    template <bool IsRequest, class Fields>
    reader(http::header<IsRequest, Fields>&, value_type& to) : into(to) {}
    void init(const boost::optional<std::uint64_t>&, error_code& failed) { failed = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& failed) {
      failed = {};
      if (into.is_kept) into.text += beast::buffers_to_string(buffers);
      return beast::buffer_bytes(buffers);
    }
    void finish(error_code& failed) { failed = {}; }
    value_type& into;
  };
};

class connection;

/// Answers that come from other threads ask this whether the server still is.
struct server_life {
  std::mutex guard;
  bool over = false;
};

/// What the connections of one server share. Everything but `open` belongs to the server's thread.
struct shared_state {
  http_handler handler;
  http_command_handler commands;
  http_bounds bounds;
  std::string listen_address;
  std::shared_ptr<server_life> life = std::make_shared<server_life>();
  std::list<connection*> connections;
  std::list<connection*> streams;  ///< those of them that have a stream
  std::function<void()> stream_began;
  std::atomic<std::size_t> open{0};
  std::size_t unsent_bytes = 0;
};

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(net::generic::stream_protocol::socket socket, shared_state& shared, bool over_tcp)
      : stream_(std::move(socket)), late_(stream_.get_executor()), shared_(shared), over_tcp_(over_tcp) {
    place_ = shared_.connections.insert(shared_.connections.end(), this);
    shared_.open = shared_.connections.size();
  }
  ~connection() {
    shared_.streams.remove(this);
    shared_.unsent_bytes -= answer_.body().size();
    shared_.connections.erase(place_);
    shared_.open = shared_.connections.size();
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.bounds.header_bytes));
    parser_->body_limit(shared_.bounds.body_bytes);
    parser_->get().body().is_kept = shared_.commands && !over_tcp_;
    idle_since_ = steady_clock::now();
    stream_.expires_after(shared_.bounds.idle);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code failed, std::size_t) { self->received(failed); });
  }

  /// Since when it waits for a request; none while it is answered.
  std::optional<steady_clock::time_point> idle_since() const { return idle_since_; }
  void drop() {
    idle_since_.reset();
    stream_source_.reset();
    error_code ignored;  // the peer is given up: nothing is owed to it
    stream_.socket().close(ignored);
  }

  /// The stream's next piece, unless one is on its way.
  void go_on() {
    if (!stream_source_ || !piece_.empty()) return;
    try {
      piece_ = stream_source_->next();
    } catch (const std::exception& broken) {
      log::error("http: a stream failed: {}", broken.what());
      return drop();
    }
    if (!piece_.empty()) return write_piece();
    if (stream_source_->over()) drop();
  }

 private:
  void received(error_code failed) {
    idle_since_.reset();
    if (!failed && parser_->get().method() == http::verb::post && shared_.commands && !over_tcp_) return command();
    if (!failed) return answer(decide(), parser_->get().method() == http::verb::head, parser_->get().keep_alive());
    if (failed == http::error::end_of_stream) return finish();
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
      return answer(http_error(431, "header_too_large",
                               fmt::format("a request's header has at most {} bytes", shared_.bounds.header_bytes)));
    if (failed == http::error::body_limit)
      return answer(http_error(413, "body_too_large",
                               fmt::format("a request's body has at most {} bytes", shared_.bounds.body_bytes)));
    if (failed.category() == http::make_error_code(http::error::end_of_stream).category())
      return answer(http_error(400, "malformed_request", failed.message()));
    drop();  // gone or too slow
  }

  /// The answer comes later, from another thread; the first of it and of the deadline counts.
  void command() {
    const auto target = std::string(parser_->get().target());
    if (!target.starts_with('/'))
      return answer(http_error(400, "malformed_request", "the request's target must begin with /"));
    const auto number = ++undecided_;
    late_.expires_after(limits::command_deadline);
    late_.async_wait([self = shared_from_this(), number](error_code stopped) {
      if (!stopped)
        self->decided(number, http_error(504, "undecided", "not decided in time: it may still come to pass"));
    });
    const auto tell = [weak = weak_from_this(), life = shared_.life, number](http_answer said) {
      const std::lock_guard lock(life->guard);
      auto self = life->over ? nullptr : weak.lock();
      if (!self) return;
      const auto thread = self->stream_.get_executor();
      net::post(thread, [self = std::move(self), number, said = std::move(said)]() mutable {
        self->decided(number, std::move(said));
      });
    };
    try {
      shared_.commands({target, parser_->get().body().text}, tell);
    } catch (const std::exception& broken) {
      log::error("http: POST {} failed: {}", target, broken.what());
      tell(http_error(500, "bug", broken.what()));
    }
  }

  void decided(std::uint64_t number, http_answer said) {
    if (number != undecided_) return;
    ++undecided_;
    late_.cancel();
    answer(std::move(said), false, parser_->get().keep_alive());
  }

  http_answer decide() {
    const auto& request = parser_->get();
    if (request.method() != http::verb::get && request.method() != http::verb::head)
      return http_error(405, "method_not_allowed",
                        shared_.commands ? "GET and HEAD are answered here, and POST on the Unix socket"
                                         : "only GET and HEAD are answered here");
    const auto hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() > 10))
      return http_error(400, "malformed_request", "a request has one Host header");
    if (over_tcp_ && !host_allowed(request[http::field::host], shared_.listen_address))
      return http_error(
          403, "host_refused",
          fmt::format("the Host header names neither this machine's loopback nor {}", shared_.listen_address));
    if (request.target().empty() || request.target().front() != '/')
      return http_error(400, "malformed_request", "the request's target must begin with /");
    if (shared_.unsent_bytes > shared_.bounds.answers_bytes)
      return http_error(503, "busy", "too many answers wait for slow readers: try again");
    try {
      const auto cursor = request["Last-Event-ID"];
      return shared_.handler({{request.target().data(), request.target().size()}, {cursor.data(), cursor.size()}});
    } catch (const std::exception& broken) {
      log::error("http: {} failed: {}", std::string_view(request.target()), broken.what());
      return http_error(500, "bug", broken.what());
    }
  }

  void answer(http_answer from, bool head_only = false, bool keep_alive = false) {
    answer_ = {};
    answer_.version(11);
    answer_.result(static_cast<unsigned>(from.status));
    answer_.set(http::field::server, "regent/" REGENT_VERSION);
    answer_.set(http::field::content_type, from.type);
    answer_.set(http::field::cache_control, "no-store");
    answer_.set("X-Content-Type-Options", "nosniff");
    if (from.status == 405)
      answer_.set(http::field::allow, shared_.commands && !over_tcp_ ? "GET, HEAD, POST" : "GET, HEAD");
    if (from.stream) return begin_stream(std::move(from.stream), head_only);
    answer_.content_length(from.body.size());
    if (!head_only) answer_.body() = std::move(from.body);
    answer_.keep_alive(keep_alive);
    shared_.unsent_bytes += answer_.body().size();
    stream_.expires_after(shared_.bounds.idle);
    http::async_write(stream_, answer_, [self = shared_from_this(), keep_alive](error_code failed, std::size_t) {
      self->written(failed, keep_alive);
    });
  }

  void written(error_code failed, bool keep_alive) {
    shared_.unsent_bytes -= answer_.body().size();
    answer_ = {};
    if (failed) return drop();
    if (keep_alive) return read();
    finish();
  }

  /// The header alone: the body ends with the connection.
  void begin_stream(std::shared_ptr<http_stream> source, bool head_only) {
    answer_.keep_alive(false);
    const auto header = std::make_shared<http::response_serializer<http::string_body>>(answer_);
    stream_.expires_after(shared_.bounds.idle);
    http::async_write_header(stream_, *header,
                             [self = shared_from_this(), header, head_only, source = std::move(source)](
                                 error_code failed, std::size_t) mutable {
                               if (failed) return self->drop();
                               if (head_only) return self->finish();
                               self->stream_source_ = std::move(source);
                               self->shared_.streams.push_back(self.get());
                               self->shared_.stream_began();
                               self->watch_for_the_end();
                               self->go_on();
                             });
  }

  /// Nothing is expected of a stream's client but that it goes, which is seen here at once.
  void watch_for_the_end() {
    stream_.expires_never();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed || !self->stream_source_) return self->drop();
      self->watch_for_the_end();
    });
  }

  /// The deadline is of the writing alone: the read that is under way keeps its own, which is none.
  void write_piece() {
    stream_.expires_after(shared_.bounds.idle);
    net::async_write(stream_, net::buffer(piece_), [self = shared_from_this()](error_code failed, std::size_t) {
      self->piece_.clear();
      if (failed || !self->stream_source_) return self->drop();
      if (self->stream_source_->over()) return self->drop();
      self->go_on();
    });
  }

  /// Ends our side and waits, within bounds, for theirs: closing at once would reset what they have not read yet.
  void finish() {
    error_code failed;
    stream_.socket().shutdown(net::socket_base::shutdown_send, failed);
    if (failed) return drop();
    idle_since_ = steady_clock::now();
    buffer_.clear();
    stream_.expires_after(std::min<std::chrono::milliseconds>(shared_.bounds.idle, std::chrono::seconds(2)));
    drain();
  }

  void drain() {
    stream_.async_read_some(buffer_.prepare(16 * 1024), [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->drop();
      self->drain();
    });
  }

  beast::basic_stream<net::generic::stream_protocol> stream_;
  net::steady_timer late_;
  std::uint64_t undecided_ = 0;  // the command whose answer is awaited
  shared_state& shared_;
  bool over_tcp_;
  std::list<connection*>::iterator place_;
  beast::flat_buffer buffer_{128 * 1024};
  std::optional<http::request_parser<request_body>> parser_;
  http::response<http::string_body> answer_;
  std::shared_ptr<http_stream> stream_source_;  // none: no stream, or its client is gone
  std::string piece_;                           // on its way
  std::optional<steady_clock::time_point> idle_since_;
};

class beast_server final : public http_server {
 public:
  beast_server(http_handler handler, http_command_handler commands, http_bounds bounds, std::string listen_address,
               std::string unix_path)
      : file_(std::move(unix_path)) {
    shared_.handler = std::move(handler);
    shared_.commands = std::move(commands);
    shared_.bounds = bounds;
    shared_.listen_address = std::move(listen_address);
    shared_.stream_began = [this] { look_for_news(); };
  }

  ~beast_server() override {
    {
      const std::lock_guard lock(shared_.life->guard);
      shared_.life->over = true;
    }
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  int port() const override { return port_; }
  std::size_t connections() const override { return shared_.open; }

  void listen_on_unix(owned_fd socket) {
    unix_.emplace(io_, net::local::stream_protocol(), socket.release());
    accept(*unix_, false);
  }
  void listen_on_tcp(owned_fd socket, bool v6) {
    port_ = bound_port(socket.get());
    tcp_.emplace(io_, v6 ? net::ip::tcp::v6() : net::ip::tcp::v4(), socket.release());
    accept(*tcp_, true);
  }

  /// Signals are the main thread's affair: this thread blocks them all.
  void start() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

 private:
  void run() {
    while (!io_.stopped()) {
      try {
        io_.run();
      } catch (const std::exception& broken) {
        log::error("http: {}", broken.what());  // one connection's handler: the others go on
      }
    }
  }

  template <class Acceptor>
  void accept(Acceptor& from, bool over_tcp) {
    if (shared_.connections.size() >= shared_.bounds.connections && !make_room()) return accept_later(from, over_tcp);
    from.async_accept([this, &from, over_tcp](error_code failed, auto socket) {
      if (failed == net::error::operation_aborted) return;
      if (failed) return accept_later(from, over_tcp);  // no file descriptors left, or the client is already gone
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      std::make_shared<connection>(net::generic::stream_protocol::socket(std::move(socket)), shared_, over_tcp)->read();
      accept(from, over_tcp);
    });
  }

  template <class Acceptor>
  void accept_later(Acceptor& from, bool over_tcp) {
    auto timer = std::make_shared<net::steady_timer>(io_, std::chrono::milliseconds(20));
    timer->async_wait([this, &from, over_tcp, timer](error_code) { accept(from, over_tcp); });
  }

  /// Turns while there are streams, and only then.
  void look_for_news() {
    if (looking_ || shared_.streams.empty()) return;
    looking_ = true;
    news_.expires_after(limits::event_stream_look);
    news_.async_wait([this](error_code failed) {
      looking_ = false;
      if (failed) return;
      const auto all = shared_.streams;  // one may go on the way, though not at once: the read under way holds it
      for (auto* each : all) each->go_on();
      look_for_news();
    });
  }

  /// Drops the connection that has waited longest for its client, if it has done so for long enough.
  bool make_room() {
    connection* longest = nullptr;
    for (auto* each : shared_.connections)
      if (each->idle_since() && (longest == nullptr || *each->idle_since() < *longest->idle_since())) longest = each;
    if (longest == nullptr || steady_clock::now() - *longest->idle_since() < shared_.bounds.patience) return false;
    longest->drop();
    return true;
  }

  socket_file file_;
  shared_state shared_;  // before io_: the connections leave it when io_ drops them
  net::io_context io_{1};
  net::steady_timer news_{io_};
  bool looking_ = false;
  std::optional<net::local::stream_protocol::acceptor> unix_;
  std::optional<net::ip::tcp::acceptor> tcp_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace

result<std::unique_ptr<http_server>> start_http_server(const http_listeners& where, http_handler handler,
                                                       http_bounds bounds, http_command_handler commands) {
  owned_fd unix_socket, tcp_socket;
  if (where.tcp) {
    auto bound = listen_tcp(where.address, where.port);
    if (!bound) return failure(bound.error());
    tcp_socket = std::move(*bound);
  }
  if (!where.unix_socket.empty()) {
    auto bound = listen_unix(where.unix_socket);
    if (!bound) return failure(bound.error());
    unix_socket = std::move(*bound);
  }
  auto server =
      std::make_unique<beast_server>(std::move(handler), std::move(commands), bounds, where.address, where.unix_socket);
  if (unix_socket.get() >= 0) server->listen_on_unix(std::move(unix_socket));
  if (tcp_socket.get() >= 0) server->listen_on_tcp(std::move(tcp_socket), where.address.find(':') != std::string::npos);
  server->start();
  return server;
}

}  // namespace regent
