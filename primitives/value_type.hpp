// The types that a primitive's parameters have: what a value may look like, and the one spelling in which it is sent.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace regent {

struct scalar_type;

/// A type as a front matter states it: a scalar's name with its bounds, alone or as list<…>.
struct value_type {
  const scalar_type* scalar = nullptr;
  bool list = false;
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  ///< integer
  std::int64_t most = std::numeric_limits<std::int64_t>::max();   ///< integer
  std::vector<std::string> choices;                               ///< choice

  std::string name() const;
};

/// One row of the table of types.
struct scalar_type {
  std::string_view name;
  std::string_view says;  ///< what a value is, for messages and docs/writing-primitives.md
  /// The value in the spelling that is sent; none if it is not of the type.
  std::optional<std::string> (*normal)(std::string_view value, const value_type& type);
};

const std::vector<scalar_type>& scalar_types();

/// "prefix" or "list<prefix>"; none if there is no such type.
std::optional<value_type> parse_value_type(std::string_view text);

/// One value (of a list: one element) in the spelling that is sent. Errors: what is wrong, without the place:
/// "'10.0.0.300/24' is not a prefix (an address with its length)".
tl::expected<std::string, std::string> normal_value(const value_type& type, std::string_view value);

/// The value for a message: quoted, control characters escaped, at most 80 bytes.
std::string shown_value(std::string_view value);

}  // namespace regent
