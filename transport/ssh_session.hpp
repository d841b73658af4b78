// A host's runner by SSH: one libssh session with one channel, never blocking, on one I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "transport/host_stream.hpp"
#include "transport/transport.hpp"

namespace regent {

/// Takes over a connected TCP socket, whatever comes of it. `certified`: see host_key.hpp.
/// `woken` is called, on another thread, when open() can go on though nothing has arrived; not after the stream's end.
/// The stream's open() errors: host_key_mismatch, host_key_unknown, login_refused, key_unreadable, agent_unreachable
/// (permanent); connection_failed (transient).
std::unique_ptr<host_stream> make_ssh_stream(int socket, host_endpoint endpoint, std::string certified,
                                             std::string command, std::function<void()> woken);

}  // namespace regent
