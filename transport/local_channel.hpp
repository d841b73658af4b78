// This machine as a host: the runner as a child process, without SSH.
#pragma once

#include <memory>

#include "transport/host_stream.hpp"

namespace regent {

/// Starts bash with `command` (as a login shell would) in a session of its own.
result<std::unique_ptr<host_stream>> start_local_stream(const std::string& command);

}  // namespace regent
