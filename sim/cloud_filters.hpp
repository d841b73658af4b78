// Lists as the cloud makes them: search, exclude, order and pages, with its habit of skipping what it does not know.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/cloud_rows.hpp"

namespace regent::sim {

using query_items = std::vector<std::pair<std::string, std::string>>;

/// Splits and percent-decodes what follows '?'.
query_items parse_query(std::string_view text);

/// The whole answer to a GET of a list: envelope with `_metadata`, or 400 when a value does not fit its field.
answer list_answer(const cloud_rows& rows, kind what, const query_items& query);

}  // namespace regent::sim
