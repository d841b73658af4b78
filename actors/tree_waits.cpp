// Branches that wait: what is true is looked up, and a wait for events reads on from where the events were when it began.
#include "actors/tree_work.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

namespace {

bool has_word(const std::string& list, std::string_view word) {
  for (std::size_t at = 0; at < list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    if (std::string_view(list).substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

bool tree_work::waits_for_something() const {
  const auto& all = tree_.branches();
  return std::any_of(tree_.under_way().begin(), tree_.under_way().end(),
                     [&](int number) { return is_wait(all[static_cast<std::size_t>(number)].work); });
}

result<std::int64_t> tree_work::newest_event() const {
  const auto found = context_->look_at_events({}, event_order::newest_first, std::nullopt, 1);
  if (!found) return tl::unexpected(found.error());
  return found->newest;
}

/// Times come by themselves; everything else has been committed before it is there.
void tree_work::look_at_waits() {
  const auto committed = context_->facts.events_committed.load();
  const bool news = seen_events_ != committed;
  seen_events_ = committed;
  const auto under_way = tree_.under_way();
  for (const auto number : under_way) {
    const auto& one = tree_.at(number);
    if (is_wait(one.work) && (news || one.work == branch_work::until_time)) look_at(one);
  }
}

void tree_work::look_at(const branch& what) {
  switch (what.work) {
    case branch_work::until_state: return look_for_state(what);
    case branch_work::until_job: return look_for_job(what);
    case branch_work::until_event: return look_for_event(what);
    case branch_work::until_time:
      if (parse_iso(what.subject).value_or(wall_time{}) <= now()) end(what.number, branch_state::done, "");
      return;
    default: return;
  }
}

void tree_work::look_for_state(const branch& what) {
  const auto known = context_->resource_of(*resource_id::parse(what.subject));
  if (!known) return log::error("{}: {}", about(), known.error().text());
  if (!*known) return end(what.number, branch_state::failed, "it is no longer known");
  if (has_word(what.wanted, name((*known)->state)))
    end(what.number, branch_state::done, fmt::format("it is {}", name((*known)->state)));
}

void tree_work::look_for_job(const branch& what) {
  const auto known = context_->job_of(job_id(std::stoll(what.subject)));
  if (!known) return log::error("{}: {}", about(), known.error().text());
  if (!*known) return end(what.number, branch_state::done, "it has ended, and is no longer kept");
  const auto& one = **known;
  if (is_open(one.state)) return;
  const bool good = one.state == job_state::succeeded;
  end(what.number, good ? branch_state::done : branch_state::failed,
      fmt::format("it has {}{}{}", name(one.state), one.error_message.empty() ? "" : ": ", one.error_message));
}

void tree_work::look_for_event(const branch& what) {
  event_filter filter;
  filter.topics = topic_filter::parse(what.wanted).value_or(topic_filter{});
  if (!what.subject.empty()) filter.resource = *resource_id::parse(what.subject);
  for (;;) {
    const auto found = context_->look_at_events(filter, event_order::oldest_first, what.cursor, 1);
    if (!found) return log::error("{}: {}", about(), found.error().text());
    if (!found->rows.empty()) {
      const auto& one = found->rows.front();
      return end(what.number, branch_state::done,
                 fmt::format("event {}: {} of {}", one.sequence, one.topic, one.resource.text()));
    }
    tree_.at(what.number).cursor = found->cursor;
    if (!found->more) return;
  }
}

}  // namespace regent
