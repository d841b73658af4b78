#include "edge/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>

#include "region/job.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

namespace {
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// One family after another; a family without samples is left out.
class families {
 public:
  void gauge(std::string name, std::string help) { begin(std::move(name), std::move(help), MetricType::Gauge); }
  void counter(std::string name, std::string help) { begin(std::move(name), std::move(help), MetricType::Counter); }
  void sample(double value, std::vector<ClientMetric::Label> labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (all_.back().type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    all_.back().metric.push_back(std::move(metric));
  }
  void gauge(std::string name, std::string help, double value) {
    gauge(std::move(name), std::move(help));
    sample(value);
  }
  void counter(std::string name, std::string help, double value) {
    counter(std::move(name), std::move(help));
    sample(value);
  }
  std::string text() {
    std::erase_if(all_, [](const auto& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(all_);
  }

 private:
  void begin(std::string name, std::string help, MetricType type) {
    all_.push_back({"regent_" + std::move(name), std::move(help), type, {}});
  }
  std::vector<MetricFamily> all_;
};

double seconds(milliseconds span) { return static_cast<double>(span.count()) / 1000; }

/// Every name has a sample, so that a state that empties goes to 0 instead of vanishing.
template <class Names>
void by_state(families& out, const Names& names, const state_counts& counts) {
  std::map<std::string, std::int64_t> all;
  for (const auto each : names) all[std::string(each)] = 0;
  for (const auto& [state, count] : counts) all[state] += count;
  for (const auto& [state, count] : all) out.sample(static_cast<double>(count), {{"state", state}});
}

void add_journal(families& out, const metrics_source& from) {
  out.gauge("journal_readable", "Whether the journal could be read for this answer.", from.resources && from.jobs);
  if (from.resources) {
    std::array<std::string_view, lifecycle_state_count> names;
    std::transform(lifecycle_table.begin(), lifecycle_table.end(), names.begin(),
                   [](const auto& each) { return each.name; });
    out.gauge("resources", "Resources by lifecycle state.");
    by_state(out, names, *from.resources);
  }
  if (from.jobs) {
    out.gauge("jobs", "Jobs in the journal by state.");
    by_state(out, job_state_names, *from.jobs);
  }
}

void add_daemon(families& out, const metrics_source& from) {
  const auto& facts = from.facts;
  out.gauge("info", "The daemon's version and region.");
  out.sample(1, {{"version", REGENT_VERSION}, {"region", from.region}});
  out.gauge("live", "0 while the main loop is stuck or shutting down.", facts.live);
  out.gauge("ready", "1 once the journal is read and its open jobs are taken up.", facts.ready);
  out.gauge("epoch", "The number of this process's reign.", static_cast<double>(facts.epoch.load()));
  if (const auto started = facts.started_ms.load(); started > 0)
    out.gauge("start_time_seconds", "When the daemon started, in seconds since 1970.", seconds(milliseconds(started)));
  if (const auto took = facts.start_to_ready_ms.load(); took >= 0)
    out.gauge("start_to_ready_seconds", "From start to ready.", seconds(milliseconds(took)));
  if (const auto took = facts.poll_to_run_us.load(); took >= 0)
    out.gauge("poll_to_run_seconds", "The last: change seen in the poll to first run sent.",
              static_cast<double>(took) / 1e6);
  const auto problems = facts.problems();
  out.gauge("problems", "Standing problems.", static_cast<double>(problems.size()));
  // By their first word: one for each bad record would be without bound.
  std::map<std::string, int> kinds;
  for (const auto& [about, text] : problems) ++kinds[about.substr(0, about.find(' '))];
  out.gauge("problem", "Standing problems by what they are about.");
  for (const auto& [about, count] : kinds) out.sample(count, {{"about", about}});
}

void add_age(families& out, std::string name, std::string help, wall_time now, std::int64_t at_ms) {
  if (at_ms > 0) out.gauge(std::move(name), std::move(help), seconds(now.time_since_epoch() - milliseconds(at_ms)));
}

void add_counters(families& out, const metrics_source& from) {
  const auto& facts = from.facts;
  const auto count = [&out](std::string name, std::string help, const std::atomic<std::int64_t>& value) {
    out.counter(std::move(name), std::move(help), static_cast<double>(value.load()));
  };
  count("runs_sent_total", "Runs sent to hosts.", facts.runs_sent);
  count("runs_ended_total", "Runs whose outcome is committed.", facts.runs_ended);
  count("commits_total", "Group commits of the journal.", facts.commits);
  count("transactions_total", "Transactions in those commits.", facts.transactions);
  count("events_total", "Events committed.", facts.events_committed);
  count("reports_delivered_total", "States that the cloud has been told.", facts.reports_delivered);
  count("bad_records_total", "Records of the cloud that could not be read.", facts.bad_records);
  add_age(out, "poll_age_seconds", "Since the last good poll.", from.now, facts.last_poll_ms);
  add_age(out, "listing_age_seconds", "Since the last good full listing.", from.now, facts.last_listing_ms);
}

void add_hosts(families& out, const std::vector<host_picture>& hosts) {
  std::map<std::string, int> by_state{{"connecting", 0}, {"up", 0}, {"down", 0}};
  for (const auto& host : hosts) ++by_state[host.state];
  out.gauge("hosts", "Hosts by state.");
  for (const auto& [state, count] : by_state) out.sample(count, {{"state", state}});
  const auto each_host = [&](std::string name, std::string help, auto value) {
    out.gauge("host_" + std::move(name), std::move(help));
    for (const auto& host : hosts)
      out.sample(static_cast<double>(value(host)), {{"host", host.host.value()}, {"role", host.role}});
  };
  each_host("up", "1 while the host is up.", [](const auto& host) { return host.state == "up" ? 1 : 0; });
  each_host("latency_seconds", "Of the host's last answer.", [](const auto& host) { return seconds(host.latency); });
  each_host("open_runs", "Runs under way.", [](const auto& host) { return host.open_runs; });
  each_host("leases_held", "Leases granted.", [](const auto& host) { return host.held.size(); });
  each_host("queued", "Claims that wait for a lease.", [](const auto& host) { return host.queue.size(); });
}

void add_actors(families& out, const std::vector<probe_view>& actors) {
  struct totals {
    std::size_t count = 0, deepest = 0;
    milliseconds oldest{0}, busiest{0};
  };
  std::map<std::string, totals> types;
  for (const auto& actor : actors) {
    auto& type = types[actor.type];
    ++type.count;
    type.deepest = std::max(type.deepest, actor.mailbox_depth);
    type.oldest = std::max(type.oldest, actor.oldest_message);
    type.busiest = std::max(type.busiest, actor.busy_now);
  }
  const auto each_type = [&](std::string name, std::string help, auto value) {
    out.gauge(std::move(name), std::move(help));
    for (const auto& [type, of] : types) out.sample(static_cast<double>(value(of)), {{"type", type}});
  };
  each_type("actors", "Live actors by type.", [](const auto& of) { return of.count; });
  each_type("actor_mailbox_depth_max", "The deepest mailbox of a type.", [](const auto& of) { return of.deepest; });
  each_type("actor_oldest_message_seconds_max", "The age of the oldest message not yet handled, by type.",
            [](const auto& of) { return seconds(of.oldest); });
  each_type("actor_busy_seconds_max", "The longest that an actor of a type has been handling one message until now.",
            [](const auto& of) { return seconds(of.busiest); });
}
}  // namespace

std::string metrics_text(const metrics_source& from) {
  families out;
  add_daemon(out, from);
  add_counters(out, from);
  add_journal(out, from);
  add_hosts(out, from.facts.hosts.list());
  add_actors(out, from.actors);
  return out.text();
}

}  // namespace regent
