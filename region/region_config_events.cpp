// The section `events`: who is sent what happens.
#include <fmt/format.h>

#include <algorithm>

#include "region/region_config_sections.hpp"
#include "region/topic_filter.hpp"

namespace regent {

namespace {

/// What every sort of sink has.
void read_sink(config_section& from, sink_config& into, value_check check, const std::string& address) {
  from.need("name", "its place among the events is kept under this name");
  from.text("name", into.name, check_name);
  from.need("url", address);
  from.text("url", into.url, check);
  from.text("ca_file", into.ca_file, check_absolute_path);
  if (from.texts("topics", into.topics))
    if (const auto topics = topic_filter::of(into.topics); !topics)
      from.complain("topics", topics.error().message, "GET /api/v1/topics lists them; leave topics out for all");
}

void read(config_section& from, webhook_config& into) {
  read_sink(from, into, check_url, "the address that events are sent to, like https://hooks.example.com/regent");
  read_secret_reference(from, "secret", into.secret);
  from.close({{"topic", "did you mean topics?"}, {"secret_file", "write secret: {file: PATH}"}});
}

void read(config_section& from, amqp_config& into) {
  read_sink(from, into, check_amqp_url, "the broker's address, like amqps://regent@mq.example.com/VHOST");
  from.need("exchange", "the topic exchange that events are published to; it must be there");
  from.text("exchange", into.exchange, check_exchange);
  read_secret_reference(from, "password", into.password);
  from.close({{"topic", "did you mean topics?"},
              {"secret", "did you mean password?"},
              {"user", "put it into the url: amqps://USER@HOST/VHOST"},
              {"vhost", "put it into the url: amqps://USER@HOST/VHOST"},
              {"queue", "queues are bound to the exchange by those who read them"},
              {"routing_key", "an event's topic is its routing key"}});
}

/// One list of sinks. `words`: of what it is a list. `names`: of the sinks of all lists so far.
template <class Config>
void read_list(config_section& events, const std::string& key, std::string_view words, std::string_view one_needs,
               std::vector<Config>& into, std::vector<std::string>& names) {
  const auto* list = events.value(key);
  if (list == nullptr) return;
  if (list->is != yaml_value::shape::sequence && list->is != yaml_value::shape::null)
    events.complain(key, fmt::format("not a list of {}", words), "write `- name: NAME` lines below it");
  const auto room = limits::event_sinks - names.size();
  if (list->items.size() > room)
    events.complain(key, fmt::format("{} {} are too many", list->items.size(), words),
                    fmt::format("there may be {} sinks in all", limits::event_sinks));
  for (std::size_t i = 0; i < std::min(list->items.size(), room); ++i) {
    const auto path = fmt::format("events.{}.{}", key, i);
    if (list->items[i]->is != yaml_value::shape::map) {
      events.complain_at(*list->items[i], path, fmt::format("not {}", one_needs), "see `regent config example`");
      continue;
    }
    config_section from(*list->items[i], path, events.problems());
    Config sink;
    read(from, sink);
    if (std::find(names.begin(), names.end(), sink.name) != names.end())
      from.complain("name", shown(sink.name) + " is the name of another sink", "give each its own");
    names.push_back(sink.name);
    into.push_back(std::move(sink));
  }
}

}  // namespace

const sink_config& sink_of(const any_sink_config& any) {
  return std::visit([](const auto& one) -> const sink_config& { return one; }, any);
}

std::vector<any_sink_config> events_config::sinks() const {
  std::vector<any_sink_config> all(webhooks.begin(), webhooks.end());
  all.insert(all.end(), amqp.begin(), amqp.end());
  return all;
}

void read_events_section(config_section& file, events_config& into) {
  auto events = file.section("events");
  if (!events) return;
  std::vector<std::string> names;
  read_list(*events, "webhooks", "webhooks", "a webhook with its name, url and secret", into.webhooks, names);
  read_list(*events, "amqp", "exchanges", "an exchange with its name, url, password and exchange", into.amqp, names);
  events->close();
}

}  // namespace regent
