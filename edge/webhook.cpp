#include "edge/webhook.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

#include "edge/http_client.hpp"
#include "edge/json_views.hpp"

namespace regent {

namespace {

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text(4 * ((size + 2) / 3) + 1, '\0');
  text.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size))));
  return text;
}

result<std::string> key_of(const std::string& secret) {
  constexpr std::string_view encoded = "whsec_";
  if (!secret.starts_with(encoded)) return secret;
  const auto text = secret.substr(encoded.size());
  std::string key(text.size() + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size <= 0) return fail(error_kind::permanent, "secret_unusable", "what follows whsec_ is no base64");
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  key.resize(static_cast<std::size_t>(size) - padding);
  return key;
}

/// What follows the authority of a checked URL, as it stands.
std::string path_of(const std::string& url) {
  const auto slash = url.find('/', url.find("://") + 3);
  return slash == url.npos ? "/" : url.substr(slash);
}

/// A path may hold a token, which is for nobody's eyes.
std::string without(const std::string& path, std::string message) {
  if (const auto at = message.find(path + " at "); path != "/" && at != message.npos)
    message.replace(at, path.size(), "/…");
  return message;
}

/// The batch's own: whoever gets it twice can tell.
std::string id_of(const std::string& origin, const event_batch& what) {
  return fmt::format("{}-{}-{}", origin, what.after, what.cursor);
}

}  // namespace

std::string webhook_body(const std::string& sink, const event_batch& what) {
  json_writer out;
  out.open_object();
  out.text("sink", sink);
  if (what.lost > 0) {
    out.open_object("gap");
    out.number("lost", what.lost);
    out.number("after", what.after);
    out.close_object();
  } else {
    out.null("gap");
  }
  out.open_array("events");
  for (const auto& one : what.events) write_event(out, one);
  out.close_array();
  out.close_object();
  return out.take();
}

result<std::string> webhook_signature(const std::string& secret, const std::string& id, std::int64_t timestamp,
                                      const std::string& body) {
  const auto key = key_of(secret);
  if (!key) return failure(key.error());
  const auto text = fmt::format("{}.{}.{}", id, timestamp, body);
  unsigned char mark[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key->data(), static_cast<int>(key->size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mark, &size) == nullptr)
    return fail(error_kind::permanent, "secret_unusable", "OpenSSL cannot sign with it");
  return "v1," + base64(mark, size);
}

milliseconds retry_after_of(const std::string& header) {
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (failed != std::errc{} || end != header.data() + header.size() || seconds < 0) return milliseconds(0);
  return std::min<milliseconds>(std::chrono::seconds(std::min<std::int64_t>(seconds, 1'000'000)),
                                limits::sink_retry_after_most);
}

struct webhook::inside {
  webhook_config config;
  std::string origin;
  std::optional<http_client> client;

  tl::expected<http_request, sink_refusal> request_of(const event_batch& what, wall_time now) const {
    const auto secret = read_secret(config.secret);
    if (!secret) return tl::unexpected(sink_refusal{"its secret: " + secret.error().message});
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    const auto id = id_of(origin, what);
    http_request made{"POST", path_of(config.url), {}, webhook_body(config.name, what)};
    const auto signature = webhook_signature(*secret, id, seconds, made.body);
    if (!signature) return tl::unexpected(sink_refusal{"its secret: " + signature.error().message});
    made.headers = {
        {"webhook-id", id}, {"webhook-timestamp", std::to_string(seconds)}, {"webhook-signature", *signature}};
    return made;
  }
};

webhook::webhook(webhook_config config, std::string origin)
    : inside_(std::make_unique<inside>(inside{std::move(config), std::move(origin), {}})) {}
webhook::~webhook() = default;
webhook::webhook(webhook&&) noexcept = default;

std::string webhook::target() const {
  const auto address = parse_http_address(inside_->config.url);
  return address ? address->authority() : "";
}

std::optional<delivery_outcome> webhook::deliver(const event_batch& what, wall_time now, const std::stop_token& stop) {
  const auto refuse = [](std::string why, milliseconds after = milliseconds(0), bool too_large = false) {
    return delivery_outcome(tl::unexpected(sink_refusal{std::move(why), after, too_large}));
  };
  auto& self = *inside_;
  if (!self.client) {
    auto address = parse_http_address(self.config.url);
    if (!address) return refuse(address.error().message);
    self.client.emplace(std::move(*address), self.config.ca_file, limits::sink_answer_bytes);
  }
  const auto request = self.request_of(what, now);
  if (!request) return delivery_outcome(tl::unexpected(request.error()));
  const auto reply = self.client->call(*request, limits::sink_deadline, stop);
  if (stop.stop_requested()) return std::nullopt;
  if (!reply) return refuse(without(request->target, reply.error().message));
  if (reply->status >= 200 && reply->status < 300) return delivery_outcome();
  if (reply->status >= 300 && reply->status < 400)
    return refuse(fmt::format(
        "it answers {} and sends us elsewhere, where nobody is sent events: put the right address into its url",
        reply->status));
  return refuse(fmt::format("it answers {}", reply->status), retry_after_of(reply->retry_after), reply->status == 413);
}

}  // namespace regent
