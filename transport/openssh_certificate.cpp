#include "transport/openssh_certificate.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "transport/signature.hpp"
#include "transport/wire.hpp"

namespace regent {
namespace {

constexpr std::string_view suffix = "-cert-v01@openssh.com";
constexpr std::uint32_t type_host = 2;

failure invalid(std::string_view why) {
  return fail(error_kind::permanent, "certificate_invalid", "this is no OpenSSH certificate: {}", why);
}

std::string key_text(std::string_view blob) {
  wire::fields key(blob);
  return std::string(key.text()) + " " + wire::base64(blob);
}

/// The certified key in its plain form: how many strings it has depends on its type.
std::string plain_key(std::string_view type, wire::fields& fields) {
  std::string blob = wire::text(type);
  const int strings = type == "ssh-ed25519" ? 1 : 2;  // a point; a curve and a point; e and n
  for (int i = 0; i < strings; ++i) blob += wire::text(fields.text());
  return key_text(blob);
}

}  // namespace

result<openssh_certificate> read_certificate(std::string_view blob) {
  wire::fields fields(blob);
  std::string_view type = fields.text();
  if (!type.ends_with(suffix)) return invalid("its type is another");
  type.remove_suffix(suffix.size());
  if (type != "ssh-ed25519" && type != "ssh-rsa" && !type.starts_with("ecdsa-sha2-nistp")) {
    return invalid("its key is of an unknown type");
  }
  openssh_certificate certificate;
  fields.text();  // a nonce
  certificate.public_key = plain_key(type, fields);
  fields.long_number();  // its serial number
  certificate.for_host = fields.number() == type_host;
  fields.text();  // a name for people
  wire::fields principals(fields.text());
  while (principals.good() && !principals.empty()) certificate.principals.emplace_back(principals.text());
  certificate.valid_after = fields.long_number();
  certificate.valid_before = fields.long_number();
  certificate.restricted = !fields.text().empty();
  fields.text();  // extensions: none counts for a host
  fields.text();  // reserved
  const std::string_view authority = fields.text();
  certificate.authority = key_text(authority);
  const std::string_view signed_part = blob.substr(0, blob.size() - fields.left());
  const std::string_view signature = fields.text();
  if (!fields.good() || !fields.empty() || !principals.good()) return invalid("it is malformed");
  if (!verify_signature(authority, signed_part, signature)) return invalid("its signature is wrong");
  return certificate;
}

result<openssh_certificate> read_certificate_file(const std::string& path) {
  std::ifstream file(path);
  std::string type, text;
  if (!(file >> type >> text)) return invalid("cannot read " + path);
  return read_certificate(wire::from_base64(text));
}

result<void> check_host_certificate(const openssh_certificate& certificate, const std::string& authority,
                                    const std::vector<std::string>& names, wall_time now) {
  auto refuse = [&](std::string why) {
    return fail(error_kind::permanent, "host_key_mismatch",
                "the host certificate of {} does not count: {}; have the host CA sign its key again",
                names.empty() ? "?" : names.front(), why);
  };
  const auto seconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  if (certificate.authority != authority) return refuse("it is signed by " + certificate.authority);
  if (!certificate.for_host) return refuse("it is one for users");
  if (certificate.restricted) return refuse("it has critical options");
  if (seconds < certificate.valid_after || seconds >= certificate.valid_before) return refuse("it is not valid now");
  const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(certificate.principals.begin(), certificate.principals.end(), name) !=
           certificate.principals.end();
  });
  if (!named) return refuse("it is one for other names");
  return {};
}

}  // namespace regent
