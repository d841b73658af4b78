#include "test/transport/test_sshd.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "test/support/catch.hpp"
#include "transport/quote.hpp"

extern char** environ;

namespace regent::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// sshd cannot be told to take any port, so one that was free a moment ago.
int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::vector<pid_t> children_of(pid_t parent) {
  std::istringstream list(file_text(fmt::format("/proc/{0}/task/{0}/children", parent)));
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

}  // namespace

void must_run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);
}

std::string test_sshd::obstacle() {
  if (::geteuid() != 0) return "needs root to start sshd";
  if (::access("/usr/sbin/sshd", X_OK) != 0) return "needs openssh-server";
  if (std::system("command -v ssh-keygen >/dev/null") != 0) return "needs openssh-client";
  return "";
}

test_sshd::test_sshd(const std::string& directory) : directory_(directory) {
  ::mkdir("/run/sshd", 0755);  // where sshd separates its privileges
  for (const char* name : {"host_ed25519", "user", "stranger", "ca"}) {
    must_run("ssh-keygen -q -t ed25519 -N '' -f " + file(name));
  }
  for (const char* name : {"host_ecdsa", "user_ecdsa"}) must_run("ssh-keygen -q -t ecdsa -N '' -f " + file(name));
  for (const char* name : {"host_rsa", "user_rsa"}) must_run("ssh-keygen -q -t rsa -b 2048 -N '' -f " + file(name));
  write_file(file("authorized_keys"),
             public_key("user") + "\n" + public_key("user_rsa") + "\n" + public_key("user_ecdsa") + "\n");
}

test_sshd::~test_sshd() {
  for (pid_t each : connections()) ::kill(each, SIGKILL);
  stop();
}

std::string test_sshd::public_key(const std::string& name) const {
  std::istringstream line(file_text(file(name + ".pub")));
  std::string type, key;
  line >> type >> key;
  return type + " " + key;
}

host_endpoint test_sshd::endpoint() const {
  host_endpoint endpoint;
  endpoint.host = host_id("host");
  endpoint.address = "127.0.0.1";
  endpoint.port = port_;
  endpoint.user = "root";
  endpoint.key_file = file("user");
  endpoint.host_key = public_key("host_ed25519");
  endpoint.state_directory = directory_ + "/state";
  return endpoint;
}

std::vector<pid_t> test_sshd::connections() const { return server_ > 0 ? children_of(server_) : std::vector<pid_t>(); }

void test_sshd::start(const std::vector<std::string>& options) {
  // A port that was free a moment ago may be taken by now.
  const bool first = port_ == 0;
  for (int tries = 0; tries < (first ? 5 : 1); ++tries) {
    if (first) port_ = free_port();
    if (listens(options)) return;
  }
  INFO(file_text(file("log")));
  REQUIRE(server_ > 0);
}

bool test_sshd::listens(const std::vector<std::string>& options) {
  ::unlink(file("log").c_str());
  std::vector<std::string> words = {"/usr/sbin/sshd",     "-D", "-E", file("log"), "-f", "/dev/null", "-p",
                                    std::to_string(port_)};
  std::vector<std::string> all = {"ListenAddress=127.0.0.1",
                                  "UsePAM=no",
                                  "StrictModes=no",
                                  "PidFile=none",
                                  "PermitRootLogin=yes",
                                  "PrintMotd=no",
                                  "MaxStartups=100",
                                  "AuthorizedKeysFile=" + file("authorized_keys"),
                                  "TrustedUserCAKeys=" + file("ca.pub"),
                                  "HostKey=" + file("host_ed25519"),
                                  "HostKey=" + file("host_ecdsa"),
                                  "HostKey=" + file("host_rsa")};
  all.insert(all.end(), options.begin(), options.end());
  for (const auto& each : all) {
    words.push_back("-o");
    words.push_back(each);
  }
  std::vector<char*> arguments;
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  REQUIRE(::posix_spawn(&server_, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
  const bool answered = eventually(
      [&] { return file_text(file("log")).find("Server listening") != std::string::npos || !process_alive(server_); });
  if (answered && process_alive(server_)) return true;
  stop();
  return false;
}

void test_sshd::stop() {
  if (server_ <= 0) return;
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

}  // namespace regent::test
