#include "cli/commands.hpp"

int main(int argc, char** argv) {
  CLI::App app{"regent builds on a region's hosts what a cloud's users declare, and keeps it so."};
  app.set_version_flag("--version", "regent " REGENT_VERSION);
  app.require_subcommand(1);
  int exit = 0;
  regent::cli::add_serve_command(app, exit);
  regent::cli::add_cloud_sim_command(app, exit);
  regent::cli::add_config_command(app, exit);
  regent::cli::add_plan_command(app, exit);
  regent::cli::add_journal_command(app, exit);
  regent::cli::add_replay_command(app, exit);
  regent::cli::add_read_commands(app, exit);
  regent::cli::add_events_command(app, exit);
  regent::cli::add_operator_commands(app, exit);
  regent::cli::add_tree_commands(app, exit);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  }
  return exit;
}
