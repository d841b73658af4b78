#include "region/schedule_board.hpp"

#include <algorithm>

namespace regent {

void schedule_board::publish(std::vector<schedule_status> all) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.config.name < b.config.name; });
  const std::lock_guard lock(guard_);
  all_ = std::move(all);
}

std::vector<schedule_status> schedule_board::list() const {
  const std::lock_guard lock(guard_);
  return all_;
}

}  // namespace regent
