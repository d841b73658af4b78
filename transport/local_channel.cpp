#include "transport/local_channel.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "transport/descriptor.hpp"

extern char** environ;

namespace regent {
namespace {

constexpr std::size_t complaint_bytes = 4096;

class local_stream final : public host_stream {
 public:
  local_stream(pid_t runner, descriptor bytes, descriptor complaints)
      : runner_(runner), bytes_(std::move(bytes)), complaints_(std::move(complaints)) {}

  /// The runner ends at the end of its input. It is not killed: it may be in the middle of starting a run, and it
  /// cannot linger, for all it ever waits for is input. Who is slower than us is waited for off this thread.
  ~local_stream() override {
    ::shutdown(bytes_.get(), SHUT_RDWR);
    if (::waitpid(runner_, nullptr, WNOHANG) != 0) return;
    std::thread([runner = runner_] { ::waitpid(runner, nullptr, 0); }).detach();
  }

  result<bool> open() override { return true; }
  int fd() const override { return bytes_.get(); }
  std::uint32_t events() const override { return blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN; }

  result<std::size_t> write(std::string_view bytes) override {
    blocked_ = false;
    const auto sent = ::send(bytes_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      blocked_ = static_cast<std::size_t>(sent) < bytes.size();
      return static_cast<std::size_t>(sent);
    }
    if (errno == EAGAIN || errno == EINTR) {
      blocked_ = true;
      return std::size_t{0};
    }
    return ended();
  }

  result<void> read(std::string& into) override {
    std::array<char, 16384> piece;
    for (;;) {
      const auto got = ::recv(bytes_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
      if (got > 0) {
        into.append(piece.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return {};
      return ended();
    }
  }

  bool has_input() override { return false; }

  std::string complaint() override {
    std::array<char, complaint_bytes> piece;
    const auto got = ::read(complaints_.get(), piece.data(), piece.size());
    if (got > 0 && said_.size() < complaint_bytes) said_.append(piece.data(), static_cast<std::size_t>(got));
    return said_;
  }

 private:
  static failure ended() { return fail(error_kind::transient, "connection_lost", "the local runner has ended"); }

  pid_t runner_;
  descriptor bytes_;
  descriptor complaints_;
  bool blocked_ = false;
  std::string said_;
};

failure no_start(int code) {
  return fail(error_kind::transient, "runner_start_failed", "cannot start a local runner: {}", std::strerror(code));
}

/// The child's descriptors 0 to 2, its own session (so that a signal to the daemon's group does not reach the runs),
/// and no signal blocked or ignored that the daemon blocks or ignores.
int spawn(pid_t& child, int bytes, int complaints, const std::string& command) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&files, bytes, 0);
  ::posix_spawn_file_actions_adddup2(&files, bytes, 1);
  ::posix_spawn_file_actions_adddup2(&files, complaints, 2);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh", flag = "-c", text = command;
  std::array<char*, 4> arguments = {shell.data(), flag.data(), text.data(), nullptr};
  const int failed = ::posix_spawn(&child, "/bin/sh", &files, &attributes, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  return failed;
}

}  // namespace

result<std::unique_ptr<host_stream>> start_local_stream(const std::string& command) {
  std::array<int, 2> ends{}, pipe_ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return no_start(errno);
  descriptor ours(ends[0]);
  const descriptor theirs(ends[1]);
  if (::pipe2(pipe_ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return no_start(errno);
  descriptor complaints(pipe_ends[0]);
  const descriptor complains(pipe_ends[1]);
  pid_t child = 0;
  if (const int failed = spawn(child, theirs.get(), complains.get(), command); failed != 0) return no_start(failed);
  return std::make_unique<local_stream>(child, std::move(ours), std::move(complaints));
}

}  // namespace regent
