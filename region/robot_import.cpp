// CloudCIX Robot's config.json → a region file. The keys, and the addresses that follow from the /48, are those that Robot's own
// primitives read. What the file does not say (the cloud's address, logins, host keys, bridges) becomes a placeholder `<…>`,
// which `config check` reports until the operator has filled it in.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "region/region_config.hpp"
#include "region/region_config_checks.hpp"

namespace regent {
namespace {

struct robot_config {
  std::string name;
  bool a_enabled = false;
  std::array<unsigned char, 16> network{};  ///< the /48
  std::string public_names;                 ///< "a: enp1s0, b: enp2s0"
  std::string private_names;
  std::vector<std::string> left_out;  ///< "key: value", for a comment
};

/// Beginnings of keys that say something which a region file does not need. The values of unknown keys are not shown:
/// who knows what they are.
constexpr std::array<std::string_view, 7> known_needless{
    "blend", "ipv4_link_", "ipv6_link_", "primary_ipv4_subnet", "dns_ips", "pat_region_assignments", "podnet_"};
constexpr std::array<std::string_view, 9> used_keys{"pod_number",
                                                    "pod_name",
                                                    "podnet_a_enabled",
                                                    "podnet_b_enabled",
                                                    "ipv6_subnet",
                                                    "podnet_a_public_ifname",
                                                    "podnet_b_public_ifname",
                                                    "podnet_a_private_ifname",
                                                    "podnet_b_private_ifname"};

/// A single value as text; lists and objects, which may be nested deeper than any stack, only by their kind.
std::string plain(const rapidjson::Value& value) {
  if (value.IsArray()) return "a list";
  return value.IsObject() ? "an object" : json_text(value);
}

/// Reads the keys that matter, collecting what is wrong with them.
class robot_reader {
 public:
  explicit robot_reader(const rapidjson::Value& from) : from_(from) {}

  robot_config read() {
    robot_config config;
    config.name = name();
    config.a_enabled = enabled();
    config.network = network();
    config.public_names = interfaces("public");
    config.private_names = interfaces("private");
    config.left_out = left_out();
    return config;
  }

  std::vector<std::string> wrong;

 private:
  const rapidjson::Value* find(const std::string& key) const {
    const auto member = from_.FindMember(key);
    return member == from_.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
  }

  std::string text(const std::string& key) {
    const auto* value = find(key);
    if (value == nullptr) return "";
    if (!value->IsString()) {
      wrong.push_back(fmt::format("{} must be a string", key));
      return "";
    }
    return {value->GetString(), value->GetStringLength()};
  }

  std::optional<int> pod_number() {
    const auto* value = find("pod_number");
    if (value == nullptr) return std::nullopt;
    int number = -1;
    if (value->IsInt()) number = value->GetInt();
    if (value->IsString()) {
      const auto* end = value->GetString() + value->GetStringLength();
      if (const auto [last, code] = std::from_chars(value->GetString(), end, number);
          code != std::errc{} || last != end)
        number = -1;
    }
    if (number < 0 || number > 254) {
      wrong.push_back(fmt::format("pod_number must be 0 to 254, not {}", shown(plain(*value))));
      return std::nullopt;
    }
    return number;
  }

  std::string name() {
    const auto number = pod_number();
    auto name = text("pod_name");
    if (name.empty() && !number)
      wrong.push_back("pod_name is missing, and there is no pod_number to name the region by");
    if (name.empty()) return number ? fmt::format("pod-{}", *number) : "";
    for (auto& c : name)
      if (check_name(std::string("x") + c)) c = '-';
    name.resize(std::min<std::size_t>(name.size(), 60));
    return check_name(name) ? "pod" + name : name;
  }

  std::optional<bool> flag(const std::string& key) {
    const auto* value = find(key);
    if (value == nullptr || !value->IsBool()) {
      wrong.push_back(value == nullptr ? key + " is missing" : key + " must be true or false");
      return std::nullopt;
    }
    return value->GetBool();
  }

  bool enabled() {
    const auto a = flag("podnet_a_enabled");
    const auto b = flag("podnet_b_enabled");
    if (a && b && *a == *b)
      wrong.push_back(fmt::format("podnet_a_enabled and podnet_b_enabled are both {}: exactly one must be true", *a));
    return a.value_or(false);
  }

  std::array<unsigned char, 16> network() {
    std::array<unsigned char, 16> bytes{};
    if (find("ipv6_subnet") == nullptr) {
      wrong.push_back("ipv6_subnet is missing");
      return bytes;
    }
    const auto subnet = text("ipv6_subnet");
    const auto slash = subnet.find('/');
    const bool good = slash != std::string::npos && subnet.substr(slash) == "/48" &&
                      inet_pton(AF_INET6, subnet.substr(0, slash).c_str(), bytes.data()) == 1 &&
                      std::all_of(bytes.begin() + 6, bytes.end(), [](unsigned char byte) { return byte == 0; });
    if (!good) wrong.push_back(fmt::format("ipv6_subnet must be an IPv6 network with /48, not {}", shown(subnet)));
    return bytes;
  }

  std::string interfaces(const std::string& purpose) {
    std::string names;
    for (const char* node : {"a", "b"}) {
      const auto key = fmt::format("podnet_{}_{}_ifname", node, purpose);
      const auto name = text(key);
      if (name.empty()) continue;
      if (check_interface(name)) wrong.push_back(fmt::format("{} is {}, which names no interface", key, shown(name)));
      names += fmt::format("{}{}: {}", names.empty() ? "" : ", ", node, name);
    }
    return names;
  }

  std::vector<std::string> left_out() const {
    std::vector<std::string> lines;
    for (const auto& [key, value] : from_.GetObject()) {
      const std::string_view name(key.GetString(), key.GetStringLength());
      if (std::find(used_keys.begin(), used_keys.end(), name) != used_keys.end()) continue;
      const bool known = std::any_of(known_needless.begin(), known_needless.end(),
                                     [&](std::string_view prefix) { return name.rfind(prefix, 0) == 0; });
      lines.push_back(known ? fmt::format("{}: {}", name, plain(value)) : fmt::format("{} (unknown)", name));
    }
    return lines;
  }

  const rapidjson::Value& from_;
};

/// Any text as part of a comment's line.
std::string comment(std::string text) {
  for (auto& c : text)
    if (c < ' ' || c > '~') c = '?';
  if (text.size() > 100) text = text.substr(0, 97) + "...";
  return text;
}

/// The address in the /48 whose last three groups are these: podnet a is 10:0:2 (Robot's own rule).
std::string address(const robot_config& config, unsigned char group, unsigned char number) {
  auto bytes = config.network;
  bytes[11] = group;
  bytes[15] = number;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

std::string told(const std::string& names) {
  return names.empty() ? "config.json names no interfaces" : "config.json says " + comment(names);
}

std::string render(const robot_config& config) {
  std::string out = fmt::format(
      R"yaml(# Made by `regent config import` from a Robot config.json. What it did not say stands here as '<…>':
# fill it in until `regent config check` finds nothing to complain of.

region: "{name}"

cloud:
  dialect: cloudcix
  url: '<https://address of the IaaS API/>'
  membership_url: '<https://address of the login service/>'
  email: '<login of the robot user>'
  # Put the robot user's password and API key into these files, readable by regent only.
  password: {{file: /etc/regent/secrets/password}}
  api_key: {{file: /etc/regent/secrets/api_key}}

ssh:
  user: robot                  # the login that Robot uses; `become` is for logins other than root
  become: true
  key_file: '<path of the private key>'

hosts:
  - name: podnet-a
    address: "{a}"
    role: podnet
    # The line of `ssh-keyscan -t ed25519 {a}`, without the address.
    host_key: '<host key of podnet-a>'
  - name: podnet-b
    address: "{b}"
    role: podnet
    # The line of `ssh-keyscan -t ed25519 {b}`, without the address.
    host_key: '<host key of podnet-b>'
  # config.json does not list the hosts below; KVM hosts have addresses like this one.
  # - name: kvm-1
  #   address: "{kvm}"
  #   role: kvm
  #   host_key: '<host key of kvm-1>'

podnet:
  a: podnet-a
  b: podnet-b
  enabled: {enabled}

networks:
  public_bridge: '<bridge>'    # of the floating subnet; public interfaces: {public_names}
  tenant:
    type: vlan
    interface: private0        # as Robot's installer renames it; {private_names}
)yaml",
      fmt::arg("name", config.name), fmt::arg("a", address(config, 0x10, 2)), fmt::arg("b", address(config, 0x10, 3)),
      fmt::arg("kvm", address(config, 0x30, 1)), fmt::arg("enabled", config.a_enabled ? "podnet-a" : "podnet-b"),
      fmt::arg("public_names", told(config.public_names)), fmt::arg("private_names", told(config.private_names)));
  if (!config.left_out.empty())
    out += "\n# Not needed here: regent reads it from the cloud's records, or has no use for it.\n";
  for (const auto& line : config.left_out) out += "#   " + comment(line) + "\n";
  return out;
}

}  // namespace

result<std::string> import_robot_config(const std::string& json) {
  const auto document = parse_json(json);
  if (!document) return fail(error_kind::permanent, "import_malformed", "not JSON: {}", document.error().message);
  if (!(*document)->IsObject())
    return fail(error_kind::permanent, "import_malformed", "a config.json is one JSON object, and this is not");
  robot_reader reader(**document);
  const auto config = reader.read();
  if (!reader.wrong.empty())
    return fail(error_kind::permanent, "import_malformed", "{}", fmt::join(reader.wrong, "; "));
  return render(config);
}

}  // namespace regent
