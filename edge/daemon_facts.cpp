#include <map>

#include "edge/http_face.hpp"

namespace regent {

bool daemon_facts::note(std::string key, std::string problem) {
  const std::lock_guard lock(guard_);
  if (problem.empty()) return problems_.erase(key) > 0;
  auto& standing = problems_[std::move(key)];
  const bool changed = standing != problem;
  standing = std::move(problem);
  return changed;
}

std::vector<std::pair<std::string, std::string>> daemon_facts::problems() const {
  const std::lock_guard lock(guard_);
  return {problems_.begin(), problems_.end()};
}

}  // namespace regent
