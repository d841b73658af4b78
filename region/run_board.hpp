// What hosts last said of the runs under way, for readers on other threads. Not in the journal: such words would be most
// of its commits, and the host can be asked again.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "base/ids.hpp"
#include "base/run_progress.hpp"

namespace regent {

/// A run that its host has said to be under way.
struct run_sign {
  std::optional<run_progress> progress;  ///< none: it has said nothing of how far it is
  milliseconds age{0};                   ///< since the host said that the run goes on
};

/// Thread-safe. Has at most the runs that are open at the hosts' actors, which leases bound.
class run_board {
 public:
  void heard(const run_id& run, std::optional<run_progress> progress, steady_time now);
  void ended(const run_id& run);
  /// All ages are as of `now`.
  std::optional<run_sign> find(const run_id& run, steady_time now) const;
  std::size_t size() const;

 private:
  struct entry {
    std::optional<run_progress> progress;
    steady_time heard{};
  };
  mutable std::mutex guard_;
  std::map<run_id, entry> runs_;
};

}  // namespace regent
