// The process's log: to stderr, or to the systemd journal when started by it. Secrets are never passed here.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace regent::log {

/// Sets level ("trace".."error") and sink once, before threads start. Unknown level: false.
bool start(std::string_view level, bool to_systemd_journal);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace regent::log
