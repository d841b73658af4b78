#include "edge/why_tree.hpp"

#include <fmt/format.h>

namespace regent {

namespace {

std::string until(const std::optional<wall_time>& deadline) {
  return deadline ? ", not longer than until " + iso_text(*deadline) : std::string();
}

std::optional<wall_time> deadline_of(const branch& what) {
  return what.started && what.deadline.count() > 0 ? std::optional(*what.started + what.deadline) : std::nullopt;
}

std::string text_of(const branch& what, const std::map<job_id, job>& jobs) {
  const auto own = jobs.find(what.job);
  if (own == jobs.end()) {
    if (is_wait(what.work)) return text_of(what) + until(deadline_of(what));
    return text_of(what) +
           (has_job(what.work) ? " is about to begin, or waits for its resource to rest" : " is at work") +
           until(deadline_of(what));
  }
  const auto& job = own->second;
  const auto about = fmt::format("{} (job {})", text_of(what), job.id.value());
  if (!is_open(job.state)) return fmt::format("{} has {}", about, name(job.state));
  if (job.waits_for.empty()) return about + " is at work" + until(deadline_of(what));
  return fmt::format("{} waits for {}{}", about, one_line(job.waits_for), until(job.wait_deadline));
}

}  // namespace

explanation explain_tree(const why_tree_facts& facts) {
  const auto& root = facts.root;
  explanation made;
  const auto who = root.resource.text() + (facts.name.empty() ? "" : fmt::format(" ({})", facts.name));
  if (!is_open(root.state)) {
    made.causes.push_back(
        {"ended", fmt::format("job {} has {}", root.id.value(), name(root.state)), {}, root.id, {}, root.ended});
    made.sentence = fmt::format("{} has {}{}{}.", who, name(root.state), root.error_message.empty() ? "" : ": ",
                                one_line(root.error_message));
    return made;
  }
  const auto deadline =
      root.started && root.deadline.count() > 0 ? std::optional(*root.started + root.deadline) : std::nullopt;
  made.sentence = fmt::format("{} is {}: {} of {} branches have ended{}", who, name(root.state), facts.ended,
                              facts.total, until(deadline));
  for (const auto& one : facts.under_way) {
    made.causes.push_back({"branch", text_of(one, facts.jobs), {}, one.job, {}, one.started});
    made.sentence += "; " + made.causes.back().text;
  }
  if (facts.under_way_count > facts.under_way.size())
    made.sentence += fmt::format("; and {} more", facts.under_way_count - facts.under_way.size());
  if (made.causes.empty()) {
    const auto waits =
        root.waits_for.empty() ? "its first branches are about to begin" : "it waits for " + root.waits_for;
    made.causes.push_back({"wait", waits, {}, root.id, {}, root.started});
    made.sentence += "; " + waits;
  }
  made.sentence += '.';
  return made;
}

}  // namespace regent
