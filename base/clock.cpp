#include "base/clock.hpp"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace regent {

wall_time system_clock::wall() const {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

steady_time system_clock::steady() const { return std::chrono::steady_clock::now(); }

std::string iso_text(wall_time at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (at - whole).count());
}

namespace {
std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count) return std::nullopt;
  int value = 0;
  const auto* first = text.data() + from;
  const auto [end, code] = std::from_chars(first, first + count, value);
  if (code != std::errc{} || end != first + count) return std::nullopt;
  return value;
}
}  // namespace

std::optional<wall_time> parse_iso(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2),
             hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60 || *hour < 0 || *minute < 0 || *second < 0)
    return std::nullopt;
  auto rest = text.substr(19);
  int fraction = 0;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    int scale = 100;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      fraction += (rest.front() - '0') * scale;
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  if (!rest.empty() && rest != "Z" && rest != "+00:00") return std::nullopt;
  return wall_time{std::chrono::sys_days(date)} + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + milliseconds(fraction);
}

std::string span_text(milliseconds span) {
  const auto total = span.count();
  if (total < 1000) return fmt::format("{}ms", total);
  const auto seconds = total / 1000;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
}

}  // namespace regent
