// What a route's handler is given: the parts of the path that the route's pattern captured, and the parameters, each
// checked when it is asked for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "region/topic_filter.hpp"

namespace regent {

/// Errors of all: permanent `bad_query` that names the parameter, its value and what it may be.
struct route_request {
  std::vector<std::string> captured;
  std::map<std::string, std::string> parameters;
  std::string last_event_id;  ///< the request's header; empty if it has none

  /// Empty if not given.
  std::string text(const std::string& key) const;
  /// limit: 1 to limits::page_rows_most.
  result<std::size_t> limit() const;
  result<std::optional<bool>> flag(const std::string& key) const;
  /// A number from 0, or `otherwise`.
  result<std::uint64_t> number(const std::string& key, std::uint64_t otherwise) const;
  /// One of `allowed`, or empty.
  result<std::string> one_of(const std::string& key, const std::vector<std::string_view>& allowed) const;
  /// topic: patterns with commas between them.
  result<topic_filter> topics() const;
  /// `kind/id`, or an empty one.
  result<resource_id> resource(const std::string& key) const;
};

/// Digits only, and it fits.
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace regent
