// Who speaks: what stands in the journal beside an operator's word.
#pragma once

#include <pwd.h>
#include <unistd.h>

#include <string>

namespace regent::cli {

/// "USER" or "USER: REASON"
inline std::string operator_name(const std::string& reason) {
  const auto* entry = ::getpwuid(::getuid());
  const auto user = entry != nullptr ? std::string(entry->pw_name) : std::to_string(::getuid());
  return user + (reason.empty() ? "" : ": " + reason);
}

}  // namespace regent::cli
