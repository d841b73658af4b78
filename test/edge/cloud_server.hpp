// A cloud for tests: a small HTTP(S) server on loopback whose answers a test scripts. One thread a connection, at
// most 256.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace regent::test {

struct seen_request {
  std::string method;
  std::string target;
  std::string token;
  std::string body;
  int connection = 0;  ///< in order of acceptance
};

struct scripted_answer {
  enum class how { answer, raw, close, silence };
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  how mode = how::answer;

  static scripted_answer json(int status, std::string body) { return {status, std::move(body), {}, how::answer}; }
  static scripted_answer raw(std::string bytes) { return {0, std::move(bytes), {}, how::raw}; }  ///< then the end
  static scripted_answer lost() { return {0, "", {}, how::close}; }
  static scripted_answer never() { return {0, "", {}, how::silence}; }  ///< until the client leaves
};

/// PEM files of a certificate and its key; made by tls_files.
struct server_tls {
  std::string certificate_file;
  std::string key_file;
};

class cloud_server {
 public:
  using script = std::function<scripted_answer(const seen_request&)>;
  explicit cloud_server(script answers, std::optional<server_tls> tls = {});
  ~cloud_server();
  cloud_server(const cloud_server&) = delete;
  cloud_server& operator=(const cloud_server&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& host = "127.0.0.1") const;
  std::vector<seen_request> seen() const;
  /// Requests whose method and target (up to a '?') are these.
  std::size_t count(const std::string& method, const std::string& path) const;

 private:
  void accept();
  void serve(const std::shared_ptr<boost::asio::ip::tcp::socket>& socket, int number);
  template <class Stream>
  void talk(Stream& stream, int number);

  script script_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::optional<boost::asio::ssl::context> tls_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex guard_;
  std::vector<seen_request> seen_;
  std::list<std::shared_ptr<boost::asio::ip::tcp::socket>> sockets_;
  std::vector<std::thread> talkers_;
  std::thread acceptor_thread_;
};

}  // namespace regent::test
