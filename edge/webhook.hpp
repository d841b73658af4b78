// Events over HTTP, by the rules of Standard Webhooks (standardwebhooks.com), so that its libraries can check them:
//
//   POST with webhook-id, webhook-timestamp (seconds since 1970) and webhook-signature: "v1," and the base64 of
//   HMAC-SHA256(secret, "ID.TIMESTAMP.BODY"). A secret that begins with whsec_ is the base64 of the key; any other is
//   the key itself. Refuse what is not signed so, or is minutes old; the same id is the same content.
//
//   {"sink":NAME,"gap":null or {"lost":N,"after":N},"events":[…]}   each event as in /api/v1/events/stream
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "edge/event_sink_client.hpp"

namespace regent {

/// The body of a batch.
std::string webhook_body(const std::string& sink, const event_batch& what);

/// "v1,…". Errors: permanent `secret_unusable` for a whsec_ secret that is no base64.
result<std::string> webhook_signature(const std::string& secret, const std::string& id, std::int64_t timestamp,
                                      const std::string& body);

class webhook final : public event_sink_client {
 public:
  webhook(webhook_config config, std::string origin);
  ~webhook() override;
  webhook(webhook&&) noexcept;

  /// Host and port; not the path, which may hold a token.
  std::string target() const override;
  /// 2xx is success; a redirect is not followed.
  std::optional<delivery_outcome> deliver(const event_batch& what, wall_time now, const std::stop_token& stop) override;

 private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

/// The seconds of a Retry-After header; 0 for none, and for a date, which few send.
milliseconds retry_after_of(const std::string& header);

}  // namespace regent
