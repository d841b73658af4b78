#include "base/probe.hpp"

namespace regent {

namespace {
milliseconds between(steady_time from, steady_time to) {
  return to > from ? std::chrono::duration_cast<milliseconds>(to - from) : milliseconds{0};
}
}  // namespace

probe::probe(std::uint64_t number, std::string type, std::string key) {
  view_.number = number;
  view_.type = std::move(type);
  view_.key = std::move(key);
}

void probe::enqueued(steady_time now) {
  const std::lock_guard lock(guard_);
  waiting_.push_back(now);
}

void probe::begun(std::string_view message, steady_time now) {
  const std::lock_guard lock(guard_);
  if (!waiting_.empty()) {
    view_.queued_total += between(waiting_.front(), now);
    waiting_.pop_front();
  }
  view_.last_message = message;
  busy_since_ = now;
}

void probe::ended(steady_time now) {
  const std::lock_guard lock(guard_);
  if (busy_since_ == steady_time{}) return;
  view_.busy_total += between(busy_since_, now);
  ++view_.handled;
  busy_since_ = {};
}

void probe::called(std::string type, std::string key) {
  const std::lock_guard lock(guard_);
  view_.type = std::move(type);
  view_.key = std::move(key);
}

void probe::state(std::string text) {
  const std::lock_guard lock(guard_);
  view_.state = std::move(text);
}

void probe::failed(std::string text) {
  const std::lock_guard lock(guard_);
  view_.last_error = std::move(text);
}

void probe::waits_for(std::string text) {
  const std::lock_guard lock(guard_);
  view_.waits_for = std::move(text);
}

void probe::leases(std::vector<std::string> held) {
  const std::lock_guard lock(guard_);
  view_.leases = std::move(held);
}

probe_view probe::view(steady_time now) const {
  const std::lock_guard lock(guard_);
  auto copy = view_;
  copy.mailbox_depth = waiting_.size();
  if (!waiting_.empty()) copy.oldest_message = between(waiting_.front(), now);
  if (busy_since_ != steady_time{}) copy.busy_now = between(busy_since_, now);
  return copy;
}

std::shared_ptr<probe> probe_registry::add(std::string type, std::string key) {
  const std::lock_guard lock(guard_);
  const auto number = ++last_;
  // The registry outlives every actor (it belongs to the process), so the deleter may use it.
  std::shared_ptr<probe> made(new probe(number, std::move(type), std::move(key)), [this, number](probe* gone) {
    {
      const std::lock_guard inner(guard_);
      probes_.erase(number);
    }
    delete gone;
  });
  probes_[number] = made;
  return made;
}

std::vector<probe_view> probe_registry::list(steady_time now, std::uint64_t after, std::size_t limit,
                                             const std::string& type, const std::string& key) const {
  std::vector<std::shared_ptr<probe>> alive;  // let go outside the lock: a deleter takes it
  std::vector<probe_view> views;
  {
    const std::lock_guard lock(guard_);
    for (auto at = probes_.upper_bound(after); at != probes_.end(); ++at)
      if (auto held = at->second.lock()) alive.push_back(std::move(held));
  }
  for (const auto& held : alive) {
    if (views.size() >= limit) break;
    auto view = held->view(now);
    if ((type.empty() || view.type == type) && (key.empty() || view.key == key)) views.push_back(std::move(view));
  }
  return views;
}

std::size_t probe_registry::size() const {
  const std::lock_guard lock(guard_);
  return probes_.size();
}

}  // namespace regent
