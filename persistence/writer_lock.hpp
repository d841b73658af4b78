// One writer for each journal: held from opening to closing, and given back by the kernel however the process ends.
#pragma once

#include <string>
#include <utility>

#include "base/result.hpp"

namespace regent {

class writer_lock {
 public:
  writer_lock() = default;
  /// Locks `journal_path`.lock, which is made if need be and stays. Errors: permanent `journal_locked` with the
  /// holder's process id, transient `journal_full`, permanent `journal_io`.
  static result<writer_lock> take(const std::string& journal_path);
  writer_lock(writer_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  writer_lock& operator=(writer_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~writer_lock();

 private:
  int fd_ = -1;
};

}  // namespace regent
