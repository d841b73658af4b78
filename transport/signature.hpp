// Verifying what an SSH key has signed, with OpenSSL.
#pragma once

#include <string_view>

namespace regent {

/// `key` and `signature` in SSH's wire form (RFC 4253 6.6, RFC 5656, RFC 8332, RFC 8709). False for anything malformed,
/// unknown, of SHA-1, or for another key type than the signature's.
bool verify_signature(std::string_view key, std::string_view message, std::string_view signature);

}  // namespace regent
