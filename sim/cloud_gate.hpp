// Who may come in and how often: login, tokens, and the throttle of the cloud.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <tl/expected.hpp>

#include "base/clock.hpp"
#include "sim/cloud_answer.hpp"
#include "sim/cloud_states.hpp"

namespace regent::sim {

struct credentials {
  std::string email;
  std::string password;
  std::string api_key;
};

struct visitor {
  std::int64_t uid = 0;
  caller as = caller::user;
};

/// Not thread-safe.
class cloud_gate {
 public:
  /// `requests_per_second` 0: no throttle.
  cloud_gate(credentials robot, credentials user, std::size_t requests_per_second, const clock& time);

  /// POST auth/login/: 201 with a token for two hours; 200 `{}` without an api_key; 400 for wrong ones.
  answer log_in(const json::value& body) const;
  /// PUT auth/login/: 200 with a token for one more hour.
  answer renew(const std::string& token) const;
  /// Who holds this token, or the 401 to give.
  tl::expected<visitor, answer> check(const std::string& token) const;
  /// Counts a request; false if it is one too many within a second.
  bool admit(std::int64_t uid);
  /// Every token given out so far has expired.
  void expire_all() { ++generation_; }

 private:
  std::string token_for(std::int64_t uid, std::chrono::seconds life) const;

  std::map<std::int64_t, credentials> users_;
  std::size_t requests_per_second_;
  const clock& time_;
  std::string secret_;  ///< signs tokens; lives as long as the process
  std::int64_t generation_ = 1;
  std::map<std::int64_t, std::deque<steady_time>> recent_;
};

}  // namespace regent::sim
