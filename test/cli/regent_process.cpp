#include "test/cli/regent_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>

#include "test/support/catch.hpp"

namespace regent::test {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string read_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write_text(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

regent_process::regent_process(const std::vector<std::string>& words) {
  std::vector<std::string> all{REGENT_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (auto& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, said_.file("out").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&files, 2, said_.file("err").c_str(), O_WRONLY | O_CREAT, 0600);
  const int failed = ::posix_spawn(&pid_, REGENT_BINARY, &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  REQUIRE(failed == 0);
}

regent_process::~regent_process() {
  if (pid_ == 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void regent_process::signal(int which) const { ::kill(pid_, which); }

regent_said regent_process::wait() {
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(said_.file("out")), read_text(said_.file("err"))};
}

regent_said run_regent(const std::vector<std::string>& words) { return regent_process(words).wait(); }

}  // namespace regent::test
