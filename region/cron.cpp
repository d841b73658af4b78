#include "region/cron.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <span>
#include <vector>

#include "base/limits.hpp"

namespace regent {

namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::year_month_day;

enum cron_field : std::size_t { minute_field, hour_field, day_field, month_field, weekday_field };

struct cron_field_row {
  std::string_view name;
  unsigned least, most;
  std::span<const std::string_view> names;  ///< of the values from `least` on
};

constexpr std::string_view month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                            "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::array<cron_field_row, 5> cron_fields{{{"minute", 0, 59, {}},
                                                     {"hour", 0, 23, {}},
                                                     {"day of the month", 1, 31, {}},
                                                     {"month", 1, 12, month_names},
                                                     {"day of the week", 0, 7, weekday_names}}};

constexpr std::pair<std::string_view, std::string_view> cron_words[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};

constexpr days calendar_cycle{146097};  // 400 years of the Gregorian calendar: whole weeks, too

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<unsigned> digits_of(std::string_view text) {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto [last, code] = std::from_chars(text.data(), end, number);
  return code == std::errc{} && last == end ? std::optional(number) : std::nullopt;
}

failure bad_field(const cron_field_row& field, std::string_view value, std::string_view what) {
  return fail(error_kind::permanent, "bad_cron", "{}: '{}' {}", field.name, value, what);
}

result<unsigned> value_of(const cron_field_row& field, std::string_view text) {
  for (std::size_t i = 0; i < field.names.size(); ++i)
    if (std::equal(text.begin(), text.end(), field.names[i].begin(), field.names[i].end(),
                   [](char a, char b) { return upper(a) == b; }))
      return field.least + static_cast<unsigned>(i);
  const auto number = digits_of(text);
  if (number && *number >= field.least && *number <= field.most) return *number;
  return bad_field(field, text,
                   fmt::format("is not a number from {} to {}{}", field.least, field.most,
                               field.names.empty() ? "" : fmt::format(", nor a name like {}", field.names[0])));
}

/// `*`, a value or a range, and perhaps a step: the bits of its values.
result<std::uint64_t> part_of(const cron_field_row& field, std::string_view part) {
  const auto slash = part.find('/');
  const auto base = part.substr(0, slash);
  const auto dash = base.find('-');
  unsigned first = field.least, last = field.most;
  if (base != "*") {
    const auto from = value_of(field, base.substr(0, dash));
    if (!from) return failure(from.error());
    const auto to = dash == std::string_view::npos ? from : value_of(field, base.substr(dash + 1));
    if (!to) return failure(to.error());
    first = *from;
    last = &field == &cron_fields[weekday_field] && *to == 0 && first > 0 ? 7 : *to;  // FRI-SUN
    if (first > last) return bad_field(field, base, "is a range that ends before it begins");
  }
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto number = digits_of(part.substr(slash + 1));
    if (base != "*" && dash == std::string_view::npos)
      return bad_field(field, part,
                       fmt::format("has a step and no range: write {}-{}{}", base, field.most, part.substr(slash)));
    if (!number || *number == 0 || *number > field.most)
      return bad_field(field, part, fmt::format("has a step that is not a number from 1 to {}", field.most));
    step = *number;
  }
  std::uint64_t bits = 0;
  for (auto value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
  return bits;
}

result<std::uint64_t> set_of(const cron_field_row& field, std::string_view text) {
  std::uint64_t bits = 0;
  for (const auto part : split(text, ',')) {
    if (part.empty()) return bad_field(field, text, "has a comma with nothing beside it");
    const auto some = part_of(field, part);
    if (!some) return some;
    bits |= *some;
  }
  if (&field == &cron_fields[weekday_field] && (bits >> 7 & 1) != 0) bits = (bits | 1) & 0x7f;
  return bits;
}

}  // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  cron_expression made;
  made.text_ = text;
  const auto shown = text.substr(0, 60);
  if (text.size() > limits::cron_bytes)
    return fail(error_kind::permanent, "bad_cron", "'{}…' has more than {} bytes", shown, limits::cron_bytes);
  if (text.starts_with('@')) {
    const auto* found =
        std::find_if(std::begin(cron_words), std::end(cron_words), [&](const auto& one) { return one.first == text; });
    if (found == std::end(cron_words))
      return fail(error_kind::permanent, "bad_cron",
                  "there is no '{}': there are @hourly, @daily, @weekly, @monthly and @yearly", shown);
    text = found->second;
  }
  auto fields = split(text, ' ');
  std::erase(fields, std::string_view());
  if (fields.size() != cron_fields.size())
    return fail(error_kind::permanent, "bad_cron",
                "'{}' has {} fields and not 5: minute, hour, day of the month, month, day of the week", shown,
                fields.size());
  for (std::size_t i = 0; i < cron_fields.size(); ++i) {
    const auto set = set_of(cron_fields[i], fields[i]);
    if (!set) return failure(set.error());
    made.sets_[i] = *set;
  }
  made.either_day_ = !fields[day_field].starts_with('*') && !fields[weekday_field].starts_with('*');
  return made;
}

bool cron_expression::is_for_every_hour() const { return std::popcount(sets_[hour_field]) == 24; }

bool cron_expression::is_day(local_minutes at) const {
  const auto day = floor<days>(at);
  const bool of_month = has(day_field, unsigned(year_month_day(day).day()));
  const bool of_week = has(weekday_field, std::chrono::weekday(day).c_encoding());
  return either_day_ ? of_month || of_week : of_month && of_week;
}

std::optional<minutes> cron_expression::first_of_day(minutes from) const {
  for (auto minute = from; minute < days(1); ++minute) {
    const auto hour = static_cast<unsigned>(minute.count() / 60);
    if (!has(hour_field, hour))
      minute = std::chrono::hours(hour) + minutes(59);  // with ++: the next hour
    else if (has(minute_field, static_cast<unsigned>(minute.count() % 60)))
      return minute;
  }
  return std::nullopt;
}

std::optional<local_minutes> cron_expression::next_match(local_minutes from) const {
  local_days day = floor<days>(from);
  auto earliest = from - day;
  for (const auto end = day + calendar_cycle; day <= end; earliest = minutes(0)) {
    const year_month_day date(day);
    if (!has(month_field, unsigned(date.month()))) {
      day = local_days((date.year() / date.month() + std::chrono::months(1)) / 1);
      continue;
    }
    if (is_day(day))
      if (const auto at = first_of_day(earliest)) return day + *at;
    day += days(1);
  }
  return std::nullopt;
}

std::optional<wall_time> cron_expression::next(const time_zone& zone, wall_time after) const {
  auto period = zone.at(after);
  if (is_for_every_hour()) {
    for (auto from = after + milliseconds(1);; from = period.end, period = zone.at(from)) {
      const auto shown = std::chrono::ceil<minutes>((from + period.offset).time_since_epoch());
      const auto match = next_match(local_minutes(shown));
      if (!match) return std::nullopt;
      const wall_time at(match->time_since_epoch() - period.offset);
      if (at < period.end) return at;
    }
  }
  // Local times that have come already, in the hour that comes twice, are not after `after`: they are passed over.
  auto from = local_minutes(floor<minutes>((after + period.offset).time_since_epoch()));
  for (;; from += minutes(1)) {
    const auto match = next_match(from);
    if (!match) return std::nullopt;
    if (const auto at = zone.first_instant(*match); at > after) return at;
    from = *match;
  }
}

minutes cron_expression::shortest_interval() const {
  auto shortest = minutes(days(1));
  const auto first = first_of_day(minutes(0));
  for (auto at = first; at;) {
    const auto then = first_of_day(*at + minutes(1));
    shortest = std::min(shortest, then ? *then - *at : minutes(days(1)) - *at + *first);
    at = then;
  }
  return shortest;
}

}  // namespace regent
