// A whole list, page by page, or an error. The cloud's order is not unique and its pages overlap, so a list is whole
// only if as many different records came as the cloud says there are.
#pragma once

#include <functional>

#include "edge/cloudcix_wire.hpp"

namespace regent {

inline constexpr int listing_rereads_most = 3;
inline constexpr int too_long_rows_most = 100;  ///< of one list; finding each costs a few requests

/// How a row's id stands to those before it in the same reading.
enum class row_news {
  fresh,
  again,         ///< pages overlap; this copy is the newer one
  twice,         ///< two rows of one page have this id
  unidentified,  ///< the row has no readable id
};

struct page_reader {
  std::function<result<wire_page>(int page, int limit)> get;
  int limit = 100;              ///< rows of a page, to begin with; the cloud may take another number
  std::function<void()> begin;  ///< a reading starts: forget what the last one gave
  std::function<void(const rapidjson::Value& row, row_news news)> take;
  /// The row at this place of the list, from 0, is longer than an answer may be, and why says so.
  std::function<void(int place, const error& why)> too_long;
};

/// Reads all pages of `what`. A page that is too long for an answer is read in smaller parts, down to single rows, so
/// that long records stand in nobody's way. Errors: those of `get`; transient `cloud_listing_unstable` if after
/// re-reading the count is still not the cloud's; transient `cloud_malformed` if the list does not end; transient
/// `cloud_too_long` if more than `too_long_rows_most` rows are too long alone.
result<void> read_all_pages(const std::string& what, const page_reader& reader);

}  // namespace regent
