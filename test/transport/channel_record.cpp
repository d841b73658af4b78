#include <openssl/sha.h>
#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "test/contract/command_channel_suite.hpp"
#include "test/support/catch.hpp"

namespace regent::test {

channel_sink channel_record::sink() {
  auto told = [this](auto change) {
    std::lock_guard lock(guard_);
    change();
    changed_.notify_all();
  };
  channel_sink sink;
  sink.connected = [this, told](const std::string& boot, milliseconds) {
    told([&] {
      boot_id = boot;
      ++connects;
    });
  };
  sink.disconnected = [this, told](const error& why) { told([&] { errors.push_back(why); }); };
  sink.reported = [this, told](const run_report& report) { told([&] { reports.push_back(report); }); };
  sink.alive = [this, told](milliseconds, std::optional<std::int64_t> load) {
    told([&] {
      ++beats;
      last_load = load;
    });
  };
  return sink;
}

bool channel_record::wait(const std::function<bool()>& condition, milliseconds most) {
  std::unique_lock lock(guard_);
  return changed_.wait_for(lock, most, condition);
}

run_report channel_record::await(const run_id& run, run_status status) {
  run_report found;
  const bool told = wait([&] {
    for (auto each = reports.begin(); each != reports.end(); ++each) {
      if (each->run != run || each->status != status) continue;
      found = *each;
      reports.erase(each);
      return true;
    }
    return false;
  });
  std::lock_guard lock(guard_);
  std::string others;
  for (const auto& each : reports)
    others += std::string(name(each.status)) + " " + each.run.value() + " " + each.errors + "; ";
  for (const auto& each : errors) others += each.text() + "; ";
  INFO("waiting for " << name(status) << " of " << run.value() << "; told: " << others);
  REQUIRE(told);
  return found;
}

void channel_record::await_connected() {
  const bool told = wait([this] { return std::exchange(connects, 0) > 0; });
  std::lock_guard lock(guard_);
  INFO((errors.empty() ? std::string("no error") : errors.back().text()));
  REQUIRE(told);
}

error channel_record::await_disconnected() {
  error why;
  REQUIRE(wait([&] {
    if (errors.empty()) return false;
    why = errors.front();
    errors.erase(errors.begin());
    return true;
  }));
  return why;
}

test_script make_script(const std::string& text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string hash;
  for (unsigned char byte : digest) hash += fmt::format("{:02x}", byte);
  return {std::make_shared<const std::string>(text), hash};
}

run_request make_run(const std::string& id, const test_script& script, const std::string& verb,
                     std::vector<run_parameter> parameters, epoch_number epoch) {
  run_request request;
  request.run = run_id(id);
  request.epoch = epoch;
  request.script = script.text;
  request.script_hash = script.hash;
  request.verb = verb;
  request.parameters = std::move(parameters);
  request.deadline = milliseconds(30000);
  return request;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

bool eventually(const std::function<bool()>& condition, milliseconds most) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

bool process_alive(long pid) {
  const std::string stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = stat.rfind(") ");
  return end != stat.npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

scratch_directory::scratch_directory() {
  std::string form = (std::filesystem::temp_directory_path() / "regent-test-XXXXXX").string();
  REQUIRE(::mkdtemp(form.data()) != nullptr);
  path_ = form;
}

scratch_directory::~scratch_directory() {
  // A runner may still be writing its last word there.
  eventually([this] {
    std::error_code failed;
    std::filesystem::remove_all(path_, failed);
    return !failed && !std::filesystem::exists(path_);
  });
}

}  // namespace regent::test
