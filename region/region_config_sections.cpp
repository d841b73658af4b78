// The sections `cloud`, `networks`, `policies` and `listen`.
#include "region/region_config_sections.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent {
namespace {

using namespace std::chrono_literals;

}  // namespace

void read_secret_reference(config_section& from, const std::string& key, secret_reference& into) {
  auto variable_name = key;
  std::transform(key.begin(), key.end(), variable_name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  const auto advice =
      fmt::format("write {}: {{file: /etc/regent/secrets/{}}} or {{environment: REGENT_{}}}", key, key, variable_name);
  from.need(key, advice);
  const auto* there = from.value(key);
  if (there == nullptr) return;
  if (there->is != yaml_value::shape::map) {
    const auto* text = from.scalar(*there, from.path_of(key), true);
    if (text != nullptr) into = {secret_reference::source::inline_value, *text};
    return;
  }
  config_section reference(*there, from.path_of(key), from.problems());
  if (reference.has("file") == reference.has("environment"))
    from.complain(key, reference.has("file") ? "both a file and a variable" : "names neither a file nor a variable",
                  advice);
  if (reference.text("file", into.what, check_absolute_path)) into.from = secret_reference::source::file;
  std::string variable;
  if (reference.text("environment", variable, check_variable)) into = {secret_reference::source::environment, variable};
  if (into.from != secret_reference::source::none && into.what.empty())
    from.complain(key, "names neither a file nor a variable", advice);
  reference.close();
}

namespace {

void read_url(config_section& from, const std::string& key, std::string& into) {
  if (from.text(key, into, check_url) && !into.empty() && into.back() != '/') into += '/';
}

void refuse_unless(bool applies, config_section& from, const std::string& key, std::string_view only_with) {
  if (!applies && from.has(key)) from.complain(key, fmt::format("means nothing without {}", only_with), "remove it");
}

void read_tenant(config_section& networks, networks_config& into) {
  auto tenant = networks.section("tenant");
  const bool said = networks.has("tenant");
  if (!tenant) {
    if (!said)
      networks.need("tenant", "say how tenant networks reach other hosts: `tenant: {type: vlan, interface: NAME}`");
    return;
  }
  tenant->need("type", "vlan, vxlan or none");
  const bool typed = tenant->text_of("type", into.tenant_type, {"vlan", "vxlan", "none"});
  const bool vxlan = into.tenant_type == "vxlan";
  if (typed && into.tenant_type != "none") tenant->need("interface", "the interface that carries the tenant networks");
  tenant->text("interface", into.tenant_interface, check_interface);
  tenant->text("group", into.vxlan_group, check_multicast_group);
  tenant->texts("peers", into.vxlan_peers, check_ip_address);
  tenant->number("port", into.vxlan_port, 1, 65535, "a port");
  if (typed) {
    refuse_unless(into.tenant_type != "none", *tenant, "interface", "type vlan or vxlan");
    for (const auto* key : {"group", "peers", "port"}) refuse_unless(vxlan, *tenant, key, "type vxlan");
  }
  if (tenant->has("group") && tenant->has("peers"))
    tenant->complain("peers", "stands beside group: the other ends are found in one way only", "remove one of them");
  tenant->close();
}

}  // namespace

void read_cloud_section(config_section& file, cloud_config& into) {
  file.need("cloud", "name the cloud's address and credentials: see `regent config example`");
  auto cloud = file.section("cloud");
  if (!cloud) return;
  cloud->text_of("dialect", into.dialect, {"cloudcix"});
  cloud->need("url", "the base address of the IaaS API, like https://iaas.example.com/");
  read_url(*cloud, "url", into.url);
  read_url(*cloud, "membership_url", into.membership_url);
  cloud->need("email", "the login of the region's robot user");
  cloud->text("email", into.email, check_email);
  read_secret_reference(*cloud, "password", into.password);
  read_secret_reference(*cloud, "api_key", into.api_key);
  if (auto user = cloud->section("user")) {
    auto& account = into.user.emplace();
    user->need("email", "the login of an account that may change what the region's projects have");
    user->text("email", account.email, check_email);
    read_secret_reference(*user, "password", account.password);
    read_secret_reference(*user, "api_key", account.api_key);
    user->close({{"username", "did you mean email?"}, {"token", "did you mean api_key?"}});
  }
  cloud->text("ca_file", into.ca_file, check_absolute_path);
  const bool polls = cloud->span("poll_interval", into.poll_interval, 100ms, 1h);
  const bool lists = cloud->span("listing_interval", into.listing_interval, 500ms, 24h);
  if ((polls || lists) && into.listing_interval < into.poll_interval)
    cloud->complain(lists ? "listing_interval" : "poll_interval",
                    fmt::format("the full listing, every {}, would be more frequent than the poll, every {}",
                                span_text(into.listing_interval), span_text(into.poll_interval)),
                    "make listing_interval the longer of the two");
  cloud->number("page_limit", into.page_limit, 1, 100, "a number of records per page");
  cloud->close({{"username", "did you mean email?"}, {"token", "did you mean api_key?"}});
}

void read_networks_section(config_section& file, networks_config& into) {
  file.need("networks", "name the public bridge and the tenant networks: see `regent config example`");
  auto networks = file.section("networks");
  if (!networks) return;
  networks->text("public_bridge", into.public_bridge, check_interface);
  read_tenant(*networks, into);
  networks->number("mtu", into.mtu, 1280, 9216, "an MTU");
  networks->close();
}

void read_policies_section(config_section& file, policies_config& into) {
  auto policies = file.section("policies");
  if (!policies) return;
  milliseconds grace{0};
  if (policies->span("grace_period", grace, 0ms, 8760h)) {
    into.grace_period = std::chrono::duration_cast<std::chrono::minutes>(grace);
    if (*into.grace_period != grace)
      policies->complain("grace_period", fmt::format("{} is not a whole number of minutes", span_text(grace)),
                         "grace periods are counted in minutes");
  }
  policies->number("step_attempts", into.step_attempts, 1, limits::step_attempts_most, "a number of attempts");
  policies->span("wait_for_host", into.wait_for_host, 0ms, 24h);
  policies->span("wait_for_standby", into.wait_for_standby, 0ms, 24h);
  policies->flag("adopt_existing", into.adopt_existing);
  policies->close();
}

void read_listen_section(config_section& file, const std::string& state_directory, listen_config& into) {
  if (auto listen = file.section("listen")) {
    listen->text("unix_socket", into.unix_socket, check_socket_path);
    listen->text("address", into.address, check_loopback);
    if (into.address == "localhost") into.address = "127.0.0.1";
    listen->number("port", into.port, 0, 65535, "a port");
    listen->flag("tcp", into.tcp);
    listen->close();
    if (listen->has("unix_socket") && !into.unix_socket.empty()) return;
  }
  const auto socket = check_socket_path(state_directory + "/regent.sock");
  if (socket && !check_absolute_path(state_directory))
    file.complain("state_directory", socket->message, "name a shorter path in listen.unix_socket");
}

}  // namespace regent
