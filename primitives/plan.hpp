// A plan: the ordered steps of one operation on one resource, fully resolved. The same whether printed, run or tested.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

/// The value of a parameter: text, or a list of texts (a bash array). Never contains NUL.
using parameter_value = std::variant<std::string, std::vector<std::string>>;

struct plan_parameter {
  std::string name;  ///< a bash identifier: [a-z_][a-z0-9_]*
  parameter_value value;
  bool secret = false;
};

/// What a step's host is to the operation: on a pair, the standby's failure only degrades it.
enum class step_role { sole, enabled, standby };
std::string_view name(step_role role);

struct plan_step {
  host_id host;
  std::string primitive;
  std::string verb;
  std::vector<plan_parameter> parameters;
  step_role role = step_role::sole;
  milliseconds deadline{60000};
  std::string about;      ///< one line for people: "address 10.0.0.1/24 on n1000 in r3"
  milliseconds stall{0};  ///< the longest time without a word of progress; 0: any
  std::string undo{};     ///< the verb that undoes it, if the operation fails for good after it has begun; empty: none
};

struct plan {
  resource_id resource;
  operation what = operation::read;
  std::vector<plan_step> steps;  ///< the enabled node's come before the standby's
  std::string lease_scope;       ///< on each host of the plan
  milliseconds deadline{0};      ///< of the whole operation; 0: none
};

/// The plan for people and golden files: one block per step, parameters one per line, secrets as ***.
std::string plan_text(const plan& what);

/// The same as JSON.
std::string plan_json(const plan& what);

}  // namespace regent
