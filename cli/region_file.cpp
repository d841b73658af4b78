#include "cli/region_file.hpp"

#include <sstream>

#include "primitives/planner.hpp"

namespace regent::cli {

config_check load_whole_region_config(const std::string& path) {
  auto check = load_region_config(path);
  if (!check.config || (check.config->kind_directories.empty() && check.config->kinds_named.empty())) return check;
  const auto known = load_catalogue(check.config->kind_directories);
  if (known) {
    refuse_unknown_kinds(check, (*known)->kinds());
  } else {
    std::istringstream lines(known.error().message);
    for (std::string line; std::getline(lines, line);) check.problems.push_back({0, 0, "kinds", line, ""});
    check.config.reset();
  }
  return check;
}

}  // namespace regent::cli
