// This machine's own name.
#pragma once

#include <array>
#include <string_view>

namespace regent {

/// What localhost means, also where no resolver knows it, as on a minimal system without /etc/hosts (RFC 6761, 6.3).
inline constexpr std::array<const char*, 2> loopback_addresses{"127.0.0.1", "::1"};

constexpr bool is_localhost(std::string_view name) { return name == "localhost" || name.ends_with(".localhost"); }

}  // namespace regent
