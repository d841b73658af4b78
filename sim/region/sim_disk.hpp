// A disk as SQLite sees one: a VFS in memory that knows what was synced. A power cut takes what was not, in part or
// whole, in any order; a full disk and I/O errors can be had too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/region/dice.hpp"
#include "sim/region/timeline.hpp"

struct sqlite3_vfs;

namespace regent::sim {

struct disk_file;
struct disk_image {
  std::map<std::string, std::shared_ptr<disk_file>> files;
};

enum class disk_fault { none, full, io_error };

/// SQLite's default file system for as long as it lives: one at a time in a process.
class sim_disk {
 public:
  sim_disk(dice& chance, const timeline& time);
  ~sim_disk();
  sim_disk(const sim_disk&) = delete;
  sim_disk& operator=(const sim_disk&) = delete;

  /// From now on every write, sync and growth fails so.
  void fails(disk_fault how) { fault_ = how; }
  /// The power is cut at the n-th write from now, wherever SQLite is then. 0: it is not.
  void cut_power_at_write(int n) { cut_at_write_ = n; }
  bool power_was_cut() const { return cut_; }
  /// The power is cut now. Until it is back, handles that are open work on with a past that nobody will see again.
  void cut_power();
  /// The same, where only the process dies: the system writes what was not synced.
  void kill_process();
  void power_is_back() { cut_ = false; }
  /// A disk that says that it has synced, and has not: for tests of what must notice.
  void lies_about_syncs(bool lies) { lies_ = lies; }

  // For the VFS.
  dice& chance() { return chance_; }
  const timeline& time() const { return time_; }
  disk_image& image() { return *image_; }
  std::shared_ptr<disk_image> shared_image() { return image_; }
  disk_fault fault() const { return fault_; }
  bool lies() const { return lies_; }
  void writes();

 private:
  void part_with_the_past(std::shared_ptr<disk_image> left);
  dice& chance_;
  const timeline& time_;
  std::shared_ptr<disk_image> image_ = std::make_shared<disk_image>();
  disk_fault fault_ = disk_fault::none;
  int cut_at_write_ = 0;
  bool cut_ = false;
  bool lies_ = false;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace regent::sim
