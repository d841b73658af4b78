// A real sshd on a free loopback port, with its keys and certificates in a directory of the test's own.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "test/contract/command_channel_suite.hpp"

namespace regent::test {

class test_sshd {
 public:
  /// Why no sshd can be started here; empty if one can.
  static std::string obstacle();

  /// Makes key pairs in the directory: host_ed25519, host_ecdsa, host_rsa, user, user_rsa, user_ecdsa, stranger, ca.
  /// user, user_rsa, user_ecdsa may log in as root, and who has a certificate of ca for root. Not started yet.
  explicit test_sshd(const std::string& directory);
  ~test_sshd();
  test_sshd(const test_sshd&) = delete;
  test_sshd& operator=(const test_sshd&) = delete;

  /// Waits until it listens; after the first time always on the same port.
  void start(const std::vector<std::string>& options = {});
  void stop();

  int port() const { return port_; }
  /// As root with key `user` and the pinned Ed25519 host key.
  host_endpoint endpoint() const;
  std::string public_key(const std::string& name) const;  ///< "ssh-ed25519 AAAA…"
  std::string file(const std::string& name) const { return directory_ + "/" + name; }
  /// The processes that serve connections.
  std::vector<pid_t> connections() const;

 private:
  bool listens(const std::vector<std::string>& options);

  std::string directory_;
  int port_ = 0;
  pid_t server_ = -1;
};

/// Runs a command; fails the test when it fails.
void must_run(const std::string& command);

}  // namespace regent::test
