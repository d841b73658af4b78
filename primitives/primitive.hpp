// A primitive as its front matter describes it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "primitives/planner.hpp"
#include "primitives/spec_reader.hpp"
#include "primitives/value_type.hpp"

namespace regent {

/// Pairs of names whose addresses must be of one family.
using family_pairs = std::vector<std::pair<std::string, std::string>>;

/// A column of a table parameter; it arrives as the array PARAMETER_COLUMN.
struct table_column {
  std::string name;
  value_type type;
  std::optional<std::string> standard;  ///< instead of a value that is missing
  bool unique = false;                  ///< no value twice
  bool disjoint = false;                ///< prefixes that do not overlap
};

struct parameter_spec {
  std::string name;
  value_type type;  ///< not of a table
  std::vector<table_column> columns;
  family_pairs same_family;  ///< columns
  bool required = false;
  bool secret = false;
  std::string standard;            ///< instead of a value that is missing; of a list or table: none
  std::vector<std::string> verbs;  ///< those that take it; empty: all

  bool is_table() const { return !columns.empty(); }
  bool is_for(const std::string& verb) const;
  const table_column* find_column(const std::string& column) const;
};

/// How long one verb may take.
struct verb_limits {
  milliseconds deadline{limits::step_deadline_default};
  milliseconds stall{0};  ///< the longest time without a word of progress; 0: any
};

struct primitive {
  std::string summary;
  std::vector<parameter_spec> parameters;
  family_pairs same_family;  ///< parameters
  std::map<std::string, verb_limits> verbs;
  bool tells_progress = false;  ///< its text calls `progress`
  primitive_script script;

  const parameter_spec* find(const std::string& parameter) const;
};

/// Complains about limits of which one could never be what ends a run.
void check_limits(const verb_limits& what, const primitive& of, spec_map& map);

/// Reads NAME.sh: front matter and the names of its functions; complains about all that is wrong.
/// `library` stands before the file in the script.
primitive read_primitive(const std::string& name, const std::string& text, std::string_view library, complaints& wrong);

}  // namespace regent
