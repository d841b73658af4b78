// The factories of edge/cloud.hpp: which dialect, and the session with its real jitter.
#include "edge/cloud.hpp"

#include <random>

#include "edge/cloud_session.hpp"
#include "edge/cloudcix_cloud.hpp"

namespace regent {

std::shared_ptr<cloud_session> make_cloud_session(const cloud_config& config, const clock& time) {
  session_options options;
  std::random_device device;
  options.seed = (static_cast<std::uint64_t>(device()) << 32) | device();
  return std::make_shared<cloud_session>(config, time, std::move(options));
}

result<std::unique_ptr<cloud>> make_cloud(const cloud_config& config, std::shared_ptr<cloud_session> session) {
  if (config.dialect != "cloudcix")
    return fail(error_kind::permanent, "dialect_unknown", "cloud.dialect is \"{}\"; known: cloudcix", config.dialect);
  auto address = parse_http_address(config.url);
  if (!address) return failure(address.error());
  return std::make_unique<cloudcix_cloud>(std::move(session), std::move(*address));
}

void stop_cloud_session(cloud_session& session) { session.stop(); }

}  // namespace regent
