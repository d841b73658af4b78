// When who is to be looked at, by the wall clock. What it costs to change grows with the logarithm of how many there are.
#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace regent {

class due_list {
 public:
  /// All its times: those of before are forgotten.
  void set(const resource_id& id, const std::vector<wall_time>& times);
  /// Who has a time up to `now`, the earliest first.
  std::vector<resource_id> due(wall_time now) const;
  /// The same, each once; these times are forgotten.
  std::set<resource_id> take(wall_time now);
  std::size_t size() const { return order_.size(); }

 private:
  std::set<std::pair<wall_time, resource_id>> order_;
  std::unordered_map<resource_id, std::vector<wall_time>> times_;
};

}  // namespace regent
