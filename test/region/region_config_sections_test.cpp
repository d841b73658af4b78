// The sections of a region file that say what is done by itself, how much at once, and who is told.
#include <sstream>

#include "test/region/region_file.hpp"

using namespace regent;
using namespace regent::test;
using namespace std::chrono_literals;

TEST_CASE("sinks are read with their topics, and what the example says of them is so", "[region_config]") {
  auto example = example_region_config();
  const auto begin = example.find("# events:");
  REQUIRE(begin != std::string::npos);
  for (auto at = begin; example[at] == '#'; at = example.find('\n', at) + 1) example.erase(at, 2);
  const auto config = config_of(example);
  REQUIRE(config.events.webhooks.size() == 1);
  const auto& one = config.events.webhooks[0];
  CHECK(one.name == "operations");
  CHECK(one.url == "https://hooks.example.com/regent");
  CHECK(one.secret == secret_reference{secret_reference::source::file, "/etc/regent/secrets/webhook"});
  CHECK(one.topics == std::vector<std::string>{"job.failed", "host.#"});
  CHECK(one.ca_file == "/etc/regent/hooks-ca.pem");
  CHECK(text_at(config, "events.webhooks.0.name") == "\"operations\"");
  CHECK(config_of(good_file()).events.webhooks.empty());
  REQUIRE(config.events.amqp.size() == 1);
  const auto& bus = config.events.amqp[0];
  CHECK(bus.name == "bus");
  CHECK(bus.url == "amqps://regent@mq.example.com/cloud");
  CHECK(bus.password == secret_reference{secret_reference::source::file, "/etc/regent/secrets/amqp"});
  CHECK(bus.exchange == "regent.events");
  CHECK(bus.topics == std::vector<std::string>{"job.#"});
  CHECK(bus.ca_file == "/etc/regent/mq-ca.pem");
  CHECK(text_at(config, "events.amqp.0.exchange") == "\"regent.events\"");
  REQUIRE(config.events.sinks().size() == 2);
  CHECK(sink_of(config.events.sinks()[0]).name == "operations");
  CHECK(sink_of(config.events.sinks()[1]).name == "bus");
}

TEST_CASE("a webhook needs a name of its own, a safe address, a secret, and topics that there are", "[region_config]") {
  const auto with = [](const std::string& webhook) {
    return problems_of(file_with(19, "events: {webhooks: [{" + webhook + "}]}"));
  };
  const std::string name = "name: a", url = "url: https://x.example/", secret = "secret: {file: /x}";
  CHECK(with(name + ", " + url + ", " + secret).empty());
  const auto says = [&](const std::string& webhook, const std::string& what) {
    const auto said = with(webhook);
    INFO(said);
    CHECK(said.find(what) != std::string::npos);
  };
  says(url + ", " + secret, "events.webhooks.0.name");
  says(name + ", " + secret, "events.webhooks.0.url");
  says(name + ", " + url, "events.webhooks.0.secret");
  says(name + ", url: http://x.example/, " + secret, "https");
  says(name + ", " + url + ", " + secret + ", topics: [job.faild]", "job.faild");
  says(name + ", " + url + ", " + secret + ", topics: [job..x]", "job..x");
  says(name + ", " + url + ", " + secret + ", colour: red", "colour");
  says(name + ", " + url + ", " + secret + "}, {" + name + ", " + url + ", " + secret, "another sink");
  CHECK(problems_of(file_with(19, "events: {webhooks: 7}")).find("not a list") != std::string::npos);
  CHECK(problems_of(file_with(19, "events: {webhooks: [7]}")).find("events.webhooks.0") != std::string::npos);
  CHECK(problems_of(file_with(19, "events: {webhook: []}")).find("webhooks") != std::string::npos);
  std::string many;
  for (int i = 0; i < 100; ++i) many += fmt::format("{{name: n{}, {}, {}}}, ", i, url, secret);
  CHECK(problems_of(file_with(19, "events: {webhooks: [" + many + "]}")).find("100 webhooks are too many") !=
        std::string::npos);
}

TEST_CASE("schedules are read with their defaults, and what the example says of them is so", "[region_config]") {
  auto example = example_region_config();
  const auto begin = example.find("# schedules:");
  REQUIRE(begin != std::string::npos);
  for (auto at = begin; example[at] == '#'; at = example.find('\n', at) + 1) example.erase(at, 2);
  const auto config = config_of(example);
  REQUIRE(config.schedules.size() == 1);
  const auto& one = config.schedules[0];
  CHECK(one.name == "nightly-look");
  CHECK(one.when.text() == "30 2 * * MON-FRI");
  CHECK(one.zone.name() == "Europe/Dublin");
  CHECK(one.jitter == 10min);
  CHECK(one.missed == catch_up::once);
  CHECK(one.in == lane::audit);
  CHECK(one.enabled);
  CHECK(one.what == bulk_order{bulk_verb::mend, "virtual_router", "running", "", {}});
  CHECK(text_at(config, "schedules.0.do.verb") == "\"mend\"");
  CHECK(text_at(config, "schedules.0.do.where.degraded") == "null");

  const auto brief = config_of(file_with(
      19, "schedules: [{name: a, cron: '@daily', do: {verb: retry, where: {degraded: true}}, enabled: false}]"));
  REQUIRE(brief.schedules.size() == 1);
  CHECK(brief.schedules[0].zone.name() == "UTC");
  CHECK(brief.schedules[0].jitter == 0ms);
  CHECK(brief.schedules[0].missed == catch_up::skip);
  CHECK(brief.schedules[0].in == lane::audit);
  CHECK_FALSE(brief.schedules[0].enabled);
  CHECK(brief.schedules[0].what == bulk_order{bulk_verb::retry, "", "", "", true});
  CHECK(config_of(good_file()).schedules.empty());
}

TEST_CASE("a schedule needs a name of its own, a time that comes, a zone that there is, and what to do",
          "[region_config]") {
  const std::string whole = "name: a, cron: '0 2 * * *', do: {verb: mend}";
  const auto with = [](const std::string& schedule) {
    return problems_of(file_with(19, "schedules: [{" + schedule + "}]"));
  };
  CHECK(with(whole).empty());
  const auto says = [&](const std::string& schedule, const std::string& what) {
    const auto said = with(schedule);
    INFO(said);
    CHECK(said.find(what) != std::string::npos);
  };
  const std::string order = "do: {verb: mend}";
  says("cron: '@daily', " + order, "schedules.0.name: is missing");
  says("name: a, " + order, "schedules.0.cron: is missing");
  says("name: a, cron: '@daily'", "schedules.0.do: is missing");
  says("name: a, cron: '0 25 * * *', " + order, "schedules.0.cron: hour: '25' is not a number from 0 to 23");
  says("name: a, cron: '0 0 30 2 *', " + order, "schedules.0.cron: '0 0 30 2 *' never fires");
  says(whole + ", time_zone: Europe/Dubln", "did you mean Europe/Dublin?");
  says(whole + ", time_zone: nowhere", "there is no time zone 'nowhere'");
  says(whole + ", jitter: 10", "add the unit: 10s");
  says(whole + ", jitter: 2d", "schedules.0.jitter: '2d' is too long");
  says("name: a, cron: '*/10 * * * *', jitter: 10m, " + order,
       "10m 0s is not shorter than what lies between two firings");
  CHECK(with("name: a, cron: '*/10 * * * *', jitter: 9m, " + order).empty());
  says(whole + ", catch_up: onc", "'onc' is not one of skip, once, all; did you mean once?");
  says(whole + ", lane: fast", "'fast' is not one of user, retry, audit");
  says(whole + ", enabled: 'yes'", "schedules.0.enabled");
  says(whole + ", timezone: UTC", "did you mean time_zone?");
  says("name: a, cron: '@daily', do: {}", "schedules.0.do.verb: is missing");
  says("name: a, cron: '@daily', do: {verb: heal}", "'heal' is not one of retry, mend, cancel");
  says("name: a, cron: '@daily', do: mend", "schedules.0.do: a single value where a map belongs");
  const auto where = [](const std::string& what) {
    return "name: a, cron: '@daily', do: {verb: mend, where: {" + what + "}}";
  };
  says(where("state: runing"), "did you mean running?");
  says(where("degraded: 1"), "schedules.0.do.where.degraded");
  says(where("kind: 'a/b'"), "schedules.0.do.where.kind");
  says(where("resource: x"), "unknown key 'resource'");
  says(whole + "}, {" + whole, "'a' is the name of another schedule");
  CHECK(problems_of(file_with(19, "schedules: 7")).find("not a list of schedules") != std::string::npos);
  CHECK(problems_of(file_with(19, "schedules: [7]")).find("schedules.0") != std::string::npos);
  CHECK(problems_of(file_with(19, "schedules:")).empty());
  std::string many;
  for (int i = 0; i < 101; ++i) many += fmt::format("{{name: n{}, cron: '@daily', {}}}, ", i, order);
  CHECK(problems_of(file_with(19, "schedules: [" + many + "]")).find("101 schedules are too many") !=
        std::string::npos);
}

TEST_CASE("an exchange needs a name of its own, a safe address with a user, a password and an exchange",
          "[region_config]") {
  const auto with = [](const std::string& amqp) {
    return problems_of(file_with(19, "events: {amqp: [{" + amqp + "}]}"));
  };
  const std::string name = "name: a", url = "url: 'amqps://u@mq.example/'", password = "password: {file: /x}",
                    exchange = "exchange: e";
  const std::string good = name + ", " + url + ", " + password + ", " + exchange;
  CHECK(with(good).empty());
  CHECK(with(good + ", topics: ['job.#']").empty());
  const auto says = [&](const std::string& amqp, const std::string& what) {
    const auto said = with(amqp);
    INFO(said);
    CHECK(said.find(what) != std::string::npos);
  };
  says(url + ", " + password + ", " + exchange, "events.amqp.0.name");
  says(name + ", " + password + ", " + exchange, "events.amqp.0.url");
  says(name + ", " + url + ", " + exchange, "events.amqp.0.password");
  says(name + ", " + url + ", " + password, "events.amqp.0.exchange");
  says(good + ", topics: [job.faild]", "job.faild");
  says(good + ", colour: red", "colour");
  says(good + ", user: u", "amqps://USER@HOST");
  says(good + "}, {" + good, "another sink");
  says(name + ", " + url + ", " + password + ", exchange: ''", "r:19:");
  const auto at = [&](const std::string& address) {
    return name + ", url: '" + address + "', " + password + ", " + exchange;
  };
  CHECK(with(at("amqp://u@127.0.0.1/")).empty());
  says(at("amqp://u@mq.example/"), "would send the password in the clear; use amqps");
  says(at("u@mq.example:5671/x"), "did you mean amqps://u@mq.example:5671/x?");
  says(at("amqps://mq.example/"), "r:19:32: events.amqp.0.url: 'amqps://mq.example/' names no user; write it like");
  says(at("amqps://u:hidden@mq.example/"), "an address with a password in it; leave it out");
  CHECK(with(at("amqps://u:hidden@mq.example/")).find("hidden") == std::string::npos);
  const std::string hook = "webhooks: [{name: a, url: 'https://x.example/', secret: {file: /x}}]";
  CHECK(problems_of(file_with(19, "events: {" + hook + ", amqp: [{" + good + "}]}")).find("another sink") !=
        std::string::npos);
  std::string many;
  for (int i = 0; i < 16; ++i) many += fmt::format("{{name: n{}, {}, {}, {}}}, ", i, url, password, exchange);
  CHECK(problems_of(file_with(19, "events: {amqp: [" + many + "]}")).empty());
  CHECK(problems_of(file_with(19, "events: {" + hook + ", amqp: [" + many + "]}")).find("16 exchanges are too many") !=
        std::string::npos);
}

TEST_CASE("throttles are read with their defaults, and what the example says of them is so", "[region_config]") {
  const auto example = example_region_config();
  const auto begin = example.find("# throttles:");
  REQUIRE(begin != std::string::npos);
  std::string text = good_file();
  std::istringstream lines(example.substr(begin));
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) text += line.substr(2) + '\n';
  text.replace(text.rfind("podnet-a"), 8, "pod-a");
  const auto config = config_of(text);
  REQUIRE(config.throttles.size() == 3);
  CHECK(config.throttles[0].at_once == 200);
  CHECK(config.throttles[0].each == throttle_each::all);
  CHECK(config.throttles[1].each == throttle_each::project);
  CHECK(config.throttles[1].begin == 120);
  CHECK(config.throttles[1].within == 1h);
  CHECK(config.throttles[2].kind == "virtual_router");
  CHECK(config.throttles[2].host == host_id("pod-a"));
  CHECK(text_at(config, "throttles.1.each") == "\"project\"");
  CHECK(config_of(good_file()).throttles.empty());
  CHECK(config_of(file_with(10, "  - name: pod-a\n    load_most: 16")).hosts[0].load_most == 16);
}

TEST_CASE("a throttle needs a name of its own and something to throttle, of a host that there is", "[region_config]") {
  const auto says = [](const std::string& throttles, const std::string& what) {
    const auto said = problems_of(file_with(19, "throttles: " + throttles));
    INFO(said);
    CHECK(said.find(what) != std::string::npos);
  };
  CHECK(problems_of(file_with(19, "throttles: [{name: a, host: pod-a, at_once: 1}]")).empty());
  says("[{at_once: 1}]", "throttles.0.name: is missing");
  says("[{name: a}]", "throttles.0.at_once: a throttle that throttles nothing");
  says("[{name: a, at_once: 0}]", "throttles.0.at_once: 0 is not a number of jobs (1 to 10000)");
  says("[{name: a, at_once: x}]", "throttles.0.at_once");
  says("[{name: a, begin: 3}]", "throttles.0.begin: begin and within go together");
  says("[{name: a, at_once: 3, within: 1m}]", "throttles.0.within: begin and within go together");
  says("[{name: a, begin: 3, within: 10ms}]", "throttles.0.within: '10ms' is too short");
  says("[{name: a, begin: 3, within: 2d}]", "throttles.0.within: '2d' is too long");
  says("[{name: a, at_once: 3, each: projct}]", "did you mean project?");
  says("[{name: a, at_once: 3, host: pod-z}]", "throttles.0.host: 'pod-z' is not one of the hosts");
  says("[{name: a, at_once: 3, concurrency: 4}]", "did you mean at_once?");
  says("[{name: a, at_once: 1}, {name: a, at_once: 2}]", "'a' is the name of another throttle");
  says("{a: 1}", "throttles: not a list of throttles");
  says("[1]", "throttles.0: not a throttle with its name");
  std::string many = "[";
  for (int n = 0; n < 101; ++n) many += "{name: t" + std::to_string(n) + ", at_once: 1},";
  says(many + "]", "101 throttles are too many; there may be 100");
  CHECK(problems_of(file_with(10, "  - name: pod-a\n    load_most: 0")).find("load_most: 0 is not a load average") !=
        std::string::npos);
}

TEST_CASE("a user's account of the cloud may be named, and is checked like the robot's", "[region_config]") {
  const auto with = [](const std::string& user) { return file_with(5, "  password: {file: /p}\n  user: " + user); };
  CHECK_FALSE(config_of(good_file()).cloud.user);
  const auto config = config_of(with("{email: u@x.example, password: hunter2, api_key: {environment: KEY}}"));
  REQUIRE(config.cloud.user);
  CHECK(config.cloud.user->email == "u@x.example");
  CHECK(config.cloud.user->api_key.what == "KEY");
  CHECK(json_text(*config.document).find("hunter2") == std::string::npos);
  CHECK(problems_of(with("{email: u@x.example, api_key: {file: /k}}")).find("cloud.user.password: is missing") !=
        std::string::npos);
  CHECK(problems_of(with("{email: nobody, password: p, api_key: k}")).find("cloud.user.email: ") != std::string::npos);
}

TEST_CASE("a scheduled scrub or restore is of one project", "[region_config]") {
  for (const std::string verb : {"scrub", "restore"}) {
    const auto file = [&](const std::string& where) {
      return good_file() + "schedules: [{name: a, cron: '0 2 * * *', do: {verb: " + verb + where + "}}]\n";
    };
    CHECK(problems_of(file("")).find("a scrub and a restore are of one project: say which") != std::string::npos);
    CHECK(config_of(file(", where: {project: '7'}")).schedules.at(0).what.project == "7");
  }
}
