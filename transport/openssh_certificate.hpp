// OpenSSH certificates (PROTOCOL.certkeys): libssh 0.10 presents them for users but neither asks for nor verifies those
// of hosts ("This removes the certificate types, unsupported for now", kex.c).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace regent {

struct openssh_certificate {
  std::string public_key;  ///< that is certified: "ssh-ed25519 AAAA…", without a certificate's suffix
  std::string authority;   ///< that has signed: "ssh-ed25519 AAAA…"
  bool for_host = false;
  std::vector<std::string> principals;
  std::uint64_t valid_after = 0, valid_before = 0;  ///< seconds since 1970
  bool restricted = false;                          ///< has critical options, of which none is known for hosts
};

/// Reads a certificate's wire form and verifies the signature by its authority, whoever that is. Keys and authorities:
/// Ed25519, ECDSA, RSA with SHA-2. Errors (permanent): certificate_invalid.
result<openssh_certificate> read_certificate(std::string_view blob);

/// Reads the line of a -cert.pub file.
result<openssh_certificate> read_certificate_file(const std::string& path);

/// Whether this certificate, signed by `authority`, says now that its key is that of one of these names. A certificate
/// without names is one for no host. Errors (permanent): host_key_mismatch, with the reason.
result<void> check_host_certificate(const openssh_certificate& certificate, const std::string& authority,
                                    const std::vector<std::string>& names, wall_time now);

}  // namespace regent
