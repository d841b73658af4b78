#include "test/persistence/temp_journal.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace regent::test {

temp_folder::temp_folder() {
  auto name = (std::filesystem::temp_directory_path() / "regent-journal-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

temp_folder::~temp_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<journal_reader> must_read(const std::string& path) {
  auto opened = open_sqlite_reader(path);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

journal_snapshot file_place::look() {
  auto reader = must_read(path());
  journal_snapshot found;
  const auto resources = reader->resources({}, "", limits::page_rows_most);
  REQUIRE(resources.has_value());
  for (const auto& row : resources->rows) found.resources.push_back(**reader->find_resource(row.id));
  const auto jobs = reader->jobs({}, "", limits::page_rows_most);
  REQUIRE(jobs.has_value());
  found.jobs = jobs->rows;
  std::reverse(found.jobs.begin(), found.jobs.end());
  for (const auto& row : found.jobs) {
    const auto steps = reader->steps(row.id);
    REQUIRE(steps.has_value());
    found.steps.insert(found.steps.end(), steps->begin(), steps->end());
  }
  const auto events = reader->events({}, "", limits::page_rows_most);
  REQUIRE(events.has_value());
  found.events = events->rows;
  std::reverse(found.events.begin(), found.events.end());
  return found;
}

void run_sql(const std::string& path, const std::string& sql) {
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, milliseconds(5000));
  REQUIRE(db.has_value());
  const auto done = db->run(sql, "run a test's statement on");
  INFO((done ? "" : done.error().text()));
  REQUIRE(done.has_value());
}

std::int64_t ask_sql(const std::string& path, const std::string& sql) {
  auto db = sqlite::connection::open(path, SQLITE_OPEN_READWRITE, milliseconds(5000));
  REQUIRE(db.has_value());
  const auto found = db->number(sql);
  INFO((found ? "" : found.error().text()));
  REQUIRE(found.has_value());
  return *found;
}

std::int64_t size_of(const std::string& path) {
  std::error_code code;
  const auto size = std::filesystem::file_size(path, code);
  return code ? 0 : static_cast<std::int64_t>(size);
}

std::int64_t page_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<unsigned char, 18> head{};
  in.read(reinterpret_cast<char*>(head.data()), head.size());
  REQUIRE(in);
  return head[16] << 8 | head[17];
}

void overwrite(const std::string& path, std::int64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  REQUIRE(file.is_open());
  file.seekp(offset);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

void overwrite_page(const std::string& path, std::int64_t number) {
  const auto bytes = page_bytes(path);
  REQUIRE(number * bytes <= size_of(path));
  overwrite(path, (number - 1) * bytes, std::string(static_cast<std::size_t>(bytes), '\xa5'));
}

void cut_in_half(const std::string& path) {
  const auto pages = size_of(path) / page_bytes(path);
  std::filesystem::resize_file(path, static_cast<std::uintmax_t>(pages / 2 * page_bytes(path)));
}

}  // namespace regent::test
