// The section `events`: who is sent what happens.
#include <fmt/format.h>

#include <algorithm>

#include "region/region_config_sections.hpp"
#include "region/topic_filter.hpp"

namespace regent {

namespace {

void read_webhook(config_section& from, webhook_config& into) {
  from.need("name", "its place among the events is kept under this name");
  from.text("name", into.name, check_name);
  from.need("url", "the address that events are sent to, like https://hooks.example.com/regent");
  from.text("url", into.url, check_url);
  from.text("ca_file", into.ca_file, check_absolute_path);
  read_secret_reference(from, "secret", into.secret);
  if (from.texts("topics", into.topics))
    if (const auto topics = topic_filter::of(into.topics); !topics)
      from.complain("topics", topics.error().message, "GET /api/v1/topics lists them; leave topics out for all");
  from.close({{"topic", "did you mean topics?"}, {"secret_file", "write secret: {file: PATH}"}});
}

}  // namespace

void read_events_section(config_section& file, events_config& into) {
  auto events = file.section("events");
  if (!events) return;
  const auto* list = events->value("webhooks");
  if (list != nullptr && list->is != yaml_value::shape::sequence && list->is != yaml_value::shape::null)
    events->complain("webhooks", "not a list of webhooks", "write `- name: NAME` lines below it");
  if (list != nullptr && list->items.size() > limits::event_sinks)
    events->complain("webhooks", fmt::format("{} webhooks are too many", list->items.size()),
                     fmt::format("there may be {}", limits::event_sinks));
  for (std::size_t i = 0; list != nullptr && i < std::min(list->items.size(), limits::event_sinks); ++i) {
    const auto path = fmt::format("events.webhooks.{}", i);
    if (list->items[i]->is != yaml_value::shape::map) {
      events->complain_at(*list->items[i], path, "not a webhook with its name, url and secret",
                          "see `regent config example`");
      continue;
    }
    config_section one(*list->items[i], path, file.problems());
    webhook_config webhook;
    read_webhook(one, webhook);
    if (std::any_of(into.webhooks.begin(), into.webhooks.end(),
                    [&](const auto& other) { return other.name == webhook.name; }))
      one.complain("name", shown(webhook.name) + " is the name of another webhook", "give each its own");
    into.webhooks.push_back(std::move(webhook));
  }
  events->close();
}

}  // namespace regent
