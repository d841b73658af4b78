#include "region/due_list.hpp"

namespace regent {

void due_list::set(const resource_id& id, const std::vector<wall_time>& times) {
  if (const auto old = times_.find(id); old != times_.end()) {
    for (const auto when : old->second) order_.erase({when, id});
    times_.erase(old);
  }
  if (times.empty()) return;
  for (const auto when : times) order_.emplace(when, id);
  times_[id] = times;
}

std::vector<resource_id> due_list::due(wall_time now) const {
  std::vector<resource_id> all;
  for (const auto& [when, id] : order_) {
    if (when > now) break;
    all.push_back(id);
  }
  return all;
}

std::set<resource_id> due_list::take(wall_time now) {
  std::set<resource_id> all;
  while (!order_.empty() && order_.begin()->first <= now) {
    const auto id = order_.extract(order_.begin()).value().second;
    auto& left = times_[id];
    std::erase_if(left, [&](wall_time when) { return when <= now; });
    if (left.empty()) times_.erase(id);
    all.insert(id);
  }
  return all;
}

}  // namespace regent
