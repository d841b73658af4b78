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

int bound_sql::bind(sqlite::statement& to) const {
  int at = 0;
  for (const auto& value : values) std::visit([&](const auto& one) { to.put(++at, one); }, value);
  return at;
}

bound_sql condition_of(const resource_filter& filter) {
  bound_sql made{"1", {}};
  if (!filter.kind.empty()) made.add(" AND kind = ?", filter.kind);
  if (!filter.state.empty()) made.add(" AND state = ?", filter.state);
  if (!filter.project.empty()) made.add(" AND project = ?", filter.project);
  if (filter.degraded) made.add(*filter.degraded ? " AND degraded = 1" : " AND degraded = 0");
  return made;
}

const char* index_of(const resource_filter& filter) {
  if (filter.degraded == true) return "INDEXED BY resource_degraded";
  if (!filter.project.empty()) return "INDEXED BY resource_by_project";
  if (!filter.state.empty()) return "INDEXED BY resource_by_state";
  return "NOT INDEXED";
}

namespace {

/// The one state that job_by_state leaves out. Where few have it, all that are kept (limits::jobs_kept) may be looked at: a few ms.
constexpr auto most_jobs = name(job_state::succeeded);

/// The states that a filter's state stands for; none for no filter.
std::vector<std::string> states_of(const job_filter& filter) {
  if (filter.state.empty()) return {};
  if (filter.state != "open") return {filter.state};
  std::vector<std::string> open;
  for (std::size_t i = 0; i < job_state_names.size(); ++i) {
    if (is_open(static_cast<job_state>(i))) open.emplace_back(job_state_names[i]);
  }
  return open;
}

/// The condition that the column `state` is one of these; nothing for no filter.
void add_states(bound_sql& to, const job_filter& filter) {
  const auto states = states_of(filter);
  if (states.empty()) return;
  to.add(" AND state IN (");
  for (std::size_t i = 0; i < states.size(); ++i) to.add(i == 0 ? "?" : ", ?", states[i]);
  to.add(")");
}

/// The parts whose rows, together, are what the filter lets through: each has an index in the order of the numbers.
std::vector<bound_sql> job_parts(const job_filter& filter) {
  std::vector<bound_sql> parts;
  const auto part = [&](std::string_view from) -> bound_sql& {
    return parts.emplace_back().add(fmt::format("FROM job {}", from));
  };
  if (const auto of = resource_id::parse(filter.resource)) {
    part("INDEXED BY job_by_resource WHERE kind = ? AND resource = ?").add("", of->kind, of->id);
  } else if (!filter.root.empty()) {
    part("INDEXED BY job_by_root WHERE root = ? AND root <> id").add("", filter.root.value());
    part("NOT INDEXED WHERE id = ? AND root = id").add("", filter.root.value());
  } else {
    for (const auto& state : states_of(filter))
      part(state == most_jobs ? "NOT INDEXED WHERE state = ?"
                              : "INDEXED BY job_by_state WHERE state <> 'succeeded' AND state = ?")
          .add("", state);
    if (parts.empty()) part("NOT INDEXED WHERE 1");
    return parts;
  }
  for (auto& each : parts) add_states(each, filter);
  return parts;
}

}  // namespace

bound_sql job_page_ids(const job_filter& filter, std::int64_t below, std::int64_t limit) {
  // Each part is bounded: nothing is sorted but what may be on the page.
  bound_sql all{"SELECT id FROM (", {}};
  std::string_view before;
  for (auto& part : job_parts(filter)) {
    all.add(fmt::format("{}SELECT * FROM (SELECT id {} AND id < ? ORDER BY id DESC LIMIT ?)", before, part.text));
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    all.add("", below, limit);
    before = " UNION ALL ";
  }
  return all.add(") ORDER BY id DESC LIMIT ?", limit);
}

bound_sql job_count(const job_filter& filter) {
  if (filter.resource.empty() && filter.root.empty()) {
    bound_sql all{"SELECT coalesce(sum(total), 0) FROM job_count WHERE 1", {}};
    add_states(all, filter);
    return all;
  }
  bound_sql all{"SELECT 0", {}};
  for (auto& part : job_parts(filter)) {
    all.add(fmt::format(" + (SELECT count(*) {})", part.text));
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
  }
  return all;
}

}  // namespace regent
