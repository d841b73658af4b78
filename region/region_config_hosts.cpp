// The `ssh`, `hosts` and `podnet` sections.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "region/region_config_sections.hpp"

namespace regent {
namespace {

/// What hosts inherit, and whether the section said it at all (well or badly).
struct host_defaults {
  host_config host;
  bool key_file = false;
  bool host_key = false;  ///< a known_hosts file or a host CA
};

constexpr auto host_key_sources = {"host_key", "known_hosts_file", "host_ca"};

bool says_host_key(const config_section& from) {
  return std::any_of(host_key_sources.begin(), host_key_sources.end(), [&](auto key) { return from.has(key); });
}

/// What a section says of the login replaces what it inherited: a certificate belongs to its key.
void read_login(config_section& from, host_config& host) {
  if (from.has("key_file")) host.certificate_file.clear();
  if (from.flag("agent", host.agent) && host.agent) {
    host.key_file.clear();
    host.certificate_file.clear();
  }
  from.text("key_file", host.key_file, check_absolute_path);
  from.text("certificate_file", host.certificate_file, check_absolute_path);
  if (from.has("certificate_file") && host.key_file.empty() && !host.agent && !from.has("key_file"))
    from.complain("certificate_file", "a certificate without the key that it certifies", "add its key_file");
}

/// One way of knowing the host: what a section says replaces what it inherited.
void read_host_key(config_section& from, host_config& host) {
  if (says_host_key(from)) {
    host.host_key.clear();
    host.known_hosts_file.clear();
    host.host_ca.clear();
  }
  from.text("host_key", host.host_key, check_public_key);
  from.text("known_hosts_file", host.known_hosts_file, check_absolute_path);
  from.text("host_ca", host.host_ca, check_public_key);
  const char* first = nullptr;
  for (const auto* key : host_key_sources) {
    if (!from.has(key)) continue;
    if (first != nullptr)
      from.complain(key, fmt::format("stands beside {}: a host is known in one way only", first), "remove one of them");
    else
      first = key;
  }
}

void read_connection(config_section& from, host_config& host) {
  from.number("port", host.port, 1, 65535, "a port");
  from.text("user", host.user, check_user);
  from.flag("become", host.become);
  from.text("state_directory", host.state_directory, check_absolute_path);
  from.number("concurrency", host.concurrency, 1, limits::runs_in_flight_per_host, "a number of concurrent runs");
  from.number("load_most", host.load_most, 1, 1'000'000, "a load average");
  read_login(from, host);
  read_host_key(from, host);
}

const std::vector<std::pair<std::string, std::string>> host_advice{
    {"<<", "merge keys are not read: the `ssh` section gives every host its defaults"},
    {"hostname", "did you mean address?"},
    {"ip", "did you mean address?"},
    {"password", "regent logs in by key: use key_file or agent"},
    {"sudo", "did you mean become?"},
    {"max_load", "did you mean load_most?"},
    {"identity_file", "did you mean key_file?"}};

host_defaults read_ssh_section(config_section& file) {
  host_defaults defaults;
  auto ssh = file.section("ssh");
  if (!ssh) return defaults;
  if (ssh->has("host_key"))
    ssh->complain("host_key", "a host key belongs to one host",
                  "move it there, or name a host_ca or known_hosts_file here");
  read_connection(*ssh, defaults.host);
  defaults.key_file = ssh->has("key_file");
  defaults.host_key = says_host_key(*ssh);
  ssh->close(host_advice);
  return defaults;
}

std::string keyscan(const host_config& host) {
  if (host.address.empty()) return "add host_key, known_hosts_file or host_ca";
  const auto port = host.port == 22 ? "" : fmt::format("-p {} ", host.port);
  return fmt::format("ask for it by `ssh-keyscan -t ed25519 {}{}`, compare it on the host, and add it as host_key",
                     port, host.address);
}

/// What a host over SSH must have; `local` ones are reached without any of it.
void check_remote(config_section& section, const host_config& host, const host_defaults& defaults) {
  section.need("address", "an IPv4 or IPv6 address, a host name, or `local: true` for this machine");
  const bool key_file_said = defaults.key_file || section.has("key_file");
  if (host.key_file.empty() && !host.agent && !key_file_said)
    section.complain_at(section.map(), section.path(), "no way to log in: neither key_file nor agent",
                        "add key_file here or in the `ssh` section");
  if (!defaults.host_key && !says_host_key(section))
    section.complain_at(section.map(), section.path(),
                        "the host's key is not known, and unknown hosts are not talked to", keyscan(host));
}

host_config read_host(config_section& section, const host_defaults& defaults) {
  auto host = defaults.host;
  section.text("address", host.address, check_address);
  section.text("role", host.role, check_name);
  section.texts("labels", host.labels, check_name);
  section.flag("local", host.local);
  read_connection(section, host);
  if (!host.local)
    check_remote(section, host, defaults);
  else if (host.address.empty())
    host.address = "localhost";
  return host;
}

/// Finds hosts that are named twice, or have two names.
class host_register {
 public:
  explicit host_register(config_section& file) : file_(file) {}

  void add(const host_config& host, const yaml_value& where, const yaml_value& name, const std::string& at) {
    if (!host.name.empty() && !lines_.emplace(host.name, name.line).second)
      file_.complain_at(
          name, at,
          fmt::format("a host named {} stands in line {} already", shown(host.name.value()), lines_.at(host.name)),
          "give each host a name of its own");
    if (host.address.empty()) return;
    const auto reached = fmt::format("{} {} {} {}", host.local, host.address, host.port, host.state_directory);
    const auto [other, is_new] = reached_.emplace(reached, host.name);
    if (!is_new)
      file_.complain_at(where, at,
                        host.local ? fmt::format("is this machine, as {} is", shown(other->second.value()))
                                   : fmt::format("has the address and port of {}: {} port {}",
                                                 shown(other->second.value()), host.address, host.port),
                        "two names for one host would give it two lease queues: remove one");
  }

 private:
  config_section& file_;
  std::map<host_id, int> lines_;
  std::map<std::string, host_id> reached_;
};

void read_host_list(config_section& file, const yaml_value& list, const host_defaults& defaults,
                    std::vector<host_config>& into) {
  host_register known(file);
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const auto& item = *list.items[i];
    const auto at = fmt::format("hosts.{}", i);
    if (item.is != yaml_value::shape::map) {
      file.complain_at(item, at, "a host is a map of keys and values",
                       "write `- name: NAME` and below it its other keys");
      continue;
    }
    config_section section(item, at, file.problems());
    std::string name;
    section.need("name", "give the host a name");
    section.text("name", name, check_name);
    auto host = read_host(section, defaults);
    host.name = host_id(name);
    section.close(host_advice);
    const auto* name_at = section.value("name");
    const auto* address_at = section.value("address");
    known.add(host, address_at != nullptr ? *address_at : item, name_at != nullptr ? *name_at : item, at);
    into.push_back(std::move(host));
  }
}

void read_host_map(config_section& file, const yaml_value& map, const host_defaults& defaults,
                   std::vector<host_config>& into) {
  config_section hosts(map, "hosts", file.problems());  // for its complaints of duplicate keys
  host_register known(file);
  std::map<std::string, int> seen;
  for (const auto& [key, value] : map.members) {
    if (key->is != yaml_value::shape::scalar || ++seen[key->text] > 1) continue;
    const auto* name = file.scalar(*key, "hosts");
    if (name == nullptr) continue;
    const auto wrong = check_name(*name);
    if (wrong) file.complain_at(*key, "hosts", wrong->message, wrong->suggestion);
    const auto at = wrong ? std::string("hosts") : "hosts." + *name;
    if (value->is != yaml_value::shape::map) {
      file.complain_at(*value, at, "a host is a map of keys and values", "indent its keys below its name");
      continue;
    }
    config_section section(*value, at, file.problems());
    auto host = read_host(section, defaults);
    host.name = host_id(*name);
    section.close(host_advice);
    const auto* address_at = section.value("address");
    known.add(host, address_at != nullptr ? *address_at : *value, *key, at);
    into.push_back(std::move(host));
  }
}

/// Reads the name of one of the hosts.
bool read_host_name(config_section& from, const std::string& key, const std::vector<host_config>& hosts,
                    host_id& into) {
  std::string name;
  if (!from.text(key, name) || name.empty()) return false;
  std::vector<std::string> names;
  for (const auto& host : hosts) names.push_back(host.name.value());
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const auto near = nearest(name, names);
    from.complain(key, shown(name) + " is not one of the hosts",
                  near.empty() ? "add it to `hosts`" : fmt::format("did you mean {}?", near));
    return false;
  }
  into = host_id(name);
  return true;
}

/// `enabled` is a host's name, or a or b.
void read_enabled(config_section& from, podnet_config& into) {
  std::string enabled;
  if (!from.has("b")) into.enabled = into.a;
  if (from.has("b")) from.need("enabled", "say which of the two is in use: the name of one of them, or a or b");
  if (!from.text("enabled", enabled) || enabled.empty()) return;
  if (!into.a.empty() && (enabled == into.a.value() || enabled == "a"))
    into.enabled = into.a;
  else if (!into.b.empty() && (enabled == into.b.value() || enabled == "b"))
    into.enabled = into.b;
  else if (!into.a.empty() && (!into.b.empty() || !from.has("b")))  // else the pair itself is complained of
    from.complain("enabled", fmt::format("{} is not one of the pair", shown(enabled)),
                  into.b.empty() ? into.a.value() : fmt::format("use {} or {}", into.a.value(), into.b.value()));
}

}  // namespace

void read_host_sections(config_section& file, std::vector<host_config>& into) {
  const auto defaults = read_ssh_section(file);
  const auto* hosts = file.value("hosts");
  if (hosts == nullptr)
    file.need("hosts", "list at least one host: see `regent config example`");
  else if (hosts->is == yaml_value::shape::map)
    read_host_map(file, *hosts, defaults, into);
  else if (hosts->is == yaml_value::shape::sequence)
    read_host_list(file, *hosts, defaults, into);
  else
    file.complain("hosts", "neither a list nor a map of hosts", "write `- name: NAME` lines below it");
  if (hosts != nullptr && hosts->items.empty() && hosts->members.empty() && hosts->is >= yaml_value::shape::sequence)
    file.complain("hosts", "no hosts", "list at least one: see `regent config example`");
}

void read_podnet_section(config_section& file, std::vector<host_config>& hosts, podnet_config& into) {
  auto podnet = file.section("podnet");
  if (!podnet) {
    const auto lost = std::find_if(hosts.begin(), hosts.end(), [](const auto& host) { return host.role == "podnet"; });
    if (lost != hosts.end() && !file.has("podnet"))
      file.complain("podnet", fmt::format("is missing, but {} has the role podnet", shown(lost->name.value())),
                    fmt::format("add `podnet: {{a: {}}}`", lost->name.value()));
    return;
  }
  podnet->need("a", "the name of a host");
  read_host_name(*podnet, "a", hosts, into.a);
  read_host_name(*podnet, "b", hosts, into.b);
  if (!into.a.empty() && into.a == into.b)
    podnet->complain("b", shown(into.b.value()) + " is a already",
                     "name another host, or remove b if there is no pair");
  read_enabled(*podnet, into);
  podnet->close();
  for (auto& host : hosts)
    if (host.role.empty() && (host.name == into.a || host.name == into.b)) host.role = "podnet";
}

}  // namespace regent
