#include "sim/cloud_records.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "sim/yaml_reader.hpp"

namespace regent::sim {

namespace {

constexpr std::int64_t id_most = 899'999;

json::object read_raw(reader& in, const YAML::Node& map, const std::string& path) {
  const auto raw = map["raw"];
  if (!raw) return {};
  auto value = in.forced(raw, reader::join(path, "raw"));
  if (value.is_object()) return std::move(value.get_object());
  in.complain(raw, reader::join(path, "raw"), "must be a map");
  return {};
}

subnet_spec read_subnet(reader& in, const YAML::Node& node, const std::string& path) {
  subnet_spec out;
  if (!in.is_map(node, path, {"id", "name", "address", "address_range", "vlan"})) return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.name = in.text(node, path, "name", "lan");
  const std::string key = node["address_range"] ? "address_range" : "address";
  out.address_range = in.needed_text(node, path, key);
  out.vlan = in.number(node, path, "vlan", 1, 4094);
  if (!out.address_range.empty() && !is_address_range(out.address_range))
    in.complain(
        node[key], reader::join(path, key),
        fmt::format("'{}' is not the router's address with a prefix length, such as 10.0.0.1/24", out.address_range));
  return out;
}

rule_spec read_rule(reader& in, const YAML::Node& node, const std::string& path) {
  rule_spec out;
  if (!in.is_map(
          node, path,
          {"id", "allow", "log", "debug_logging", "description", "protocol", "source", "destination", "port", "order"}))
    return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.allow = in.flag(node, path, "allow", true);
  out.log = in.flag(node, path, node["debug_logging"] ? "debug_logging" : "log", false);
  out.description = in.text(node, path, "description", "");
  out.protocol = in.text(node, path, "protocol", "any");
  out.port = in.text(node, path, "port", "");
  static const std::set<std::string> protocols{"any", "icmp", "tcp", "udp"};
  if (!protocols.contains(out.protocol))
    in.complain(node["protocol"], reader::join(path, "protocol"),
                fmt::format("'{}' is none of any, icmp, tcp, udp", out.protocol));
  for (auto [key, into] : {std::pair("source", &out.source), std::pair("destination", &out.destination)}) {
    *into = in.needed_text(node, path, key);
    if (!into->empty() && !network_text(*into))
      in.complain(node[key], reader::join(path, key), fmt::format("'{}' is neither an address nor a network", *into));
  }
  return out;
}

nat_spec read_nat(reader& in, const YAML::Node& node, const std::string& path) {
  nat_spec out;
  if (!in.is_map(node, path, {"public", "private"})) return out;
  out.public_address = in.needed_text(node, path, "public");
  out.private_address = in.needed_text(node, path, "private");
  for (const auto key : {"public", "private"})
    if (const auto text = in.text(node, path, key, ""); !text.empty() && !is_address(text))
      in.complain(node[key], reader::join(path, key), fmt::format("'{}' is not an address", text));
  return out;
}

route_spec read_route(reader& in, const YAML::Node& node, const std::string& path) {
  route_spec out;
  if (!in.is_map(node, path, {"destination", "gateway", "metric"})) return out;
  out.destination = in.needed_text(node, path, "destination");
  out.gateway = in.needed_text(node, path, "gateway");
  out.metric = in.number(node, path, "metric", 0, 0xffffffffLL).value_or(100);
  if (!out.destination.empty() && !network_text(out.destination))
    in.complain(node["destination"], reader::join(path, "destination"),
                fmt::format("'{}' is neither an address nor a network", out.destination));
  if (!out.gateway.empty() && !is_address(out.gateway))
    in.complain(node["gateway"], reader::join(path, "gateway"), fmt::format("'{}' is not an address", out.gateway));
  return out;
}

set_spec read_set(reader& in, const YAML::Node& node, const std::string& path) {
  set_spec out;
  if (!in.is_map(node, path, {"name", "family", "elements"})) return out;
  out.name = in.needed_text(node, path, "name");
  out.family = in.text(node, path, "family", "ipv4");
  if (out.family != "ipv4" && out.family != "ipv6")
    in.complain(node["family"], reader::join(path, "family"), fmt::format("'{}' is neither ipv4 nor ipv6", out.family));
  in.each(node["elements"], reader::join(path, "elements"), false, [&](const YAML::Node& one, const std::string& at) {
    const auto text = one.IsScalar() ? one.Scalar() : std::string();
    if (!network_text(text))
      in.complain(one, at, fmt::format("{} is neither an address nor a network", reader::quoted(one)));
    out.elements.push_back(text);
  });
  return out;
}

void read_part(reader& in, const std::string& part, const YAML::Node& list, const std::string& path, router_spec& out) {
  in.each(list, path, true, [&](const YAML::Node& node, const std::string& at) {
    if (part == "subnets")
      out.subnets.push_back(read_subnet(in, node, at));
    else if (part == "firewall_rules")
      out.rules.push_back(read_rule(in, node, at));
    else if (part == "nat")
      out.nat.push_back(read_nat(in, node, at));
    else if (part == "routes")
      out.routes.push_back(read_route(in, node, at));
    else
      out.sets.push_back(read_set(in, node, at));
  });
}

void check_inside(reader& in, const YAML::Node& at, const std::string& path, const router_spec& router,
                  const std::string& address) {
  const bool inside = std::any_of(router.subnets.begin(), router.subnets.end(),
                                  [&](const subnet_spec& subnet) { return lies_in(address, subnet.address_range); });
  if (!inside && is_address(address))
    in.complain(at, path, fmt::format("{} lies in none of the router's subnets", address));
}

router_spec read_router(reader& in, const YAML::Node& node, const std::string& path) {
  router_spec out;
  if (!node ||
      !in.is_map(node, path,
                 {"id", "state", "phantom", "public_address", "subnets", "rules", "nat", "routes", "sets", "raw"}))
    return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.state = in.state(node, path);
  out.phantom = in.flag(node, path, "phantom", false);
  out.public_address = in.text(node, path, "public_address", "");
  if (!out.public_address.empty() && !is_address(out.public_address))
    in.complain(node["public_address"], reader::join(path, "public_address"),
                fmt::format("'{}' is not an address", out.public_address));
  for (const auto part : {"subnets", "nat", "routes", "sets"})
    read_part(in, part, node[part], reader::join(path, part), out);
  read_part(in, "firewall_rules", node["rules"], reader::join(path, "rules"), out);
  for (const auto& nat : out.nat) check_inside(in, node["nat"], reader::join(path, "nat"), out, nat.private_address);
  out.raw = read_raw(in, node, path);
  return out;
}

/// `router` null: its subnets are not known here, so addresses are only read.
vm_spec read_vm(reader& in, const YAML::Node& node, const std::string& path, const router_spec* router) {
  vm_spec out;
  if (!in.is_map(node, path, {"id", "name", "state", "cpu", "ram", "gpu", "gb", "server", "addresses", "raw"}))
    return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.name = in.needed_text(node, path, "name");
  out.state = in.state(node, path);
  out.cpu = in.number(node, path, "cpu", 1, 1024).value_or(1);
  out.ram = in.number(node, path, "ram", 1, 65536).value_or(1);
  out.gpu = in.number(node, path, "gpu", 0, 64).value_or(0);
  out.gb = in.number(node, path, "gb", 1, 1'000'000).value_or(20);
  out.server = in.number(node, path, "server", 1, id_most).value_or(1);
  in.each(node["addresses"], reader::join(path, "addresses"), false, [&](const YAML::Node& one, const std::string& at) {
    const auto text = one.IsScalar() ? one.Scalar() : std::string();
    if (!is_address(text)) return in.complain(one, at, fmt::format("{} is not an address", reader::quoted(one)));
    if (router) check_inside(in, one, at, *router, text);
    out.addresses.push_back(text);
  });
  out.raw = read_raw(in, node, path);
  return out;
}

/// The key `vm` of something that is attached: the number of one of these VMs.
std::optional<std::int64_t> read_parent(reader& in, const YAML::Node& node, const std::string& path,
                                        const std::vector<vm_spec>& vms) {
  const auto vm = in.number(node, path, "vm", 1, id_most);
  if (vm && std::none_of(vms.begin(), vms.end(), [&](const vm_spec& one) { return one.id == vm; }))
    in.complain(node["vm"], reader::join(path, "vm"), fmt::format("no VM has the id {}", *vm));
  return vm;
}

volume_spec read_volume(reader& in, const YAML::Node& node, const std::string& path, const std::vector<vm_spec>& vms) {
  volume_spec out;
  if (!in.is_map(node, path, {"id", "name", "state", "gb", "vm"})) return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.name = in.text(node, path, "name", out.name);
  out.state = in.state(node, path);
  out.gb = in.number(node, path, "gb", 1, 1'000'000).value_or(out.gb);
  out.vm = read_parent(in, node, path, vms);
  return out;
}

project_spec read_project(reader& in, const YAML::Node& node, const std::string& path) {
  project_spec out;
  if (!in.is_map(node, path, {"id", "name", "grace_period", "note", "router", "vms", "volumes"})) return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.name = in.needed_text(node, path, "name");
  out.note = in.text(node, path, "note", "");
  if (node["grace_period"]) out.grace_period = in.number(node, path, "grace_period", 0, 87600);
  out.router = read_router(in, node["router"], reader::join(path, "router"));
  in.each(node["vms"], reader::join(path, "vms"), false,
          [&](const YAML::Node& one, const std::string& at) { out.vms.push_back(read_vm(in, one, at, &out.router)); });
  in.each(node["volumes"], reader::join(path, "volumes"), false, [&](const YAML::Node& one, const std::string& at) {
    out.volumes.push_back(read_volume(in, one, at, out.vms));
  });
  return out;
}

device_spec read_device(reader& in, const YAML::Node& node, const std::string& path, const records_spec& records) {
  device_spec out;
  if (!in.is_map(node, path, {"id", "id_on_host", "sku", "server", "vm"})) return out;
  out.id = in.number(node, path, "id", 1, id_most);
  out.id_on_host = in.text(node, path, "id_on_host", out.id_on_host);
  out.sku = in.text(node, path, "sku", out.sku);
  out.server = in.number(node, path, "server", 1, id_most).value_or(out.server);
  const auto& servers = records.servers;
  if (std::none_of(servers.begin(), servers.end(), [&](const server_spec& one) { return one.id == out.server; }))
    in.complain(node["server"] ? node["server"] : node, reader::join(path, "server"),
                fmt::format("no server has the id {}", out.server));
  std::vector<vm_spec> vms;
  for (const auto& project : records.projects) vms.insert(vms.end(), project.vms.begin(), project.vms.end());
  out.vm = read_parent(in, node, path, vms);
  return out;
}

server_spec read_server(reader& in, const YAML::Node& node, const std::string& path) {
  server_spec out;
  if (!in.is_map(node, path, {"id", "hostname", "type", "address"})) return out;
  out.id = in.number(node, path, "id", 1, id_most).value_or(1);
  out.hostname = in.text(node, path, "hostname", out.hostname);
  out.type = in.text(node, path, "type", out.type);
  out.address = in.text(node, path, "address", out.address);
  if (out.type != "KVM" && out.type != "HyperV" && out.type != "Phantom")
    in.complain(node["type"], reader::join(path, "type"),
                fmt::format("'{}' is none of KVM, HyperV, Phantom", out.type));
  return out;
}

region_spec read_region(reader& in, const YAML::Node& node, const std::string& path) {
  region_spec out;
  if (!node || !in.is_map(node, path, {"id", "public_subnet", "detach_works"})) return out;
  out.id = in.number(node, path, "id", 1, 1'000'000).value_or(out.id);
  out.public_subnet = in.text(node, path, "public_subnet", out.public_subnet);
  if (!is_address_range(out.public_subnet))
    in.complain(node["public_subnet"], reader::join(path, "public_subnet"),
                fmt::format("'{}' is not the gateway's address with a prefix length", out.public_subnet));
  out.detach_works = in.flag(node, path, "detach_works", false);
  return out;
}

/// Numbers and public addresses are given to one record each.
class uniqueness {
 public:
  explicit uniqueness(reader& in) : in_(in) {}
  void check(const YAML::Node& at, const std::string& path, const std::string& what, const std::string& value) {
    if (!value.empty() && !seen_.insert(what + " " + value).second)
      in_.complain(at, path, fmt::format("{} {} is given twice", what, value));
  }
  void check(const YAML::Node& at, const std::string& path, const std::string& what,
             const std::optional<std::int64_t>& id) {
    check(at, path, what, id ? std::to_string(*id) : std::string());
  }

 private:
  reader& in_;
  std::set<std::string> seen_;
};

void check_twice(uniqueness& once, const YAML::Node& node, const std::string& path, const project_spec& project) {
  once.check(node, path, "project", project.id);
  once.check(node, path, "virtual router", project.router.id);
  once.check(node, path, "public address", project.router.public_address);
  for (const auto& nat : project.router.nat) once.check(node, path, "public address", nat.public_address);
  for (const auto& subnet : project.router.subnets) once.check(node, path, "subnet", subnet.id);
  for (const auto& rule : project.router.rules) once.check(node, path, "firewall rule", rule.id);
  for (const auto& vm : project.vms) once.check(node, path, "VM", vm.id);
  for (const auto& volume : project.volumes) once.check(node, path, "volume", volume.id);
}

records_spec read_records(reader& in, const YAML::Node& root) {
  records_spec out;
  if (!in.is_map(root, "", {"region", "servers", "projects", "devices"})) return out;
  uniqueness once(in);
  out.region = read_region(in, root["region"], "region");
  in.each(root["servers"], "servers", false, [&](const YAML::Node& node, const std::string& path) {
    out.servers.push_back(read_server(in, node, path));
    once.check(node, path, "server", std::optional(out.servers.back().id));
  });
  if (out.servers.empty()) out.servers.emplace_back();
  in.each(root["projects"], "projects", false, [&](const YAML::Node& node, const std::string& path) {
    out.projects.push_back(read_project(in, node, path));
    check_twice(once, node, path, out.projects.back());
  });
  in.each(root["devices"], "devices", false, [&](const YAML::Node& node, const std::string& path) {
    out.devices.push_back(read_device(in, node, path, out));
    once.check(node, path, "device", out.devices.back().id);
  });
  return out;
}

/// Runs `read` on the parsed text; a text that is no YAML is one problem.
template <class T, class Read>
parsed<T> parse(const std::string& text, Read read) {
  reader in;
  parsed<T> out;
  try {
    out.value = read(in, YAML::Load(text));
  } catch (const YAML::Exception& bad) {
    in.problems.push_back({bad.mark.line + 1, bad.mark.column + 1, "", "cannot be read: " + bad.msg});
  }
  out.problems = std::move(in.problems);
  return out;
}

}  // namespace

std::string problems_text(const std::vector<record_problem>& problems, const std::string& file) {
  std::string out;
  for (const auto& p : problems)
    out += fmt::format("{}:{}:{}: {}{}{}\n", file, p.line, p.column, p.path, p.path.empty() ? "" : ": ", p.message);
  return out;
}

parsed<records_spec> parse_records(const std::string& text) { return parse<records_spec>(text, read_records); }

parsed<project_spec> parse_project(const std::string& text) {
  return parse<project_spec>(text, [](reader& in, const YAML::Node& root) {
    auto out = read_project(in, root, "");
    uniqueness once(in);
    check_twice(once, root, "", out);
    return out;
  });
}

parsed<vm_spec> parse_vm(const std::string& text) {
  return parse<vm_spec>(text, [](reader& in, const YAML::Node& root) { return read_vm(in, root, "", nullptr); });
}

parsed<router_spec> parse_router_part(const std::string& part, const std::string& text) {
  return parse<router_spec>(text, [&part](reader& in, const YAML::Node& root) {
    project_spec around;
    read_part(in, part, root, "", around.router);
    uniqueness once(in);
    check_twice(once, root, "", around);
    return around.router;
  });
}

}  // namespace regent::sim
