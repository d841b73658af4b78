// A whole list, page by page, or an error. The cloud's order is not unique and its pages overlap, so a list is whole
// only if as many different records came as the cloud says there are.
#pragma once

#include <functional>

#include "edge/cloudcix_wire.hpp"

namespace regent {

inline constexpr int listing_rereads_most = 3;

/// How a row's id stands to those before it in the same reading.
enum class row_news {
  fresh,
  again,         ///< pages overlap; this copy is the newer one
  twice,         ///< two rows of one page have this id
  unidentified,  ///< the row has no readable id
};

struct page_reader {
  std::function<result<wire_page>(int page)> get;
  std::function<void()> begin;  ///< a reading starts: forget what the last one gave
  std::function<void(const rapidjson::Value& row, row_news news)> take;
};

/// Reads all pages of `what`. Errors: those of `get`; transient `cloud_listing_unstable` if after re-reading the count
/// is still not the cloud's; transient `cloud_malformed` if the list does not end.
result<void> read_all_pages(const std::string& what, const page_reader& reader);

}  // namespace regent
