#include "base/ip_network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace regent {

std::string ip_network::address_text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::string ip_network::text() const { return fmt::format("{}/{}", address_text(), prefix); }

ip_network ip_network::masked() const {
  auto out = *this;
  for (int bit = prefix; bit < bits(); ++bit)
    out.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return out;
}

bool ip_network::contains(const ip_network& other) const {
  if (family != other.family || other.prefix < prefix) return false;
  auto narrowed = other;
  narrowed.prefix = prefix;
  return narrowed.masked().bytes == masked().bytes;
}

bool ip_network::is_host_address() const {
  static const std::array<ip_network, 7> never{
      parse_ip_network("0.0.0.0/8").value(),      parse_ip_network("127.0.0.0/8").value(),
      parse_ip_network("169.254.0.0/16").value(), parse_ip_network("224.0.0.0/3").value(),
      parse_ip_network("::/127").value(),         parse_ip_network("fe80::/10").value(),
      parse_ip_network("ff00::/8").value()};
  const ip_network alone{family, bytes, bits()};
  if (std::any_of(never.begin(), never.end(), [&](const ip_network& n) { return n.contains(alone); })) return false;
  if (bits() - prefix < 2) return true;  // RFC 3021 and RFC 6164: point-to-point links have neither
  if (bytes == masked().bytes) return false;
  bool broadcast = family == 4;
  for (int bit = prefix; bit < bits() && broadcast; ++bit)
    broadcast = (bytes[static_cast<std::size_t>(bit / 8)] & (0x80U >> (bit % 8))) != 0;
  return !broadcast;
}

std::optional<ip_network> parse_ip_address(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return {};
  const std::string terminated(text);
  ip_network out;
  out.family = text.find(':') == std::string_view::npos ? 4 : 6;
  if (inet_pton(out.family == 4 ? AF_INET : AF_INET6, terminated.c_str(), out.bytes.data()) != 1) return {};
  out.prefix = out.bits();
  return out;
}

std::optional<ip_network> parse_ip_network(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  auto out = parse_ip_address(text.substr(0, slash));
  const auto digits = text.substr(slash + 1);
  if (!out || digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return {};
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out->prefix);
  if (code != std::errc{} || end != digits.data() + digits.size() || out->prefix < 0 || out->prefix > out->bits())
    return {};
  return out;
}

std::optional<ip_network> parse_ip_address_or_network(std::string_view text) {
  return text.find('/') == std::string_view::npos ? parse_ip_address(text) : parse_ip_network(text);
}

}  // namespace regent
