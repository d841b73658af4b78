// A request's target, taken apart and decoded once.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace regent {

struct http_query {
  std::vector<std::string> segments;              ///< of the path, decoded: an encoded slash stays within its segment
  std::map<std::string, std::string> parameters;  ///< decoded; those without a value are left out
};

/// Errors: permanent `bad_query` for a malformed escape, a control character, or a parameter given twice.
result<http_query> parse_target(std::string_view target);

/// The text with everything but unreserved characters escaped, for a path segment or a parameter.
std::string percent_encode(std::string_view text);

}  // namespace regent
