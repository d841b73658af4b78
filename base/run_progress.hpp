// How far a run says that it is. It is for people, and never in the journal.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace regent {

struct run_progress {
  std::optional<int> percent;  ///< 0 to 100; none: it does not know
  std::string words;           ///< one line, at most limits::progress_words_bytes; empty: none
  milliseconds age{0};         ///< since it said so
};

/// "40 %: copying blocks, 12s ago".
std::string progress_text(const run_progress& what);

}  // namespace regent
