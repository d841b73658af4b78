#include "sim/cloud_faults.hpp"

#include <algorithm>
#include <array>

#include "sim/cloud_rows.hpp"

namespace regent::sim {

namespace {

constexpr std::array<std::string_view, 8> kind_names{"status",     "slow",        "garbage",       "truncated",
                                                     "lost_reply", "lost_update", "expire_tokens", "drop"};
constexpr std::int64_t delay_most_ms = 600'000;
constexpr std::size_t faults_most = 1000;

json::object shown(const fault& one) {
  return {{"id", one.id},         {"kind", name(one.kind)}, {"status", one.status},         {"path", one.path},
          {"method", one.method}, {"times", one.times},     {"delay_ms", one.delay.count()}};
}

}  // namespace

std::string_view name(fault_kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

result<fault> cloud_faults::add(const json::value& wish) {
  const auto* fields = wish.if_object();
  if (!fields) return fail(error_kind::permanent, "fault_malformed", "a fault is a JSON object");
  const auto wanted = text_in(*fields, "kind");
  const auto found = std::find(kind_names.begin(), kind_names.end(), wanted);
  if (found == kind_names.end())
    return fail(error_kind::permanent, "fault_malformed", "'{}' is none of {}", wanted, fmt::join(kind_names, ", "));
  if (faults_.size() >= faults_most)
    return fail(error_kind::permanent, "fault_malformed", "{} faults are waiting already", faults_most);
  fault one;
  one.kind = static_cast<fault_kind>(found - kind_names.begin());
  one.status = static_cast<int>(number_in(*fields, "status", 500));
  one.path = text_in(*fields, "path");
  one.method = text_in(*fields, "method");
  one.times = number_in(*fields, "times", 1);
  const auto delay = number_in(*fields, "delay_ms", one.kind == fault_kind::slow ? 1000 : 0);
  if (one.status < 200 || one.status > 599 || one.times < 0 || delay < 0 || delay > delay_most_ms)
    return fail(error_kind::permanent, "fault_malformed", "status is 200 to 599, times at least 0, delay_ms 0 to {}",
                delay_most_ms);
  one.delay = std::chrono::milliseconds(delay);
  one.id = ++last_;
  if (one.kind != fault_kind::expire_tokens) faults_.push_back(one);
  return one;
}

mishap cloud_faults::take(std::string_view method, std::string_view path) {
  mishap out;
  bool slowed = false;
  for (auto at = faults_.begin(); at != faults_.end();) {
    const bool fits = (at->method.empty() || at->method == method) && path.find(at->path) != std::string_view::npos &&
                      (at->kind != fault_kind::lost_update || method == "PATCH");
    const bool wanted = at->kind == fault_kind::slow ? !slowed : !out.what;
    if (!fits || !wanted) {
      ++at;
      continue;
    }
    out.delay += at->delay;
    if (at->kind == fault_kind::slow)
      slowed = true;
    else
      out.what = *at;
    if (at->times == 1)
      at = faults_.erase(at);
    else if (at->times > 1)
      (at++)->times--;
    else
      ++at;
  }
  return out;
}

json::object cloud_faults::list() const {
  json::array out;
  for (const auto& one : faults_) out.push_back(shown(one));
  return {{"faults", std::move(out)}};
}

bool cloud_faults::remove(std::int64_t id) {
  return std::erase_if(faults_, [id](const fault& one) { return one.id == id; }) > 0;
}

}  // namespace regent::sim
