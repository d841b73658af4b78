#include "sim/cloud_gate.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>

#include "sim/cloud_rows.hpp"

namespace regent::sim {

namespace {

constexpr std::int64_t robot_uid = 2, user_uid = 3;

std::string to_base64url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const auto length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  std::erase(out, '=');
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

/// What a base64url text says; longer by up to two zero bytes when its padding was left off.
std::string from_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += 'A';
  std::string out(text.size() / 4 * 3, '\0');
  const auto length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  out.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  while (!out.empty() && out.back() == '\0') out.pop_back();
  return out;
}

std::string signature(const std::string& secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), length});
}

std::string random_secret() {
  std::string secret(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(secret.size())) != 1)
    throw std::runtime_error("no random numbers are to be had from OpenSSL");
  return secret;
}

answer expired() { return detail_answer(401, "JWT token is expired. Please login again."); }

}  // namespace

cloud_gate::cloud_gate(credentials robot, credentials user, std::size_t requests_per_second, const clock& time)
    : users_{{robot_uid, std::move(robot)}, {user_uid, std::move(user)}},
      requests_per_second_(requests_per_second),
      time_(time),
      secret_(random_secret()) {}

std::string cloud_gate::token_for(std::int64_t uid, std::chrono::seconds life) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(time_.wall()).time_since_epoch();
  // The real ones are signed with a key of the membership service; a client does not check that, so these only look
  // alike.
  const auto head = to_base64url(R"({"alg":"RS256","typ":"JWT"})");
  const auto body = to_base64url(fmt::format(R"({{"uid":{},"iat":{},"exp":{},"generation":{}}})", uid, now.count(),
                                             (now + life).count(), generation_));
  const auto text = head + "." + body;
  return text + "." + signature(secret_, text);
}

answer cloud_gate::log_in(const json::value& body) const {
  const auto* fields = body.if_object();
  const auto wrong = refused(400, "membership_token_create_101", "The email, password or api_key is not valid.");
  if (!fields) return wrong;
  const auto found = std::find_if(users_.begin(), users_.end(), [&](const auto& user) {
    return user.second.email == text_in(*fields, "email") && user.second.password == text_in(*fields, "password");
  });
  if (found == users_.end()) return wrong;
  if (!fields->contains("api_key")) return json_answer(200, json::object());
  if (text_in(*fields, "api_key") != found->second.api_key) return wrong;
  return json_answer(201, {{"token", token_for(found->first, std::chrono::hours(2))}});
}

answer cloud_gate::renew(const std::string& token) const {
  const auto who = check(token);
  if (!who) return who.error();
  return json_answer(200, {{"token", token_for(who->uid, std::chrono::hours(1))}});
}

tl::expected<visitor, answer> cloud_gate::check(const std::string& token) const {
  if (token.empty()) return tl::unexpected(detail_answer(401, "Authentication credentials were not provided."));
  const auto invalid = tl::unexpected(detail_answer(401, "The token is not valid."));
  const auto dot = token.rfind('.');
  if (dot == std::string::npos) return invalid;
  const auto wanted = signature(secret_, std::string_view(token).substr(0, dot)), given = token.substr(dot + 1);
  if (given.size() != wanted.size() || CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) != 0) return invalid;
  const auto first = token.find('.');
  boost::system::error_code bad;
  const auto body = json::parse(from_base64url(token.substr(first + 1, dot - first - 1)), bad);
  if (bad || !body.is_object()) return invalid;
  const auto& fields = body.get_object();
  const wall_time expiry{std::chrono::seconds(number_in(fields, "exp"))};
  if (number_in(fields, "generation") != generation_ || time_.wall() >= expiry) return tl::unexpected(expired());
  const auto uid = number_in(fields, "uid");
  return visitor{uid, uid == robot_uid ? caller::orchestrator : caller::user};
}

bool cloud_gate::admit(std::int64_t uid) {
  if (requests_per_second_ == 0) return true;
  auto& recent = recent_[uid];
  const auto now = time_.steady();
  while (!recent.empty() && now - recent.front() >= std::chrono::seconds(1)) recent.pop_front();
  if (recent.size() >= requests_per_second_) return false;
  recent.push_back(now);
  return true;
}

}  // namespace regent::sim
