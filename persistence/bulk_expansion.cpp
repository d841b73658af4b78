#include "persistence/bulk_expansion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace regent {

namespace {

constexpr std::size_t bulk_edges_most = 1'000'000;

bool is_meant(const bulk_order& what, const resource& row) {
  if (what.what == bulk_verb::retry) return row.state == unresourced || row.degraded;
  if (what.what == bulk_verb::restore) return row.state == scrub_queue;
  return row.state == running || row.state == quiesced;
}

bool passes(const bulk_order& what, const resource& row) {
  return (what.kind.empty() || row.id.kind == what.kind) && (what.state.empty() || name(row.state) == what.state) &&
         (what.project.empty() || row.project == what.project) && (!what.degraded || row.degraded == *what.degraded);
}

result<void> add(tree_order& to, branch_work work, const std::string& name, std::string subject) {
  if (to.branches.size() == limits::tree_branches)
    return fail(error_kind::permanent, "bad_tree", "more than {} are meant: name fewer", limits::tree_branches);
  branch made;
  made.number = static_cast<int>(to.branches.size());
  made.name = name;
  made.work = work;
  made.subject = std::move(subject);
  to.branches.push_back(std::move(made));
  return {};
}

result<void> add_resources(const bulk_order& what, journal_reader& from, tree_order& to) {
  const resource_filter filter{what.kind, what.state, what.project, what.degraded};
  const auto work = what.what == bulk_verb::retry ? branch_work::retry : branch_work::mend;
  for (std::string after;;) {
    const auto some = from.resources(filter, after, limits::page_rows_most);
    if (!some) return failure(some.error());
    for (const auto& row : some->rows)
      if (is_meant(what, row))
        if (auto done = add(to, work, row.id.text(), row.id.text()); !done) return done;
    if (some->next.empty()) return {};
    after = some->next;
  }
}

/// Whether a resource of kind `one` cannot do without those of kind `other`, be it by way of third ones.
bool needs_it(const kind_needs& needs, const std::string& one, const std::string& other, std::size_t steps) {
  const auto found = needs.find(one);
  if (found == needs.end() || steps == 0) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& next) { return next == other || needs_it(needs, next, other, steps - 1); });
}

/// Whatever needs something is scrubbed before it, and restored after it.
result<void> add_wishes(const bulk_order& what, journal_reader& from, const kind_needs& needs, tree_order& to) {
  const bool scrubs = what.what == bulk_verb::scrub;
  std::map<std::string, std::vector<std::string>> subjects;  // by kind
  const resource_filter filter{what.kind, what.state, what.project, what.degraded};
  for (std::string after;;) {
    const auto some = from.resources(filter, after, limits::page_rows_most);
    if (!some) return failure(some.error());
    for (const auto& row : some->rows)
      if (is_meant(what, row)) subjects[row.id.kind].push_back(row.id.text());
    if (some->next.empty()) break;
    after = some->next;
  }
  const auto goes_first = [&](const std::string& one, const std::string& other) {
    return scrubs ? needs_it(needs, one, other, needs.size()) : needs_it(needs, other, one, needs.size());
  };
  std::map<std::string, std::vector<int>> numbers;  // of branches, by kind
  std::size_t edges = 0;
  while (!subjects.empty()) {
    // One whose forerunners are all there. (In a circle, which no catalogue has, anyone.)
    auto next = std::find_if(subjects.begin(), subjects.end(), [&](const auto& one) {
      return std::none_of(subjects.begin(), subjects.end(), [&](const auto& other) {
        return other.first != one.first && goes_first(other.first, one.first);
      });
    });
    if (next == subjects.end()) next = subjects.begin();
    const auto& [kind, all] = *next;
    std::vector<int> after;
    for (const auto& [other, theirs] : numbers)
      if (goes_first(other, kind)) after.insert(after.end(), theirs.begin(), theirs.end());
    if ((edges += after.size() * all.size()) > bulk_edges_most)
      return fail(error_kind::permanent, "bad_tree",
                  "too many resources that wait for too many: name a kind, one after the other");
    for (const auto& subject : all) {
      if (auto done = add(to, scrubs ? branch_work::scrub : branch_work::restore, subject, subject); !done) return done;
      to.branches.back().after = after;
      numbers[kind].push_back(to.branches.back().number);
    }
    subjects.erase(next);
  }
  return {};
}

/// Open jobs are few, and each says whose it is.
result<void> add_jobs(const bulk_order& what, journal_reader& from, tree_order& to) {
  for (std::string after;;) {
    const auto some = from.jobs({"", "open", {}}, after, limits::page_rows_most);
    if (!some) return failure(some.error());
    for (const auto& one : some->rows) {
      if (is_tree(one)) continue;
      const auto whose = from.find_resource(one.resource);
      if (!whose) return failure(whose.error());
      if (!*whose || !passes(what, **whose)) continue;
      const auto number = std::to_string(one.id.value());
      if (auto done = add(to, branch_work::cancel, fmt::format("{} {}", one.resource.text(), number), number); !done)
        return done;
    }
    if (some->next.empty()) return {};
    after = some->next;
  }
}

}  // namespace

std::string text_of(const bulk_order& what) {
  std::string text(name(what.what));
  if (!what.kind.empty()) text += " kind=" + what.kind;
  if (!what.state.empty()) text += " state=" + what.state;
  if (!what.project.empty()) text += " project=" + what.project;
  if (what.degraded) text += *what.degraded ? " degraded=true" : " degraded=false";
  return text;
}

result<tree_order> expand(const bulk_order& what, journal_reader& from, const kind_needs& needs) {
  tree_order made;
  made.settings.name = text_of(what);
  const auto added = what.what == bulk_verb::cancel ? add_jobs(what, from, made)
                     : is_of_project(what.what)     ? add_wishes(what, from, needs, made)
                                                    : add_resources(what, from, made);
  if (!added) return failure(added.error());
  if (made.branches.empty())
    return fail(error_kind::conflict, "nothing_meant", "there is nothing to do for: {}", text_of(what));
  return made;
}

}  // namespace regent
