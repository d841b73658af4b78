#include "edge/cloudcix_pages.hpp"

#include <unordered_set>

#include "base/limits.hpp"

namespace regent {

namespace {
/// One reading of the list, from its first page to its last.
class reading {
 public:
  reading(const std::string& what, const page_reader& reader) : what_(what), reader_(reader), limit_(reader.limit) {}

  result<void> read() {
    reader_.begin();
    for (int page = 0; page < static_cast<int>(limits::cloud_pages); ++page) {
      if (auto done = read_rows(page, limit_); !done) return done;
      if (is_behind_end(page + 1, limit_)) return {};
    }
    return malformed(fmt::format("more than {} pages", limits::cloud_pages));
  }

  bool whole() const { return !changed_ && counted_ == total_; }
  std::string text() const {
    return fmt::format("at last {} of {} records{}", counted_, total_,
                       changed_ ? ", and the total changed meanwhile" : "");
  }

 private:
  failure malformed(const std::string& why) const {
    return fail(error_kind::transient, "cloud_malformed", "{}: {}", what_, why);
  }

  bool is_behind_end(int page, int limit) const {
    return ended_ || (total_ >= 0 && static_cast<std::int64_t>(page) * limit >= total_);
  }

  /// The rows from page × limit on, `limit` of them or as many as there are.
  result<void> read_rows(int page, int limit) {
    const auto got = reader_.get(page, limit);
    if (!got && got.error().code == "cloud_too_long")
      return limit > 1 ? read_parts(page, limit) : leave_out(page, got.error());
    if (!got) return failure(got.error());
    if (limit == limit_)
      limit_ = static_cast<int>(got->limit);
    else if (got->limit != limit)
      return malformed(fmt::format("asked for {} records on a page, got a page of {}", limit, got->limit));
    take(*got);
    return {};
  }

  /// The same rows in the largest parts that a page number and a limit can name.
  result<void> read_parts(int page, int limit) {
    int parts = 2;
    while (limit % parts != 0) ++parts;
    for (int part = page * parts; part < (page + 1) * parts && !is_behind_end(part, limit / parts); ++part)
      if (auto done = read_rows(part, limit / parts); !done) return done;
    return {};
  }

  result<void> leave_out(int place, const error& why) {
    if (++too_long_ > too_long_rows_most) return failure(why);
    ++counted_;
    reader_.too_long(place, why);
    return {};
  }

  void take(const wire_page& page) {
    changed_ = changed_ || (total_ >= 0 && total_ != page.total);
    total_ = page.total;
    ended_ = page.rows->Empty();
    std::unordered_set<std::int64_t> on_page;
    for (const auto& row : page.rows->GetArray()) reader_.take(row, news_of(row, on_page));
  }

  row_news news_of(const rapidjson::Value& row, std::unordered_set<std::int64_t>& on_page) {
    const auto id = row.IsObject() ? row.FindMember("id") : rapidjson::Value::ConstMemberIterator{};
    if (!row.IsObject() || id == row.MemberEnd() || !id->value.IsInt64()) {
      ++counted_;
      return row_news::unidentified;
    }
    const auto number = id->value.GetInt64();
    if (!on_page.insert(number).second) {
      ++counted_;  // one query never gives a row twice: the cloud counts both
      return row_news::twice;
    }
    if (!ids_.insert(number).second) return row_news::again;
    ++counted_;
    return row_news::fresh;
  }

  const std::string& what_;
  const page_reader& reader_;
  int limit_;  ///< of a whole page, as the cloud takes it
  std::unordered_set<std::int64_t> ids_;
  std::int64_t counted_ = 0;  ///< rows that are records of their own, as far as can be told
  std::int64_t total_ = -1;   ///< as the cloud says
  int too_long_ = 0;
  bool changed_ = false;  ///< the total, between two pages
  bool ended_ = false;
};
}  // namespace

result<void> read_all_pages(const std::string& what, const page_reader& reader) {
  std::string last;
  for (int i = 0; i <= listing_rereads_most; ++i) {
    reading one(what, reader);
    if (auto done = one.read(); !done) return done;
    if (one.whole()) return {};
    last = one.text();
  }
  return fail(error_kind::transient, "cloud_listing_unstable", "{}: read {} times and never whole; {}", what,
              listing_rereads_most + 1, last);
}

}  // namespace regent
