#include "region/sink_board.hpp"

namespace regent {

void sink_board::publish(sink_status status) {
  const std::lock_guard lock(guard_);
  auto& place = sinks_[status.name];
  place = std::move(status);
}

void sink_board::remove(const std::string& name) {
  const std::lock_guard lock(guard_);
  sinks_.erase(name);
}

std::vector<sink_status> sink_board::list() const {
  const std::lock_guard lock(guard_);
  std::vector<sink_status> all;
  for (const auto& [name, status] : sinks_) all.push_back(status);
  return all;
}

}  // namespace regent
