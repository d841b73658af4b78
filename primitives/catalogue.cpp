#include "primitives/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "kind_files.hpp"
#include "primitive_files.hpp"

namespace regent {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view library_name = "library.sh";
constexpr std::size_t file_bytes_most = limits::script_bytes;

class loaded_catalogue final : public catalogue {
 public:
  loaded_catalogue(std::map<std::string, primitive> primitives, std::map<std::string, kind> kinds)
      : primitives_(std::move(primitives)), kinds_(std::move(kinds)) {}

  const primitive_script* find_script(const std::string& name) const override {
    const auto found = primitives_.find(name);
    return found == primitives_.end() ? nullptr : &found->second.script;
  }
  std::vector<std::string> kinds() const override {
    std::vector<std::string> out;
    for (const auto& [name, one] : kinds_) out.push_back(name);
    return out;
  }
  bool has_scrub_queue(const std::string& name) const override {
    const auto found = kinds_.find(name);
    return found != kinds_.end() && found->second.scrub_queue;
  }
  kind_needs needs() const override {
    kind_needs all;
    for (const auto& [name, one] : kinds_) all[name] = one.needs;
    return all;
  }
  result<plan> make_plan(operation what, const record& resource, const region_config& region,
                         bool settles_quiesced) const override {
    const auto found = kinds_.find(resource.head.id.kind);
    if (found == kinds_.end())
      return fail(error_kind::permanent, "plan_kind_unknown", "there is no kind '{}'", resource.head.id.kind);
    return plan_operation(found->second, primitives_, what, resource, region, settles_quiesced);
  }

 private:
  std::map<std::string, primitive> primitives_;
  std::map<std::string, kind> kinds_;
};

std::string_view library_text() {
  for (const auto& file : primitive_files())
    if (file.name == library_name) return file.text;
  return {};
}

std::string stem(std::string_view file) { return std::string(file.substr(0, file.rfind('.'))); }

/// The files `folder`/*`ending`, by name. A folder that is not there holds none.
std::vector<catalogue_file> files_in(const fs::path& folder, const std::string& ending,
                                     std::vector<std::string>& problems) {
  std::vector<catalogue_file> out;
  std::error_code trouble;
  for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end; entry.increment(trouble)) {
    const auto path = entry->path();
    if (path.extension() != ending || path.filename() == library_name) continue;
    std::error_code unsized;
    const auto size = fs::file_size(path, unsized);
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    if (unsized || size > file_bytes_most || !(text << stream.rdbuf()))
      problems.push_back(
          fmt::format("{}: cannot be read, is empty, or is longer than {} bytes", path.string(), file_bytes_most));
    else
      out.push_back({stem(path.filename().string()), text.str(), folder.string()});
  }
  if (trouble && trouble != std::errc::no_such_file_or_directory)
    problems.push_back(fmt::format("{}: {}", folder.string(), trouble.message()));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

failure malformed(const std::vector<std::string>& problems) {
  return fail(error_kind::permanent, "catalogue_malformed", "{}", fmt::join(problems, "\n"));
}

/// Kinds that are there, and none that needs the first one in turn.
void check_needs(const std::string& name, const std::map<std::string, kind>& kinds, complaints& wrong) {
  const auto& direct = kinds.at(name).needs;
  std::vector<std::string> ways = direct;
  std::set<std::string> seen;
  while (!ways.empty()) {
    const auto next = ways.back();
    ways.pop_back();
    const auto found = kinds.find(next);
    if (found == kinds.end()) {
      if (std::find(direct.begin(), direct.end(), next) != direct.end())
        wrong.add(1, fmt::format("needs '{}', and there is no such kind", next));
      continue;
    }
    if (next == name) return wrong.add(1, fmt::format("'{}' needs itself, maybe by way of others", name));
    if (seen.insert(next).second) ways.insert(ways.end(), found->second.needs.begin(), found->second.needs.end());
  }
}

}  // namespace

result<std::shared_ptr<const catalogue>> make_catalogue(const std::vector<catalogue_file>& primitives,
                                                        const std::vector<catalogue_file>& kinds) {
  complaints wrong;
  std::map<std::string, primitive> known;
  std::map<std::string, kind> known_kinds;
  const auto taken = [&](const auto& among, const catalogue_file& file, const char* ending) {
    if (!among.contains(file.name)) return false;
    wrong.enter(file.from + "/" + file.name + ending, 0);
    wrong.add(1, "there is already one of that name");
    return true;
  };
  for (const auto& file : primitives)
    if (!taken(known, file, ".sh"))
      known.emplace(file.name, read_primitive(file.name, file.text, library_text(), wrong));
  for (const auto& file : kinds)
    if (!taken(known_kinds, file, ".yaml"))
      known_kinds.emplace(file.name, read_kind(file.name, file.text, known, wrong));
  for (const auto& file : kinds) {
    wrong.enter("kinds/" + file.name + ".yaml", 0);
    check_needs(file.name, known_kinds, wrong);
  }
  if (!wrong.lines().empty()) return malformed(wrong.lines());
  return std::make_shared<const loaded_catalogue>(std::move(known), std::move(known_kinds));
}

result<std::shared_ptr<const catalogue>> load_catalogue(const std::vector<std::string>& directories) {
  std::vector<catalogue_file> primitives;
  std::vector<catalogue_file> kinds;
  std::vector<std::string> problems;
  for (const auto& file : primitive_files())
    if (file.name != library_name) primitives.push_back({stem(file.name), std::string(file.text), "built in"});
  for (const auto& file : kind_files()) kinds.push_back({stem(file.name), std::string(file.text), "built in"});
  for (const auto& directory : directories) {
    if (!fs::is_directory(directory)) problems.push_back(directory + ": is not a folder");
    for (auto& file : files_in(directory, ".sh", problems)) primitives.push_back(std::move(file));
    for (auto& file : files_in(fs::path(directory) / "kinds", ".yaml", problems)) kinds.push_back(std::move(file));
  }
  if (!problems.empty()) return malformed(problems);
  return make_catalogue(primitives, kinds);
}

}  // namespace regent
