#include "sim/region/sim_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace regent::sim {

namespace {

/// One change that a power cut may still take.
struct unsynced {
  std::size_t at = 0;
  std::string before, after;    // the bytes from `at` on
  std::size_t size_before = 0;  // of the whole file
  std::size_t size_after = 0;
};

struct handle;

}  // namespace

struct disk_file {
  std::string bytes;
  std::vector<unsynced> log;
  // Locks of the file, and of its shared memory.
  int shared = 0;
  const void* reserved = nullptr;
  const void* exclusive = nullptr;
  std::vector<std::unique_ptr<std::string>> memory;
  std::array<int, SQLITE_SHM_NLOCK> memory_shared{};
  std::array<const void*, SQLITE_SHM_NLOCK> memory_exclusive{};

  void write(std::size_t at, std::string_view data) {
    unsynced one;
    one.at = at;
    one.size_before = bytes.size();
    if (bytes.size() < at + data.size()) bytes.resize(at + data.size());
    one.size_after = bytes.size();
    one.before = bytes.substr(at, data.size());
    one.after = std::string(data);
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    log.push_back(std::move(one));
  }
  void truncate(std::size_t size) {
    if (size >= bytes.size()) return;
    unsynced one;
    one.at = size;
    one.size_before = bytes.size();
    one.size_after = size;
    one.before = bytes.substr(size);
    bytes.resize(size);
    log.push_back(std::move(one));
  }
  /// As the system has it, when all who had it open are gone.
  std::shared_ptr<disk_file> after_kill() const {
    auto found = std::make_shared<disk_file>();
    found->bytes = bytes;
    found->log = log;
    return found;
  }
  /// What a disk holds after a cut: what was synced, and of the rest what chance has kept, some of it torn.
  std::shared_ptr<disk_file> after_cut(dice& chance, double kept) const {
    auto found = std::make_shared<disk_file>();
    found->bytes = bytes;
    for (auto one = log.rbegin(); one != log.rend(); ++one) {
      found->bytes.resize(std::max(one->size_before, one->at + one->before.size()));
      found->bytes.replace(one->at, one->before.size(), one->before);
      found->bytes.resize(one->size_before);
    }
    for (const auto& one : log) {
      if (!chance.chance(kept)) continue;
      found->bytes.resize(std::max(found->bytes.size(), one.at + one.after.size()));
      const auto whole = static_cast<std::int64_t>(one.after.size());
      const auto size = static_cast<std::size_t>(chance.chance(0.1) ? chance.between(0, whole) : whole);
      found->bytes.replace(one.at, size, one.after, 0, size);
      if (one.after.empty()) found->bytes.resize(one.size_after);
    }
    return found;
  }
};

namespace {

struct handle {
  sqlite3_file base;  // first: SQLite sees this
  sim_disk* on = nullptr;
  std::shared_ptr<disk_image> image;  // keeps a past alive that is worked on
  std::shared_ptr<disk_file> file;
  std::string path;
  int level = SQLITE_LOCK_NONE;
  bool delete_on_close = false;
};

handle& of(sqlite3_file* file) { return *reinterpret_cast<handle*>(file); }

bool is_past(const handle& at) { return at.image != at.on->shared_image(); }

int fault_of(const handle& at) {
  if (is_past(at)) return SQLITE_OK;
  switch (at.on->fault()) {
    case disk_fault::none: return SQLITE_OK;
    case disk_fault::full: return SQLITE_FULL;
    case disk_fault::io_error: return SQLITE_IOERR_WRITE;
  }
  return SQLITE_OK;
}

int close_file(sqlite3_file* file) {
  auto& at = of(file);
  if (at.delete_on_close) at.image->files.erase(at.path);
  at.~handle();
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
  const auto& bytes = of(file).file->bytes;
  const auto at = static_cast<std::size_t>(offset), wanted = static_cast<std::size_t>(amount);
  const auto there = at >= bytes.size() ? 0 : std::min(wanted, bytes.size() - at);
  std::memcpy(into, bytes.data() + std::min(at, bytes.size()), there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  auto& at = of(file);
  if (const int code = fault_of(at); code != SQLITE_OK) return code;
  at.file->write(static_cast<std::size_t>(offset), {static_cast<const char*>(from), static_cast<std::size_t>(amount)});
  if (!is_past(at)) at.on->writes();
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  auto& at = of(file);
  if (const int code = fault_of(at); code != SQLITE_OK) return code;
  at.file->truncate(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  auto& at = of(file);
  if (const int code = fault_of(at); code != SQLITE_OK) return code == SQLITE_FULL ? SQLITE_OK : SQLITE_IOERR_FSYNC;
  if (!at.on->lies()) at.file->log.clear();
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(of(file).file->bytes.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) {
  auto& at = of(file);
  auto& on = *at.file;
  if (level <= at.level) return SQLITE_OK;
  if (on.exclusive != nullptr && on.exclusive != &at) return SQLITE_BUSY;
  if (level >= SQLITE_LOCK_RESERVED && on.reserved != nullptr && on.reserved != &at) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_EXCLUSIVE && on.shared > (at.level >= SQLITE_LOCK_SHARED ? 1 : 0)) return SQLITE_BUSY;
  if (at.level == SQLITE_LOCK_NONE) ++on.shared;
  if (level >= SQLITE_LOCK_RESERVED) on.reserved = &at;
  if (level == SQLITE_LOCK_EXCLUSIVE) on.exclusive = &at;
  at.level = level;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  auto& at = of(file);
  auto& on = *at.file;
  if (level >= at.level) return SQLITE_OK;
  if (on.exclusive == &at) on.exclusive = nullptr;
  if (on.reserved == &at && level < SQLITE_LOCK_RESERVED) on.reserved = nullptr;
  if (level == SQLITE_LOCK_NONE) --on.shared;
  at.level = level;
  return SQLITE_OK;
}

int is_reserved(sqlite3_file* file, int* out) {
  *out = of(file).file->reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
// As unix disks are taken for: a write that is cut harms no byte beside it.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_memory(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  auto& memory = of(file).file->memory;
  const auto wanted = static_cast<std::size_t>(page);
  if (memory.size() <= wanted && extend == 0) {
    *out = nullptr;
    return SQLITE_OK;
  }
  while (memory.size() <= wanted) memory.push_back(std::make_unique<std::string>(static_cast<std::size_t>(size), '\0'));
  *out = memory[wanted]->data();
  return SQLITE_OK;
}

int lock_memory(sqlite3_file* file, int offset, int count, int flags) {
  auto& at = of(file);
  auto& on = *at.file;
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (int i = offset; i < offset + count; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
      if (!exclusive)
        --on.memory_shared[slot];
      else if (on.memory_exclusive[slot] == &at)
        on.memory_exclusive[slot] = nullptr;
      continue;
    }
    if (on.memory_exclusive[slot] != nullptr && on.memory_exclusive[slot] != &at) return SQLITE_BUSY;
    if (exclusive && on.memory_shared[slot] > 0) return SQLITE_BUSY;
  }
  if ((flags & SQLITE_SHM_UNLOCK) != 0) return SQLITE_OK;
  for (int i = offset; i < offset + count; ++i) {
    const auto slot = static_cast<std::size_t>(i);
    if (exclusive)
      on.memory_exclusive[slot] = &at;
    else
      ++on.memory_shared[slot];
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file*) {}

int unmap_memory(sqlite3_file* file, int remove) {
  if (remove != 0) of(file).file->memory.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods& methods() {
  static const sqlite3_io_methods made = [] {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = close_file;
    m.xRead = read_file;
    m.xWrite = write_file;
    m.xTruncate = truncate_file;
    m.xSync = sync_file;
    m.xFileSize = size_of_file;
    m.xLock = lock_file;
    m.xUnlock = unlock_file;
    m.xCheckReservedLock = is_reserved;
    m.xFileControl = control_file;
    m.xSectorSize = sector_size;
    m.xDeviceCharacteristics = characteristics;
    m.xShmMap = map_memory;
    m.xShmLock = lock_memory;
    m.xShmBarrier = barrier;
    m.xShmUnmap = unmap_memory;
    return m;
  }();
  return made;
}

sim_disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<sim_disk*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* into, int flags, int* flags_out) {
  auto& on = disk_of(vfs);
  auto& at = *new (into) handle;
  at.base.pMethods = nullptr;
  at.on = &on;
  at.image = on.shared_image();
  at.path = name == nullptr ? "temporary" : name;
  at.delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  auto found = at.image->files.find(at.path);
  if (found == at.image->files.end() && (flags & SQLITE_OPEN_CREATE) == 0) {
    // The journal's file is made by its owner before SQLite opens it: an empty one.
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || (flags & SQLITE_OPEN_READWRITE) == 0) {
      at.~handle();
      return SQLITE_CANTOPEN;
    }
  }
  if (found == at.image->files.end()) found = at.image->files.emplace(at.path, std::make_shared<disk_file>()).first;
  at.file = found->second;
  if (flags_out != nullptr) *flags_out = flags;
  at.base.pMethods = &methods();
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
  if (disk_of(vfs).power_was_cut()) return SQLITE_OK;  // a handle of the past, on its way out
  return disk_of(vfs).image().files.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

int has_access(sqlite3_vfs* vfs, const char* name, int, int* out) {
  const auto& files = disk_of(vfs).image().files;
  const auto found = files.find(name);
  *out = found != files.end() && !found->second->bytes.empty() ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  for (int i = 0; i < size; ++i) out[i] = static_cast<char>(disk_of(vfs).chance().between(0, 255));
  return size;
}

int sleep_for(sqlite3_vfs*, int microseconds) { return microseconds; }

int current_time(sqlite3_vfs* vfs, sqlite3_int64* out) {
  constexpr sqlite3_int64 julian_1970_ms = 210866760000000;
  *out = julian_1970_ms + disk_of(vfs).time().wall().time_since_epoch().count();
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

sim_disk::sim_disk(dice& chance, const timeline& time)
    : chance_(chance), time_(time), vfs_(std::make_unique<sqlite3_vfs>()) {
  vfs_->iVersion = 2;
  vfs_->szOsFile = sizeof(handle);
  vfs_->mxPathname = 512;
  vfs_->zName = "regent-sim";
  vfs_->pAppData = this;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  vfs_->xAccess = has_access;
  vfs_->xFullPathname = full_path;
  vfs_->xRandomness = randomness;
  vfs_->xSleep = sleep_for;
  vfs_->xGetLastError = last_error;
  vfs_->xCurrentTimeInt64 = current_time;
  sqlite3_vfs_register(vfs_.get(), 1);
  sqlite3_randomness(0, nullptr);  // SQLite's own chance begins anew, from ours
}

sim_disk::~sim_disk() { sqlite3_vfs_unregister(vfs_.get()); }

void sim_disk::cut_power() {
  const double kept = chance_.pick(std::vector<double>{0, 0, 0.5, 1});
  auto left = std::make_shared<disk_image>();
  for (const auto& [path, file] : image_->files) left->files[path] = file->after_cut(chance_, kept);
  part_with_the_past(std::move(left));
}

void sim_disk::kill_process() {
  auto left = std::make_shared<disk_image>();
  for (const auto& [path, file] : image_->files) left->files[path] = file->after_kill();
  part_with_the_past(std::move(left));
}

void sim_disk::part_with_the_past(std::shared_ptr<disk_image> left) {
  image_ = std::move(left);
  cut_ = true;
  cut_at_write_ = 0;
}

void sim_disk::writes() {
  if (cut_at_write_ > 0 && --cut_at_write_ == 0) cut_power();
}

}  // namespace regent::sim
