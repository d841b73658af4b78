#include "transport/host_key.hpp"

#include <memory>

#include "transport/quote.hpp"
#include "transport/wire.hpp"

namespace regent {
namespace {

struct presented_key {
  std::string text;  ///< "ssh-ed25519 AAAA…"
  std::string fingerprint;
};

struct free_key {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
struct free_text {
  void operator()(char* text) const { ssh_string_free_char(text); }
};
using owned_key = std::unique_ptr<std::remove_pointer_t<ssh_key>, free_key>;
using owned_text = std::unique_ptr<char, free_text>;

result<presented_key> key_of(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) {
    return fail(error_kind::transient, "connection_failed", "the server presented no host key");
  }
  const owned_key key(raw);
  presented_key presented{public_key_text(raw), ""};
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(raw, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == SSH_OK) {
    const owned_text print(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
    if (print) presented.fingerprint = print.get();
    ssh_clean_pubkey_hash(&hash);
  }
  return presented;
}

std::string type_of(const presented_key& key) { return key.text.substr(0, key.text.find(' ')); }

std::string scan_command(const host_endpoint& endpoint) {
  return fmt::format("ssh-keyscan -p {} {}", endpoint.port, shell_quote(endpoint.address));
}

failure mismatch(const host_endpoint& endpoint, const presented_key& key, const std::string& expected,
                 const std::string& remedy) {
  return fail(error_kind::permanent, "host_key_mismatch",
              "{} presented the host key {} {} where {} was expected: somebody may be in the way; if the change is "
              "meant, {}",
              endpoint.host.value(), type_of(key), key.fingerprint, expected, remedy);
}

result<void> verify_pinned(const host_endpoint& endpoint, const presented_key& key) {
  const std::string pinned = key_without_comment(endpoint.host_key);
  if (pinned == key.text || pinned == key.fingerprint) return {};
  return mismatch(endpoint, key, "the pinned one",
                  "pin the new key in the region file: host_key of " + endpoint.host.value() + " becomes what `" +
                      scan_command(endpoint) + "` prints after the address");
}

result<void> verify_known(ssh_session session, const host_endpoint& endpoint, const presented_key& key) {
  const std::string file = shell_quote(endpoint.known_hosts_file);
  const std::string add = scan_command(endpoint) + " >> " + file;
  switch (ssh_session_is_known_server(session)) {
    case SSH_KNOWN_HOSTS_OK: return {};
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER: {
      const std::string entry =
          endpoint.port == 22 ? endpoint.address : fmt::format("[{}]:{}", endpoint.address, endpoint.port);
      return mismatch(endpoint, key, "that of " + endpoint.known_hosts_file,
                      "run: ssh-keygen -R " + shell_quote(entry) + " -f " + file + " && " + add);
    }
    default: break;
  }
  return fail(error_kind::permanent, "host_key_unknown",
              "{} is not in {}; it presented {} {}; if that is its key, run: {}", endpoint.host.value(),
              endpoint.known_hosts_file, type_of(key), key.fingerprint, add);
}

/// The algorithms by which a server proves a key of this type.
std::string algorithms_of(const std::string& key) {
  const std::string type = key.substr(0, key.find(' '));
  return type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
}

}  // namespace

std::string public_key_text(ssh_key key) {
  char* raw = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &raw) != SSH_OK) return {};
  const owned_text base64(raw);
  // The type as it is on the wire: libssh's own names for ECDSA differ by version.
  const std::string blob = wire::from_base64(raw);
  return std::string(wire::fields(blob).text()) + " " + raw;
}

std::string key_without_comment(const std::string& line) {
  const std::size_t first = line.find(' ');
  if (first == line.npos) return line;
  return line.substr(0, line.find_first_of(" \r\n", first + 1));
}

result<void> expect_host_key(ssh_session session, const host_endpoint& endpoint, const std::string& certified) {
  const std::string& file = endpoint.known_hosts_file.empty() ? "/dev/null" : endpoint.known_hosts_file;
  ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, file.c_str());
  ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
  const std::string& expected = endpoint.host_key.empty() ? certified : endpoint.host_key;
  if (expected.empty() || expected.starts_with("SHA256:")) return {};
  if (ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, algorithms_of(expected).c_str()) != SSH_OK) {
    return fail(error_kind::permanent, "host_key_invalid", "host_key of {} is not of a type that is supported: '{}'",
                endpoint.host.value(), expected.substr(0, 80));
  }
  return {};
}

result<void> verify_host_key(ssh_session session, const host_endpoint& endpoint, const std::string& certified) {
  const auto key = key_of(session);
  if (!key) return failure(key.error());
  if (!endpoint.host_key.empty()) return verify_pinned(endpoint, *key);
  if (!certified.empty()) {
    if (certified == key->text) return {};
    return mismatch(endpoint, *key, "the one that its CA has certified", "certify the new key with the host CA");
  }
  if (!endpoint.known_hosts_file.empty()) return verify_known(session, endpoint, *key);
  return fail(
      error_kind::permanent, "host_key_unknown",
      "{} has no host_key, known_hosts_file or host_ca; it presented {}; if that is its key, give it as host_key",
      endpoint.host.value(), key->text);
}

}  // namespace regent
