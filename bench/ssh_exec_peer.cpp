// The peer: what a good programmer gets from libssh with no regard for crashes. One thread and one session per host;
// each command is an exec on a fresh channel, its output read to the end, its exit code taken.
//   ssh_exec_peer HOSTS.json HOSTS RUNS_PER_HOST COMMAND
#include <fmt/format.h>
#include <libssh/libssh.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include "bench/hosts_file.hpp"

namespace {
using regent::bench::bench_host;
using regent::bench::give_up;
using steady = std::chrono::steady_clock;

struct session_end {
  void operator()(ssh_session session) const {
    ssh_disconnect(session);
    ssh_free(session);
  }
};
using session_ptr = std::unique_ptr<ssh_session_struct, session_end>;

double seconds_since(steady::time_point start) { return std::chrono::duration<double>(steady::now() - start).count(); }

void check_host_key(ssh_session session, const bench_host& host) {
  ssh_key key = nullptr;
  char* text = nullptr;
  if (ssh_get_server_publickey(session, &key) != SSH_OK || ssh_pki_export_pubkey_base64(key, &text) != SSH_OK ||
      host.host_key.find(text) == std::string::npos)
    give_up("wrong host key of " + host.name);
  ssh_string_free_char(text);
  ssh_key_free(key);
}

session_ptr connect(const bench_host& host) {
  session_ptr session(ssh_new());
  const bool config = false;
  const int nodelay = 1;
  ssh_options_set(session.get(), SSH_OPTIONS_PROCESS_CONFIG, &config);
  ssh_options_set(session.get(), SSH_OPTIONS_HOST, host.address.c_str());
  ssh_options_set(session.get(), SSH_OPTIONS_PORT, &host.port);
  ssh_options_set(session.get(), SSH_OPTIONS_USER, host.user.c_str());
  ssh_options_set(session.get(), SSH_OPTIONS_NODELAY, &nodelay);
  ssh_options_set(session.get(), SSH_OPTIONS_HOSTKEYS, "ssh-ed25519");
  if (ssh_connect(session.get()) != SSH_OK) give_up(host.name + ": " + ssh_get_error(session.get()));
  check_host_key(session.get(), host);
  ssh_key key = nullptr;
  if (ssh_pki_import_privkey_file(host.key_file.c_str(), nullptr, nullptr, nullptr, &key) != SSH_OK)
    give_up("cannot read " + host.key_file);
  if (ssh_userauth_publickey(session.get(), nullptr, key) != SSH_AUTH_SUCCESS) give_up(host.name + " refuses the key");
  ssh_key_free(key);
  return session;
}

void run(ssh_session session, const std::string& command) {
  const auto channel = ssh_channel_new(session);
  if (ssh_channel_open_session(channel) != SSH_OK || ssh_channel_request_exec(channel, command.c_str()) != SSH_OK)
    give_up(ssh_get_error(session));
  std::array<char, 4096> output{};
  while (ssh_channel_read(channel, output.data(), output.size(), 0) > 0) continue;
  if (const int code = ssh_channel_get_exit_status(channel); code != 0)
    give_up(fmt::format("the command ended with exit code {}", code));
  ssh_channel_close(channel);
  ssh_channel_free(channel);
}

template <class Work>
void for_each_in_parallel(std::size_t count, Work work) {
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) give_up("ssh_exec_peer HOSTS.json HOSTS RUNS_PER_HOST COMMAND");
  const auto hosts = regent::bench::read_hosts(argv[1], std::stoul(argv[2]));
  const auto runs = std::stoul(argv[3]);
  const std::string command = argv[4];
  ssh_init();
  std::vector<session_ptr> sessions(hosts.size());
  const auto start = steady::now();
  // With one host, connecting is timed apart: the runs are then warm. With many, each thread goes straight on.
  if (hosts.size() == 1) {
    sessions[0] = connect(hosts[0]);
    run(sessions[0].get(), command);
    const auto connected = seconds_since(start);
    const auto warm = steady::now();
    for (std::size_t i = 0; i < runs; ++i) run(sessions[0].get(), command);
    regent::bench::print_measured(1, runs, connected, seconds_since(warm));
    return 0;
  }
  for_each_in_parallel(hosts.size(), [&](std::size_t i) {
    sessions[i] = connect(hosts[i]);
    for (std::size_t n = 0; n < runs; ++n) run(sessions[i].get(), command);
  });
  regent::bench::print_measured(hosts.size(), hosts.size() * runs, 0, seconds_since(start));
}
