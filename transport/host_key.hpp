// Whether a server is the host that it is said to be: its key is pinned, in a known_hosts file, or certified by a CA.
#pragma once

#include <libssh/libssh.h>

#include <string>

#include "base/result.hpp"
#include "transport/transport.hpp"

namespace regent {

/// "type base64" of a public key's line, without its comment.
std::string key_without_comment(const std::string& line);

/// The public part of a key in the same form; empty when libssh cannot say it.
std::string public_key_text(ssh_key key);

/// Tells libssh which key types to ask for and where known hosts are. Before ssh_connect.
/// `certified`: the key that the host's CA has signed for it, "ssh-ed25519 AAAA…"; empty without a CA.
result<void> expect_host_key(ssh_session session, const host_endpoint& endpoint, const std::string& certified);

/// After ssh_connect, before anything is told to the server. Errors (permanent): host_key_mismatch, host_key_unknown;
/// each says what to do.
result<void> verify_host_key(ssh_session session, const host_endpoint& endpoint, const std::string& certified);

}  // namespace regent
