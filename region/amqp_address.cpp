#include "region/amqp_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "region/region_config_checks.hpp"

namespace regent {

namespace {

constexpr std::size_t name_bytes = 255;  ///< what AMQP carries of a vhost

failure malformed(std::string_view why) { return fail(error_kind::permanent, "url_malformed", "{}", why); }

/// The text with its percent signs resolved; none if one is not followed by two hexadecimal digits, or hides a control
/// character.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      const auto digits = text.substr(i + 1, 2);
      const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || code != std::errc{} || end != digits.data() + 2) return std::nullopt;
      i += 2;
    }
    if (byte < 0x20 || byte == 0x7f) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// "host", "host:port", "[address]:port" into their places.
result<void> read_server(std::string_view text, amqp_address& into) {
  const auto bracket = text.starts_with('[') ? text.find(']') : text.npos;
  if (const auto colon = text.rfind(':'); colon != text.npos && (bracket == text.npos || colon > bracket)) {
    const auto port = text.substr(colon + 1);
    const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), into.port);
    if (code != std::errc{} || end != port.data() + port.size() || into.port < 1 || into.port > 65535)
      return malformed("has a port that is not 1 to 65535");
    text = text.substr(0, colon);
  }
  if (bracket != text.npos && bracket + 1 != text.size()) return malformed("has something after the address");
  into.host = bracket == text.npos ? text : text.substr(1, bracket - 1);
  if (check_address(into.host)) return malformed("names no host");
  return {};
}

result<void> read_vhost(std::string_view path, amqp_address& into) {
  if (path.find('/') != path.npos) return malformed("has a '/' in its vhost, which is written %2F");
  if (path.find_first_of("?#") != path.npos) return malformed("is followed by a query or a fragment");
  const auto vhost = decoded(path);
  if (!vhost || vhost->size() > name_bytes) return malformed("has a vhost that cannot be one");
  if (!vhost->empty()) into.vhost = *vhost;
  return {};
}

}  // namespace

std::string amqp_address::place() const {
  const auto shown_host = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return fmt::format("{}:{}/{}", shown_host, port, encoded(vhost));
}

result<amqp_address> parse_amqp_address(std::string_view url) {
  amqp_address made;
  made.tls = url.starts_with("amqps://");
  if (!made.tls && !url.starts_with("amqp://")) return malformed("does not begin with amqps:// or amqp://");
  if (names_password(url)) return malformed("holds a password");
  made.port = made.tls ? 5671 : 5672;
  url.remove_prefix(url.find("://") + 3);
  const auto slash = std::min(url.find('/'), url.size());
  const auto authority = url.substr(0, slash);
  const auto at = authority.rfind('@');
  const auto user = decoded(at == authority.npos ? "" : authority.substr(0, at));
  if (!user || user->empty() || user->size() > name_bytes) return malformed("names no user");
  made.user = *user;
  if (auto read = read_server(authority.substr(at + 1), made); !read) return failure(read.error());
  if (auto read = read_vhost(url.substr(std::min(slash + 1, url.size())), made); !read) return failure(read.error());
  return made;
}

bool names_password(std::string_view url) {
  const auto at = url.rfind('@');
  if (at == url.npos) return false;
  const auto scheme = url.find("://");
  const auto login = scheme < at ? url.substr(scheme + 3, at - scheme - 3) : url.substr(0, at);
  return login.find(':') != login.npos;
}

}  // namespace regent
