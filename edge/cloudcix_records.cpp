#include "edge/cloudcix_records.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "edge/cloudcix_wire.hpp"

namespace regent {

namespace {
constexpr std::size_t name_bytes_most = 255;
constexpr std::size_t address_bytes_most = 64;
constexpr std::size_t port_bytes_most = 1024;
constexpr std::size_t networks_most = 1024;  ///< of one router
constexpr std::size_t rules_most = 10'000;
constexpr std::size_t nat_most = 4096;
constexpr std::size_t extras_most = 1024;  ///< routes, sets
constexpr std::size_t set_elements_most = 65'536;
constexpr std::int64_t vlan_most = 4094;
constexpr std::int64_t metric_default = 100;
constexpr std::int64_t grace_hours_default = 168;  ///< the cloud's own
constexpr std::int64_t grace_hours_most = 24 * 366 * 10;

ip_network network_of(const checked_field& field) {
  const auto text = field.text(address_bytes_most);
  const auto network = parse_ip_network(text);
  if (!network) field.complain(fmt::format("is not an address with a prefix length: {}", excerpt(text)));
  return network.value_or(ip_network{});
}

ip_network address_of(const checked_field& field) {
  const auto text = field.text(address_bytes_most);
  const auto address = parse_ip_address(text);
  if (!address) field.complain(fmt::format("is not an address: {}", excerpt(text)));
  return address.value_or(ip_network{});
}

/// An address that an interface can have, with its prefix length.
ip_network interface_of(const checked_field& field) {
  const auto network = network_of(field);
  if (network.prefix == 0 || !network.is_host_address())
    field.complain(fmt::format("is not an address that an interface can have: {}", network.text()));
  return network;
}

bool is_port_item(std::string_view item) {
  const auto number = [](std::string_view digits) {
    int out = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    const bool whole = code == std::errc{} && end == digits.data() + digits.size() && digits[0] != '0';
    return whole && out >= 1 && out <= 65535 ? out : 0;
  };
  const auto dash = item.find('-');
  const auto first = number(item.substr(0, dash));
  const auto last = dash == item.npos ? first : number(item.substr(dash + 1));
  return first > 0 && last >= first;
}

bool is_port_text(std::string_view text) {
  for (;;) {
    const auto comma = text.find(',');
    const auto item = text.substr(0, comma);
    if (item.empty() || !is_port_item(item)) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool is_set_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && text.size() <= 31 && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string name_of(const checked_field& field) { return field.null() ? "" : field.text(name_bytes_most); }

void read_project(router_facts& facts, const checked_field& project) {
  auto grace_hours = grace_hours_default;
  if (!project.null()) {
    facts.project = project["id"].integer(1, id_most);
    facts.project_name = name_of(project["name"]);
    if (const auto grace = project["grace_period"]; !grace.null()) grace_hours = grace.integer(0, grace_hours_most);
  }
  facts.grace = std::chrono::hours(grace_hours);
  facts.name = facts.project_name.empty() ? "router " + facts.head.id.id : facts.project_name;
}

void read_public(router_facts& facts, const checked_field& field) {
  if (field.null()) return;  // a closed router has lost it
  auto address = address_of(field["address"]);
  const auto range = field["subnet"]["address_range"];
  const auto gateway = interface_of(range);
  address.prefix = gateway.prefix;
  if (!gateway.contains(parse_ip_address(address.address_text()).value_or(ip_network{})) || !address.is_host_address())
    field["address"].complain(fmt::format("{} is not an address in {}", address.address_text(), gateway.text()));
  else if (address.bytes == gateway.bytes)
    field["address"].complain(fmt::format("{} is its subnet's gateway", address.address_text()));
  facts.public_address = address;
  facts.public_gateway = gateway;
}

void read_network(router_facts& facts, const checked_field& subnet) {
  router_network out{subnet["id"].integer(1, id_most), name_of(subnet["name"]), interface_of(subnet["address_range"]),
                     subnet["vlan"].integer(0, vlan_most)};
  const auto clash = [&](const ip_network& other, std::string_view whose) {
    if (other.overlaps(out.address))
      subnet["address_range"].complain(fmt::format("{} overlaps {}, {}", out.address.text(), other.text(), whose));
  };
  if (facts.public_gateway) clash(*facts.public_gateway, "the public subnet");
  for (const auto& other : facts.networks) {
    if (other.id == out.id) subnet["id"].complain(fmt::format("{} is there twice", out.id));
    clash(other.address, fmt::format("subnet {}", other.id));
  }
  facts.networks.push_back(std::move(out));
}

void read_rule(router_facts& facts, std::set<std::int64_t>& ids, const checked_field& field) {
  router_rule out;
  out.id = field["id"].integer(1, id_most);
  if (!ids.insert(out.id).second) field["id"].complain(fmt::format("{} is there twice", out.id));
  out.order = field["order"].integer(0, id_most);
  out.allow = field["allow"].flag();
  for (const auto* key : {"debug_logging", "pci_logging"})
    if (!field[key].null()) out.log = field[key].flag() || out.log;
  out.protocol = field["protocol"].text(name_bytes_most);
  static const std::set<std::string> protocols{"any", "icmp", "tcp", "udp"};
  if (!protocols.contains(out.protocol))
    field["protocol"].complain(fmt::format("must be any, icmp, tcp or udp, is {}", excerpt(out.protocol)));
  out.source = network_of(field["source"]).masked();
  out.destination = network_of(field["destination"]).masked();
  if (out.source.family != out.destination.family)
    field["destination"].complain(
        fmt::format("{} is of another family than the source {}", out.destination.text(), out.source.text()));
  if (!field["port"].null()) out.port = field["port"].text(port_bytes_most);
  if (!out.port.empty() && !is_port_text(out.port))
    field["port"].complain(fmt::format("is not a port, a range or a list of them: {}", excerpt(out.port)));
  // The cloud keeps what a user wrote there, but ICMP has no ports.
  if (out.protocol == "icmp") out.port.clear();
  facts.rules.push_back(std::move(out));
}

/// To the kernel, metric 0 of an IPv6 route is 1024.
std::int64_t kernel_metric(const router_route& route) {
  return route.destination.family == 6 && route.metric == 0 ? 1024 : route.metric;
}

/// A host keeps only one of two such routes, so a router that has both would never be as declared.
bool contradict(const router_route& a, const router_route& b) {
  return a.destination == b.destination && kernel_metric(a) == kernel_metric(b) && a.gateway != b.gateway;
}

/// The default route by the public gateway, which every router has; its metric is that of a route that names none.
std::optional<router_route> default_route(const router_facts& facts) {
  if (!facts.public_gateway) return {};
  auto gateway = *facts.public_gateway;
  gateway.prefix = gateway.bits();
  return router_route{{gateway.family, {}, 0}, gateway, metric_default};
}

void refuse_contradiction(const router_facts& facts, const router_route& route, const checked_field& field) {
  const auto own = default_route(facts);
  const auto* other = own && contradict(*own, route) ? &*own : nullptr;
  for (const auto& each : facts.routes)
    if (contradict(each, route)) other = &each;
  if (other != nullptr)
    field["gateway"].complain(fmt::format("{} contradicts {}, by which the router reaches {} with metric {} already",
                                          route.gateway.address_text(), other->gateway.address_text(),
                                          route.destination.text(), route.metric));
}

void read_route(router_facts& facts, const checked_field& field) {
  router_route out{network_of(field["destination"]).masked(), address_of(field["gateway"]), metric_default};
  if (!field["metric"].null()) out.metric = field["metric"].integer(0, INT32_MAX);
  if (out.destination.family != out.gateway.family)
    field["gateway"].complain(
        fmt::format("{} is of another family than {}", out.gateway.address_text(), out.destination.text()));
  const bool reachable = (facts.public_gateway && facts.public_gateway->contains(out.gateway)) ||
                         std::any_of(facts.networks.begin(), facts.networks.end(), [&](const router_network& network) {
                           return network.address.contains(out.gateway);
                         });
  if (!reachable)
    field["gateway"].complain(fmt::format("{} is in none of the router's networks", out.gateway.address_text()));
  refuse_contradiction(facts, out, field);
  facts.routes.push_back(out);
}

void read_set(router_facts& facts, const checked_field& field) {
  router_set out;
  out.name = field["name"].text(name_bytes_most);
  if (!is_set_name(out.name))
    field["name"].complain(
        fmt::format("is not a set's name (a letter or _, then letters, digits, _; at most 31): {}", excerpt(out.name)));
  if (std::any_of(facts.sets.begin(), facts.sets.end(),
                  [&](const router_set& other) { return other.name == out.name; }))
    field["name"].complain(fmt::format("{} is there twice", excerpt(out.name)));
  const auto family = field["family"].text(name_bytes_most);
  if (family != "ipv4" && family != "ipv6")
    field["family"].complain(fmt::format("must be ipv4 or ipv6, is {}", excerpt(family)));
  out.family = family == "ipv6" ? 6 : 4;
  field["elements"].each(set_elements_most, [&](const checked_field& element) {
    const auto text = element.text(address_bytes_most);
    const auto network = parse_ip_address_or_network(text);
    if (!network || network->family != out.family)
      return element.complain(fmt::format("is not an {} address or network: {}", excerpt(family), excerpt(text)));
    const auto masked = network->masked();
    out.elements.push_back(masked.prefix == masked.bits() ? masked.address_text() : masked.text());
  });
  facts.sets.push_back(std::move(out));
}

template <class Read>
void read_optional_list(router_facts& facts, const checked_field& list, Read read) {
  if (!list.null()) list.each(extras_most, [&](const checked_field& item) { read(facts, item); });
}

record_head head_of(const checked_field& row, const std::string& kind) {
  record_head out;
  out.id = {kind, std::to_string(row["id"].integer(1, id_most))};
  const auto number = row["state"].integer(0, id_most);
  const auto state = state_of_wire(number);
  if (!state) row["state"].complain(fmt::format("is not a known state: {}", number));
  out.state = state.value_or(ignore);
  // Volumes have no stamp, and name their project by its number.
  const bool is_volume = kind == volume_kind;
  if (const auto updated = row["updated"]; !is_volume || !updated.null())
    out.updated = updated.text(address_bytes_most);
  const auto project = row["project"];
  const auto its_number = is_volume ? row["project_id"] : project.null() ? project : project["id"];
  if (!its_number.null()) out.project = std::to_string(its_number.integer(1, id_most));
  return out;
}
}  // namespace

record_head read_head(const rapidjson::Value& row, const std::string& kind, field_complaint& wrong) {
  return head_of(checked_field(row, wrong), kind);
}

router_facts read_router(const rapidjson::Value& content, field_complaint& wrong) {
  const checked_field router(content, wrong);
  router_facts out;
  out.head = head_of(router, std::string(router_kind));
  out.id = router["id"].integer(1, id_most);
  read_project(out, router["project"]);
  if (!router["phantom"].null()) out.phantom = router["phantom"].flag();
  read_public(out, router["ip_address"]);
  router["subnets"].each(networks_most, [&](const checked_field& subnet) { read_network(out, subnet); });
  std::set<std::int64_t> rule_ids;
  router["firewall_rules"].each(rules_most, [&](const checked_field& rule) { read_rule(out, rule_ids, rule); });
  read_optional_list(out, router["routes"], read_route);
  read_optional_list(out, router["sets"], read_set);
  std::stable_sort(out.networks.begin(), out.networks.end(), [](auto& a, auto& b) { return a.id < b.id; });
  std::stable_sort(out.rules.begin(), out.rules.end(),
                   [](auto& a, auto& b) { return std::tie(a.order, a.id) < std::tie(b.order, b.id); });
  return out;
}

void add_nat(router_facts& facts, const rapidjson::Value& row, field_complaint& wrong) {
  const checked_field field(row, wrong);
  if (field["public_ip"].null()) return;
  if (facts.nat.size() >= nat_most) return field.complain(fmt::format("is one of more than {} pairs", nat_most));
  const router_nat out{address_of(field["public_ip"]["address"]), address_of(field["address"])};
  const auto bad = [&](const char* key, std::string why) { field[key].complain(std::move(why)); };
  if (out.public_address.family != out.private_address.family)
    bad("public_ip", fmt::format("{} is of another family than {}", out.public_address.address_text(),
                                 out.private_address.address_text()));
  if (facts.public_address && facts.public_address->bytes == out.public_address.bytes)
    bad("public_ip", fmt::format("{} is the router's own address", out.public_address.address_text()));
  if (std::none_of(facts.networks.begin(), facts.networks.end(),
                   [&](const router_network& network) { return network.address.contains(out.private_address); }))
    bad("address", fmt::format("{} is in none of the router's networks", out.private_address.address_text()));
  for (const auto& other : facts.nat)
    if (other.public_address == out.public_address || other.private_address == out.private_address)
      bad("public_ip", fmt::format("{} to {} shares an address with another pair", out.public_address.address_text(),
                                   out.private_address.address_text()));
  const auto after = std::upper_bound(
      facts.nat.begin(), facts.nat.end(), out,
      [](const router_nat& a, const router_nat& b) { return a.private_address.bytes < b.private_address.bytes; });
  facts.nat.insert(after, out);
}

}  // namespace regent
