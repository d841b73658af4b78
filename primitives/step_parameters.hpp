// From a step's sources to the parameters that are sent: evaluated, checked by type, in their one spelling.
#pragma once

#include <vector>

#include "primitives/kind.hpp"
#include "primitives/plan.hpp"

namespace regent {

/// A scope inside of a for_each: `item` and `index` stand for one element at a time.
/// Calls `each` for every element, or once if there is no loop. Errors: those of `each`, and `plan_value_malformed` if
/// the path leads to something that is no list. A path that leads nowhere is an empty list.
template <class Each>
result<void> for_every(const std::string& loop, const scope& where, Each each) {
  if (loop.empty()) return each(where, std::string());
  const auto* list = where.find(loop);
  if (!list) return {};
  if (!list->IsArray()) return fail(error_kind::permanent, "plan_value_malformed", "{} is not a list", loop);
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    auto inner = where;
    const rapidjson::Value index(static_cast<std::uint64_t>(i));
    inner.roots["item"] = &(*list)[i];
    inner.roots["index"] = &index;
    if (auto done = each(inner, fmt::format("{}.{}", loop, i)); !done) return done;
  }
  return {};
}

/// All parameters of the step's verb, those that the kind file leaves out with their defaults. A table `rules` becomes
/// the lists `rules_COLUMN` and the number `rules_count`. Errors: permanent `plan_value_missing`,
/// `plan_value_malformed`, naming parameter, path and value.
result<std::vector<plan_parameter>> step_parameters(const kind_step& step, const primitive& of, const scope& where);

}  // namespace regent
