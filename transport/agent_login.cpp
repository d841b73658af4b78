#include "transport/agent_login.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace regent {
namespace {

/// A socket to the agent, or -1 with errno. An agent that is too busy to be connected to at once is none.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int why = errno;
    ::close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

int copy_of(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); }

}  // namespace

result<std::unique_ptr<agent_login>> agent_login::begin(ssh_session session, const host_endpoint& endpoint,
                                                        std::function<void()> done) {
  const char* path = std::getenv("SSH_AUTH_SOCK");
  if (path == nullptr || *path == '\0') {
    return fail(error_kind::permanent, "agent_unreachable",
                "{} is to be entered with an SSH agent's keys, but SSH_AUTH_SOCK is not set", endpoint.host.value());
  }
  descriptor agent(connect_to(path)), connection(copy_of(ssh_get_fd(session)));
  const int libssh_s = agent.get() < 0 ? -1 : copy_of(agent.get());  // which closes it with the session
  if (libssh_s < 0 || connection.get() < 0) {
    return fail(error_kind::permanent, "agent_unreachable",
                "{} is to be entered with an SSH agent's keys, but that at {} cannot be reached: {}",
                endpoint.host.value(), path, std::strerror(errno));
  }
  ssh_set_agent_socket(session, libssh_s);
  return std::unique_ptr<agent_login>(
      new agent_login(session, path, std::move(agent), std::move(connection), std::move(done)));
}

agent_login::agent_login(ssh_session session, std::string path, descriptor agent, descriptor connection,
                         std::function<void()> done)
    : path_(std::move(path)), agent_(std::move(agent)), connection_(std::move(connection)) {
  thread_ = std::thread([this, session, done = std::move(done)] {
    ssh_set_blocking(session, 1);
    answer_ = ssh_userauth_agent(session, nullptr);
    ssh_set_blocking(session, 0);
    over_ = true;
    done();
  });
}

agent_login::~agent_login() {
  if (!over_) {
    ::shutdown(agent_.get(), SHUT_RDWR);
    ::shutdown(connection_.get(), SHUT_RDWR);
  }
  thread_.join();
}

}  // namespace regent
