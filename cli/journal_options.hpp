// Which journal a command is about.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.hpp"

namespace regent::cli {

/// What the options said; empty where they were not given.
struct journal_choice {
  std::string place;   ///< a journal's file, or a state directory
  std::string config;  ///< the region file
};

/// The path of the journal's file: of the place given, else of the region file's state directory. Errors: permanent
/// `bad_config`, in the region file's own words.
result<std::string> journal_path(const journal_choice& choice);

/// `into` outlives the command.
void add_journal_options(CLI::App& command, const char* place, const char* about, journal_choice& into);

}  // namespace regent::cli
