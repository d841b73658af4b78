#include "region/tree_order.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "region/region_config_reader.hpp"
#include "region/topic_filter.hpp"

namespace regent {

namespace {

std::optional<complaint> check_resource(const std::string& value) {
  if (resource_id::parse(value)) return std::nullopt;
  return complaint{shown(value) + " is not a resource", "write KIND/ID, such as virtual_router/3"};
}

std::optional<complaint> check_time(const std::string& value) {
  if (parse_iso(value)) return std::nullopt;
  return complaint{shown(value) + " is not a time", "write it like 2026-12-01T02:00:00Z"};
}

bool is_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc{} && end == text.data() + text.size() && number > 0;
}

std::optional<complaint> check_job(const std::string& value) {
  if (is_number(value)) return std::nullopt;
  return complaint{shown(value) + " is not a job's number", "regent jobs lists them"};
}

/// One text, or a list of them.
std::vector<std::string> one_or_more(config_section& from, const std::string& key) {
  std::vector<std::string> found;
  const auto* there = from.value(key);
  if (there == nullptr) return found;
  if (there->is == yaml_value::shape::sequence) {
    from.texts(key, found);
  } else {
    std::string one;
    if (from.text(key, one)) found.push_back(std::move(one));
  }
  return found;
}

void read_work(config_section& from, const std::string& what, branch& into) {
  if (const auto named =
          std::find(branch_work_names.begin(), branch_work_names.end(), what) - branch_work_names.begin();
      has_job(static_cast<branch_work>(named))) {
    into.work = static_cast<branch_work>(named);
    from.need("resource", "which one: KIND/ID");
    from.text("resource", into.subject, check_resource);
  } else if (what == "cancel") {
    into.work = branch_work::cancel;
    from.need("job", "which one: its number");
    from.text("job", into.subject, check_job);
  } else {
    into.work = what == "cordon" ? branch_work::cordon : branch_work::uncordon;
    from.need("host", "which one: its name in the region file");
    from.text("host", into.subject);
  }
}

void read_wait(config_section& wait, branch& into) {
  if (wait.has("resource")) {
    into.work = branch_work::until_state;
    wait.text("resource", into.subject, check_resource);
    wait.need("state", "for which of its states, such as running");
    const auto states = one_or_more(wait, "state");
    for (const auto& one : states)
      if (!parse_lifecycle_state(one))
        wait.complain("state", shown(one) + " is no state", "such as running, quiesced or closed");
    into.wanted = fmt::format("{}", fmt::join(states, ","));
  } else if (wait.has("job")) {
    into.work = branch_work::until_job;
    wait.text("job", into.subject, check_job);
  } else if (wait.has("event")) {
    into.work = branch_work::until_event;
    const auto topics = one_or_more(wait, "event");
    if (const auto known = topic_filter::of(topics); !known)
      wait.complain("event", known.error().message, "GET /api/v1/topics lists them");
    into.wanted = fmt::format("{}", fmt::join(topics, ","));
    if (wait.has("of")) wait.text("of", into.subject, check_resource);
  } else if (wait.has("time")) {
    into.work = branch_work::until_time;
    wait.text("time", into.subject, check_time);
  } else {
    wait.complain_at(wait.map(), wait.path(), "waits for nothing",
                     "for a resource and its state, a job, an event or a time");
  }
  wait.close();
}

void read_branch(config_section& from, branch& into) {
  from.need("name", "others come after it by this name");
  from.text("name", into.name, check_name);
  if (from.has("do") == from.has("wait"))
    from.complain_at(from.map(), from.path(),
                     from.has("do") ? "has both do and wait" : "neither does nor waits for anything",
                     "each branch is one thing to do, or one to wait for");
  std::string what;
  if (from.text_of("do", what, {"retry", "mend", "scrub", "restore", "cancel", "cordon", "uncordon"}))
    read_work(from, what, into);
  if (auto wait = from.section("wait")) {
    into.deadline = limits::tree_deadline;
    read_wait(*wait, into);
  }
  if (from.has("deadline")) from.span("deadline", into.deadline, std::chrono::seconds(1), limits::tree_deadline_most);
  std::string late;
  if (from.text_of("at_deadline", late, {"fail", "go_on"})) into.fails_late = late == "fail";
}

void read_settings(config_section& file, tree_order& into) {
  file.need("name", "what people will know it by");
  file.text("name", into.settings.name, check_name);
  std::string word;
  if (file.text_of("lane", word, {lane_names.begin(), lane_names.end()}))
    into.in = static_cast<lane>(std::find(lane_names.begin(), lane_names.end(), word) - lane_names.begin());
  file.number("at_once", into.settings.at_once, 1, limits::branches_at_once_most, "a number of branches");
  if (file.text_of("on_failure", word, {"stop", "go_on"})) into.settings.stops = word == "stop";
  if (file.has("deadline")) file.span("deadline", into.deadline, std::chrono::seconds(1), limits::tree_deadline_most);
  std::vector<std::string> hosts;
  if (file.texts("hold", hosts))
    for (auto& host : hosts) into.settings.hold.emplace_back(std::move(host));
}

/// Places of branches by their names.
using branch_places = std::map<std::string, int>;

void read_after(config_section& from, const branch_places& places, branch& into) {
  std::vector<std::string> names;
  from.texts("after", names);
  for (const auto& one : names) {
    const auto found = places.find(one);
    if (found == places.end())
      from.complain("after", "there is no branch " + shown(one), "name branches of this order");
    else
      into.after.push_back(found->second);
  }
}

void read_branches(config_section& file, tree_order& into) {
  const auto* list = file.value("branches");
  if (list == nullptr || list->is != yaml_value::shape::sequence)
    return file.complain("branches", "not a list of branches",
                         "write `- {name: NAME, do: mend, resource: KIND/ID}` lines");
  if (list->items.size() > limits::tree_branches)
    return file.complain("branches", fmt::format("{} branches are too many", list->items.size()),
                         fmt::format("a tree may have {}", limits::tree_branches));
  branch_places places;
  std::vector<config_section> sections;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const auto path = fmt::format("branches.{}", i);
    if (list->items[i]->is != yaml_value::shape::map) {
      file.complain_at(*list->items[i], path, "not a branch", "write {name: NAME, do: mend, resource: KIND/ID}");
      continue;
    }
    auto& section = sections.emplace_back(*list->items[i], path, file.problems());
    auto& made = into.branches.emplace_back();
    read_branch(section, made);
    if (!places.emplace(made.name, static_cast<int>(into.branches.size()) - 1).second)
      section.complain("name", shown(made.name) + " is the name of another branch", "give each its own");
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    read_after(sections[i], places, into.branches[i]);
    sections[i].close({{"depends_on", "did you mean after?"}, {"until", "did you mean wait?"}});
  }
}

}  // namespace

std::string tree_order_check::text(const std::string& source) const {
  config_check shown_as;
  shown_as.problems = problems;
  return shown_as.text(source);
}

tree_order_check parse_tree_order(const std::string& text) {
  tree_order_check found;
  yaml_tree values;
  const auto* root = read_yaml(text, values, found.problems);
  if (root == nullptr) return found;
  if (root->is != yaml_value::shape::map) {
    found.problems.push_back(
        {root->line, root->column, "", "not a tree of jobs", "it begins with its name and its branches"});
    return found;
  }
  tree_order made;
  config_section file(*root, "", found.problems);
  read_settings(file, made);
  read_branches(file, made);
  file.close();
  if (!found.problems.empty()) return found;
  if (const auto ordered = put_in_order(made); !ordered) {
    file.complain("branches", ordered.error().message);
    return found;
  }
  found.order = std::move(made);
  return found;
}

}  // namespace regent
