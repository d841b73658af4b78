#include "transport/certificate_request.hpp"

#include <openssl/rand.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "transport/wire.hpp"

namespace regent {
namespace {

constexpr unsigned char disconnect = 1, kex_init = 20, ecdh_init = 30, ecdh_reply = 31;
constexpr std::size_t answer_bytes = 256 * 1024;
constexpr std::string_view algorithms =
    "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
    "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
    "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com";

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size));
  return bytes;
}

/// RFC 4253 6: length, padding's length, payload, padding; whole blocks of eight.
std::string packet(const std::string& payload) {
  std::size_t padding = 8 - (payload.size() + 5) % 8;
  if (padding < 4) padding += 8;
  return wire::number(static_cast<std::uint32_t>(payload.size() + padding + 1)) + static_cast<char>(padding) + payload +
         std::string(padding, '\0');
}

/// Our side of a key exchange that ends with the server's first answer: any 32 bytes are a Curve25519 key.
std::string question() {
  std::string init = std::string(1, static_cast<char>(kex_init)) + random_bytes(16);
  const std::string_view cipher = "aes256-ctr,aes128-ctr,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com";
  const std::string_view mac = "hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com";
  for (std::string_view list :
       {std::string_view("curve25519-sha256,curve25519-sha256@libssh.org"), algorithms, cipher, cipher, mac, mac,
        std::string_view("none"), std::string_view("none"), std::string_view(), std::string_view()}) {
    init += wire::text(list);
  }
  init += std::string(1, '\0') + wire::number(0);
  return "SSH-2.0-regent\r\n" + packet(init) +
         packet(std::string(1, static_cast<char>(ecdh_init)) + wire::text(random_bytes(32)));
}

/// Whether a certificate is among the server's host keys: its second list of algorithms, after a random cookie.
bool offers_certificate(std::string_view init) {
  wire::fields lists(init.size() > 17 ? init.substr(17) : std::string_view());
  lists.text();
  return lists.text().find("-cert-v01@openssh.com") != std::string_view::npos;
}

failure failed(std::string_view why) {
  return fail(error_kind::transient, "connection_failed", "asked for its host certificate, the server {}", why);
}

}  // namespace

certificate_request::certificate_request(int socket) : socket_(socket) {}

certificate_request::~certificate_request() { ::close(socket_); }

result<std::optional<std::string>> certificate_request::go_on() {
  if (!asked_) {
    // A fresh socket's buffer takes a kilobyte whole, or the connection is broken.
    const std::string bytes = question();
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
      return failed("hung up");
    }
    asked_ = true;
  }
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = ::recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (got > 0) {
      arrived_.append(piece.data(), static_cast<std::size_t>(got));
      if (arrived_.size() > answer_bytes) return failed("said too much");
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    auto answer = parse();
    if (answer && !*answer && !(got < 0 && errno == EAGAIN)) return failed("hung up");
    return answer;
  }
}

/// The banner's lines, then packets up to the one that has the host key.
result<std::optional<std::string>> certificate_request::parse() {
  std::string_view rest = arrived_;
  for (bool version = false; !version;) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) return std::nullopt;
    version = rest.starts_with("SSH-");
    rest.remove_prefix(end + 1);
  }
  for (;;) {
    wire::fields head(rest);
    const std::uint32_t size = head.number();
    if (!head.good()) return std::nullopt;
    if (size < 2 || size > answer_bytes) return failed("sent what is not SSH");
    if (head.left() < size) return std::nullopt;
    const auto padding = static_cast<unsigned char>(rest[4]);
    if (padding + 2u > size) return failed("sent what is not SSH");
    const std::string_view payload = rest.substr(5, size - padding - 1);
    rest.remove_prefix(4 + size);
    const auto kind = static_cast<unsigned char>(payload[0]);
    if (kind == disconnect) return failed("hung up");
    if (kind == kex_init && !offers_certificate(payload)) return std::optional<std::string>("");
    if (kind != ecdh_reply) continue;
    wire::fields reply(payload.substr(1));
    const std::string_view key = reply.text();
    if (!reply.good()) return failed("sent what is not SSH");
    return std::optional<std::string>(key);
  }
}

}  // namespace regent
