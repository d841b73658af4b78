#include "persistence/bulk_expansion.hpp"

#include <fmt/format.h>

namespace regent {

namespace {

bool is_meant(const bulk_order& what, const resource& row) {
  if (what.what == bulk_verb::retry) return row.state == unresourced || row.degraded;
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

result<tree_order> expand(const bulk_order& what, journal_reader& from) {
  tree_order made;
  made.settings.name = text_of(what);
  const auto added = what.what == bulk_verb::cancel ? add_jobs(what, from, made) : add_resources(what, from, made);
  if (!added) return failure(added.error());
  if (made.branches.empty())
    return fail(error_kind::conflict, "nothing_meant", "there is nothing to do for: {}", text_of(what));
  return made;
}

}  // namespace regent
