// regent serve: the daemon. Ready, alive and stopping are told to systemd; SIGHUP reads the region file again.
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "actors/supervisor.hpp"
#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/region_file.hpp"

namespace regent::cli {

namespace {

constexpr int bad_file = 2;
constexpr int not_started = 1;

sigset_t daemon_signals() {
  sigset_t all;
  sigemptyset(&all);
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&all, one);
  return all;
}

/// What cannot change while the daemon lives, named; empty if the new file changes none of it.
std::string needs_restart(const region_config& now, const region_config& next) {
  if (now.name != next.name) return "region.name";
  if (now.state_directory != next.state_directory) return "state_directory";
  if (now.kind_directories != next.kind_directories) return "kinds";
  const auto& a = now.listen;
  const auto& b = next.listen;
  const bool same = a.unix_socket == b.unix_socket && a.address == b.address && a.port == b.port && a.tcp == b.tcp;
  return same ? "" : "listen";
}

/// A bad file changes nothing and says why: in the log, to systemd, and as a standing problem of the daemon.
std::shared_ptr<const region_config> reload(daemon& running, const std::string& path,
                                            std::shared_ptr<const region_config> now) {
  auto check = load_whole_region_config(path);
  std::string why;
  if (!check.config)
    why = check.text(path);
  else if (const auto key = needs_restart(*now, *check.config); !key.empty())
    why = fmt::format("{}: {} cannot change without a restart\n", path, key);
  running.facts().note("config", why.empty() ? "" : "not reloaded: " + why);
  if (!why.empty()) {
    log::error("region file not reloaded, nothing has changed:\n{}", why);
    return now;
  }
  auto next = std::make_shared<const region_config>(std::move(*check.config));
  running.reload(next);
  log::info("region file reloaded: {} hosts", next->hosts.size());
  return next;
}

/// Until told to stop. Also feeds systemd's watchdog while the daemon says that it is live.
void serve_until_told(daemon& running, const std::string& path, std::shared_ptr<const region_config> config) {
  const auto signals = daemon_signals();
  std::uint64_t watchdog_us = 0;
  const bool watched = sd_watchdog_enabled(0, &watchdog_us) > 0;
  const auto pause_ms = watched ? static_cast<std::int64_t>(watchdog_us / 2000) : 1000;
  const timespec pause{pause_ms / 1000, (pause_ms % 1000) * 1'000'000};
  for (;;) {
    if (running.alive() && watched) sd_notify(0, "WATCHDOG=1");
    const int got = sigtimedwait(&signals, nullptr, &pause);
    if (got == SIGINT || got == SIGTERM) return;
    if (got != SIGHUP) continue;
    sd_notify(0, "RELOADING=1");
    config = reload(running, path, config);
    sd_notify(0, "READY=1");
  }
}

int serve(const std::string& path) {
  auto check = load_whole_region_config(path);
  if (!check.config) {
    std::cerr << check.text(path);
    return bad_file;
  }
  const auto config = std::make_shared<const region_config>(std::move(*check.config));
  log::start(config->log_level, std::getenv("JOURNAL_STREAM") != nullptr);
  // Before any thread starts: every thread inherits the mask, and only the main thread takes signals.
  const auto signals = daemon_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  static const system_clock time;
  auto running = start_daemon(config, time);
  if (!running) {
    log::error("not started: {}", running.error().text());
    std::cerr << "regent: not started: " << running.error().text() << '\n';
    return not_started;
  }
  auto& daemon = **running;
  const auto tcp = config->listen.tcp ? fmt::format(" and http://{}:{}/", config->listen.address, daemon.http_port())
                                      : std::string();
  fmt::print("regent: governs {} ({} hosts), epoch {}, ready in {} ms; look at {}{}\n", config->name,
             config->hosts.size(), daemon.facts().epoch.load(), daemon.facts().start_to_ready_ms.load(),
             daemon.socket_path(), tcp);
  std::fflush(stdout);
  sd_notify(0, "READY=1");
  serve_until_told(daemon, path, config);
  sd_notify(0, "STOPPING=1");
  log::info("stopping: what runs on hosts goes on, and is taken up at the next start");
  if (daemon.stop()) return 0;
  log::warn("a call did not end in time: leaving without it, the journal is complete");
  std::_Exit(0);
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit) {
  auto* command = app.add_subcommand("serve", "govern a region: the daemon");
  auto path = std::make_shared<std::string>();
  add_region_file_option(*command, *path);
  command->callback([path, &exit] { exit = serve(*path); });
}

}  // namespace regent::cli
