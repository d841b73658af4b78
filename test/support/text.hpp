// Texts in tests.
#pragma once

#include <string>
#include <string_view>

namespace regent::test {

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace regent::test
