#include "region/resume_point.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {

std::optional<std::string> why_not_from(const job_with_steps& earlier, int from,
                                        const std::map<host_id, std::string>& boots) {
  const auto& [job, steps] = earlier;
  const auto count = static_cast<int>(steps.size());
  if (from < 1 || from > count)
    return fmt::format("job {} has the steps 1 to {}, and no step {}", job.id.value(), count, from);
  if (std::any_of(steps.begin(), steps.end(), is_undo))
    return fmt::format("job {} has undone its steps when it failed: retry all of it", job.id.value());
  for (const auto& one : steps) {
    if (one.index + 1 >= from) return std::nullopt;
    if (one.state != step_state::done)
      return fmt::format("step {} of job {} ({}) is not done but {}: go on from there, or mark it as done first",
                         one.index + 1, job.id.value(), one.about, name(one.state));
    const auto now = boots.find(one.host);
    if (now != boots.end() && !now->second.empty() && !one.boot_id.empty() && now->second != one.boot_id)
      return fmt::format("{} has rebooted since step {} of job {} was done there: retry all of it", one.host.value(),
                         one.index + 1, job.id.value());
  }
  return std::nullopt;
}

bool same_steps(const std::vector<step>& one, const std::vector<step>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](const step& a, const step& b) {
    return a.host == b.host && a.primitive == b.primitive && a.verb == b.verb && a.role == b.role &&
           a.parameters == b.parameters;
  });
}

void count_as_done(std::vector<step>& steps, const job_with_steps& earlier, int from) {
  for (auto& one : steps) {
    if (one.index + 1 >= from) return;
    const auto& before = earlier.steps[static_cast<std::size_t>(one.index)];
    one.state = step_state::done;
    one.boot_id = before.boot_id;
    one.exit_code = before.exit_code;
    one.started = before.started;
    one.ended = before.ended;
    one.output = fmt::format("done as step {} of job {}", one.index + 1, earlier.job.id.value());
  }
}

}  // namespace regent
