#include "base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>

namespace regent::log {

bool start(std::string_view level, bool to_systemd_journal) {
  const auto chosen = spdlog::level::from_str(std::string(level));
  if (chosen == spdlog::level::off && level != "off") return false;
  if (to_systemd_journal) {
    spdlog::set_default_logger(spdlog::systemd_logger_mt("regent"));
  } else {
    spdlog::set_default_logger(spdlog::stderr_color_mt("regent"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%-5l%$ %v");
  }
  spdlog::set_level(chosen);
  spdlog::flush_on(spdlog::level::info);
  return true;
}

}  // namespace regent::log
