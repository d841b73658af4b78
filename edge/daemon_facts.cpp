#include <map>

#include "edge/http_face.hpp"

namespace regent {

void daemon_facts::note(std::string key, std::string problem) {
  const std::lock_guard lock(guard_);
  if (problem.empty())
    problems_.erase(key);
  else
    problems_[std::move(key)] = std::move(problem);
}

std::vector<std::pair<std::string, std::string>> daemon_facts::problems() const {
  const std::lock_guard lock(guard_);
  return {problems_.begin(), problems_.end()};
}

}  // namespace regent
