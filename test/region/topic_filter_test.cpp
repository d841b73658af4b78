#include "region/topic_filter.hpp"

#include <random>
#include <set>

#include "region/event_topic.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {
bool matches(std::string_view pattern, std::string_view topic) {
  const auto parsed = topic_pattern::parse(pattern);
  REQUIRE(parsed);
  return parsed->matches(topic);
}

/// The rule as it is written down, without a thought for time.
bool by_definition(const std::vector<std::string>& pattern, std::size_t p, const std::vector<std::string>& topic,
                   std::size_t t) {
  if (p == pattern.size()) return t == topic.size();
  if (pattern[p] == "#")
    return by_definition(pattern, p + 1, topic, t) || (t < topic.size() && by_definition(pattern, p, topic, t + 1));
  return t < topic.size() && (pattern[p] == "*" || pattern[p] == topic[t]) &&
         by_definition(pattern, p + 1, topic, t + 1);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ".") + word;
  return text;
}
}  // namespace

TEST_CASE("a star stands for one word, a hash for any number of them") {
  CHECK(matches("job.failed", "job.failed"));
  CHECK_FALSE(matches("job.failed", "job.failed.late"));
  CHECK(matches("job.*", "job.failed"));
  CHECK_FALSE(matches("job.*", "job"));
  CHECK_FALSE(matches("job.*", "job.a.b"));
  CHECK_FALSE(matches("*", "job.failed"));
  CHECK(matches("#", "job.failed"));
  CHECK(matches("job.#", "job"));
  CHECK(matches("job.#", "job.a.b.c"));
  CHECK(matches("#.failed", "failed"));
  CHECK(matches("#.b.#", "a.b.c"));
  CHECK(matches("*.#.c", "a.b.b.c"));
}

TEST_CASE("random patterns and topics match as the definition says") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto words = [&](std::vector<std::string> from, std::size_t least) {
    std::vector<std::string> made(least + random() % 6);
    for (auto& word : made) word = from[random() % from.size()];
    return made;
  };
  int matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto pattern = words({"a", "b", "*", "#"}, 1), topic = words({"a", "b", "c"}, 1);
    const bool expected = by_definition(pattern, 0, topic, 0);
    INFO(joined(pattern) << " and " << joined(topic));
    REQUIRE(matches(joined(pattern), joined(topic)) == expected);
    matched += expected ? 1 : 0;
  }
  CHECK(matched > 100);
}

TEST_CASE("what is no pattern is refused and named") {
  for (const auto* text : {"", ".", "job.", ".job", "job..failed", "Job.failed", "job.f*", "a b", "job.##", "'; --"}) {
    const auto parsed = topic_pattern::parse(text);
    INFO(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == "bad_topic");
    CHECK(parsed.error().message.find(text) != std::string::npos);
  }
  const auto long_one = topic_pattern::parse(std::string(1'000'000, 'x'));
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().message.size() < 300);
}

TEST_CASE("a filter takes what any of its patterns does, and all topics without one") {
  const auto some = topic_filter::parse("job.failed,host.*");
  REQUIRE(some);
  CHECK(some->matches("job.failed"));
  CHECK(some->matches("host.cordoned"));
  CHECK_FALSE(some->matches("job.started"));
  CHECK(topic_filter::parse("")->all());
  CHECK(topic_filter::parse("")->matches("anything"));
  for (const auto* text : {",", "job.*,", "job.faild", "job.*,nothing.#"}) {
    const auto refused = topic_filter::parse(text);
    INFO(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "bad_topic");
  }
  CHECK(topic_filter::parse("job.faild").error().message.find("job.failed") != std::string::npos);
  CHECK_FALSE(topic_filter::of(std::vector<std::string>(limits::topic_patterns + 1, "#")));
  CHECK_FALSE(topic_filter::parse(std::string(1'000'000, ',')));
}

TEST_CASE("topics are dotted, have a meaning each, and no two are the same") {
  std::set<std::string_view> names;
  for (const auto& each : event_topic_table) {
    CHECK(topic_pattern::parse(each.name));
    CHECK(each.name.find('.') != std::string_view::npos);
    CHECK(each.name.find_first_of("*#") == std::string_view::npos);
    CHECK_FALSE(each.about.empty());
    CHECK(names.insert(each.name).second);
  }
  CHECK(name(event_topic::job_started) == "job.started");
  CHECK(name(event_topic::report_refused) == "report.refused");
}
