// The regent binary as a user runs it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "test/edge/socket_client.hpp"

namespace regent::test {

struct regent_said {
  int exit = -1;  ///< -1: ended by a signal
  std::string out, err;
};

/// One running command. What is still running at the end is killed.
class regent_process {
 public:
  explicit regent_process(const std::vector<std::string>& words);
  ~regent_process();
  regent_process(const regent_process&) = delete;
  regent_process& operator=(const regent_process&) = delete;

  void signal(int which) const;
  regent_said wait();  ///< until it ends

 private:
  scratch_directory said_;
  pid_t pid_ = 0;
};

/// Runs it to its end.
regent_said run_regent(const std::vector<std::string>& words);

/// The text has this part.
bool has(const std::string& text, const std::string& part);

std::string read_text(const std::string& file);
void write_text(const std::string& file, const std::string& text);

}  // namespace regent::test
