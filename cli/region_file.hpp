// A region file together with the kinds that it names.
#pragma once

#include <string>

#include "region/region_config.hpp"

namespace regent::cli {

/// As load_region_config, and besides complains of folders of kinds that cannot be used, each of their problems by its own file
/// and line, and of kinds that are named and that there are not.
config_check load_whole_region_config(const std::string& path);

}  // namespace regent::cli
