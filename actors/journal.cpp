#include "actors/journal.hpp"

#include <algorithm>

namespace regent {

namespace {

constexpr auto retry_after = std::chrono::seconds(1);

void answer(const commit_wanted& who, std::optional<error> failed) {
  if (who.done) who.done(failed);
  if (who.asker) caf::anon_send(who.asker, commit_answer{who.tag, std::move(failed)});
}

/// Readers of events may look. Reports may leave, and the region must know that they are under way before a listing is read.
void announce(const actor_directory& directory, daemon_facts& facts, const std::vector<commit_wanted>& group) {
  auto reports = std::make_shared<std::vector<report>>();
  std::int64_t events = 0;
  for (const auto& one : group)
    for (const auto& change : *one.what)
      if (const auto* said = std::get_if<report>(&change))
        reports->push_back(*said);
      else
        events += std::holds_alternative<event>(change) ? 1 : 0;
  facts.events_committed += events;
  if (reports->empty()) return;
  for (const auto& said : *reports) caf::anon_send(directory.region, reports_queued{said.resource, 1});
  caf::anon_send(directory.reporter, reports_committed{std::move(reports)});
}

result<void> commit_group(journal& store, std::vector<commit_wanted>& group) {
  std::vector<transaction> transactions;
  transactions.reserve(group.size());
  for (auto& one : group) transactions.push_back(std::move(*one.what));
  auto committed = store.commit(transactions);
  for (std::size_t i = 0; i < group.size(); ++i) *group[i].what = std::move(transactions[i]);
  return committed;
}

/// A refused row must cost its own transaction only: each is tried alone.
void commit_one_by_one(journal& store, const actor_directory& directory, daemon_facts& facts,
                       std::vector<commit_wanted>& group) {
  for (auto& one : group) {
    std::vector<commit_wanted> alone{one};
    const auto committed = commit_group(store, alone);
    if (!committed) log::error("journal refused a transaction: {}", committed.error().text());
    if (committed) announce(directory, facts, alone);
    answer(one, committed ? std::nullopt : std::optional(committed.error()));
  }
}

void keep(journal_shell* self, std::vector<commit_wanted> group, region_context& context, const error& why) {
  context.facts.note("journal", why.text());
  log::error("journal cannot be written, {} transactions wait: {}", group.size(), why.text());
  auto& waiting = self->state.waiting;
  waiting.insert(waiting.begin(), std::make_move_iterator(group.begin()), std::make_move_iterator(group.end()));
  self->seen_as().waits_for("the journal to be writable: " + why.text());
  self->state.flush_sent = true;
  self->delayed_send(self, retry_after, tick{});
}

void flush(journal_shell* self, region_context& context, const actor_directory& directory, journal& store) {
  auto& waiting = self->state.waiting;
  self->state.flush_sent = false;
  const auto count = std::min(waiting.size(), limits::transactions_per_commit);
  if (count == 0) return;
  std::vector<commit_wanted> group(std::make_move_iterator(waiting.begin()),
                                   std::make_move_iterator(waiting.begin() + static_cast<std::ptrdiff_t>(count)));
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
  const auto committed = commit_group(store, group);
  if (!committed && committed.error().kind == error_kind::bug) {
    commit_one_by_one(store, directory, context.facts, group);
  } else if (!committed) {
    return keep(self, std::move(group), context, committed.error());
  } else {
    context.facts.note("journal", "");
    self->seen_as().waits_for("");
    ++context.facts.commits;
    context.facts.transactions += static_cast<std::int64_t>(count);
    announce(directory, context.facts, group);
    for (const auto& one : group) answer(one, std::nullopt);
  }
  if (!waiting.empty()) {
    self->state.flush_sent = true;
    self->send(self, tick{});
  }
}

}  // namespace

journal_actor::behavior_type run_journal(journal_shell* self, context_ptr context, directory_ptr directory,
                                         std::shared_ptr<journal> store) {
  self->seen_as().called("journal", "");
  return {
      [=](const commit_wanted& wanted) {
        self->state.waiting.push_back(wanted);
        if (self->state.flush_sent) return;
        self->state.flush_sent = true;
        self->send(self, tick{});
      },
      [=](const tick&) { flush(self, *context, *directory, *store); },
  };
}

}  // namespace regent
