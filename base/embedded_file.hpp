// A file of the source tree that is part of the binary (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace regent {

struct embedded_file {
  std::string_view name;  ///< without its folder
  std::string_view text;
};

}  // namespace regent
