// A client that sends bytes as they are and reads until a deadline: what a hostile or broken client can do.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

namespace regent::test {

/// A directory that goes with its owner.
class scratch_directory {
 public:
  scratch_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "regent-face-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;  // a left-over directory under /tmp harms no test
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class socket_client {
 public:
  explicit socket_client(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, unix_path.c_str(), sizeof name.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  }
  explicit socket_client(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
  }
  socket_client(socket_client&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), seen_(std::move(other.seen_)) {}
  ~socket_client() {
    if (fd_ >= 0) ::close(fd_);
  }

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  struct answer {
    int status = 0;  ///< 0: none came
    std::string header, body;
  };
  /// One whole answer, by its Content-Length; to HEAD without a body.
  answer receive(bool head = false) {
    answer got;
    const auto end = more_until([&] { return seen_.find("\r\n\r\n"); });
    if (end == std::string::npos) return got;
    got.header = seen_.substr(0, end + 4);
    got.status = std::stoi(got.header.substr(9, 3));
    const auto length = got.header.find("Content-Length: ");
    const std::size_t size = head || length == std::string::npos ? 0 : std::stoul(got.header.substr(length + 16));
    more_until([&] { return seen_.size() >= end + 4 + size ? 0 : std::string::npos; });
    got.body = seen_.substr(end + 4, size);
    seen_.erase(0, end + 4 + size);
    return got;
  }
  answer ask(const std::string& target, const std::string& method = "GET",
             const std::string& more = "Host: localhost\r\n") {
    send(method + " " + target + " HTTP/1.1\r\n" + more + "\r\n");
    return receive(method == "HEAD");
  }
  /// Whether the server ends the connection before the deadline.
  bool ended() {
    return more_until([&] { return closed_ ? 0 : std::string::npos; }) == 0;
  }
  /// Whether this text comes.
  bool read_until(const std::string& text) {
    return more_until([&] { return seen_.find(text); }) != std::string::npos;
  }
  const std::string& seen() const { return seen_; }

 private:
  /// Reads until `found` gives a position, the end, or 20 s.
  template <class Found>
  std::size_t more_until(Found found) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (found() == std::string::npos && !closed_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd ready{fd_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
      char bytes[65536];
      const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
      if (count <= 0)
        closed_ = true;
      else
        seen_.append(bytes, static_cast<std::size_t>(count));
    }
    return found();
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string seen_;
};

}  // namespace regent::test
