#include "region/region_config_checks.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "region/amqp_address.hpp"

namespace regent {
namespace {

using verdict = std::optional<complaint>;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool all_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || others.find(c) != std::string_view::npos; });
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// RFC 1123: labels of letters, digits and inner hyphens. What ends in a number is an address that went wrong.
bool is_host_name(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return false;
  std::string_view label;
  for (bool more = true; more;) {
    const auto dot = name.find('.');
    label = name.substr(0, dot);
    more = dot != std::string_view::npos;
    if (more) name.remove_prefix(dot + 1);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' || !all_of(label, "-"))
      return false;
  }
  return !std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr auto address_forms = "write it like 192.0.2.10, 2001:db8::10 or host.example.com";

/// What was probably meant by something that is no address.
std::string address_advice(const std::string& value) {
  if (value.size() > 300) return address_forms;  // longer than any name with what may surround it
  if (const auto at = value.find('@'); at != std::string::npos) return "put what stands before the '@' into `user`";
  if (const auto slash = value.find('/'); slash != std::string::npos)
    return check_address(value.substr(0, slash)) ? address_forms
                                                 : fmt::format("did you mean {}?", value.substr(0, slash));
  if (value.size() > 2 && value.front() == '[' && value.back() == ']' && is_ipv6(value.substr(1, value.size() - 2)))
    return fmt::format("did you mean {}?", value.substr(1, value.size() - 2));
  if (const auto colon = value.rfind(':'); colon != std::string::npos && !check_address(value.substr(0, colon)))
    return "put what stands after the ':' into `port`";
  return address_forms;
}

struct url_parts {
  std::string scheme;
  std::string host;
};

std::optional<url_parts> split_url(const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return std::nullopt;
  const auto authority = scheme_end + 3;
  auto path = url.find('/', authority);
  if (path == std::string::npos) path = url.size();
  const auto host_port = url.substr(authority, path - authority);
  std::string host = host_port.substr(0, host_port.find(':'));
  auto port = host.size();
  if (!host_port.empty() && host_port.front() == '[') {
    const auto close = host_port.find(']');
    if (close == std::string::npos) return std::nullopt;
    host = host_port.substr(1, close - 1);
    port = close + 1;
    if (!is_ipv6(host)) return std::nullopt;
  }
  if (port < host_port.size()) {
    int number = 0;
    const auto* end = host_port.data() + host_port.size();
    const auto [last, code] = std::from_chars(host_port.data() + port + 1, end, number);
    if (host_port[port] != ':' || code != std::errc{} || last != end || number < 1 || number > 65535)
      return std::nullopt;
  }
  return url_parts{url.substr(0, scheme_end), host};
}

}  // namespace

verdict check_name(const std::string& value) {
  if (!value.empty() && value.size() <= 64 && is_alnum(value.front()) && all_of(value, "_.-")) return {};
  return complaint{shown(value) + " is not a name",
                   "use at most 64 letters, digits, '_', '.' and '-', a letter or digit first"};
}

verdict check_user(const std::string& value) {
  if (!value.empty() && value.size() <= 64 && value.front() != '-' && all_of(value, "_.-@")) return {};
  return complaint{shown(value) + " is not a login name", "use letters, digits, '_', '.' and '-'"};
}

verdict check_address(const std::string& value) {
  const auto zone = value.find('%');
  if (zone != std::string::npos && is_ipv6(value.substr(0, zone)) && !check_interface(value.substr(zone + 1)))
    return {};
  if (is_ipv4(value) || is_ipv6(value) || is_host_name(value)) return {};
  return complaint{shown(value) + " is neither an IPv4 or IPv6 address nor a host name", address_advice(value)};
}

verdict check_ip_address(const std::string& value) {
  if (is_ipv4(value) || is_ipv6(value)) return {};
  return complaint{shown(value) + " is not an IPv4 or IPv6 address", "write it like 192.0.2.10 or 2001:db8::10"};
}

verdict check_multicast_group(const std::string& value) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, value.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 28) == 0xe) return {};
  if (inet_pton(AF_INET6, value.c_str(), &v6) == 1 && v6.s6_addr[0] == 0xff) return {};
  return complaint{shown(value) + " is not a multicast address",
                   "use one of 239.0.0.0/8, or name the other ends in `peers`"};
}

verdict check_loopback(const std::string& value) {
  if (is_loopback(value)) return {};
  return complaint{shown(value) + " is not a loopback address, and what is listened on can be read without a password",
                   "use 127.0.0.1 or ::1, and reach it through `ssh -L` or a proxy that asks who is there"};
}

verdict check_interface(const std::string& value) {
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!value.empty() && value.size() <= 15 && printable && value != "." && value != ".." &&
      value.find_first_of("/:") == std::string::npos)
    return {};
  return complaint{shown(value) + " is not the name of an interface",
                   value.size() > 15 ? fmt::format("it has {} characters, and the kernel takes 15", value.size())
                                     : "use 1 to 15 characters without spaces, '/' and ':'"};
}

verdict check_absolute_path(const std::string& value) {
  if (value.size() > 4095) return complaint{shown(value) + " is too long for a path (4095 bytes)", "use a shorter one"};
  if (!value.empty() && value.front() == '/') return {};
  const bool home = !value.empty() && value.front() == '~';
  return complaint{shown(value) + " is not an absolute path",
                   home ? "write the home directory out: '~' is not expanded" : "begin it with '/'"};
}

verdict check_socket_path(const std::string& value) {
  if (auto wrong = check_absolute_path(value)) return wrong;
  if (value.size() <= 107) return {};
  return complaint{fmt::format("{} is too long for a socket: {} bytes, and 107 fit", shown(value), value.size()),
                   "use a path under /run"};
}

verdict check_url(const std::string& value) {
  constexpr auto form = "write it like https://iaas.example.com/";
  // What stands before an '@' may be a password, and a query a token: neither is shown.
  if (value.find('@') != std::string::npos)
    return complaint{"an address with an '@' in it", "leave the login out: `email` and `password` name it"};
  if (const auto query = value.find_first_of("?#"); query != std::string::npos)
    return complaint{shown(value.substr(0, query)) + " is followed by a query or a fragment", "end it with the path"};
  const auto is_good = [](const std::string& url) {
    const auto parts = split_url(url);
    return parts && (parts->scheme == "http" || parts->scheme == "https") && !check_address(parts->host) &&
           std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; }) &&
           url.find_first_of("\\\"<>") == std::string::npos;
  };
  if (!is_good(value))
    return complaint{shown(value) + " is not the address of a web service",
                     is_good("https://" + value) ? fmt::format("did you mean https://{}?", value) : form};
  const auto parts = split_url(value);
  if (parts->scheme == "http" && !is_loopback(parts->host))
    return complaint{shown(value) + " would send the password in the clear", "use https"};
  return {};
}

verdict check_amqp_url(const std::string& value) {
  constexpr auto form = "write it like amqps://regent@mq.example.com:5671/VHOST";
  if (names_password(value))
    return complaint{"an address with a password in it", "leave it out of the url: `password: {file: PATH}` names it"};
  const auto address = parse_amqp_address(value);
  if (!address) {
    const bool lacks_scheme = value.find("://") == std::string::npos && parse_amqp_address("amqps://" + value);
    return complaint{fmt::format("{} {}", shown(value), address.error().message),
                     lacks_scheme ? fmt::format("did you mean amqps://{}?", value) : form};
  }
  if (!address->tls && !is_loopback(address->host))
    return complaint{shown(value) + " would send the password in the clear", "use amqps"};
  return {};
}

verdict check_exchange(const std::string& value) {
  const bool printable =
      std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
  if (!value.empty() && value.size() <= 255 && printable) return {};
  return complaint{shown(value) + " is not the name of an exchange", "use 1 to 255 bytes, like regent.events"};
}

verdict check_email(const std::string& value) {
  const auto at = value.find('@');
  if (at != std::string::npos && at > 0 && at + 1 < value.size() && value.find(' ') == std::string::npos &&
      value.find('@', at + 1) == std::string::npos)
    return {};
  return complaint{shown(value) + " is not a mail address", "write it like robot@example.com"};
}

verdict check_variable(const std::string& value) {
  if (!value.empty() && !(value.front() >= '0' && value.front() <= '9') && all_of(value, "_")) return {};
  return complaint{
      shown(value) + " is not the name of an environment variable",
      value.rfind('$', 0) == 0 ? "leave the '$' out" : "use letters, digits and '_', as in REGENT_PASSWORD"};
}

std::optional<milliseconds> parse_span(std::string_view text) {
  struct unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<unit, 5> units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  constexpr std::int64_t most = 3650LL * 86'400'000;
  if (text == "0") return milliseconds(0);
  std::int64_t total = 0;
  for (bool first = true; first || !text.empty(); first = false) {
    std::int64_t number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc{} || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto name = text.substr(0, text.find_first_of(" 0123456789"));
    const auto* found = std::find_if(units.begin(), units.end(), [&](const unit& u) { return u.name == name; });
    if (found == units.end() || number > most / found->ms) return std::nullopt;
    total += number * found->ms;
    if (total > most) return std::nullopt;
    text.remove_prefix(name.size());
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  }
  return milliseconds(total);
}

bool is_loopback(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

std::string shown(std::string_view value) {
  constexpr std::size_t bytes_shown = 60;
  const bool cut = value.size() > bytes_shown;
  auto end = std::min(value.size(), bytes_shown);
  while (cut && end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
  std::string out = "'";
  for (const char c : value.substr(0, end)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (cut ? "…'" : "'");
}

namespace {
/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  std::iota(cost[0].begin(), cost[0].end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}
}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > 64) return "";
  std::string best;
  auto best_distance = std::min(word.size(), std::max<std::size_t>(1, word.size() / 3) + 1);
  for (const auto& candidate : known) {
    // A word that is the beginning of a known one is meant, however much is missing.
    const bool begins = word.size() >= 3 && candidate.rfind(word, 0) == 0;
    const auto far = begins ? 1 : distance(word, candidate);
    if (far < best_distance) {
      best_distance = far;
      best = candidate;
    }
  }
  return best;
}

}  // namespace regent
