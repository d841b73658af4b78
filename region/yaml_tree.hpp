// A YAML text (JSON is YAML) as plain values that know where they stand. yaml-cpp and its exceptions stay behind this.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "region/region_config.hpp"

namespace regent {

struct yaml_value {
  struct member {
    const yaml_value* key;
    const yaml_value* value;
  };
  enum class shape { null, scalar, sequence, map };

  shape is = shape::null;
  std::string text;     ///< of a scalar, escapes resolved
  bool quoted = false;  ///< a quoted or block scalar is text, whatever it looks like
  int line = 1;         ///< line and column count from 1, columns in bytes
  int column = 1;
  std::vector<const yaml_value*> items;  ///< of a sequence
  std::vector<member> members;           ///< of a map, in order, duplicate keys included
};

/// Owns the values of one document. An alias is the very value it points to, so a walk must not follow the tree
/// blindly:
/// `&a [*a]` contains itself.
using yaml_tree = std::deque<yaml_value>;

/// Reads the one document in `text` into `tree` and returns its root, or nullptr with at least one problem.
/// Problems found besides (a second document) do not keep the root from being returned.
const yaml_value* read_yaml(const std::string& text, yaml_tree& tree, std::vector<config_problem>& problems);

}  // namespace regent
