// A disk that can be filled.
#pragma once

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

namespace regent::test {

/// A file system of its own with little space; none if this machine does not let us.
class small_disk {
 public:
  explicit small_disk(const std::string& at) : at_(at) {
    std::filesystem::create_directory(at);
    mounted_ = ::mount("regent-test", at.c_str(), "tmpfs", 0, "size=4m,mode=700") == 0;
    if (!mounted_) why_not_ = std::strerror(errno);
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  bool mounted() const { return mounted_; }
  const std::string& why_not() const { return why_not_; }
  std::string operator/(const std::string& name) const { return at_ + "/" + name; }

 private:
  std::string at_;
  bool mounted_ = false;
  std::string why_not_;
};

}  // namespace regent::test
