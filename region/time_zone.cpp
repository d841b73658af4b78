#include "region/time_zone.hpp"

#include <date/tz.h>

#include <algorithm>

namespace regent {

namespace {

const date::time_zone& zone_rules(const void* of) { return *static_cast<const date::time_zone*>(of); }

}  // namespace

result<time_zone> time_zone::find(const std::string& name) {
  time_zone made;
  if (name == made.name_) return made;
  try {
    const auto& all = date::get_tzdb().zones;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name() == name; });
    if (found == all.end())
      return fail(error_kind::permanent, "unknown_time_zone", "there is no time zone '{}'", name.substr(0, 60));
    static_cast<void>(found->get_info(date::sys_seconds{}));  // its file is read now: a bad one is found here
    made.rules_ = &*found;
  } catch (const std::runtime_error& wrong) {
    return fail(error_kind::permanent, "no_time_zones", "time zones cannot be read (is tzdata installed?): {}",
                wrong.what());
  }
  made.name_ = name;
  return made;
}

std::vector<std::string> time_zone::names() {
  std::vector<std::string> all{"UTC"};
  try {
    for (const auto& one : date::get_tzdb().zones)
      if (one.name() != all.front()) all.push_back(one.name());
  } catch (const std::runtime_error&) {
    // no tzdata: UTC is what there is
  }
  return all;
}

time_zone::period time_zone::at(wall_time when) const {
  if (rules_ == nullptr) return {std::chrono::seconds(0), wall_time::max()};
  const auto info = zone_rules(rules_).get_info(when);
  return {info.offset, info.end};
}

wall_time time_zone::first_instant(local_minutes local) const {
  const auto shown = local.time_since_epoch();
  if (rules_ == nullptr) return wall_time(shown);
  const auto info = zone_rules(rules_).get_info(date::local_time<std::chrono::minutes>(shown));
  if (info.result == date::local_info::nonexistent) return info.first.end;
  return wall_time(shown - info.first.offset);
}

}  // namespace regent
