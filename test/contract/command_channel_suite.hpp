// What every command_channel to a real bash must do, whatever the way there. Call check_command_channel() in a test
// case of its own for each implementation; its sections each get a fresh world.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "transport/transport.hpp"

namespace regent::test {

/// Keeps what a channel's sink was told, and waits for it.
class channel_record {
 public:
  channel_sink sink();
  /// False when the condition did not come true in time.
  bool wait(const std::function<bool()>& condition, milliseconds most = milliseconds(30000));
  /// The next report (since the last call) on this run that has this status; fails the test when there is none.
  run_report await(const run_id& run, run_status status);
  void await_connected();
  error await_disconnected();

  // Under wait()'s lock, or when nothing is going on.
  std::vector<run_report> reports;
  std::vector<error> errors;
  std::string boot_id;
  int connects = 0;
  int beats = 0;
  std::optional<std::int64_t> last_load;  // hundredths

 private:
  std::mutex guard_;
  std::condition_variable changed_;
};

/// A script as the planner would make it, with its hash.
struct test_script {
  std::shared_ptr<const std::string> text;
  std::string hash;
};
test_script make_script(const std::string& text);
run_request make_run(const std::string& id, const test_script& script, const std::string& verb,
                     std::vector<run_parameter> parameters = {}, epoch_number epoch = 7);

std::string file_text(const std::string& path);  ///< "" when there is none
void write_file(const std::string& path, const std::string& text);
bool eventually(const std::function<bool()>& condition, milliseconds most = milliseconds(20000));
bool process_alive(long pid);  ///< zombies are not
/// A directory that is gone with its owner.
class scratch_directory {
 public:
  scratch_directory();
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A host to try: `directory` is on this machine, and the endpoint's state directory is below it.
struct channel_world {
  host_endpoint endpoint;
  std::string directory;
};

void check_command_channel(const channel_world& world);

}  // namespace regent::test
