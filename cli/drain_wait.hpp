// Waits until a host that is draining is empty.
#pragma once

#include <string>
#include <vector>

#include "cli/daemon_client.hpp"

namespace regent::cli {

/// Says, unless `quiet`, what it waits for, whenever that changes. A daemon that is away for a while is waited for. The exit code:
/// 0 drained, 1 the host is open again or detached, 3 the daemon has been away for too long.
int wait_until_drained(const std::vector<daemon_address>& where, const std::string& host, bool quiet);

}  // namespace regent::cli
