#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "test/support/catch.hpp"
#include "test/transport/test_sshd.hpp"
#include "transport/descriptor.hpp"

extern char** environ;

using namespace regent;
using namespace regent::test;

namespace {

/// SSH_AUTH_SOCK, as long as this lives.
class agent_variable {
 public:
  explicit agent_variable(const std::string& path) {
    if (const char* old = std::getenv("SSH_AUTH_SOCK")) before_ = old;
    ::setenv("SSH_AUTH_SOCK", path.c_str(), 1);
  }
  ~agent_variable() {
    if (before_.empty()) {
      ::unsetenv("SSH_AUTH_SOCK");
    } else {
      ::setenv("SSH_AUTH_SOCK", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

class real_agent {
 public:
  explicit real_agent(std::string path) : path_(std::move(path)) {
    std::string program = "/usr/bin/ssh-agent", foreground = "-D", at = "-a";
    char* words[] = {program.data(), foreground.data(), at.data(), path_.data(), nullptr};
    posix_spawn_file_actions_t quiet;
    ::posix_spawn_file_actions_init(&quiet);
    ::posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    const int failed = ::posix_spawn(&process_, words[0], &quiet, nullptr, words, environ);
    ::posix_spawn_file_actions_destroy(&quiet);
    REQUIRE(failed == 0);
    REQUIRE(eventually([this] { return listens(); }));
  }
  ~real_agent() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  void add(const std::string& key) { must_run("SSH_AUTH_SOCK=" + path_ + " ssh-add -q " + key); }

 private:
  /// Its socket is there a moment before anybody is let in.
  bool listens() const {
    const descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path_.copy(at.sun_path, sizeof at.sun_path - 1);
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }

  std::string path_;
  pid_t process_ = -1;
};

/// Takes connections and never says a word.
class silent_agent {
 public:
  explicit silent_agent(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_, 100) == 0);
  }
  ~silent_agent() { ::close(fd_); }
  void hang_up_on_one() { ::close(::accept(fd_, nullptr, nullptr)); }

 private:
  int fd_;
};

bool skipped() {
  const std::string why = test_sshd::obstacle();
  if (!why.empty()) WARN("skipped: " << why);
  return !why.empty();
}

struct agent_host {
  agent_host() : sshd(directory.path()), path(directory / "agent"), variable(path) {
    sshd.start();
    endpoint = sshd.endpoint();
    endpoint.key_file = "";
    endpoint.agent = true;
  }
  scratch_directory directory;
  test_sshd sshd;
  std::string path;
  agent_variable variable;
  host_endpoint endpoint;
};

}  // namespace

TEST_CASE("a host is entered with a key that only the SSH agent has") {
  if (skipped()) return;
  agent_host host;
  real_agent agent(host.path);
  SECTION("Ed25519") { agent.add(host.sshd.file("user")); }
  SECTION("RSA") { agent.add(host.sshd.file("user_rsa")); }
  SECTION("ECDSA") { agent.add(host.sshd.file("user_ecdsa")); }
  SECTION("behind keys that the host does not take") {
    for (const char* key : {"stranger", "ca", "user"}) agent.add(host.sshd.file(key));
  }
  SECTION("after a key file that the host does not take") {
    host.endpoint.key_file = host.sshd.file("stranger");
    agent.add(host.sshd.file("user"));
  }
  SECTION("a certificate") {
    must_run("ssh-keygen -q -s " + host.sshd.file("ca") + " -I test -n root -V +1h " + host.sshd.file("stranger.pub"));
    agent.add(host.sshd.file("stranger"));
  }
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(host.endpoint, record.sink());
  record.await_connected();
  channel->send(make_run("works", make_script("build() { printf fine; }\n"), "build"));
  CHECK(record.await(run_id("works"), run_status::finished).output == "fine");
}

TEST_CASE("an SSH agent that is of no use is told as such") {
  if (skipped()) return;
  agent_host host;
  std::string code = "agent_unreachable";
  std::unique_ptr<real_agent> agent;
  std::unique_ptr<silent_agent> other;
  std::thread hangs_up;
  SECTION("there is none") { ::unsetenv("SSH_AUTH_SOCK"); }
  SECTION("nobody listens there") {}
  SECTION("it has no key") {
    agent = std::make_unique<real_agent>(host.path);
    code = "login_refused";
  }
  SECTION("it has none that the host takes") {
    agent = std::make_unique<real_agent>(host.path);
    agent->add(host.sshd.file("stranger"));
    code = "login_refused";
  }
  SECTION("it hangs up") {
    other = std::make_unique<silent_agent>(host.path);
    hangs_up = std::thread([&] { other->hang_up_on_one(); });
    code = "login_refused";
  }
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(host.endpoint, record.sink());
  const error why = record.await_disconnected();
  if (hangs_up.joinable()) hangs_up.join();
  INFO(why.text());
  CHECK(why.code == code);
  CHECK(why.kind == error_kind::permanent);
}

TEST_CASE("an SSH agent that does not answer delays no other host, and is named") {
  if (skipped()) return;
  agent_host host;
  const silent_agent agent(host.path);
  const auto carrier = make_transport(1, "r1", 7);
  channel_record others, record;
  std::vector<std::unique_ptr<command_channel>> channels;
  for (int i = 0; i < 20; ++i) channels.push_back(carrier->open(host.endpoint, others.sink()));
  const auto channel = carrier->open(host.sshd.endpoint(), record.sink());
  CHECK(record.wait([&] { return record.connects > 0; }, limits::connect_deadline / 2));
  const error why = others.await_disconnected();
  INFO(why.text());
  CHECK(why.code == "agent_silent");
  CHECK(why.kind == error_kind::transient);
  CHECK(why.message.find(host.path) != std::string::npos);
  // Others wait for it again by now; to close them is not to wait.
  const auto start = std::chrono::steady_clock::now();
  channels.clear();
  CHECK(std::chrono::steady_clock::now() - start < limits::connect_deadline / 2);
}
