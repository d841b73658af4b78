// A copy of a journal, taken beside the daemon that writes to it.
#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "persistence/file_copy.hpp"
#include "persistence/journal_check.hpp"

namespace regent {

struct backup_options {
  bool overwrite = false;  ///< replace a file of that name; it is kept until the new one is whole
  copy_progress progress;  ///< may end the backup, also while the copy is checked: then done is total
};

struct journal_backup {
  std::string journal_id;
  epoch_number epoch = 0;
  std::int64_t last_job = 0;
  std::int64_t bytes = 0;
  /// What a check of the copy found, which the journal has as well. None of it is damage.
  std::vector<journal_finding> findings;
};

/// Leaves at `to` what the journal `from` was at one moment, as one file by itself, mode 0600, on the disk before this
/// returns, and checked (check_journal) before it had its name. Until then it is `to`.part-PID, in the same folder; what a
/// backup that died has left there under such a name is removed by the next one.
/// Errors: as open_journal_to_read; permanent `backup_exists`; permanent `journal_corrupt` if the copy is damaged, which
/// the journal then is too; transient `journal_full`; permanent `journal_io`; transient `journal_interrupted`. After an error
/// there is nothing new under the name `to`, nor under the other (but for a folder that cannot be synced: the file is
/// whole then, and may be gone after a power failure).
result<journal_backup> back_up_journal(const std::string& from, const std::string& to, const backup_options& options);

}  // namespace regent
