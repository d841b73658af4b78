#include "cli/journal_options.hpp"

#include <filesystem>

#include "cli/commands.hpp"
#include "region/region_config.hpp"

namespace regent::cli {

result<std::string> journal_path(const journal_choice& choice) {
  auto place = choice.place;
  if (place.empty()) {
    const auto check = load_region_config(choice.config);
    if (!check.config) return fail(error_kind::permanent, "bad_config", "{}", check.text(choice.config));
    place = check.config->state_directory;
  }
  std::error_code none;
  return std::filesystem::is_directory(place, none) ? place + "/regent.db" : place;
}

void add_journal_options(CLI::App& command, const char* place, const char* about, journal_choice& into) {
  command.add_option(place, into.place, about);
  add_region_file_option(command, into.config);
}

}  // namespace regent::cli
