// A kind of resource as its file describes it: for each operation the steps, not yet resolved.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "primitives/expression.hpp"
#include "primitives/primitive.hpp"

namespace regent {

/// One source of values: `{when, for_each, value}` for a list or text, `{when, for_each, columns}` for a table.
struct value_source {
  std::vector<condition> when;
  std::string for_each;  ///< path; empty: once
  expression value;
  std::map<std::string, expression> columns;
};

struct parameter_source {
  std::string name;
  std::vector<value_source> sources;
  int line = 0;
};

struct kind_step {
  std::string primitive;
  std::string verb;
  std::string undo;  ///< the verb that undoes it if the operation fails; empty: none
  std::string on;    ///< "podnet", or an expression for a host's name
  expression host;
  std::vector<condition> when;
  std::string for_each;  ///< path; empty: once
  expression about;
  std::optional<milliseconds> deadline, stall;  ///< instead of the verb's
  std::vector<parameter_source> parameters;
  int line = 0;
};

/// What a record must have: checked before the first step.
struct field_spec {
  std::string path;
  std::string type;  ///< text, integer, boolean, object, list
  bool required = true;
  std::size_t most = 10'000;  ///< elements of a list
};

struct kind {
  std::string name;
  std::string summary;
  bool scrub_queue = false;
  std::vector<std::string> needs;  ///< kinds of its project that it cannot do without
  expression lease_scope;
  std::vector<field_spec> fields;
  std::vector<std::pair<std::string, expression>> names;  ///< in order: a later one may use those before it
  std::map<operation, std::vector<kind_step>> operations;
  std::map<operation, milliseconds> deadlines;  ///< of whole operations, from the start of their jobs
};

/// Reads kinds/NAME.yaml and holds it against the primitives; complains about all that is wrong.
kind read_kind(const std::string& name, const std::string& text, const std::map<std::string, primitive>& primitives,
               complaints& wrong);

}  // namespace regent
