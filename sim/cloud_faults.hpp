// Faults on request: which calls go wrong, how, and how often.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sim/cloud_answer.hpp"

namespace regent::sim {

enum class fault_kind {
  status,         ///< answers `status` and does nothing else
  slow,           ///< done at once, answered after `delay_ms`
  garbage,        ///< 200 with bytes that are no JSON; nothing is done
  truncated,      ///< done, answered with half of the JSON
  lost_reply,     ///< done, then the connection is closed without an answer
  lost_update,    ///< the PATCH answers 200, but another writer's row wins
  expire_tokens,  ///< at once: every token given out so far is expired
  drop,           ///< the connection is closed before anything is done
};

struct fault {
  std::int64_t id = 0;
  fault_kind kind = fault_kind::status;
  int status = 500;
  std::string path;        ///< a part of the path; empty: any
  std::string method;      ///< empty: any
  std::int64_t times = 1;  ///< calls left; 0: until it is deleted
  std::chrono::milliseconds delay{0};
};

/// What befalls one call: it may be slow and fail as well.
struct mishap {
  std::chrono::milliseconds delay{0};
  std::optional<fault> what;
};

std::string_view name(fault_kind kind);

/// Not thread-safe.
class cloud_faults {
 public:
  /// Reads `{"kind":"status","status":500,"path":"virtual_router","method":"PATCH","times":3,"delay_ms":0}`.
  /// Errors: permanent `fault_malformed`.
  result<fault> add(const json::value& wish);
  /// The first fault that fits, and the first slowness; each is used up by one.
  mishap take(std::string_view method, std::string_view path);
  json::object list() const;
  bool remove(std::int64_t id);
  void clear() { faults_.clear(); }

 private:
  std::list<fault> faults_;
  std::int64_t last_ = 0;
};

}  // namespace regent::sim
