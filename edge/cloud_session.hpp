// What all clients of one cloud share: the login, the request rate, the circuit breaker, and what was learned on the
// way. Thread-safe. Calls block; each has one deadline over waiting, login, and the call itself with its retries.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <stop_token>
#include <string>

#include "base/ids.hpp"
#include "edge/cloud.hpp"
#include "edge/cloud_pace.hpp"
#include "edge/http_client.hpp"

namespace regent {

struct session_options {
  milliseconds deadline{limits::cloud_deadline};
  double requests_per_second = limits::cloud_requests_per_second;
  milliseconds renew_after = std::chrono::minutes(40);  ///< a token lives 2 h, a renewed one 1 h
  milliseconds login_wait_first{1'000};                 ///< after a refused login; doubled, with jitter
  milliseconds login_wait_most{300'000};
  milliseconds retry_after_most{60'000};  ///< a server that asks for more is not obeyed
  circuit_breaker::limits_type breaker;
  std::uint64_t seed = 0;                   ///< of the jitter
  std::function<void(milliseconds)> pause;  ///< waits; by default really, and stop() wakes it
};

/// One call of the API. The path is relative to the base address, the query is encoded already.
struct cloud_call {
  std::string method = "GET";
  std::string path;
  std::string query;
  std::string body;
};

class cloud_session {
 public:
  cloud_session(cloud_config config, const clock& time, session_options options);

  const cloud_config& config() const { return config_; }
  /// The same cloud under the login of `cloud.user`; null if there is none.
  cloud_session* user() const { return user_.get(); }

  /// Sends the call over `line`, which belongs to the calling thread. Logs in when needed, and again after one 401;
  /// waits for the rate, and as long as a 429 asks. Every other status is the caller's to judge. Errors, all transient:
  /// those of http_client::call, `cloud_circuit_open`, `cloud_throttled`, `cloud_login_refused`, `secret_unreadable`.
  result<http_reply> call(http_client& line, const cloud_call& what);

  /// Ends waiting and running calls with `cloud_stopped`, and all later ones.
  void stop();

  /// A phantom router is known only by the group it is hinted in; the hint may reach another client than the reader.
  void note_phantom(const resource_id& id, bool phantom);
  bool is_phantom(const resource_id& id) const;

 private:
  result<std::string> token(steady_time end);
  result<std::string> log_in(steady_time end);
  result<std::string> renew(steady_time end);
  result<std::string> ask_login(http_request request, const std::vector<std::string>& secrets, steady_time end);
  void keep(const std::string& fresh_token);
  void drop(const std::string& token);
  error delay_login(error why);
  result<void> wait_for_slot(const cloud_call& what, steady_time end);
  result<http_reply> send(http_client& line, const cloud_call& what, const std::string& token, steady_time end);
  milliseconds held_by(const http_reply& throttled);
  milliseconds left(steady_time end) const;
  void pause(milliseconds span);

  const cloud_config config_;
  const clock& time_;
  const session_options options_;
  std::unique_ptr<cloud_session> user_;
  std::stop_source stop_;

  mutable std::mutex guard_;  ///< of rate_, breaker_, phantoms_; never held over a call
  request_rate rate_;
  circuit_breaker breaker_;
  std::set<resource_id> phantoms_;

  std::mutex login_guard_;  ///< of what follows; held over a login, so that there is one at a time
  std::optional<http_client> login_line_;
  std::string token_;
  steady_time renew_at_{};
  steady_time login_not_before_{};
  error login_error_;
  std::mt19937_64 login_random_;
  std::atomic<int> login_failures_ = 0;  ///< since the API last accepted a token

  std::mutex pause_guard_;
  std::condition_variable_any paused_;
};

}  // namespace regent
