// Addresses and networks of both families, parsed strictly and written in the one spelling that `ip` and `nft` print:
// what passes here may be told to a host.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regent {

/// An address with a prefix length; a plain address has the full one.
struct ip_network {
  int family = 4;                        ///< 4 or 6
  std::array<std::uint8_t, 16> bytes{};  ///< IPv4 in the first four
  int prefix = 0;

  int bits() const { return family == 4 ? 32 : 128; }
  std::string address_text() const;  ///< "10.0.0.1", canonical
  std::string text() const;          ///< "10.0.0.1/24"
  ip_network masked() const;         ///< host bits zero
  bool contains(const ip_network& other) const;
  bool overlaps(const ip_network& other) const { return contains(other) || other.contains(*this); }
  /// Could be an interface's own address: not the network's or the broadcast one, not loopback, multicast, link-local
  /// or unspecified.
  bool is_host_address() const;
  bool operator==(const ip_network&) const = default;
};

/// "10.0.0.1" or "fd00::1", without a prefix; none if malformed (inet_pton decides).
std::optional<ip_network> parse_ip_address(std::string_view text);

/// "10.0.0.1/24", prefix in range and written without sign or leading zero; none if malformed.
std::optional<ip_network> parse_ip_network(std::string_view text);

/// Either of them.
std::optional<ip_network> parse_ip_address_or_network(std::string_view text);

}  // namespace regent
