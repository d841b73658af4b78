// A folder with a journal's file, gone with the test.
#pragma once

#include <string>

#include "persistence/journal_reader.hpp"
#include "persistence/sqlite_journal.hpp"
#include "test/contract/journal_suite.hpp"

namespace regent::test {

class temp_folder {
 public:
  temp_folder();
  ~temp_folder();
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class file_place final : public journal_place {
 public:
  result<std::unique_ptr<journal>> open() override { return open_sqlite_journal(path(), options); }
  journal_snapshot look() override;
  std::string path() const { return folder / "journal.db"; }

  temp_folder folder;
  sqlite_journal_options options;
};

std::unique_ptr<journal_reader> must_read(const std::string& path);

/// Runs SQL on a connection of its own, as a person with the sqlite3 shell would. Fails the test on an error.
void run_sql(const std::string& path, const std::string& sql);
std::int64_t ask_sql(const std::string& path, const std::string& sql);

std::int64_t size_of(const std::string& path);
std::int64_t page_bytes(const std::string& path);  ///< as its header says
void overwrite(const std::string& path, std::int64_t offset, const std::string& bytes);
void overwrite_page(const std::string& path, std::int64_t number);  ///< with garbage; the first page is number 1
void cut_in_half(const std::string& path);                          ///< at the end of a page

}  // namespace regent::test
