#include "actors/journal_lookup.hpp"

#include <algorithm>
#include <mutex>

#include "persistence/journal_reader.hpp"

namespace regent {

namespace {

result<std::optional<job_with_steps>> find_open_job(journal_reader& from, const resource_id& id) {
  const auto open = from.jobs({id.text(), "open"}, "", limits::page_rows_default);
  if (!open) return tl::unexpected(open.error());
  for (const auto& one : open->rows) {
    if (waits_to_begin(one)) continue;
    auto steps = from.steps(one.id);
    if (!steps) return tl::unexpected(steps.error());
    return std::optional(job_with_steps{one, std::move(*steps)});
  }
  return std::optional<job_with_steps>{};
}

/// Not a repair, which says nothing of what the resource was to become.
result<std::optional<job>> find_last_operation(journal_reader& from, const resource_id& id) {
  const auto newest = from.jobs({id.text(), ""}, "", limits::page_rows_default);
  if (!newest) return tl::unexpected(newest.error());
  const auto found = std::find_if(newest->rows.begin(), newest->rows.end(), [](const job& one) { return !one.repair; });
  return found == newest->rows.end() ? std::nullopt : std::optional(*found);
}

result<std::optional<job_with_steps>> find_last_repair(journal_reader& from, const resource_id& id) {
  const auto newest = from.jobs({id.text(), ""}, "", limits::page_rows_default);
  if (!newest) return tl::unexpected(newest.error());
  const auto found = std::find_if(newest->rows.begin(), newest->rows.end(),
                                  [](const job& one) { return one.repair && !is_open(one.state); });
  if (found == newest->rows.end()) return std::optional<job_with_steps>{};
  auto steps = from.steps(found->id);
  if (!steps) return tl::unexpected(steps.error());
  return std::optional(job_with_steps{*found, std::move(*steps)});
}

result<bool> is_schedule_at_work(journal_reader& from, const std::string& schedule) {
  const auto marks = from.schedules();
  if (!marks) return tl::unexpected(marks.error());
  const auto mark =
      std::find_if(marks->begin(), marks->end(), [&](const auto& one) { return one.schedule == schedule; });
  if (mark == marks->end() || mark->job.empty()) return false;
  const auto root = from.find_job(mark->job);
  if (!root) return tl::unexpected(root.error());
  return *root && is_open((*root)->state);
}

result<std::optional<job_with_steps>> find_job(journal_reader& from, job_id id) {
  auto found = from.find_job(id);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::optional<job_with_steps>{};
  auto steps = from.steps(id);
  if (!steps) return tl::unexpected(steps.error());
  return std::optional(job_with_steps{std::move(**found), std::move(*steps)});
}

result<std::string> find_document(journal_reader& from, const resource_id& id) {
  const auto found = from.find_resource(id);
  if (!found) return tl::unexpected(found.error());
  return *found ? (*found)->document : std::string();
}

result<std::vector<lease>> find_leases(journal_reader& from, const host_id& host) {
  auto all = from.leases();
  if (all) std::erase_if(*all, [&](const lease& one) { return one.host != host; });
  return all;
}

result<std::pair<tree, std::vector<branch>>> find_tree(journal_reader& from, job_id root) {
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
}

/// Readers of one file, kept open between looks: to open one costs more than most looks. Thread-safe; each is asked by one thread at
/// a time. One that could not answer is not asked again, for the file may have been replaced.
class reader_pool {
 public:
  explicit reader_pool(std::string journal_path) : path_(std::move(journal_path)) {}

  template <class Ask>
  auto look(Ask ask) -> decltype(ask(std::declval<journal_reader&>())) {
    auto reader = take();
    if (!reader) return tl::unexpected(reader.error());
    auto found = ask(**reader);
    if (found) give_back(std::move(*reader));
    return found;
  }

 private:
  static constexpr std::size_t kept_most = 4;

  result<std::unique_ptr<journal_reader>> take() {
    {
      const std::lock_guard lock(guard_);
      if (!idle_.empty()) {
        auto last = std::move(idle_.back());
        idle_.pop_back();
        return last;
      }
    }
    return open_sqlite_reader(path_);
  }
  void give_back(std::unique_ptr<journal_reader> reader) {
    const std::lock_guard lock(guard_);
    if (idle_.size() < kept_most) idle_.push_back(std::move(reader));
  }

  const std::string path_;
  std::mutex guard_;
  std::vector<std::unique_ptr<journal_reader>> idle_;
};

}  // namespace

void look_into(region_context& context, const std::string& journal_path) {
  const auto pool = std::make_shared<reader_pool>(journal_path);
  const auto looking = [pool](auto find) {
    return [pool, find](const auto&... about) {
      return pool->look([&](journal_reader& from) { return find(from, about...); });
    };
  };
  context.open_job_of = looking(find_open_job);
  context.last_operation_of = looking(find_last_operation);
  context.last_repair_of = looking(find_last_repair);
  context.schedule_at_work = looking(is_schedule_at_work);
  context.whole_job_of = looking(find_job);
  context.document_of = looking(find_document);
  context.job_of = looking([](journal_reader& from, job_id id) { return from.find_job(id); });
  context.resource_of = looking([](journal_reader& from, const resource_id& id) { return from.find_resource(id); });
  context.look_at_events = looking([](journal_reader& from, const event_filter& filter, event_order order,
                                      const std::optional<std::int64_t>& cursor,
                                      std::size_t limit) { return from.look_at_events(filter, order, cursor, limit); });
  context.tree_of = looking(find_tree);
  context.leases_on = looking(find_leases);
  context.open_reader = [journal_path] { return open_sqlite_reader(journal_path); };
}

}  // namespace regent
