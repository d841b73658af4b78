#include "persistence/list_queries.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace regent {

namespace {

/// A value from outside may be anything, and of any length: enough of it to recognise it.
std::string shown(const std::string& value) { return value.size() <= 80 ? value : value.substr(0, 80) + "..."; }

failure bad_cursor(const std::string& after) {
  return fail(error_kind::permanent, "bad_cursor", "'{}' is not a cursor of this list", shown(after));
}

failure unknown_state(const std::string& state) {
  return fail(error_kind::permanent, "bad_filter", "there is no state '{}'", shown(state));
}

}  // namespace

namespace {

result<std::int64_t> number_of(const std::string& after, std::int64_t least) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(after.data(), after.data() + after.size(), value);
  if (code != std::errc{} || end != after.data() + after.size() || value < least) return bad_cursor(after);
  return value;
}

}  // namespace

result<std::int64_t> number_cursor(const std::string& after) {
  if (after.empty()) return std::numeric_limits<std::int64_t>::max();
  return number_of(after, 1);
}

result<std::int64_t> branch_cursor(const std::string& after) {
  if (after.empty()) return -1;
  return number_of(after, 0);
}

result<resource_id> resource_cursor(const std::string& after) {
  if (after.empty()) return resource_id{};
  auto id = resource_id::parse(after);
  if (!id) return bad_cursor(after);
  return *id;
}

result<void> check(const resource_filter& filter) {
  if (!filter.state.empty() && !parse_lifecycle_state(filter.state)) return unknown_state(filter.state);
  return {};
}

result<void> check(const job_filter& filter) {
  const auto& names = job_state_names;
  const bool known = filter.state.empty() || filter.state == "open" ||
                     std::find(names.begin(), names.end(), filter.state) != names.end();
  if (!known) return unknown_state(filter.state);
  if (!filter.resource.empty() && !filter.root.empty())
    return fail(error_kind::permanent, "bad_filter", "either a resource or a root, and not both");
  if (filter.resource.empty() || resource_id::parse(filter.resource)) return {};
  return fail(error_kind::permanent, "bad_filter", "'{}' is not a resource: write kind/id", shown(filter.resource));
}

void row_condition::add(const char* term, const std::string& value) {
  text += fmt::format(" AND {}", term);
  values.push_back(value);
}

int row_condition::bind(sqlite::statement& to) const {
  int at = 0;
  for (const auto& value : values) to.put(++at, value);
  return at;
}

row_condition condition_of(const resource_filter& filter) {
  row_condition made;
  if (!filter.kind.empty()) made.add("kind = ?", filter.kind);
  if (!filter.state.empty()) made.add("state = ?", filter.state);
  if (!filter.project.empty()) made.add("project = ?", filter.project);
  if (filter.degraded) made.text += *filter.degraded ? " AND degraded = 1" : " AND degraded = 0";
  return made;
}

const char* index_of(const resource_filter& filter) {
  if (filter.degraded == true) return "INDEXED BY resource_degraded";
  if (!filter.project.empty()) return "INDEXED BY resource_by_project";
  if (!filter.state.empty()) return "INDEXED BY resource_by_state";
  return "NOT INDEXED";
}

std::vector<std::string> states_of(const job_filter& filter) {
  if (filter.state.empty()) return {};
  if (filter.state != "open") return {filter.state};
  std::vector<std::string> open;
  for (std::size_t i = 0; i < job_state_names.size(); ++i) {
    if (is_open(static_cast<job_state>(i))) open.emplace_back(job_state_names[i]);
  }
  return open;
}

std::string in_states(const std::vector<std::string>& states) {
  std::string marks;
  for (std::size_t i = 0; i < states.size(); ++i) marks += i == 0 ? "?" : ", ?";
  return states.empty() ? "1" : fmt::format("state IN ({})", marks);
}

std::string job_page_ids(const job_filter& filter) {
  const auto states = states_of(filter);
  if (!filter.resource.empty()) {
    return fmt::format(
        "SELECT id FROM job INDEXED BY job_by_resource WHERE kind = ? AND resource = ? AND {} AND id < ?"
        " ORDER BY id DESC LIMIT ?",
        in_states(states));
  }
  if (!filter.root.empty()) {
    return fmt::format(
        "SELECT id FROM job INDEXED BY job_by_root WHERE root = ? AND {} AND id < ? ORDER BY id DESC LIMIT ?",
        in_states(states));
  }
  if (states.empty()) return "SELECT id FROM job NOT INDEXED WHERE id < ? ORDER BY id DESC LIMIT ?";
  // A branch for each state, each bounded: nothing is sorted but what may be on the page.
  std::string branches;
  for (std::size_t i = 0; i < states.size(); ++i) {
    branches += fmt::format(
        "{}SELECT * FROM (SELECT id FROM job INDEXED BY job_by_state WHERE state = ? AND id < ?"
        " ORDER BY id DESC LIMIT ?)",
        i == 0 ? "" : " UNION ALL ");
  }
  return fmt::format("SELECT id FROM ({}) ORDER BY id DESC LIMIT ?", branches);
}

}  // namespace regent
