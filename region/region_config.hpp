// The region file, parsed and checked: which cloud, which hosts, which networks, which policies.
// `regent config example` prints a file with every key, its meaning and its default.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "region/json.hpp"
#include "region/schedule.hpp"
#include "region/throttle.hpp"

namespace regent {

namespace limits {
inline constexpr std::size_t region_file_bytes = 2 << 20;
inline constexpr std::size_t region_problems = 1000;  ///< reported of one file; the rest is said to be there
inline constexpr std::size_t secret_bytes = 64 * 1024;
}  // namespace limits

/// A secret by reference: read from the file or the environment when needed, never stored.
struct secret_reference {
  enum class source { none, file, environment, inline_value };
  source from = source::none;
  std::string what;  ///< path, variable name, or the value itself
  bool operator==(const secret_reference&) const = default;
};

/// The secret's value now (one trailing newline of a file is dropped). Errors: permanent `secret_unreadable`.
result<std::string> read_secret(const secret_reference& reference);

/// A login of the cloud.
struct cloud_account {
  std::string email;
  secret_reference password;
  secret_reference api_key;
};

struct cloud_config {
  std::string dialect = "cloudcix";
  std::string url;             ///< base address of the IaaS API, ends with '/'
  std::string membership_url;  ///< base address of the login service; the same server if empty
  std::string email;
  secret_reference password;
  secret_reference api_key;
  std::optional<cloud_account> user;  ///< by which scrubs and restores of projects are asked for
  std::string ca_file;                ///< PEM; the system's roots if empty
  milliseconds poll_interval{5000};
  milliseconds listing_interval{60000};
  int page_limit = 100;
};

struct host_config {
  host_id name;
  std::string address;
  int port = 22;
  std::string user = "root";
  bool become = false;  ///< `sudo -n` before the runner
  std::string role;     ///< "podnet", "kvm", …
  std::vector<std::string> labels;
  std::string key_file;          ///< private key (OpenSSH format); agent if empty and agent is set
  std::string certificate_file;  ///< OpenSSH user certificate that goes with it
  bool agent = false;
  std::string host_key;                                  ///< "ssh-ed25519 AAAA…", pinned; or
  std::string known_hosts_file;                          ///< a known_hosts file to look in; or
  std::string host_ca;                                   ///< "ssh-ed25519 AAAA…" of the CA that signs host keys
  bool local = false;                                    ///< the machine itself, without SSH
  std::string state_directory = "/var/lib/regent-host";  ///< where the runner keeps runs and epoch, on the host
  std::size_t concurrency = limits::runs_in_flight_per_host;
  std::int64_t load_most = 0;  ///< over this load average of the last minute the host declines new jobs; 0: never
  bool operator==(const host_config&) const = default;
};

struct podnet_config {
  host_id a;
  host_id b;        ///< empty: no pair
  host_id enabled;  ///< one of the two
};

struct networks_config {
  std::string public_bridge = "br-public";
  std::string tenant_type = "vlan";       ///< vlan, vxlan or none
  std::string tenant_interface;           ///< parent device of vlan and vxlan
  std::string vxlan_group = "239.1.1.1";  ///< multicast group of vxlan without fixed peers
  std::vector<std::string> vxlan_peers;   ///< unicast peers instead of a group
  int vxlan_port = 4789;
  int mtu = 1500;
};

struct policies_config {
  std::optional<std::chrono::minutes> grace_period;  ///< instead of the project's, when set
  int step_attempts = limits::step_attempts_most;
  milliseconds wait_for_host{limits::wait_for_host};
  milliseconds wait_for_standby{limits::wait_for_standby};
  bool adopt_existing = false;  ///< take over namespaces of the same name that regent did not make
};

struct listen_config {
  std::string unix_socket;  ///< empty: state_directory/regent.sock
  std::string address = "127.0.0.1";
  int port = 8420;  ///< 0: any free port, printed at start
  bool tcp = true;
};

/// Somebody who is sent events: what every sort of sink has.
struct sink_config {
  std::string name;
  std::string url;
  std::string ca_file;              ///< PEM; the system's roots if empty
  std::vector<std::string> topics;  ///< patterns, checked; none: all
};

/// A sink over HTTP.
struct webhook_config : sink_config {
  secret_reference secret;  ///< signs what is sent
};

/// An exchange of an AMQP broker.
struct amqp_config : sink_config {  ///< url: as region/amqp_address.hpp reads it, with the user
  secret_reference password;
  std::string exchange;
};

using any_sink_config = std::variant<webhook_config, amqp_config>;
/// Of whichever sort it is.
const sink_config& sink_of(const any_sink_config& any);

struct events_config {
  std::vector<webhook_config> webhooks;
  std::vector<amqp_config> amqp;
  /// All of them; no two have one name.
  std::vector<any_sink_config> sinks() const;
};

/// Where the file names a kind: what kinds there are, only the catalogue knows.
struct kind_mention {
  std::string kind;
  std::string path;  ///< "throttles.0.kind"
  int line = 0;
  int column = 0;
};

struct region_config {
  std::string name;
  std::string state_directory = "/var/lib/regent";
  cloud_config cloud;
  std::vector<host_config> hosts;
  podnet_config podnet;
  networks_config networks;
  policies_config policies;
  listen_config listen;
  events_config events;
  std::vector<schedule_config> schedules;
  std::vector<throttle_config> throttles;
  std::vector<std::string> kind_directories;  ///< operators' own kinds and primitives, after the built-in ones
  std::vector<kind_mention> kinds_named;
  std::string log_level = "info";
  json_document document;  ///< the whole file as JSON, for {region.…} paths in kind files; secrets inline are masked

  const host_config* find_host(const host_id& name) const;
};

/// One complaint about a region file. Line and column count from 1.
struct config_problem {
  int line = 0;
  int column = 0;
  std::string path;        ///< "hosts.0.address"
  std::string message;     ///< names the offending value
  std::string suggestion;  ///< may be empty
};

struct config_check {
  std::optional<region_config> config;  ///< set only if there are no problems
  std::vector<config_problem> problems;
  /// "region.yaml:12:7: hosts.0.port: 99999 is not a port (1 to 65535); did you mean 22?", one line each.
  std::string text(const std::string& file_name) const;
};

/// Reads a region file's text (YAML, of which JSON is a part), and reports every problem at once.
config_check parse_region_config(const std::string& text);

/// Reads the file at `path`; an unreadable file is one problem at line 0.
config_check load_region_config(const std::string& path);

/// Complains of each kind that the file names and that is none of these.
void refuse_unknown_kinds(config_check& check, const std::vector<std::string>& known);

/// A commented example that parses without problems.
std::string example_region_config();

/// Turns a CloudCIX Robot config.json into a region file (YAML text, with comments where it needs the operator).
/// Errors: permanent `import_malformed` listing each missing or contradictory key.
result<std::string> import_robot_config(const std::string& json);

}  // namespace regent
