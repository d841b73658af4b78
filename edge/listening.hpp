// Listening sockets as file descriptors, close-on-exec: a child that outlives us must not keep the port.
#pragma once

#include <string>

#include "base/result.hpp"

namespace regent {

/// A file descriptor that is closed with its owner.
class owned_fd {
 public:
  explicit owned_fd(int fd = -1) : fd_(fd) {}
  owned_fd(owned_fd&& other) noexcept : fd_(other.release()) {}
  owned_fd& operator=(owned_fd&& other) noexcept;
  ~owned_fd();
  int get() const { return fd_; }
  int release();

 private:
  int fd_;
};

/// Binds and listens at `path`, mode 0660. A socket file that nobody answers at (left by a killed process) is replaced;
/// one that is served, or a file of another type, is not touched. Errors: permanent `listen_failed` naming the path.
result<owned_fd> listen_unix(const std::string& path);

/// Removes the socket file, if it is still the one bound to `fd`'s name at the time of `listen_unix`.
class socket_file {
 public:
  explicit socket_file(std::string path);
  socket_file(const socket_file&) = delete;
  socket_file& operator=(const socket_file&) = delete;
  ~socket_file();

 private:
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;
};

/// Binds and listens at a numeric address (or "localhost", which is 127.0.0.1). Errors: permanent `listen_failed`.
result<owned_fd> listen_tcp(const std::string& address, int port);

/// The port a TCP socket is bound to.
int bound_port(int fd);

}  // namespace regent
