// regent cloud-sim: the cloud's side of the contract on a real socket, with a user to play over HTTP.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/commands.hpp"
#include "sim/cloud_server.hpp"

namespace regent::cli {

namespace {

struct cloud_sim_wishes {
  std::string records_file;
  std::string listen = "127.0.0.1:0";
  std::string port_file;
  std::string email, password, api_key;
  std::string certificate, key;
  std::size_t throttle = 20;
};

/// "127.0.0.1:8000" or "[::1]:8000"; false if it is neither.
bool read_listen(const std::string& text, sim::cloud_sim_options& options) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  auto address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const auto port = text.substr(colon + 1);
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || code != std::errc{} || end != port.data() + port.size()) return false;
  options.address = address;
  return options.port >= 0 && options.port <= 65535;
}

/// Everything that is wrong with the file goes to stderr.
bool read_records_file(const std::string& path, sim::records_spec& into) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    fmt::print(stderr, "{}: cannot be read: {}\n", path, std::strerror(errno));
    return false;
  }
  auto read = sim::parse_records(text.str());
  if (!read.problems.empty()) {
    fmt::print(stderr, "{}", sim::problems_text(read.problems, path));
    return false;
  }
  into = std::move(read.value);
  return true;
}

/// Written aside and moved into place, so that who waits for it never reads half a number.
bool write_port_file(const std::string& path, int port) {
  const auto aside = path + ".new";
  std::ofstream file(aside);
  file << port << "\n";
  file.close();
  if (file && std::rename(aside.c_str(), path.c_str()) == 0) return true;
  fmt::print(stderr, "{}: cannot be written: {}\n", path, std::strerror(errno));
  return false;
}

int run_cloud_sim(const cloud_sim_wishes& wishes) {
  sim::cloud_sim_options options;
  if (!read_listen(wishes.listen, options)) {
    fmt::print(stderr, "--listen: '{}' is not ADDRESS:PORT\n", wishes.listen);
    return 2;
  }
  if (!wishes.records_file.empty() && !read_records_file(wishes.records_file, options.records)) return 2;
  if (!wishes.email.empty()) options.face.robot.email = wishes.email;
  if (!wishes.password.empty()) options.face.robot.password = wishes.password;
  if (!wishes.api_key.empty()) options.face.robot.api_key = wishes.api_key;
  options.face.requests_per_second = wishes.throttle;
  options.certificate_file = wishes.certificate;
  options.key_file = wishes.key;
  // Before any thread is there, so that all inherit it and only sigwait sees the signals.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const system_clock time;
  const auto running = sim::start_cloud_sim(options, time);
  if (!running) {
    fmt::print(stderr, "{}\n", running.error().message);
    return running.error().code == "listen_failed" ? 1 : 2;
  }
  if (!wishes.port_file.empty() && !write_port_file(wishes.port_file, (*running)->port())) return 2;
  fmt::print("cloud-sim: {}  login as {}  see {}sim/state\n", (*running)->url(), options.face.robot.email,
             (*running)->url());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  if (!wishes.port_file.empty()) ::unlink(wishes.port_file.c_str());
  return 0;
}

}  // namespace

void add_cloud_sim_command(CLI::App& app, int& exit) {
  auto* command =
      app.add_subcommand("cloud-sim", "Play the cloud: its API on a socket, with its guards and its faults");
  const auto wishes = std::make_shared<cloud_sim_wishes>();
  command->add_option("--records", wishes->records_file, "YAML file of projects to begin with");
  command->add_option("--listen", wishes->listen, "ADDRESS:PORT; port 0 takes any free one")->capture_default_str();
  command->add_option("--port-file", wishes->port_file, "write the port to this file once it listens");
  command->add_option("--email", wishes->email, "login of the orchestrator (robot@sim.test)");
  command->add_option("--password", wishes->password, "its password (robot-password)");
  command->add_option("--api-key", wishes->api_key, "its API key (robot-key)");
  command->add_option("--cert", wishes->certificate, "PEM certificate: speak TLS");
  command->add_option("--key", wishes->key, "PEM key of the certificate");
  command->add_option("--throttle", wishes->throttle, "requests per second and user; 0 for no limit")
      ->capture_default_str();
  command->callback([wishes, &exit] { exit = run_cloud_sim(*wishes); });
}

}  // namespace regent::cli
