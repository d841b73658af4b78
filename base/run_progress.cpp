#include "base/run_progress.hpp"

#include <fmt/format.h>

namespace regent {

std::string progress_text(const run_progress& what) {
  auto text = what.percent ? fmt::format("{} %", *what.percent) : std::string();
  if (!what.words.empty()) text += (text.empty() ? "" : ": ") + what.words;
  return fmt::format("{}, {} ago", text.empty() ? "progress" : text, span_text(what.age));
}

}  // namespace regent
