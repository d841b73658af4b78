// Logging in with the keys of the SSH agent at SSH_AUTH_SOCK. libssh waits for an agent's answer, cannot be told not to,
// and polls without end even where the agent's socket has a time-out: so a thread does nothing but wait for it.
#pragma once

#include <libssh/libssh.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "transport/descriptor.hpp"
#include "transport/transport.hpp"

namespace regent {

class agent_login {
 public:
  /// Begins to log in. `session` is connected to the endpoint's host, which is verified, and has to outlive this; until
  /// there is an answer it belongs to the thread. `done` is called there, once, when there is.
  /// Errors (permanent): agent_unreachable.
  static result<std::unique_ptr<agent_login>> begin(ssh_session session, const host_endpoint& endpoint,
                                                    std::function<void()> done);
  /// Does not wait for the agent: without an answer yet, the session's connection is cut and its host not entered.
  ~agent_login();
  agent_login(const agent_login&) = delete;
  agent_login& operator=(const agent_login&) = delete;

  bool over() const { return over_; }
  bool entered() const { return over_ && answer_ == SSH_AUTH_SUCCESS; }
  const std::string& agent() const { return path_; }  ///< where it listens

 private:
  agent_login(ssh_session session, std::string path, descriptor agent, descriptor connection,
              std::function<void()> done);

  std::string path_;
  descriptor agent_, connection_;  ///< copies of libssh's, which it may close at any time
  int answer_ = SSH_AUTH_ERROR;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace regent
