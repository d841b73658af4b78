#include "primitives/ip_prefix.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace regent {
namespace {

bool same_head(const ip_prefix& a, const ip_prefix& b, int bits) {
  for (int i = 0; i < bits; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (i % 8));
    const auto at = static_cast<std::size_t>(i / 8);
    if ((a.bytes[at] & mask) != (b.bytes[at] & mask)) return false;
  }
  return true;
}

std::optional<int> parse_length(std::string_view text, int most) {
  int length = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool plain = !text.empty() && (text.size() == 1 || text[0] != '0') && text[0] != '-';
  if (!plain || code != std::errc{} || end != text.data() + text.size() || length > most) return std::nullopt;
  return length;
}

}  // namespace

std::string ip_prefix::address_text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::string ip_prefix::text() const { return address_text() + "/" + std::to_string(length); }

bool ip_prefix::has_host_bits() const {
  auto network = *this;
  for (int i = length; i < (family == 4 ? 32 : 128); ++i)
    network.bytes[static_cast<std::size_t>(i / 8)] &= static_cast<std::uint8_t>(~(0x80 >> (i % 8)));
  return network.bytes != bytes;
}

bool ip_prefix::overlaps(const ip_prefix& other) const {
  return family == other.family && same_head(*this, other, std::min(length, other.length));
}

std::optional<ip_prefix> parse_ip_address_only(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  ip_prefix out;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data()) == 1) return out;
  out.family = 6;
  out.length = 128;
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::optional<ip_prefix> parse_ip_prefix(std::string_view text) {
  const auto slash = text.find('/');
  auto out = parse_ip_address_only(text.substr(0, slash));
  if (!out || slash == std::string_view::npos) return out;
  const auto length = parse_length(text.substr(slash + 1), out->length);
  if (!length) return std::nullopt;
  out->length = *length;
  return out;
}

}  // namespace regent
