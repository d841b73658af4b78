// The sub-commands, one file each. `add_…` puts a sub-command on the app; its callback sets `exit`:
// 0 success, 1 the thing asked about is not well, 2 wrong use or a bad file, 3 the daemon cannot be reached.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace regent::cli {

/// The option of every command that reads the region file itself. `file` outlives the command, and has the default
/// where the option is not given.
inline void add_region_file_option(CLI::App& command, std::string& file) {
  file = "/etc/regent/region.yaml";
  command.add_option("-c,--config", file, "the region file")->capture_default_str();
}

void add_serve_command(CLI::App& app, int& exit);
void add_cloud_sim_command(CLI::App& app, int& exit);
void add_config_command(CLI::App& app, int& exit);
void add_plan_command(CLI::App& app, int& exit);
/// journal check, backup, restore, compact, history: on the file itself; restore: 1 also where a daemon has it.
void add_journal_command(CLI::App& app, int& exit);
/// replay: a copied journal from event to event; 1 if not all of it could be read.
void add_replay_command(CLI::App& app, int& exit);
/// status, resources, jobs, job, hosts, sinks, locks, why, actors: what the daemon's HTTP face shows, for people or as --json.
void add_read_commands(CLI::App& app, int& exit);
void add_events_command(CLI::App& app, int& exit);
void add_operator_commands(CLI::App& app, int& exit);
void add_tree_commands(CLI::App& app, int& exit);

}  // namespace regent::cli
