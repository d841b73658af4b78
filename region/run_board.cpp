#include "region/run_board.hpp"

#include <algorithm>

namespace regent {

void run_board::heard(const run_id& run, std::optional<run_progress> progress, steady_time now) {
  const std::lock_guard lock(guard_);
  runs_[run] = {std::move(progress), now};
}

void run_board::ended(const run_id& run) {
  const std::lock_guard lock(guard_);
  runs_.erase(run);
}

std::optional<run_sign> run_board::find(const run_id& run, steady_time now) const {
  const std::lock_guard lock(guard_);
  const auto found = runs_.find(run);
  if (found == runs_.end()) return std::nullopt;
  run_sign sign{found->second.progress, std::chrono::duration_cast<milliseconds>(now - found->second.heard)};
  sign.age = std::max(sign.age, milliseconds(0));
  if (sign.progress) sign.progress->age += sign.age;
  return sign;
}

std::size_t run_board::size() const {
  const std::lock_guard lock(guard_);
  return runs_.size();
}

}  // namespace regent
