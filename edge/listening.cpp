#include "edge/listening.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace regent {

owned_fd& owned_fd::operator=(owned_fd&& other) noexcept {
  if (this != &other) std::swap(fd_, other.fd_);
  return *this;
}

owned_fd::~owned_fd() {
  if (fd_ >= 0) ::close(fd_);
}

int owned_fd::release() { return std::exchange(fd_, -1); }

namespace {
failure refused(const std::string& where, std::string_view what) {
  return fail(error_kind::permanent, "listen_failed", "cannot listen at {}: {}", where, what);
}

failure refused(const std::string& where, int code) { return refused(where, std::generic_category().message(code)); }

/// Whether somebody answers at the socket file. Never waits: a full backlog is somebody too.
bool is_served(const sockaddr_un& name) {
  const owned_fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return true;
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return true;
  return errno != ECONNREFUSED && errno != ENOENT;
}

result<void> make_room(const std::string& path, const sockaddr_un& name) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return {};
    return refused(path, errno);
  }
  if (!S_ISSOCK(there.st_mode)) return refused(path, "a file that is no socket is in the way");
  if (is_served(name)) return refused(path, "another process serves it");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return refused(path, errno);
  return {};
}
}  // namespace

result<owned_fd> listen_unix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path || path.find('\0') != std::string::npos)
    return refused(path, fmt::format("a socket's path has 1 to {} bytes", sizeof name.sun_path - 1));
  std::memcpy(name.sun_path, path.data(), path.size());
  if (auto room = make_room(path, name); !room) return failure(room.error());
  owned_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0 || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return refused(path, errno);
  if (::chmod(path.c_str(), 0660) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    const int code = errno;
    ::unlink(path.c_str());
    return refused(path, code);
  }
  return socket;
}

socket_file::socket_file(std::string path) : path_(std::move(path)) {
  struct stat there {};
  if (!path_.empty() && ::lstat(path_.c_str(), &there) == 0) {
    device_ = there.st_dev;
    inode_ = there.st_ino;
  }
}

socket_file::~socket_file() {
  struct stat there {};
  if (inode_ != 0 && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_)
    ::unlink(path_.c_str());
}

result<owned_fd> listen_tcp(const std::string& address, int port) {
  const auto where = fmt::format("{}:{}", address, port);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const auto numeric = address == "localhost" ? std::string("127.0.0.1") : address;
  if (const int code = ::getaddrinfo(numeric.c_str(), std::to_string(port).c_str(), &wanted, &found); code != 0)
    return refused(where, ::gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, &::freeaddrinfo);
  owned_fd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (socket.get() < 0 || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), SOMAXCONN) != 0)
    return refused(where, errno);
  return socket;
}

int bound_port(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
  return name.ss_family == AF_INET ? ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port) : 0;
}

}  // namespace regent
