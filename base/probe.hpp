// What can be seen of a live actor from outside, without asking it: so a wedged actor is still visible.
// Written by the actor's shell, read by the inspector on another thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace regent {

/// One actor at one moment.
struct probe_view {
  std::uint64_t number = 0;  ///< order of birth
  std::string type;          ///< "host", "lifecycle", …
  std::string key;           ///< what it stands for: a host's or a resource's name
  std::string state;         ///< its own word for what it does
  std::size_t mailbox_depth = 0;
  milliseconds oldest_message{0};  ///< age of the oldest message not yet handled
  milliseconds busy_now{0};        ///< how long the current message has been handled; 0 if idle
  milliseconds busy_total{0};
  milliseconds queued_total{0};  ///< sum over messages of the time between sending and handling
  std::uint64_t handled = 0;
  std::string last_message;
  std::string last_error;
  std::string waits_for;
  std::vector<std::string> leases;
};

/// Thread-safe. All setters are cheap.
class probe {
 public:
  probe(std::uint64_t number, std::string type, std::string key);
  void enqueued(steady_time now);
  void begun(std::string_view message, steady_time now);
  void ended(steady_time now);
  void called(std::string type, std::string key);  ///< names it, once the actor knows what it stands for
  void state(std::string text);
  void failed(std::string text);
  void waits_for(std::string text);
  void leases(std::vector<std::string> held);
  probe_view view(steady_time now) const;

 private:
  mutable std::mutex guard_;
  probe_view view_;
  std::deque<steady_time> waiting_;
  steady_time busy_since_{};
};

/// Every live probe. A probe leaves when its last owner lets go of it.
class probe_registry {
 public:
  std::shared_ptr<probe> add(std::string type, std::string key);
  /// Views in order of birth, those after number `after`, at most `limit`; type and key filter if not empty (key:
  /// exact).
  std::vector<probe_view> list(steady_time now, std::uint64_t after, std::size_t limit, const std::string& type,
                               const std::string& key) const;
  std::size_t size() const;

 private:
  mutable std::mutex guard_;
  std::map<std::uint64_t, std::weak_ptr<probe>> probes_;
  std::uint64_t last_ = 0;
};

}  // namespace regent
