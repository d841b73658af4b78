// An address with a prefix length, in the one spelling that iproute2 and nft use too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace regent {

struct ip_prefix {
  int family = 4;                        ///< 4 or 6
  std::array<std::uint8_t, 16> bytes{};  ///< the first 4 or all 16 are used
  int length = 32;                       ///< 0 to 32, or 0 to 128

  std::string address_text() const;
  std::string text() const;    ///< "10.0.0.1/24", always with the length
  bool has_host_bits() const;  ///< bits after the length are set
  bool overlaps(const ip_prefix& other) const;
};

/// Reads "10.0.0.1/24", or a bare address as the whole length of its family. None if malformed.
std::optional<ip_prefix> parse_ip_prefix(std::string_view text);

/// Reads a bare address.
std::optional<ip_prefix> parse_ip_address_only(std::string_view text);

}  // namespace regent
