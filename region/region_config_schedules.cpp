// The section `schedules`: what is done again and again by itself.
#include <fmt/format.h>

#include <algorithm>

#include "region/lifecycle_table.hpp"
#include "region/region_config_sections.hpp"

namespace regent {

namespace {

template <class Enum, std::size_t N>
void read_word(config_section& from, const std::string& key, Enum& into, const std::array<std::string_view, N>& names) {
  std::string word(names[static_cast<std::size_t>(into)]);
  if (from.text_of(key, word, {names.begin(), names.end()}))
    into = static_cast<Enum>(std::find(names.begin(), names.end(), word) - names.begin());
}

void read_zone(config_section& from, time_zone& into) {
  std::string name;
  if (!from.text("time_zone", name) || name.empty()) return;
  auto found = time_zone::find(name);
  if (found) {
    into = std::move(*found);
    return;
  }
  const auto near = nearest(name, time_zone::names());
  from.complain("time_zone", found.error().message,
                near.empty() ? "write it like Europe/Dublin; UTC if left out" : fmt::format("did you mean {}?", near));
}

/// Whether it is one that fires.
bool read_cron(config_section& from, cron_expression& into) {
  from.need("cron", "when, in five fields and in quotes: \"30 2 * * *\" is every day at half past two");
  std::string text;
  if (!from.text("cron", text) || text.empty()) return false;
  auto parsed = cron_expression::parse(text);
  if (!parsed) {
    from.complain("cron", parsed.error().message, "the fields are those of crontab(5)");
    return false;
  }
  if (!parsed->ever_fires()) {
    from.complain("cron", shown(text) + " never fires: no year has such a day", "check day of the month and month");
    return false;
  }
  into = std::move(*parsed);
  return true;
}

void read_jitter(config_section& from, bool has_cron, schedule_config& into) {
  if (!from.span("jitter", into.jitter, milliseconds(0), limits::schedule_jitter_most) || !has_cron) return;
  if (const auto between = into.when.shortest_interval(); into.jitter >= between && into.jitter.count() > 0)
    from.complain("jitter",
                  fmt::format("{} is not shorter than what lies between two firings, {}", span_text(into.jitter),
                              span_text(between)),
                  "make it shorter: each firing is to come before the next one's time");
}

void read_where(config_section& order, bulk_order& into) {
  auto where = order.section("where");
  if (!where) return;
  where->text("kind", into.kind, check_name);
  std::vector<std::string> states;
  for (const auto& row : lifecycle_table) states.emplace_back(row.name);
  where->text_of("state", into.state, states);
  where->text("project", into.project, check_name);
  bool degraded = false;
  if (where->flag("degraded", degraded)) into.degraded = degraded;
  where->close({{"resource", "a schedule is about all resources that are so: kind, state, project, degraded"}});
}

void read_order(config_section& from, bulk_order& into) {
  from.need("do", "what is to be done: `do: {verb: mend, where: {kind: virtual_router}}`");
  auto order = from.section("do");
  if (!order) return;
  order->need("verb", "retry, mend, cancel, scrub or restore");
  read_word(*order, "verb", into.what, bulk_verb_names);
  read_where(*order, into);
  if (is_of_project(into.what) && into.project.empty())
    order->complain("verb", std::string(project_is_missing), "write `where: {project: ID}`");
  order->close();
}

void read_schedule(config_section& from, schedule_config& into) {
  from.need("name", "what it has done, and whether it is paused, is kept under this name");
  from.text("name", into.name, check_name);
  const bool has_cron = read_cron(from, into.when);
  read_zone(from, into.zone);
  read_jitter(from, has_cron, into);
  read_word(from, "catch_up", into.missed, catch_up_names);
  read_word(from, "lane", into.in, lane_names);
  from.flag("enabled", into.enabled);
  read_order(from, into.what);
  from.close({{"timezone", "did you mean time_zone?"},
              {"zone", "did you mean time_zone?"},
              {"tz", "did you mean time_zone?"},
              {"schedule", "did you mean cron?"},
              {"when", "did you mean cron?"},
              {"verb", "it belongs below `do`"},
              {"where", "it belongs below `do`"}});
}

}  // namespace

void read_schedules_section(config_section& file, std::vector<schedule_config>& into) {
  const auto* list = file.value("schedules");
  if (list == nullptr || list->is == yaml_value::shape::null) return;
  if (list->is != yaml_value::shape::sequence)
    return file.complain("schedules", "not a list of schedules", "write `- name: NAME` lines below it");
  if (list->items.size() > limits::schedules)
    file.complain("schedules", fmt::format("{} schedules are too many", list->items.size()),
                  fmt::format("there may be {}", limits::schedules));
  for (std::size_t i = 0; i < std::min(list->items.size(), limits::schedules); ++i) {
    const auto path = fmt::format("schedules.{}", i);
    if (list->items[i]->is != yaml_value::shape::map) {
      file.complain_at(*list->items[i], path, "not a schedule with its name, cron and do",
                       "see `regent config example`");
      continue;
    }
    config_section one(*list->items[i], path, file.problems());
    schedule_config schedule;
    read_schedule(one, schedule);
    if (std::any_of(into.begin(), into.end(), [&](const auto& other) { return other.name == schedule.name; }))
      one.complain("name", shown(schedule.name) + " is the name of another schedule", "give each its own");
    into.push_back(std::move(schedule));
  }
}

}  // namespace regent
