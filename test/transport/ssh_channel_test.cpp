#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "test/support/catch.hpp"
#include "test/transport/test_sshd.hpp"

using namespace regent;
using namespace regent::test;

namespace {

bool skipped() {
  const std::string why = test_sshd::obstacle();
  if (!why.empty()) WARN("skipped: " << why);
  return !why.empty();
}

/// A connection that works is up, and runs something.
void check_works(const host_endpoint& endpoint) {
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(endpoint, record.sink());
  record.await_connected();
  channel->send(make_run("works", make_script("build() { printf fine; }\n"), "build"));
  CHECK(record.await(run_id("works"), run_status::finished).output == "fine");
}

error first_error(const host_endpoint& endpoint) {
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(endpoint, record.sink());
  return record.await_disconnected();
}

struct ssh_host {
  explicit ssh_host(bool started = true) : sshd(directory.path()) {
    if (started) sshd.start();
  }
  scratch_directory directory;
  test_sshd sshd;
};

const char* const patient = R"(
slow() { printf '%s\n' "$BASHPID" >"$begun"; while [ ! -e "$gate" ]; do sleep 0.02; done; printf 'through\n'; }
)";

}  // namespace

TEST_CASE("the SSH channel keeps the contract of a command channel") {
  if (skipped()) return;
  const ssh_host host;
  channel_world world;
  world.directory = host.directory.path();
  world.endpoint = host.sshd.endpoint();
  check_command_channel(world);
}

TEST_CASE("a host is entered with keys of every type, with a certificate, and by its name") {
  if (skipped()) return;
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  SECTION("RSA") { endpoint.key_file = host.sshd.file("user_rsa"); }
  SECTION("ECDSA") { endpoint.key_file = host.sshd.file("user_ecdsa"); }
  for (const std::string key : {"stranger", "user_rsa", "user_ecdsa"}) {
    SECTION("a certificate for " + key) {
      write_file(host.sshd.file("authorized_keys"), "");
      must_run("ssh-keygen -q -s " + host.sshd.file("ca") + " -I test -n root -V +1h " + host.sshd.file(key + ".pub"));
      endpoint.key_file = host.sshd.file(key);
      endpoint.certificate_file = host.sshd.file(key + "-cert.pub");
    }
  }
  SECTION("a certificate that the host does not take, before a key that it takes") {
    must_run("ssh-keygen -q -s " + host.sshd.file("stranger") + " -I test -n root -V +1h " +
             host.sshd.file("user.pub"));
    endpoint.certificate_file = host.sshd.file("user-cert.pub");
  }
  SECTION("a host name, resolved") { endpoint.address = "localhost"; }
  SECTION("no user is root") { endpoint.user = ""; }
  check_works(endpoint);
}

TEST_CASE("a login that the host refuses is told as such") {
  if (skipped()) return;
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  std::string code = "login_refused";
  SECTION("an unknown key") { endpoint.key_file = host.sshd.file("stranger"); }
  SECTION("no key at all") { endpoint.key_file = ""; }
  SECTION("a certificate for somebody else") {
    must_run("ssh-keygen -q -s " + host.sshd.file("ca") + " -I test -n nobody -V +1h " +
             host.sshd.file("stranger.pub"));
    endpoint.key_file = host.sshd.file("stranger");
    endpoint.certificate_file = host.sshd.file("stranger-cert.pub");
  }
  SECTION("a key file that is not there") {
    endpoint.key_file = host.sshd.file("nothing");
    code = "key_unreadable";
  }
  SECTION("a certificate of another key") {
    must_run("ssh-keygen -q -s " + host.sshd.file("ca") + " -I test -n root -V +1h " + host.sshd.file("stranger.pub"));
    endpoint.certificate_file = host.sshd.file("stranger-cert.pub");
    code = "key_unreadable";
  }
  const error why = first_error(endpoint);
  INFO(why.text());
  CHECK(why.code == code);
  CHECK(why.kind == error_kind::permanent);
}

TEST_CASE("a host key that is pinned or known is accepted") {
  if (skipped()) return;
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  const std::string known = host.directory / "known_hosts";
  SECTION("ECDSA, pinned") { endpoint.host_key = host.sshd.public_key("host_ecdsa"); }
  SECTION("RSA, pinned, with a comment") { endpoint.host_key = host.sshd.public_key("host_rsa") + " root@somewhere"; }
  SECTION("in the known_hosts file") {
    write_file(known, fmt::format("[127.0.0.1]:{} {}\n", host.sshd.port(), host.sshd.public_key("host_ecdsa")));
    endpoint.host_key = "";
    endpoint.known_hosts_file = known;
  }
  check_works(endpoint);
}

TEST_CASE("a host is known by a certificate of its CA") {
  if (skipped()) return;
  const std::string key = GENERATE("host_ed25519", "host_ecdsa", "host_rsa");
  const std::string authority = GENERATE("ca", "user_ecdsa", "user_rsa");
  INFO(key << " signed by " << authority);
  ssh_host host(false);
  must_run("ssh-keygen -q -s " + host.sshd.file(authority) + " -I test -h -n 127.0.0.1,x -V +1h " +
           host.sshd.file(key + ".pub"));
  host.sshd.start({"HostCertificate=" + host.sshd.file(key + "-cert.pub")});
  host_endpoint endpoint = host.sshd.endpoint();
  endpoint.host_key = "";
  endpoint.host_ca = host.sshd.public_key(authority) + " the region's CA";
  check_works(endpoint);
}

TEST_CASE("a host certificate that does not count ends the attempt") {
  if (skipped()) return;
  ssh_host host(false);
  std::string sign = "-h -n 127.0.0.1 -V +1h", authority = "ca", code = "host_key_mismatch";
  SECTION("another CA's") { authority = "stranger"; }
  SECTION("one for another host") { sign = "-h -n 127.0.0.2 -V +1h"; }
  SECTION("one for no host in particular") { sign = "-h -V +1h"; }
  SECTION("one that is over") { sign = "-h -n 127.0.0.1 -V 20200101:20200102"; }
  SECTION("none") { code = "host_key_unknown"; }
  if (code == "host_key_mismatch") {
    must_run("ssh-keygen -q -s " + host.sshd.file(authority) + " -I test " + sign + " " +
             host.sshd.file("host_ed25519.pub"));
    host.sshd.start({"HostCertificate=" + host.sshd.file("host_ed25519-cert.pub")});
  } else {
    host.sshd.start();
  }
  host_endpoint endpoint = host.sshd.endpoint();
  endpoint.host_key = "";
  endpoint.host_ca = host.sshd.public_key("ca");
  const error why = first_error(endpoint);
  INFO(why.text());
  CHECK(why.code == code);
  CHECK(why.kind == error_kind::permanent);
}

TEST_CASE("a host without a certificate may still be in the known_hosts file") {
  if (skipped()) return;
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  endpoint.host_key = "";
  endpoint.host_ca = host.sshd.public_key("ca");
  endpoint.known_hosts_file = host.directory / "known_hosts";
  write_file(endpoint.known_hosts_file,
             fmt::format("[127.0.0.1]:{} {}\n", host.sshd.port(), host.sshd.public_key("host_ed25519")));
  check_works(endpoint);
}

TEST_CASE("a host key that is changed, unknown or not expected ends the attempt, and the error says what to do") {
  if (skipped()) return;
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  const std::string known = host.directory / "known_hosts";
  endpoint.known_hosts_file = known;
  std::string code = "host_key_mismatch", remedy = "ssh-keyscan -p " + std::to_string(host.sshd.port());
  SECTION("another key is pinned") { endpoint.host_key = host.sshd.public_key("stranger"); }
  SECTION("another key is known, and one command mends it") {
    write_file(known, fmt::format("[127.0.0.1]:{} {}\n", host.sshd.port(), host.sshd.public_key("stranger")));
    endpoint.host_key = "";
    const error why = first_error(endpoint);
    const std::size_t command = why.message.find("ssh-keygen -R");
    REQUIRE(command != std::string::npos);
    must_run("(" + why.message.substr(command) + ")");
    check_works(endpoint);
    return;
  }
  SECTION("the host is not known, and one command mends it") {
    write_file(known, "");
    endpoint.host_key = "";
    const error why = first_error(endpoint);
    CHECK(why.code == "host_key_unknown");
    const std::size_t command = why.message.find("ssh-keyscan");
    REQUIRE(command != std::string::npos);
    must_run("(" + why.message.substr(command) + ")");
    check_works(endpoint);
    return;
  }
  SECTION("nothing is known of any host") {
    endpoint.host_key = "";
    endpoint.known_hosts_file = "";
    code = "host_key_unknown";
    remedy = "host_key";
  }
  const error why = first_error(endpoint);
  INFO(why.text());
  CHECK(why.code == code);
  CHECK(why.kind == error_kind::permanent);
  CHECK(why.message.find(remedy) != std::string::npos);
}

TEST_CASE("an sshd that is killed in the middle of a run loses nothing") {
  if (skipped()) return;
  ssh_host host;
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  host_endpoint endpoint = host.sshd.endpoint();
  endpoint.become = std::system("sudo -n true >/dev/null 2>&1") == 0;  // where sudo puts a terminal between, too
  const auto channel = carrier->open(endpoint, record.sink());
  record.await_connected();
  const std::string begun = host.directory / "begun", gate = host.directory / "gate";
  const run_id run("cut");
  channel->send(make_run(run.value(), make_script(patient), "slow", {{"begun", begun}, {"gate", gate}}));
  REQUIRE(eventually([&] { return file_text(begun).ends_with("\n"); }));
  const std::string pid = file_text(begun);
  SECTION("only the process of the connection") {
    for (pid_t each : host.sshd.connections()) ::kill(each, SIGKILL);
  }
  SECTION("all of it, which is then restarted") {
    const auto serving = host.sshd.connections();
    host.sshd.stop();
    for (pid_t each : serving) ::kill(each, SIGKILL);
    record.await_disconnected();
    host.sshd.start();
  }
  record.await_connected();
  CHECK(process_alive(std::stol(pid)));
  channel->ask(run);
  record.await(run, run_status::running);
  write_file(gate, "");
  CHECK(record.await(run, run_status::finished).output == "through\n");
  CHECK(file_text(begun) == pid);
}

TEST_CASE("a peer that stops answering is noticed by the heartbeat") {
  if (skipped()) return;
  ssh_host host;
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(host.sshd.endpoint(), record.sink());
  record.await_connected();
  const auto serving = host.sshd.connections();
  for (pid_t each : serving) REQUIRE(::kill(each, SIGSTOP) == 0);
  const error why = record.await_disconnected();
  for (pid_t each : serving) ::kill(each, SIGCONT);
  CHECK(why.code == "host_silent");
  CHECK(why.kind == error_kind::transient);
  record.await_connected();
}

TEST_CASE("hosts that are down, silent or without an address delay nobody") {
  if (skipped()) return;
  const ssh_host host;
  const int tarpit = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // accepts, and says nothing
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(tarpit, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(tarpit, 100) == 0);
  REQUIRE(::getsockname(tarpit, reinterpret_cast<sockaddr*>(&address), &size) == 0);

  const auto carrier = make_transport(1, "r1", 7);
  channel_record others, record;
  std::vector<std::unique_ptr<command_channel>> channels;
  for (std::size_t i = 0; i + 1 < limits::handshakes_in_flight; ++i) {
    host_endpoint silent = host.sshd.endpoint();
    silent.port = ntohs(address.sin_port);
    channels.push_back(carrier->open(silent, others.sink()));
  }
  for (int i = 0; i < 20; ++i) {
    host_endpoint unreachable = host.sshd.endpoint();
    unreachable.address = i % 2 == 0 ? "192.0.2.1" : "no-such-host.invalid";
    channels.push_back(carrier->open(unreachable, others.sink()));
  }
  channels.push_back(carrier->open(host.sshd.endpoint(), record.sink()));
  CHECK(record.wait([&] { return record.connects > 0; }, limits::connect_deadline - milliseconds(1000)));
  channels.clear();
  ::close(tarpit);
}

TEST_CASE("a runner that cannot start says why, in the words of the host") {
  if (skipped()) return;
  ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  auto answer = [&](const std::string& command) {
    write_file(host.sshd.file("authorized_keys"), "command=\"" + command + "\" " + host.sshd.public_key("user") + "\n");
  };
  SECTION("sudo wants a password") {
    endpoint.become = true;
    endpoint.user = "root";
    answer("echo 'sudo: a password is required' >&2; exit 1");
    const error why = first_error(endpoint);
    CHECK(why.code == "become_refused");
    CHECK(why.kind == error_kind::permanent);
    CHECK(why.message.find("a password is required") != std::string::npos);
    CHECK(why.message.find("NOPASSWD") != std::string::npos);
  }
  SECTION("there is no bash") {
    answer("echo 'env: bash: No such file or directory' >&2; exit 127");
    const error why = first_error(endpoint);
    CHECK(why.code == "runner_start_failed");
    CHECK(why.message.find("No such file") != std::string::npos);
  }
  SECTION("a login shell that talks does not matter") {
    answer("echo Welcome; echo to the machine >&2; eval \\\"$SSH_ORIGINAL_COMMAND\\\"");
    check_works(endpoint);
  }
}

TEST_CASE("sudo starts the runner where it is allowed to") {
  if (skipped()) return;
  if (std::system("sudo -n true >/dev/null 2>&1") != 0) {
    WARN("skipped: needs sudo");
    return;
  }
  const ssh_host host;
  host_endpoint endpoint = host.sshd.endpoint();
  endpoint.become = true;
  check_works(endpoint);
}

TEST_CASE("forty channels come up through few threads and few handshakes at once") {
  if (skipped()) return;
  const ssh_host host;
  const auto carrier = make_transport(2, "r1", 7);
  const auto script = make_script("build() { printf '%s' \"$n\"; }\n");
  channel_record record;
  std::vector<std::unique_ptr<command_channel>> channels;
  for (int i = 0; i < 40; ++i) {
    host_endpoint endpoint = host.sshd.endpoint();
    endpoint.host = host_id("host-" + std::to_string(i));
    channels.push_back(carrier->open(endpoint, record.sink()));
  }
  REQUIRE(record.wait([&] { return record.connects == 40; }, milliseconds(60000)));
  for (std::size_t i = 0; i < 400; ++i) {
    channels[i % 40]->send(make_run("wide-" + std::to_string(i), script, "build", {{"n", std::to_string(i)}}));
  }
  const auto done = [&] {
    std::erase_if(record.reports, [](const run_report& each) { return each.status == run_status::running; });
    return record.reports.size() == 400;
  };
  CHECK(record.wait(done, milliseconds(60000)));
  for (const auto& report : record.reports) CHECK("wide-" + report.output == report.run.value());
}

TEST_CASE("what a host says while something is sent to it is heard at once, not with the next heartbeat") {
  if (skipped()) return;
  const ssh_host host;
  const auto script = make_script("build() { :; }\n");
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(host.sshd.endpoint(), record.sink());
  record.await_connected();
  const run_id known("known");
  channel->send(make_run(known.value(), script, "build"));
  record.await(known, run_status::finished);
  // As many as are forgotten at once, though but one is sent. Nothing answers that.
  std::vector<run_id> strangers(64, run_id("not an id"));
  strangers.back() = run_id("stranger");
  const unsigned seed = std::random_device{}();
  std::mt19937 dice(seed);
  for (int round = 0; round < 1000; ++round) {
    INFO("seed " << seed << ", round " << round);
    channel->ask(known);
    for (int i = 0; i < 10; ++i) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(dice() % 100);
      while (std::chrono::steady_clock::now() < until) continue;
      channel->forget(strangers);
    }
    REQUIRE(record.wait([&] { return record.reports.size() == 1; }, limits::heartbeat_interval / 2));
    record.reports.clear();
  }
}

TEST_CASE("a host that takes in nothing has its connection dropped when too much waits for it") {
  if (skipped()) return;
  ssh_host host;
  channel_record record;
  const auto carrier = make_transport(1, "r1", 7);
  const auto channel = carrier->open(host.sshd.endpoint(), record.sink());
  record.await_connected();
  const auto serving = host.sshd.connections();
  for (pid_t each : serving) REQUIRE(::kill(each, SIGSTOP) == 0);
  const auto script = make_script("build() { :; }\n");
  for (int i = 0; i < 20; ++i) {
    channel->send(make_run("big-" + std::to_string(i), script, "build", {{"x", std::string(1'000'000, 'x')}}));
  }
  const error why = record.await_disconnected();
  for (pid_t each : serving) ::kill(each, SIGCONT);
  CHECK(why.code == "host_too_slow");
}
