#include "region/cron.hpp"

#include <random>
#include <set>

#include "test/support/catch.hpp"

using namespace regent;
using namespace std::chrono_literals;

namespace {

cron_expression cron(std::string_view text) {
  auto parsed = cron_expression::parse(text);
  INFO(text << (parsed ? "" : ": " + parsed.error().message));
  REQUIRE(parsed);
  return *parsed;
}

std::string refusal(std::string_view text) {
  const auto parsed = cron_expression::parse(text);
  INFO(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == "bad_cron");
  CHECK(parsed.error().kind == error_kind::permanent);
  return parsed.error().message;
}

time_zone zone(const std::string& name) {
  const auto found = time_zone::find(name);
  REQUIRE(found);
  return *found;
}

wall_time at(std::string_view iso) { return parse_iso(iso).value(); }
std::string brief(wall_time when) { return iso_text(when).substr(0, 16); }

/// The next `count` times, as UTC to the minute.
std::vector<std::string> times(std::string_view expression, std::string_view after, std::size_t count,
                               const std::string& in = "UTC") {
  const auto parsed = cron(expression);
  const auto where = zone(in);
  std::vector<std::string> found;
  auto from = at(after);
  for (std::size_t i = 0; i < count; ++i) {
    const auto next = parsed.next(where, from);
    REQUIRE(next);
    CHECK(*next > from);
    from = *next;
    found.push_back(brief(from));
  }
  return found;
}
using list = std::vector<std::string>;

}  // namespace

TEST_CASE("each field takes numbers, lists, ranges, steps and names", "[cron]") {
  CHECK(times("*/20 * * * *", "2026-03-01T00:00:00Z", 4) ==
        list{"2026-03-01T00:20", "2026-03-01T00:40", "2026-03-01T01:00", "2026-03-01T01:20"});
  CHECK(times("5,50-52 9 * * *", "2026-03-01T09:05:00Z", 4) ==
        list{"2026-03-01T09:50", "2026-03-01T09:51", "2026-03-01T09:52", "2026-03-02T09:05"});
  CHECK(times("0 8-18/5 * * *", "2026-03-01T00:00:00Z", 4) ==
        list{"2026-03-01T08:00", "2026-03-01T13:00", "2026-03-01T18:00", "2026-03-02T08:00"});
  CHECK(times("0 0 1 JAN,jul *", "2026-03-01T00:00:00Z", 2) == list{"2026-07-01T00:00", "2027-01-01T00:00"});
  CHECK(times("0 0 * * mon-Wed", "2026-03-01T00:00:00Z", 4) ==
        list{"2026-03-02T00:00", "2026-03-03T00:00", "2026-03-04T00:00", "2026-03-09T00:00"});
  CHECK(times("0 0 * * FRI-SUN", "2026-03-01T00:00:00Z", 3) ==
        list{"2026-03-06T00:00", "2026-03-07T00:00", "2026-03-08T00:00"});
  CHECK(times("0 0 * * 7", "2026-03-01T00:00:00Z", 1) == times("0 0 * * 0", "2026-03-01T00:00:00Z", 1));
  CHECK(times("0 0 31 * *", "2026-03-31T00:00:00Z", 2) == list{"2026-05-31T00:00", "2026-07-31T00:00"});
  CHECK(times("  59   23  * *  * ", "2026-12-31T23:58:59Z", 2) == list{"2026-12-31T23:59", "2027-01-01T23:59"});
}

TEST_CASE("words stand for what crontab(5) says", "[cron]") {
  const auto same = [](std::string_view word, std::string_view fields) {
    CHECK(times(word, "2026-05-05T05:05:00Z", 3) == times(fields, "2026-05-05T05:05:00Z", 3));
  };
  same("@hourly", "0 * * * *");
  same("@daily", "0 0 * * *");
  same("@midnight", "0 0 * * *");
  same("@weekly", "0 0 * * 0");
  same("@monthly", "0 0 1 * *");
  same("@yearly", "0 0 1 1 *");
  same("@annually", "0 0 1 1 *");
  CHECK(cron("@daily").text() == "@daily");
}

TEST_CASE("two restricted day fields mean either, one that begins with a star means both", "[cron]") {
  // 13 March 2026 is a Friday.
  CHECK(times("0 0 13 * FRI", "2026-03-01T00:00:00Z", 4) ==
        list{"2026-03-06T00:00", "2026-03-13T00:00", "2026-03-20T00:00", "2026-03-27T00:00"});
  CHECK(times("0 0 10 * FRI", "2026-03-07T00:00:00Z", 2) == list{"2026-03-10T00:00", "2026-03-13T00:00"});
  CHECK(times("0 0 */12 * FRI", "2026-03-01T00:00:00Z", 2) == list{"2026-03-13T00:00", "2026-05-01T00:00"});
  CHECK(times("0 0 13 * */5", "2026-03-01T00:00:00Z", 2) == list{"2026-03-13T00:00", "2026-09-13T00:00"});
}

TEST_CASE("what is wrong names its field and its value", "[cron]") {
  CHECK(refusal("60 * * * *") == "minute: '60' is not a number from 0 to 59");
  CHECK(refusal("* 24 * * *") == "hour: '24' is not a number from 0 to 23");
  CHECK(refusal("* * 0 * *") == "day of the month: '0' is not a number from 1 to 31");
  CHECK(refusal("* * * 13 *") == "month: '13' is not a number from 1 to 12, nor a name like JAN");
  CHECK(refusal("* * * * 8") == "day of the week: '8' is not a number from 0 to 7, nor a name like SUN");
  CHECK(refusal("* * * * MONDAY").find("'MONDAY'") != std::string::npos);
  CHECK(refusal("* * MON * *") == "day of the month: 'MON' is not a number from 1 to 31");
  CHECK(refusal("-1 * * * *").find("minute: ''") != std::string::npos);
  CHECK(refusal("+1 * * * *").find("'+1'") != std::string::npos);
  CHECK(refusal("1.5 * * * *").find("'1.5'") != std::string::npos);
  CHECK(refusal("* 22-2 * * *") == "hour: '22-2' is a range that ends before it begins");
  CHECK(refusal("1-2-3 * * * *").find("'2-3'") != std::string::npos);
  CHECK(refusal("5/10 * * * *") == "minute: '5/10' has a step and no range: write 5-59/10");
  CHECK(refusal("*/0 * * * *") == "minute: '*/0' has a step that is not a number from 1 to 59");
  CHECK(refusal("*/60 * * * *").find("'*/60'") != std::string::npos);
  CHECK(refusal("*/ * * * *").find("'*/'") != std::string::npos);
  CHECK(refusal("** * * * *").find("'**'") != std::string::npos);
  CHECK(refusal("1,,2 * * * *") == "minute: '1,,2' has a comma with nothing beside it");
  CHECK(refusal("* * * *").find("has 4 fields and not 5") != std::string::npos);
  CHECK(refusal("0 0 12 * * ?").find("has 6 fields") != std::string::npos);
  CHECK(refusal("").find("has 0 fields") != std::string::npos);
  CHECK(refusal("@reboot").find("there is no '@reboot'") != std::string::npos);
  CHECK(refusal(std::string(300, '1')).find("more than 200 bytes") != std::string::npos);
  CHECK(refusal("99999999999999999999 * * * *").find("is not a number from 0 to 59") != std::string::npos);
}

TEST_CASE("a day that no year has never comes, and a rare one does", "[cron]") {
  for (const auto* never : {"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30,31 FEB *"}) {
    INFO(never);
    CHECK_FALSE(cron(never).ever_fires());
    CHECK_FALSE(cron(never).next(zone("Europe/Dublin"), at("2026-01-01T00:00:00Z")));
  }
  CHECK_FALSE(cron("* * 30 2 *").next({}, at("2026-01-01T00:00:00Z")));
  CHECK(cron("0 0 30 2 MON").ever_fires());                                           // either: Mondays in February
  CHECK(times("0 0 29 2 *", "2096-03-01T00:00:00Z", 1) == list{"2104-02-29T00:00"});  // 2100 is no leap year
  // Both: the 29th of February that is a Monday.
  CHECK(times("0 12 29 2 */7", "2026-01-01T00:00:00Z", 1) == list{"2032-02-29T12:00"});
}

TEST_CASE("in spring a time that is jumped over comes once, right after the jump", "[cron]") {
  CHECK(times("30 1 * * *", "2026-03-27T12:00:00Z", 3, "Europe/Dublin") ==
        list{"2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"});
  // Three that are jumped over are one, and so is the one at the end of the jump.
  CHECK(times("0,20,40 1,2 * * *", "2026-03-29T00:00:00Z", 3, "Europe/Dublin") ==
        list{"2026-03-29T01:00", "2026-03-29T01:20", "2026-03-29T01:40"});
  CHECK(times("30 2 * * *", "2026-03-07T12:00:00Z", 2, "America/New_York") ==
        list{"2026-03-08T07:00", "2026-03-09T06:30"});
  CHECK(times("15 2 * * *", "2026-10-03T00:00:00Z", 2, "Australia/Lord_Howe") ==  // by half an hour
        list{"2026-10-03T15:30", "2026-10-04T15:15"});
  CHECK(times("@daily", "2026-04-22T23:00:00Z", 3, "Africa/Cairo") ==  // at midnight
        list{"2026-04-23T22:00", "2026-04-24T21:00", "2026-04-25T21:00"});
  CHECK(times("0 12 30 12 *", "2011-12-01T00:00:00Z", 1, "Pacific/Apia") == list{"2011-12-30T10:00"});  // a whole day
}

TEST_CASE("in autumn a time that comes twice counts once, at its first coming", "[cron]") {
  CHECK(times("30 1 * * *", "2026-10-24T12:00:00Z", 2, "Europe/Dublin") ==
        list{"2026-10-25T00:30", "2026-10-26T01:30"});
  CHECK(times("*/30 1-2 * * *", "2026-10-24T23:59:00Z", 4, "Europe/Dublin") ==
        list{"2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T02:00", "2026-10-25T02:30"});
  CHECK(times("30 1 * * *", "2026-11-01T05:30:00Z", 1, "America/New_York") == list{"2026-11-02T06:30"});
  // Begun in the second hour: what came in the first is over.
  CHECK(times("30 1 * * *", "2026-10-25T01:10:00Z", 1, "Europe/Dublin") == list{"2026-10-26T01:30"});
  CHECK(times("45 1 * * *", "2026-04-04T14:00:00Z", 2, "Australia/Lord_Howe") ==
        list{"2026-04-04T14:45", "2026-04-05T15:15"});
}

TEST_CASE("what is for every hour follows the clock as it runs", "[cron]") {
  CHECK(times("30 * * * *", "2026-03-29T00:00:00Z", 3, "Europe/Dublin") ==
        list{"2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"});
  CHECK(times("30 * * * *", "2026-10-25T00:00:00Z", 3, "Europe/Dublin") ==
        list{"2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"});
  CHECK(times("*/30 0-23 * * *", "2026-04-04T14:00:00Z", 4, "Australia/Lord_Howe") ==
        list{"2026-04-04T14:30", "2026-04-04T15:00", "2026-04-04T15:30", "2026-04-04T16:00"});
}

TEST_CASE("zones are those of the machine, by their IANA names", "[cron]") {
  CHECK(time_zone().name() == "UTC");
  CHECK(zone("Etc/UTC").name() == "Etc/UTC");
  for (const auto* name : {"Europe/Dubln", "", "../../etc/passwd", "europe/dublin", "BST"}) {
    const auto found = time_zone::find(name);
    INFO(name);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == "unknown_time_zone");
  }
  const auto names = time_zone::names();
  CHECK(names.size() > 300);
  CHECK(std::count(names.begin(), names.end(), "UTC") == 1);
}

TEST_CASE("no two times are nearer to each other than the shortest interval", "[cron]") {
  CHECK(cron("* * * * *").shortest_interval() == 1min);
  CHECK(cron("*/15 * * * *").shortest_interval() == 15min);
  CHECK(cron("0,50 * * * *").shortest_interval() == 10min);
  CHECK(cron("30 2 * * *").shortest_interval() == 24h);
  CHECK(cron("0 0,23 * * *").shortest_interval() == 1h);
  CHECK(cron("@yearly").shortest_interval() == 24h);
}

namespace {

/// The rules of cron.hpp's head, word for word, by walking from minute to minute.
class walk {
 public:
  walk(const std::array<std::set<unsigned>, 5>& sets, bool either, const time_zone& in)
      : sets_(sets), either_(either), in_(in) {}

  std::set<wall_time> all(wall_time from, wall_time to) const {
    std::set<wall_time> found;
    std::set<local_minutes> shown;
    for (auto now = from - 48h; now < to; now += 1min) {
      const auto local = local_at(now);
      const bool new_to_us = shown.insert(local).second;
      bool fires = matches(local) && (new_to_us || for_every_hour());
      if (!for_every_hour())
        for (auto jumped = local_at(now - 1min) + 1min; jumped < local; jumped += 1min) fires |= matches(jumped);
      if (fires && now >= from) found.insert(now);
    }
    return found;
  }

 private:
  bool for_every_hour() const { return sets_[1].size() == 24; }
  local_minutes local_at(wall_time now) const {
    return local_minutes(std::chrono::floor<std::chrono::minutes>((now + in_.at(now).offset).time_since_epoch()));
  }
  bool matches(local_minutes local) const {
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date(day);
    const auto minute = static_cast<unsigned>((local - day).count());
    const bool of_month = sets_[2].contains(unsigned(date.day()));
    const bool of_week = sets_[4].contains(std::chrono::weekday(day).c_encoding());
    return sets_[0].contains(minute % 60) && sets_[1].contains(minute / 60) &&
           sets_[3].contains(unsigned(date.month())) && (either_ ? of_month || of_week : of_month && of_week);
  }

  std::array<std::set<unsigned>, 5> sets_;
  bool either_;
  const time_zone& in_;
};

struct random_cron {
  std::string text;
  std::array<std::set<unsigned>, 5> sets;
  bool either = true;
};

/// Written as text and as sets by two hands: a field is a star, a star with a step, a range with a step, or a list.
random_cron make_random(std::mt19937& random) {
  constexpr std::array<std::pair<unsigned, unsigned>, 5> bounds{{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}}};
  const auto pick = [&](unsigned least, unsigned most) {
    return least + static_cast<unsigned>(random() % (most - least + 1));
  };
  random_cron made;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto [least, most] = bounds[i];
    auto first = least, last = most, step = 1u;
    std::string text = "*";
    const auto form = pick(0, i == 1 ? 5 : 3);
    if (form == 1 || form == 2) step = pick(1, most);
    if (form == 2) {
      first = pick(least, most);
      last = pick(first, most);
      text = fmt::format("{}-{}", first, last);
    }
    if (form == 1 || form == 2) text += fmt::format("/{}", step);
    if (form >= 3 && !(i == 1 && form == 5)) {
      first = 1, last = 0;
      text.clear();
      for (auto count = pick(1, 3); count > 0; --count) {
        const auto value = i == 1 ? pick(0, 3) : pick(least, most);  // hours in which clocks are changed
        made.sets[i].insert(value);
        text += fmt::format("{}{}", text.empty() ? "" : ",", value);
      }
    }
    for (auto value = first; value <= last; value += step) made.sets[i].insert(value);
    if (i == 2 || i == 4) made.either = made.either && text[0] != '*';
    made.text += (i == 0 ? "" : " ") + text;
  }
  return made;
}

}  // namespace

TEST_CASE("random expressions come when a walk from minute to minute says, also where clocks are changed", "[cron]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  struct change {
    const char* zone;
    const char* from;
  };
  constexpr change changes[] = {{"UTC", "2026-02-26T00:00:00Z"},
                                {"Europe/Dublin", "2026-03-28T00:00:00Z"},
                                {"Europe/Dublin", "2026-10-24T00:00:00Z"},
                                {"America/New_York", "2027-03-13T00:00:00Z"},
                                {"America/New_York", "2026-10-31T00:00:00Z"},
                                {"Australia/Lord_Howe", "2026-10-02T12:00:00Z"},
                                {"Australia/Lord_Howe", "2027-04-02T12:00:00Z"},
                                {"Africa/Cairo", "2026-04-22T12:00:00Z"},
                                {"America/St_Johns", "2026-10-31T12:00:00Z"},
                                {"Pacific/Apia", "2011-12-29T00:00:00Z"},
                                {"Asia/Kathmandu", "2026-12-30T00:00:00Z"}};
  std::size_t fired = 0;
  for (int round = 0; round < 20; ++round) {
    for (const auto& [name, begin] : changes) {
      const auto made = make_random(random);
      const auto in = zone(name);
      const auto from = at(begin) + std::chrono::minutes(random() % 1440), to = from + 60h;
      const auto expected = walk(made.sets, made.either, in).all(from, to);
      const auto parsed = cron(made.text);
      std::set<wall_time> found;
      for (auto next = parsed.next(in, from - 1ms); next && *next < to; next = parsed.next(in, *next))
        found.insert(*next);
      INFO(made.text << " in " << name << " from " << iso_text(from));
      CHECK(found == expected);
      fired += expected.size();
    }
  }
  CHECK(fired > 1000);
}
