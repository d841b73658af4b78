// Parameters of a step as JSON in the journal and back. Secrets are masked: they are read again from their source when
// needed.
#pragma once

#include <string>
#include <vector>

#include "primitives/plan.hpp"
#include "region/json.hpp"
#include "transport/command_channel.hpp"

namespace regent {

/// {"name":"text","list":["a","b"],"password":null}: null stands for a secret.
std::string parameters_json(const std::vector<plan_parameter>& parameters);

struct stored_parameters {
  std::vector<run_parameter> values;
  std::vector<std::string> secrets;  ///< names that were masked: to be filled in from a fresh plan
};

/// Errors: bug `step_parameters_malformed`.
result<stored_parameters> parse_parameters(const std::string& json);

}  // namespace regent
