// The sub-commands, one file each. `add_…` puts a sub-command on the app; its callback sets `exit`:
// 0 success, 1 the thing asked about is not well, 2 wrong use or a bad file, 3 the daemon cannot be reached.
#pragma once

#include <CLI/CLI.hpp>

namespace regent::cli {

void add_serve_command(CLI::App& app, int& exit);
void add_cloud_sim_command(CLI::App& app, int& exit);
void add_config_command(CLI::App& app, int& exit);
void add_plan_command(CLI::App& app, int& exit);
/// status, resources, jobs, job, hosts, locks, why, actors: what the daemon's HTTP face shows, for people or as --json.
void add_read_commands(CLI::App& app, int& exit);

}  // namespace regent::cli
