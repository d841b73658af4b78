// The one place where a value becomes shell text: the command line that starts the runner. All else travels as data.
#pragma once

#include <string>
#include <string_view>

namespace regent {

/// One word for any POSIX shell, whatever the value holds; NUL cannot be in a word and must not be in the value.
std::string shell_quote(std::string_view value);

}  // namespace regent
