// The configuration as JSON: what {region.…} paths in kind files and the JSON output of `config check` see.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "region/region_config_sections.hpp"

namespace regent {
namespace {

/// Writes an object's members; an object is opened by its name and closed by end().
class document_writer {
 public:
  document_writer() { out_.StartObject(); }
  void open(const char* key) {
    out_.Key(key);
    out_.StartObject();
  }
  void open_list(const char* key) {
    out_.Key(key);
    out_.StartArray();
  }
  void open_item() { out_.StartObject(); }
  void end() { out_.EndObject(); }
  void end_list() { out_.EndArray(); }
  void put(const char* key, const std::string& text) {
    out_.Key(key);
    out_.String(text);
  }
  void put(const char* key, const char* text) { put(key, std::string(text)); }
  void put(const char* key, bool flag) {
    out_.Key(key);
    out_.Bool(flag);
  }
  void put(const char* key, std::int64_t number) {
    out_.Key(key);
    out_.Int64(number);
  }
  void put(const char* key, milliseconds span) { put(key, static_cast<std::int64_t>(span.count())); }
  void put(const char* key, const host_id& host) { put(key, host.value()); }
  void put(const char* key, const std::vector<std::string>& texts) {
    open_list(key);
    for (const auto& text : texts) out_.String(text);
    end_list();
  }
  void put_null(const char* key) {
    out_.Key(key);
    out_.Null();
  }
  json_document finish() {
    end();
    return parse_json({buffer_.GetString(), buffer_.GetSize()}).value();
  }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

void put_secret(document_writer& out, const char* key, const secret_reference& secret) {
  if (secret.from == secret_reference::source::none) return out.put_null(key);
  if (secret.from == secret_reference::source::inline_value) return out.put(key, "***");
  out.open(key);
  out.put(secret.from == secret_reference::source::file ? "file" : "environment", secret.what);
  out.end();
}

void put_cloud(document_writer& out, const cloud_config& cloud) {
  out.open("cloud");
  out.put("dialect", cloud.dialect);
  out.put("url", cloud.url);
  out.put("membership_url", cloud.membership_url);
  out.put("email", cloud.email);
  put_secret(out, "password", cloud.password);
  put_secret(out, "api_key", cloud.api_key);
  if (cloud.user) {
    out.open("user");
    out.put("email", cloud.user->email);
    put_secret(out, "password", cloud.user->password);
    put_secret(out, "api_key", cloud.user->api_key);
    out.end();
  } else {
    out.put_null("user");
  }
  out.put("ca_file", cloud.ca_file);
  out.put("poll_interval_ms", cloud.poll_interval);
  out.put("listing_interval_ms", cloud.listing_interval);
  out.put("page_limit", std::int64_t{cloud.page_limit});
  out.end();
}

void put_host(document_writer& out, const host_config& host) {
  out.open_item();
  out.put("name", host.name);
  out.put("address", host.address);
  out.put("port", std::int64_t{host.port});
  out.put("user", host.user);
  out.put("become", host.become);
  out.put("role", host.role);
  out.put("labels", host.labels);
  out.put("key_file", host.key_file);
  out.put("certificate_file", host.certificate_file);
  out.put("agent", host.agent);
  out.put("host_key", host.host_key);
  out.put("known_hosts_file", host.known_hosts_file);
  out.put("host_ca", host.host_ca);
  out.put("local", host.local);
  out.put("state_directory", host.state_directory);
  out.put("concurrency", static_cast<std::int64_t>(host.concurrency));
  out.put("load_most", host.load_most);
  out.end();
}

void put_networks(document_writer& out, const networks_config& networks) {
  out.open("networks");
  out.put("public_bridge", networks.public_bridge);
  out.put("tenant_type", networks.tenant_type);
  out.put("tenant_interface", networks.tenant_interface);
  out.put("vxlan_group", networks.vxlan_group);
  out.put("vxlan_peers", networks.vxlan_peers);
  out.put("vxlan_port", std::int64_t{networks.vxlan_port});
  out.put("mtu", std::int64_t{networks.mtu});
  out.end();
}

void put_policies(document_writer& out, const policies_config& policies) {
  out.open("policies");
  if (policies.grace_period)
    out.put("grace_period_minutes", std::int64_t{policies.grace_period->count()});
  else
    out.put_null("grace_period_minutes");
  out.put("step_attempts", std::int64_t{policies.step_attempts});
  out.put("wait_for_host_ms", policies.wait_for_host);
  out.put("wait_for_standby_ms", policies.wait_for_standby);
  out.put("adopt_existing", policies.adopt_existing);
  out.end();
}

void put_sink(document_writer& out, const sink_config& sink) {
  out.put("name", sink.name);
  out.put("url", sink.url);
  out.put("ca_file", sink.ca_file);
  out.put("topics", sink.topics);
}

void put_events(document_writer& out, const events_config& events) {
  out.open("events");
  out.open_list("webhooks");
  for (const auto& one : events.webhooks) {
    out.open_item();
    put_sink(out, one);
    put_secret(out, "secret", one.secret);
    out.end();
  }
  out.end_list();
  out.open_list("amqp");
  for (const auto& one : events.amqp) {
    out.open_item();
    put_sink(out, one);
    put_secret(out, "password", one.password);
    out.put("exchange", one.exchange);
    out.end();
  }
  out.end_list();
  out.end();
}

void put_throttle(document_writer& out, const throttle_config& throttle) {
  out.open_item();
  out.put("name", throttle.name);
  out.put("kind", throttle.kind);
  out.put("project", throttle.project);
  out.put("host", throttle.host);
  out.put("each", std::string(name(throttle.each)));
  out.put("at_once", static_cast<std::int64_t>(throttle.at_once));
  out.put("begin", static_cast<std::int64_t>(throttle.begin));
  out.put("within_ms", throttle.within);
  out.end();
}

void put_schedule(document_writer& out, const schedule_config& schedule) {
  const auto& order = schedule.what;
  out.open_item();
  out.put("name", schedule.name);
  out.put("cron", schedule.when.text());
  out.put("time_zone", schedule.zone.name());
  out.put("jitter_ms", schedule.jitter);
  out.put("catch_up", std::string(name(schedule.missed)));
  out.put("lane", std::string(name(schedule.in)));
  out.put("enabled", schedule.enabled);
  out.open("do");
  out.put("verb", std::string(name(order.what)));
  out.open("where");
  out.put("kind", order.kind);
  out.put("state", order.state);
  out.put("project", order.project);
  if (order.degraded)
    out.put("degraded", *order.degraded);
  else
    out.put_null("degraded");
  out.end();
  out.end();
  out.end();
}

void put_listen(document_writer& out, const listen_config& listen) {
  out.open("listen");
  out.put("unix_socket", listen.unix_socket);
  out.put("address", listen.address);
  out.put("port", std::int64_t{listen.port});
  out.put("tcp", listen.tcp);
  out.end();
}

}  // namespace

json_document region_document(const region_config& config) {
  document_writer out;
  out.put("name", config.name);
  out.put("state_directory", config.state_directory);
  out.put("log_level", config.log_level);
  put_cloud(out, config.cloud);
  out.open_list("hosts");
  for (const auto& host : config.hosts) put_host(out, host);
  out.end_list();
  out.open("podnet");
  out.put("a", config.podnet.a);
  out.put("b", config.podnet.b);
  out.put("enabled", config.podnet.enabled);
  out.end();
  put_networks(out, config.networks);
  put_policies(out, config.policies);
  put_listen(out, config.listen);
  put_events(out, config.events);
  out.open_list("schedules");
  for (const auto& schedule : config.schedules) put_schedule(out, schedule);
  out.end_list();
  out.open_list("throttles");
  for (const auto& throttle : config.throttles) put_throttle(out, throttle);
  out.end_list();
  out.put("kinds", config.kind_directories);
  return out.finish();
}

}  // namespace regent
