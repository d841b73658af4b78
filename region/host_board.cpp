#include "region/host_board.hpp"

namespace regent {

void host_board::publish(host_status status) {
  auto published = std::make_shared<const host_status>(std::move(status));
  const std::lock_guard lock(guard_);
  hosts_[published->host].swap(published);
}

void host_board::remove(const host_id& host) {
  const std::lock_guard lock(guard_);
  hosts_.erase(host);
}

std::shared_ptr<const host_status> host_board::find(const host_id& host) const {
  const std::lock_guard lock(guard_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : found->second;
}

std::map<host_id, std::string> host_board::away() const {
  const std::lock_guard lock(guard_);
  std::map<host_id, std::string> all;
  for (const auto& [name, status] : hosts_) {
    if (is_detached(*status)) continue;
    if (status->state != "up")
      all[name] = "to be up";
    else if (!status->declines.empty())
      all[name] = acceptance_of(*status);
  }
  return all;
}

std::vector<host_status> host_board::list() const {
  const std::lock_guard lock(guard_);
  std::vector<host_status> all;
  all.reserve(hosts_.size());
  for (const auto& [host, status] : hosts_) all.push_back(*status);
  return all;
}

}  // namespace regent
