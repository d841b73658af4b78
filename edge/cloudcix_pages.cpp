#include "edge/cloudcix_pages.hpp"

#include <unordered_set>

#include "base/limits.hpp"

namespace regent {

namespace {
/// One reading: what was counted, and what the cloud says.
struct reading {
  std::unordered_set<std::int64_t> ids;
  std::int64_t counted = 0;  ///< rows that are records of their own, as far as can be told
  std::int64_t total = -1;
  bool changed = false;

  bool whole() const { return !changed && counted == total; }
};

row_news news_of(const rapidjson::Value& row, reading& so_far, std::unordered_set<std::int64_t>& on_page) {
  const auto id = row.IsObject() ? row.FindMember("id") : rapidjson::Value::ConstMemberIterator{};
  if (!row.IsObject() || id == row.MemberEnd() || !id->value.IsInt64()) {
    ++so_far.counted;
    return row_news::unidentified;
  }
  const auto number = id->value.GetInt64();
  if (!on_page.insert(number).second) {
    ++so_far.counted;  // one query never gives a row twice: the cloud counts both
    return row_news::twice;
  }
  if (!so_far.ids.insert(number).second) return row_news::again;
  ++so_far.counted;
  return row_news::fresh;
}

result<reading> read_once(const std::string& what, const page_reader& reader) {
  reading out;
  reader.begin();
  for (std::size_t page = 0; page < limits::cloud_pages; ++page) {
    const auto got = reader.get(static_cast<int>(page));
    if (!got) return failure(got.error());
    out.changed = out.changed || (out.total >= 0 && out.total != got->total);
    out.total = got->total;
    std::unordered_set<std::int64_t> on_page;
    for (const auto& row : got->rows->GetArray()) reader.take(row, news_of(row, out, on_page));
    const auto next_row = static_cast<std::int64_t>(page + 1) * got->limit;
    if (got->rows->Empty() || next_row >= got->total) return out;
  }
  return fail(error_kind::transient, "cloud_malformed", "{}: more than {} pages", what, limits::cloud_pages);
}
}  // namespace

result<void> read_all_pages(const std::string& what, const page_reader& reader) {
  reading last;
  for (int i = 0; i <= listing_rereads_most; ++i) {
    auto got = read_once(what, reader);
    if (!got) return failure(got.error());
    if (got->whole()) return {};
    last = std::move(*got);
  }
  return fail(error_kind::transient, "cloud_listing_unstable",
              "{}: read {} times and never whole; at last {} of {} records{}", what, listing_rereads_most + 1,
              last.counted, last.total, last.changed ? ", and the total changed meanwhile" : "");
}

}  // namespace regent
