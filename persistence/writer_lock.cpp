#include "persistence/writer_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "persistence/sqlite.hpp"

namespace regent {

namespace {

/// Only for the message: the lock is the kernel's, not what the file says.
std::string holder(int fd) {
  std::array<char, 32> text{};
  const auto size = ::pread(fd, text.data(), text.size() - 1, 0);
  if (size <= 0) return "another process";
  return "process " + std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace

result<writer_lock> writer_lock::take(const std::string& journal_path) {
  const auto path = journal_path + ".lock";
  writer_lock made;
  made.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made.fd_ < 0) return failure(sqlite::file_error("open", path, errno));
  if (::flock(made.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(sqlite::file_error("lock", path, errno));
    return fail(error_kind::permanent, "journal_locked",
                "{} writes to {} already: stop it first, or use another state directory", holder(made.fd_),
                journal_path);
  }
  const auto mine = std::to_string(::getpid());
  // A full disk does not cost the lock, only the number in a message.
  if (::ftruncate(made.fd_, 0) == 0 && ::pwrite(made.fd_, mine.data(), mine.size(), 0) < 0 && errno != ENOSPC) {
    return failure(sqlite::file_error("write to", path, errno));
  }
  return made;
}

writer_lock::~writer_lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace regent
