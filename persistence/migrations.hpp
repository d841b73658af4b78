// The journal's schema: numbered steps from one version to the next, kept track of by SQLite's user_version.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "persistence/sqlite.hpp"

namespace regent {

/// The step from schema `version - 1` to `version`.
struct migration {
  std::int64_t version = 0;
  std::string sql;
};

/// Written to the file's header: an SQLite file with another number belongs to another program.
inline constexpr std::int64_t journal_application_id = 0x72676e74;  // "rgnt"

/// All steps from an empty file, in order: persistence/schema/*.sql with their placeholders filled in.
const std::vector<migration>& journal_migrations();

/// Replaces every {{placeholder}} by the names or bounds that C++ has. An unknown one stays, and SQLite refuses the
/// text.
std::string fill_schema(std::string_view text);

/// The version of an open file; 0 for a new one. Changes nothing. Errors: permanent `journal_newer` above `known`,
/// permanent `journal_corrupt` if this is no journal.
result<std::int64_t> schema_version(sqlite::connection& db, std::int64_t known);

/// Brings the file to the last of `steps`, each step in one transaction. A file that has a schema already is copied
/// first, to `path`.before-N, N being the version it is brought to: if we die in the middle, the copy is made again.
result<void> migrate(sqlite::connection& db, const std::string& path, std::span<const migration> steps);

}  // namespace regent
