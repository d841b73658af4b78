#include "persistence/migrations.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "journal_schema.hpp"
#include "persistence/file_copy.hpp"
#include "region/job.hpp"
#include "region/job_tree.hpp"
#include "region/operator_marks.hpp"

namespace regent {

namespace {

template <class Names>
std::string branches(const Names& names) {
  std::string all;
  for (std::string_view one : names) all += fmt::format("{}WHEN '{}' THEN 1", all.empty() ? "" : " ", one);
  return all;
}

std::map<std::string, std::string> placeholders() {
  std::array<std::string_view, lifecycle_state_count> states;
  std::transform(lifecycle_table.begin(), lifecycle_table.end(), states.begin(),
                 [](const lifecycle_row& one) { return one.name; });
  return {{"{{lifecycle_states}}", branches(states)},
          {"{{operations}}", branches(operation_names)},
          {"{{job_states}}", branches(job_state_names)},
          {"{{step_states}}", branches(step_state_names)},
          {"{{lanes}}", branches(lane_names)},
          {"{{document_bytes}}", std::to_string(limits::document_bytes)},
          {"{{closures}}", branches(closure_names)},
          {"{{holds}}", branches(hold_names)},
          {"{{branch_works}}", branches(branch_work_names)},
          {"{{branch_states}}", branches(branch_state_names)}};
}

std::vector<migration> embedded_migrations() {
  std::vector<migration> all;
  for (const auto& file : journal_schema()) {
    all.push_back({std::stoll(std::string(file.name.substr(0, 3))), fill_schema(file.text)});
  }
  return all;
}

/// Under another name until it is whole, so that a half copy is never taken for one.
result<void> back_up(sqlite::connection& db, const std::string& to) {
  const auto part = to + ".part";
  if (::unlink(part.c_str()) != 0 && errno != ENOENT) return failure(sqlite::file_error("remove", part, errno));
  if (auto copied = copy_database(db, part); !copied) return copied;
  // What was copied must be on the disk before the original is changed.
  if (auto synced = sync_path(part); !synced) return synced;
  if (std::rename(part.c_str(), to.c_str()) != 0) return failure(sqlite::file_error("rename", part, errno));
  if (auto synced = sync_path(folder_of(to)); !synced) return synced;
  log::info("the journal is kept as {} before its migration", to);
  return {};
}

result<void> apply(sqlite::connection& db, const migration& one) {
  auto work = sqlite::transaction_guard::begin(db);
  if (!work) return failure(work.error());
  const auto doing = fmt::format("migrate to schema {} of", one.version);
  if (auto done = db.run(one.sql, doing); !done) return done;
  // References are not enforced while a migration rebuilds tables; what it leaves must be sound all the same.
  auto broken = db.number("SELECT count(*) FROM pragma_foreign_key_check");
  if (!broken) return failure(broken.error());
  if (*broken != 0) {
    return fail(error_kind::bug, "journal_constraint", "the migration to schema {} left {} rows that refer to nothing",
                one.version, *broken);
  }
  const auto marks =
      fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}", one.version, journal_application_id);
  if (auto done = db.run(marks, doing); !done) return done;
  return work->commit();
}

}  // namespace

std::string fill_schema(std::string_view text) {
  std::string filled(text);
  for (const auto& [mark, value] : placeholders()) {
    for (auto at = filled.find(mark); at != std::string::npos; at = filled.find(mark, at + value.size())) {
      filled.replace(at, mark.size(), value);
    }
  }
  return filled;
}

const std::vector<migration>& journal_migrations() {
  static const std::vector<migration> all = embedded_migrations();
  return all;
}

result<std::int64_t> schema_version(sqlite::connection& db, std::int64_t known) {
  auto version = db.number("PRAGMA user_version");
  if (!version) return version;
  auto owner = db.number("PRAGMA application_id");
  if (!owner) return owner;
  auto tables = db.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables;
  const bool fresh = *version == 0 && *owner == 0 && *tables == 0;
  if (!fresh && *owner != journal_application_id) {
    return fail(error_kind::permanent, "journal_corrupt", "{} is an SQLite file, but not a journal of regent",
                sqlite3_db_filename(db.raw(), "main"));
  }
  if (*version > known) {
    return fail(error_kind::permanent, "journal_newer",
                "{} has schema {} and this regent knows schemas up to {}: run the later regent that made it",
                sqlite3_db_filename(db.raw(), "main"), *version, known);
  }
  return version;
}

result<void> migrate(sqlite::connection& db, const std::string& path, std::span<const migration> steps) {
  const auto last = steps.empty() ? 0 : steps.back().version;
  auto version = schema_version(db, last);
  if (!version) return failure(version.error());
  if (*version == last) return {};
  if (*version > 0) {
    if (auto kept = back_up(db, fmt::format("{}.before-{}", path, last)); !kept) return kept;
  }
  for (const auto& one : steps) {
    if (one.version <= *version) continue;
    if (auto done = apply(db, one); !done) return done;
  }
  return {};
}

}  // namespace regent
