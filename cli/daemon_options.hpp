// The options by which a command finds its daemon.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/daemon_client.hpp"

namespace regent::cli {

/// `into` outlives the command.
inline void add_daemon_options(CLI::App& command, daemon_choice& into) {
  auto* socket = command.add_option("--socket", into.socket, "the daemon's Unix socket (REGENT_SOCKET)");
  auto* url = command.add_option("--url", into.url, "the daemon's address, such as http://127.0.0.1:8420 (REGENT_URL)");
  auto* config = command.add_option("--config", into.config, "the region file that the daemon runs with");
  socket->excludes(url)->excludes(config);
  url->excludes(config);
}

}  // namespace regent::cli
