// A small HTTP/1.1 server that answers GET and HEAD, and POST on its Unix socket, whose file says who may: that and, if
// wanted, a TCP port, on one thread of its own. A slow, silent or hostile client costs one bounded connection and delays nobody: every read and write has a
// deadline, and when the connections are used up the one that has been idle longest makes room.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "base/result.hpp"

namespace regent {

/// A body without an end: the server asks for a piece whenever the client has taken the last one, and, while there is
/// none, again every limits::event_stream_look. All of it on the server's thread, so it must be quick.
class http_stream {
 public:
  virtual ~http_stream() = default;
  virtual std::string next() = 0;  ///< empty: nothing to say now
  virtual bool over() const = 0;   ///< after the piece given last the connection ends
};

struct http_answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::shared_ptr<http_stream> stream = {};  ///< instead of a body
};

/// A GET or HEAD. It converts to its target: most handlers want to know no more.
struct http_question {
  std::string_view target;         ///< "/path?query", always beginning with '/'
  std::string_view last_event_id;  ///< the header of that name, with which a client takes up a stream again
  operator std::string_view() const { return target; }
};

/// {"error":{"code":…,"message":…}} with its status.
http_answer http_error(int status, std::string_view code, std::string_view message);

/// Runs on the server's thread, so it must be quick. An exception becomes a 500 that says what it was.
using http_handler = std::function<http_answer(const http_question& asked)>;

/// A POST on the Unix socket. It converts to its target: most handlers want to know no more.
struct http_command {
  std::string_view target;
  std::string_view body;  ///< at most http_bounds::body_bytes
  operator std::string_view() const { return target; }
};

/// Answers through the function, once, on any thread: at once, or when what was asked for is
/// decided. A client that is not answered within limits::command_deadline is told so.
using http_command_handler = std::function<void(const http_command& asked, std::function<void(http_answer)> answer)>;

struct http_listeners {
  std::string unix_socket;  ///< path; empty for none
  bool tcp = false;
  std::string address = "127.0.0.1";
  int port = 0;  ///< 0: any free one
};

struct http_bounds {
  std::size_t connections = limits::http_connections;
  std::chrono::milliseconds idle =
      limits::http_idle;                     ///< to send a whole request; to take a whole answer, or a stream's piece
  std::chrono::milliseconds patience{1000};  ///< idle for longer: makes room when connections are used up
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = limits::http_body_bytes;  ///< of a request: but for commands read to its end and dropped
  std::size_t answers_bytes = 64 << 20;              ///< all answers not yet taken by their clients
};

class http_server {
 public:
  virtual ~http_server() = default;             ///< stops, joins the thread and removes the socket file
  virtual int port() const = 0;                 ///< the bound TCP port; 0 without TCP
  virtual std::size_t connections() const = 0;  ///< open now
};

/// Errors: permanent `listen_failed` naming the address.
result<std::unique_ptr<http_server>> start_http_server(const http_listeners& where, http_handler handler,
                                                       http_bounds bounds = {}, http_command_handler commands = {});

/// Whether a request that came over TCP with this Host header may be answered: a loopback name or address, or the
/// address listened on. Anything else is a foreign web page that had its own name point here (DNS rebinding).
bool host_allowed(std::string_view host_header, std::string_view listen_address);

}  // namespace regent
