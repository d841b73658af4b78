// What the lists of each kind may be filtered and ordered by: one table.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "sim/cloud_rows.hpp"

namespace regent::sim {

enum class field_type { number, time, text, flag };

struct list_rules {
  std::vector<std::pair<std::string_view, field_type>> filters;
  std::vector<std::string_view> orders;  ///< the first is the default
};

const list_rules& rules_of(kind what);

}  // namespace regent::sim
