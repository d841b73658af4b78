// Which messages of a channel the broker has not confirmed yet. Pure: numbers in, an answer out.
#pragma once

#include <cstdint>
#include <set>

namespace regent {

/// A channel in confirm mode counts its messages from 1, and the broker answers with these numbers (rabbitmq.com/docs/confirms).
class publisher_confirms {
 public:
  void sent() { open_.insert(++last_); }
  /// `multiple`: all up to this one as well; 0 are then all that there are.
  void confirmed(std::uint64_t number, bool multiple);
  bool waits_for(std::uint64_t number, bool multiple) const;
  bool all() const { return open_.empty(); }
  std::size_t open() const { return open_.size(); }
  /// What is not confirmed is no longer waited for: it is sent again under other numbers.
  void forget() { open_.clear(); }

 private:
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> open_;
};

}  // namespace regent
