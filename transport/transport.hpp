// The transport to all hosts: few I/O threads that own every connection, and one channel per host handed out.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "transport/command_channel.hpp"

namespace regent {

/// Where a host is and how it is entered. Files are read at each connect, so a renewed key or certificate is taken up.
struct host_endpoint {
  host_id host;
  std::string address;  ///< numeric, or a name (resolved off the I/O threads at each connect)
  int port = 22;
  std::string user;     ///< empty: root
  bool become = false;  ///< the runner is started by `sudo -n`
  bool local = false;   ///< this machine, without SSH: all that is about keys is ignored
  std::string key_file;
  std::string certificate_file;  ///< an OpenSSH user certificate for key_file
  bool agent = false;            ///< also try the keys of SSH_AUTH_SOCK's agent
  std::string host_key;          ///< pinned: "ssh-ed25519 AAAA…" or "SHA256:…"
  std::string known_hosts_file;
  std::string host_ca;          ///< public key of the CA that signs host certificates: "ssh-ed25519 AAAA…"
  std::string state_directory;  ///< on the host; the runner keeps its runs and scripts below it
};

class transport {  // owns the I/O threads; thread-safe
 public:
  virtual ~transport() = default;  // closes all connections; runs on hosts go on
  /// Begins to connect at once. A malformed endpoint is told to `disconnected` as a permanent error and not tried
  /// again. The channel must be destroyed before its transport.
  virtual std::unique_ptr<command_channel> open(host_endpoint endpoint, channel_sink sink) = 0;
};

/// `region` names the daemon's own directory on hosts: [A-Za-z0-9_-], at most 64.
std::unique_ptr<transport> make_transport(std::size_t io_threads /* 2 */, std::string region /* name; [A-Za-z0-9_-] */,
                                          epoch_number epoch);

}  // namespace regent
