#include "primitives/step_parameters.hpp"

#include <algorithm>
#include <set>

#include "base/ip_network.hpp"

namespace regent {
namespace {

using rows = std::vector<std::map<std::string, std::string>>;

failure malformed(const std::string& place, const std::string& what) {
  return fail(error_kind::permanent, "plan_value_malformed", "{}: {}", place, what);
}

bool all_hold(const std::vector<condition>& conditions, const scope& where) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const condition& one) { return one.holds(where); });
}

/// Where a value comes from, for messages: "parameter address, record.networks.1".
std::string place_of(const std::string& what, const std::string& item) {
  return item.empty() ? what : what + ", " + item;
}

result<std::string> checked(const value_type& type, const std::string& value, bool secret, const std::string& place) {
  auto out = normal_value(type, value);
  if (out) return *std::move(out);
  return malformed(place, secret ? fmt::format("a secret value is not of type {}", type.scalar->name) : out.error());
}

/// The texts of one source: one, or those of a list. Nothing there: none, if `may_lack`.
result<std::optional<expression::value>> texts_of(const expression& from, const scope& where, bool may_lack,
                                                  const std::string& place) {
  auto out = from.evaluate(where);
  if (out) return std::optional(*std::move(out));
  if (!out.error().missing) return malformed(place, out.error().message);
  if (may_lack) return std::optional<expression::value>();
  return fail(error_kind::permanent, "plan_value_missing", "{}: {}", place, out.error().message);
}

/// Calls `each` for every source that applies, and for each of its elements.
template <class Each>
result<void> for_sources(const parameter_source& from, const scope& where, Each each) {
  for (const auto& source : from.sources) {
    auto done = for_every(source.for_each, where, [&](const scope& inner, const std::string& item) -> result<void> {
      if (!all_hold(source.when, inner)) return {};
      return each(source, inner, place_of("parameter " + from.name, item));
    });
    if (!done) return done;
  }
  return {};
}

result<plan_parameter> scalar_parameter(const parameter_spec& spec, const parameter_source& from, const scope& where) {
  plan_parameter out{spec.name, spec.standard, spec.secret};
  bool found = false;
  auto done = for_sources(
      from, where, [&](const value_source& source, const scope& inner, const std::string& place) -> result<void> {
        if (found) return {};
        auto texts = texts_of(source.value, inner, !spec.required, place);
        if (!texts) return failure(texts.error());
        if (!*texts) return {};
        if ((*texts)->list) return malformed(place, "a list, where one value is wanted");
        const auto& text = (*texts)->texts[0];
        // An empty optional value is one that is not given.
        if (text.empty() && !spec.required) return {};
        auto value = checked(spec.type, text, spec.secret, place);
        if (!value) return failure(value.error());
        out.value = *value;
        found = true;
        return {};
      });
  if (!done) return failure(done.error());
  if (!found && spec.required)
    return fail(error_kind::permanent, "plan_value_missing", "parameter {} has no value", spec.name);
  return out;
}

result<plan_parameter> list_parameter(const parameter_spec& spec, const parameter_source& from, const scope& where) {
  std::vector<std::string> values;
  auto done = for_sources(
      from, where, [&](const value_source& source, const scope& inner, const std::string& place) -> result<void> {
        const auto texts = texts_of(source.value, inner, !spec.required, place);
        if (!texts) return failure(texts.error());
        if (!*texts) return {};
        for (const auto& text : (*texts)->texts) {
          auto value = checked(spec.type, text, spec.secret, place);
          if (!value) return failure(value.error());
          if (std::find(values.begin(), values.end(), *value) == values.end()) values.push_back(*value);
        }
        return {};
      });
  if (!done) return failure(done.error());
  return plan_parameter{spec.name, std::move(values), spec.secret};
}

result<std::string> cell(const table_column& column, const value_source& source, const scope& where, bool secret,
                         const std::string& place) {
  const auto from = source.columns.find(column.name);
  const auto here = fmt::format("{}, column {}", place, column.name);
  if (from == source.columns.end()) return column.standard.value_or("");
  const auto texts = texts_of(from->second, where, column.standard.has_value(), here);
  if (!texts) return failure(texts.error());
  if (!*texts) return column.standard.value_or("");
  // A list in a cell is written with commas; only types that allow them take it.
  std::string text;
  for (const auto& one : (*texts)->texts) text += (text.empty() ? "" : ",") + one;
  if (text.empty() && column.standard && column.standard->empty()) return text;
  return checked(column.type, text, secret, here);
}

/// A value for a message.
std::string told(const std::string& value, bool secret) { return secret ? "a secret value" : value; }

bool of_one_family(const std::string& a, const std::string& b) {
  const auto first = parse_ip_address_or_network(a);
  const auto second = parse_ip_address_or_network(b);
  return !first || !second || first->family == second->family;  // a set's family is known on the host
}

result<void> check_families(const parameter_spec& spec, const std::map<std::string, std::string>& row,
                            const std::string& place) {
  for (const auto& [first, second] : spec.same_family)
    if (!of_one_family(row.at(first), row.at(second)))
      return malformed(place, fmt::format("{} {} and {} {} are of different families", first,
                                          told(row.at(first), spec.secret), second, told(row.at(second), spec.secret)));
  return {};
}

result<void> check_column(const parameter_spec& spec, const table_column& column, const rows& all) {
  std::set<std::string> seen;
  std::vector<ip_network> taken;
  for (const auto& row : all) {
    const auto& value = row.at(column.name);
    const auto place = fmt::format("parameter {}, column {}", spec.name, column.name);
    if (column.unique && !seen.insert(value).second)
      return malformed(place, told(shown_value(value), spec.secret) + " stands twice");
    if (!column.disjoint) continue;
    const auto prefix = parse_ip_address_or_network(value).value_or(ip_network{});
    for (const auto& other : taken)
      if (prefix.overlaps(other))
        return malformed(
            place, fmt::format("{} overlaps {}", told(prefix.text(), spec.secret), told(other.text(), spec.secret)));
    taken.push_back(prefix);
  }
  return {};
}

result<rows> table_rows(const parameter_spec& spec, const parameter_source& from, const scope& where) {
  rows out;
  auto done = for_sources(
      from, where, [&](const value_source& source, const scope& inner, const std::string& place) -> result<void> {
        std::map<std::string, std::string> row;
        for (const auto& column : spec.columns) {
          auto value = cell(column, source, inner, spec.secret, place);
          if (!value) return failure(value.error());
          row[column.name] = *std::move(value);
        }
        if (auto fine = check_families(spec, row, place); !fine) return fine;
        out.push_back(std::move(row));
        return {};
      });
  if (!done) return failure(done.error());
  for (const auto& column : spec.columns)
    if (auto fine = check_column(spec, column, out); !fine) return failure(fine.error());
  return out;
}

result<void> add_table(const parameter_spec& spec, const parameter_source& from, const scope& where,
                       std::vector<plan_parameter>& to) {
  const auto all = table_rows(spec, from, where);
  if (!all) return failure(all.error());
  to.push_back({spec.name + "_count", std::to_string(all->size()), false});
  for (const auto& column : spec.columns) {
    std::vector<std::string> values;
    for (const auto& row : *all) values.push_back(row.at(column.name));
    to.push_back({spec.name + "_" + column.name, std::move(values), spec.secret});
  }
  return {};
}

result<void> add_parameter(const parameter_spec& spec, const parameter_source& from, const scope& where,
                           std::vector<plan_parameter>& to) {
  if (spec.is_table()) return add_table(spec, from, where, to);
  auto one = spec.type.list ? list_parameter(spec, from, where) : scalar_parameter(spec, from, where);
  if (!one) return failure(one.error());
  to.push_back(*std::move(one));
  return {};
}

result<void> check_step_families(const primitive& of, const std::vector<plan_parameter>& all) {
  std::map<std::string, const plan_parameter*> texts;
  for (const auto& one : all)
    if (std::holds_alternative<std::string>(one.value)) texts[one.name] = &one;
  for (const auto& [first, second] : of.same_family) {
    if (!texts.contains(first) || !texts.contains(second)) continue;
    const auto told_of = [](const plan_parameter& one) { return told(std::get<std::string>(one.value), one.secret); };
    if (!of_one_family(std::get<std::string>(texts[first]->value), std::get<std::string>(texts[second]->value)))
      return malformed("parameter " + second, fmt::format("{} is not of the family of {} {}", told_of(*texts[second]),
                                                          first, told_of(*texts[first])));
  }
  return {};
}

}  // namespace

result<std::vector<plan_parameter>> step_parameters(const kind_step& step, const primitive& of, const scope& where) {
  std::vector<plan_parameter> out;
  for (const auto& spec : of.parameters) {
    if (!spec.is_for(step.verb)) continue;
    const auto given = std::find_if(step.parameters.begin(), step.parameters.end(),
                                    [&](const auto& one) { return one.name == spec.name; });
    const auto done = add_parameter(
        spec, given == step.parameters.end() ? parameter_source{spec.name, {}, step.line} : *given, where, out);
    if (!done) return failure(done.error());
  }
  if (auto fine = check_step_families(of, out); !fine) return failure(fine.error());
  return out;
}

}  // namespace regent
