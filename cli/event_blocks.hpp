// Server-sent events, out of bytes that come in pieces of any size.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace regent::cli {

struct event_block {
  std::string type;  ///< of the `event:` line; empty for an ordinary one
  std::string data;  ///< empty: the block only moves the cursor on
  std::optional<std::int64_t> id;
};

class event_blocks {
 public:
  /// Calls `take` for each block that is whole now. Error: permanent `daemon_garbled` for a line without an end, or a
  /// block, of more than block_bytes.
  result<void> add(std::string_view bytes, const std::function<void(const event_block&)>& take);

  static constexpr std::size_t block_bytes = 1 << 20;

 private:
  void line(std::string_view text, const std::function<void(const event_block&)>& take);

  std::string rest_;
  event_block now_;
};

}  // namespace regent::cli
