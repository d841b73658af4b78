// The section `throttles`: how much may be at work at once, and how much may begin within a span.
#include <fmt/format.h>

#include <algorithm>

#include "region/region_config_sections.hpp"

namespace regent {

namespace {

void read_each(config_section& from, throttle_each& into) {
  std::string word(name(into));
  if (from.text_of("each", word, {throttle_each_names.begin(), throttle_each_names.end()}))
    into = static_cast<throttle_each>(std::find(throttle_each_names.begin(), throttle_each_names.end(), word) -
                                      throttle_each_names.begin());
}

void read_throttle(config_section& from, const std::vector<host_config>& hosts, throttle_config& into) {
  from.need("name", "people are told by this name what a job waits for");
  from.text("name", into.name, check_name);
  from.text("kind", into.kind, check_name);
  from.text("project", into.project, check_name);
  std::string host;
  if (from.text("host", host) && !host.empty()) {
    into.host = host_id(host);
    if (std::none_of(hosts.begin(), hosts.end(), [&](const host_config& one) { return one.name == into.host; }))
      from.complain("host", shown(host) + " is not one of the hosts", "write the name of one, or `each: host` for all");
  }
  read_each(from, into.each);
  from.number("at_once", into.at_once, 1, limits::throttle_most, "a number of jobs");
  from.number("begin", into.begin, 1, limits::throttle_most, "a number of jobs");
  from.span("within", into.within, std::chrono::seconds(1), limits::throttle_within_most);
  if (!from.has("at_once") && !from.has("begin"))
    from.complain("at_once", "a throttle that throttles nothing", "say at_once, or begin and within");
  if (from.has("begin") != from.has("within"))
    from.complain(from.has("begin") ? "begin" : "within", "begin and within go together",
                  "`begin: 30` and `within: 1m`: in no minute do more than 30 begin");
  from.close({{"rate", "did you mean begin and within?"},
              {"per", "did you mean within, or each?"},
              {"concurrency", "did you mean at_once?"},
              {"limit", "did you mean at_once?"},
              {"hosts", "did you mean host, or `each: host`?"}});
}

}  // namespace

void read_throttles_section(config_section& file, const std::vector<host_config>& hosts,
                            std::vector<throttle_config>& into) {
  const auto* list = file.value("throttles");
  if (list == nullptr || list->is == yaml_value::shape::null) return;
  if (list->is != yaml_value::shape::sequence)
    return file.complain("throttles", "not a list of throttles", "write `- name: NAME` lines below it");
  if (list->items.size() > limits::throttles)
    file.complain("throttles", fmt::format("{} throttles are too many", list->items.size()),
                  fmt::format("there may be {}", limits::throttles));
  for (std::size_t i = 0; i < std::min(list->items.size(), limits::throttles); ++i) {
    const auto path = fmt::format("throttles.{}", i);
    if (list->items[i]->is != yaml_value::shape::map) {
      file.complain_at(*list->items[i], path, "not a throttle with its name and at_once, or begin and within",
                       "see `regent config example`");
      continue;
    }
    config_section one(*list->items[i], path, file.problems());
    throttle_config throttle;
    read_throttle(one, hosts, throttle);
    if (std::any_of(into.begin(), into.end(), [&](const auto& other) { return other.name == throttle.name; }))
      one.complain("name", shown(throttle.name) + " is the name of another throttle", "give each its own");
    into.push_back(std::move(throttle));
  }
}

}  // namespace regent
