// When something is to happen again and again: the five fields of crontab(5), in a time zone. No clock: a time in, the next one
// out.
//
// Minute, hour, day of the month, month, day of the week; in each a list with commas of numbers, ranges and '*', the latter two
// with /STEP if wanted; months and days of the week also by the first three letters of their English names; Sunday is 0 and 7.
// @hourly, @daily (@midnight), @weekly, @monthly and @yearly (@annually) stand for what crontab(5) says.
//
// Days, by crontab(5): if neither day field begins with '*', a day that matches either of them is meant; else one that matches
// both.
//
// A clock that is put forward or back, by the rule of Debian's cron(8), "Daylight saving time and other time changes":
// - whatever is for certain hours happens once for each time that is named: for a time that is jumped over, right after the
//   jump (several such times: once together); for a time that comes twice, at its first coming;
// - whatever is for every hour (its hours are '*') follows the clock as it runs: nothing for the hour that there is not, and
//   the hour that comes twice is two hours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "region/time_zone.hpp"

namespace regent {

class cron_expression {
 public:
  /// Errors: permanent `bad_cron` that names field and value.
  static result<cron_expression> parse(std::string_view text);

  /// As it was written.
  const std::string& text() const { return text_; }

  /// False if no day of the calendar is meant, such as 30 February. Exact: the calendar repeats itself after 400 years, and all of
  /// them are looked at.
  bool ever_fires() const { return next_match(local_minutes{}).has_value(); }

  /// The first time after `after`; always a full minute of local time, or the end of a jump. None only if !ever_fires().
  std::optional<wall_time> next(const time_zone& zone, wall_time after) const;

  /// No two times are nearer to each other, but for changes of the clock; a day if it may be more.
  std::chrono::minutes shortest_interval() const;

  bool operator==(const cron_expression&) const = default;

 private:
  bool has(std::size_t field, unsigned value) const { return (sets_[field] >> value & 1) != 0; }
  bool is_for_every_hour() const;
  bool is_day(local_minutes at) const;
  std::optional<std::chrono::minutes> first_of_day(std::chrono::minutes from) const;
  /// The first local time from `from` on that the fields match, whether the clock shows it or not.
  std::optional<local_minutes> next_match(local_minutes from) const;

  std::string text_;
  std::array<std::uint64_t, 5> sets_{};  ///< by field: bit N for the value N
  bool either_day_ = false;
};

}  // namespace regent
