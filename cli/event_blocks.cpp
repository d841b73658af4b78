#include "cli/event_blocks.hpp"

#include <charconv>

namespace regent::cli {

result<void> event_blocks::add(std::string_view bytes, const std::function<void(const event_block&)>& take) {
  rest_ += bytes;
  std::size_t begin = 0;
  for (auto end = rest_.find('\n'); end != rest_.npos; begin = end + 1, end = rest_.find('\n', begin))
    line(std::string_view(rest_).substr(begin, end - begin), take);
  rest_.erase(0, begin);
  if (rest_.size() > block_bytes || now_.data.size() > block_bytes)
    return fail(error_kind::permanent, "daemon_garbled", "what answers sends more than {} bytes in one event",
                block_bytes);
  return {};
}

void event_blocks::line(std::string_view text, const std::function<void(const event_block&)>& take) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) {
    if (now_.id || !now_.data.empty()) take(now_);
    now_ = {};
    return;
  }
  const auto colon = std::min(text.find(':'), text.size());
  const auto field = text.substr(0, colon);
  auto value = text.substr(std::min(colon + 1, text.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") now_.type = value;
  if (field == "data") now_.data += (now_.data.empty() ? "" : "\n") + std::string(value);
  if (field != "id") return;
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failed == std::errc{} && end == value.data() + value.size()) now_.id = number;
}

}  // namespace regent::cli
