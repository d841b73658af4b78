#include "region/host_board.hpp"

namespace regent {

void host_board::publish(host_status status) {
  static const auto none = std::make_shared<const host_leases>();
  auto published = std::make_shared<const host_status>(std::move(status));
  const std::lock_guard lock(guard_);
  auto& [known, leases] = hosts_[published->host];
  known.swap(published);
  if (!leases) leases = none;
}

void host_board::publish_leases(const host_id& host, host_leases leases) {
  auto published = std::make_shared<const host_leases>(std::move(leases));
  const std::lock_guard lock(guard_);
  if (const auto found = hosts_.find(host); found != hosts_.end()) found->second.leases.swap(published);
}

void host_board::remove(const host_id& host) {
  const std::lock_guard lock(guard_);
  hosts_.erase(host);
}

std::shared_ptr<const host_status> host_board::find(const host_id& host) const {
  const std::lock_guard lock(guard_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : found->second.status;
}

std::shared_ptr<const host_leases> host_board::leases(const host_id& host) const {
  const std::lock_guard lock(guard_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : found->second.leases;
}

std::optional<host_picture> host_board::picture(const host_id& host) const {
  const std::lock_guard lock(guard_);
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return std::nullopt;
  return host_picture{*found->second.status, *found->second.leases};
}

std::map<host_id, std::string> host_board::away() const {
  const std::lock_guard lock(guard_);
  std::map<host_id, std::string> all;
  for (const auto& [name, one] : hosts_) {
    const auto& status = *one.status;
    if (is_detached(status)) continue;
    if (status.state != "up")
      all[name] = "to be up";
    else if (!status.declines.empty())
      all[name] = acceptance_of(status);
  }
  return all;
}

std::vector<host_picture> host_board::list() const {
  const std::lock_guard lock(guard_);
  std::vector<host_picture> all;
  all.reserve(hosts_.size());
  for (const auto& [host, one] : hosts_) all.push_back({*one.status, *one.leases});
  return all;
}

}  // namespace regent
