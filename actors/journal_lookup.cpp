#include "actors/journal_lookup.hpp"

#include <algorithm>

#include "persistence/journal_reader.hpp"

namespace regent {

namespace {

result<std::optional<job_with_steps>> find_open_job(const std::string& journal_path, const resource_id& id) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  const auto open = (*reader)->jobs({id.text(), "open"}, "", limits::page_rows_default);
  if (!open) return tl::unexpected(open.error());
  for (const auto& one : open->rows) {
    if (waits_to_begin(one)) continue;
    auto steps = (*reader)->steps(one.id);
    if (!steps) return tl::unexpected(steps.error());
    return std::optional(job_with_steps{one, std::move(*steps)});
  }
  return std::optional<job_with_steps>{};
}

/// Not a repair, which says nothing of what the resource was to become.
result<std::optional<job>> find_last_operation(const std::string& journal_path, const resource_id& id) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  const auto newest = (*reader)->jobs({id.text(), ""}, "", limits::page_rows_default);
  if (!newest) return tl::unexpected(newest.error());
  const auto found = std::find_if(newest->rows.begin(), newest->rows.end(), [](const job& one) { return !one.repair; });
  return found == newest->rows.end() ? std::nullopt : std::optional(*found);
}

result<std::optional<job_with_steps>> find_last_repair(const std::string& journal_path, const resource_id& id) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  const auto newest = (*reader)->jobs({id.text(), ""}, "", limits::page_rows_default);
  if (!newest) return tl::unexpected(newest.error());
  const auto found = std::find_if(newest->rows.begin(), newest->rows.end(),
                                  [](const job& one) { return one.repair && !is_open(one.state); });
  if (found == newest->rows.end()) return std::optional<job_with_steps>{};
  auto steps = (*reader)->steps(found->id);
  if (!steps) return tl::unexpected(steps.error());
  return std::optional(job_with_steps{*found, std::move(*steps)});
}

result<bool> is_schedule_at_work(const std::string& journal_path, const std::string& schedule) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  const auto marks = (*reader)->schedules();
  if (!marks) return tl::unexpected(marks.error());
  const auto mark =
      std::find_if(marks->begin(), marks->end(), [&](const auto& one) { return one.schedule == schedule; });
  if (mark == marks->end() || mark->job.empty()) return false;
  const auto root = (*reader)->find_job(mark->job);
  if (!root) return tl::unexpected(root.error());
  return *root && is_open((*root)->state);
}

result<std::optional<job_with_steps>> find_job(const std::string& journal_path, job_id id) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  auto found = (*reader)->find_job(id);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::optional<job_with_steps>{};
  auto steps = (*reader)->steps(id);
  if (!steps) return tl::unexpected(steps.error());
  return std::optional(job_with_steps{std::move(**found), std::move(*steps)});
}

result<std::string> find_document(const std::string& journal_path, const resource_id& id) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  const auto found = (*reader)->find_resource(id);
  if (!found) return tl::unexpected(found.error());
  return *found ? (*found)->document : std::string();
}

result<std::vector<lease>> find_leases(const std::string& journal_path, const host_id& host) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  auto all = (*reader)->leases();
  if (all) std::erase_if(*all, [&](const lease& one) { return one.host != host; });
  return all;
}

/// Asks a reader that is opened for this one look.
template <class Ask>
auto look(const std::string& journal_path, Ask ask) -> decltype(ask(std::declval<journal_reader&>())) {
  auto reader = open_sqlite_reader(journal_path);
  if (!reader) return tl::unexpected(reader.error());
  return ask(**reader);
}

result<std::pair<tree, std::vector<branch>>> find_tree(const std::string& journal_path, job_id root) {
  return look(journal_path, [&](journal_reader& from) -> result<std::pair<tree, std::vector<branch>>> {
    auto settings = from.find_tree(root);
    if (!settings) return tl::unexpected(settings.error());
    if (!*settings) return fail(error_kind::permanent, "not_found", "job {} is no root of a tree", root.value());
    std::vector<branch> all;
    for (std::string after;;) {
      auto some = from.branches(root, after, limits::page_rows_most);
      if (!some) return tl::unexpected(some.error());
      std::move(some->rows.begin(), some->rows.end(), std::back_inserter(all));
      if (some->next.empty()) return std::pair(std::move(**settings), std::move(all));
      after = some->next;
    }
  });
}

}  // namespace

void look_into(region_context& context, const std::string& journal_path) {
  context.open_job_of = [journal_path](const resource_id& id) { return find_open_job(journal_path, id); };
  context.last_operation_of = [journal_path](const resource_id& id) { return find_last_operation(journal_path, id); };
  context.last_repair_of = [journal_path](const resource_id& id) { return find_last_repair(journal_path, id); };
  context.schedule_at_work = [journal_path](const std::string& name) {
    return is_schedule_at_work(journal_path, name);
  };
  context.whole_job_of = [journal_path](job_id id) { return find_job(journal_path, id); };
  context.document_of = [journal_path](const resource_id& id) { return find_document(journal_path, id); };
  context.open_reader = [journal_path] { return open_sqlite_reader(journal_path); };
  context.job_of = [journal_path](job_id id) {
    return look(journal_path, [&](journal_reader& from) { return from.find_job(id); });
  };
  context.resource_of = [journal_path](const resource_id& id) {
    return look(journal_path, [&](journal_reader& from) { return from.find_resource(id); });
  };
  context.look_at_events = [journal_path](const event_filter& filter, event_order order,
                                          std::optional<std::int64_t> from, std::size_t limit) {
    return look(journal_path,
                [&](journal_reader& reader) { return reader.look_at_events(filter, order, from, limit); });
  };
  context.tree_of = [journal_path](job_id root) { return find_tree(journal_path, root); };
  context.leases_on = [journal_path](const host_id& host) { return find_leases(journal_path, host); };
}

}  // namespace regent
