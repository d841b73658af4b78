#include "edge/publisher_confirms.hpp"

namespace regent {

void publisher_confirms::confirmed(std::uint64_t number, bool multiple) {
  if (!multiple)
    open_.erase(number);
  else
    open_.erase(open_.begin(), number == 0 ? open_.end() : open_.upper_bound(number));
}

bool publisher_confirms::waits_for(std::uint64_t number, bool multiple) const {
  if (!multiple) return open_.contains(number);
  return !open_.empty() && (number == 0 || *open_.begin() <= number);
}

}  // namespace regent
