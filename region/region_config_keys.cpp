// Whether a text is the public key that it looks like.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "region/region_config_checks.hpp"

namespace regent {
namespace {

/// The first four bytes of `blob` as a length, and that many bytes after it, which leave the blob; none if it is too
/// short.
std::optional<std::string_view> take_field(std::string_view& blob) {
  if (blob.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(blob[i]);
  if (blob.size() - 4 < length) return std::nullopt;
  const auto field = blob.substr(4, length);
  blob.remove_prefix(4 + length);
  return field;
}

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.back() == '='; ++padding) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<unsigned>(value);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>(bits >> have & 0xff);
  }
  return out;
}

struct key_type {
  std::string_view name;
  std::size_t fields;  ///< after the type's name (RFC 4253, 5656, 8709)
};
constexpr std::array<key_type, 5> key_types{{{"ssh-ed25519", 1},
                                             {"ssh-rsa", 2},
                                             {"ecdsa-sha2-nistp256", 2},
                                             {"ecdsa-sha2-nistp384", 2},
                                             {"ecdsa-sha2-nistp521", 2}}};

const key_type* find_key_type(std::string_view name) {
  const auto* found =
      std::find_if(key_types.begin(), key_types.end(), [&](const key_type& type) { return type.name == name; });
  return found == key_types.end() ? nullptr : found;
}

bool is_whole_key(const key_type& type, std::string_view base64) {
  const auto blob = decode_base64(base64);
  if (!blob) return false;
  std::string_view rest = *blob;
  if (take_field(rest) != type.name) return false;
  for (std::size_t i = 0; i < type.fields; ++i) {
    const auto field = take_field(rest);
    if (!field || field->empty() || (type.name == "ssh-ed25519" && field->size() != 32)) return false;
  }
  return rest.empty();
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    words.push_back(text.substr(0, text.find(' ')));
    text.remove_prefix(words.back().size());
  }
}

}  // namespace

std::optional<complaint> check_public_key(const std::string& value) {
  if (value.find("PRIVATE KEY") != std::string::npos)
    return complaint{"this is a private key", "put the public key here, and change the one that was shown"};
  const auto words = words_of(value);
  if (words.size() >= 2) {
    if (const auto* type = find_key_type(words[0])) {
      if (is_whole_key(*type, words[1])) return {};
      return complaint{fmt::format("{} is not a whole {} key", shown(words[1]), type->name),
                       "copy the line again, from `ssh-ed25519` or the like to the end"};
    }
    if (words.size() >= 3 && find_key_type(words[1]) != nullptr)
      return complaint{shown(value) + " begins with a host's name or a mark",
                       fmt::format("leave {} out", shown(words[0]))};
  }
  const bool fingerprint = value.rfind("SHA256:", 0) == 0 || value.rfind("MD5:", 0) == 0;
  return complaint{shown(value) + " is not a public key of the form `ssh-ed25519 AAAA…`",
                   fingerprint ? "this is a fingerprint: the key itself is needed"
                               : "Ed25519, RSA and ECDSA keys are known, as in /etc/ssh/ssh_host_ed25519_key.pub"};
}

}  // namespace regent
