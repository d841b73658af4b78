#include "transport/openssh_certificate.hpp"

#include <random>

#include "test/support/catch.hpp"
#include "test/transport/test_sshd.hpp"
#include "transport/wire.hpp"

using namespace regent;
using namespace regent::test;

namespace {

std::string blob_of(const std::string& file) {
  const std::string line = file_text(file);
  const std::size_t begin = line.find(' ') + 1;
  return wire::from_base64(line.substr(begin, line.find(' ', begin) - begin));
}

}  // namespace

TEST_CASE("base64 goes there and back") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  for (std::size_t size = 1; size < 70; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(dice());
    CHECK(wire::from_base64(wire::base64(bytes)) == bytes);
  }
  CHECK(wire::from_base64("a").empty());
  CHECK(wire::from_base64("a$==").empty());
}

TEST_CASE("a certificate says what was certified, and no byte of it can be changed") {
  if (std::system("command -v ssh-keygen >/dev/null") != 0) {
    WARN("skipped: needs openssh-client");
    return;
  }
  const scratch_directory directory;
  const std::string authority = GENERATE("ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048");
  INFO(authority);
  must_run("ssh-keygen -q -t " + authority + " -N '' -f " + (directory / "ca"));
  must_run("ssh-keygen -q -t ed25519 -N '' -f " + (directory / "key"));
  must_run("ssh-keygen -q -s " + (directory / "ca") + " -I test -h -n one,two -V 20250101000000Z:20260101000000Z " +
           (directory / "key.pub"));
  const std::string blob = blob_of(directory / "key-cert.pub");
  const auto certificate = read_certificate(blob);
  REQUIRE(certificate);
  CHECK(file_text(directory / "key.pub").starts_with(certificate->public_key + " "));
  CHECK(file_text(directory / "ca.pub").starts_with(certificate->authority + " "));
  CHECK(certificate->for_host);
  CHECK(certificate->principals == std::vector<std::string>{"one", "two"});

  const wall_time then = *parse_iso("2025-06-01T00:00:00Z"), later = *parse_iso("2026-06-01T00:00:00Z");
  CHECK(check_host_certificate(*certificate, certificate->authority, {"x", "two"}, then));
  CHECK_FALSE(check_host_certificate(*certificate, certificate->authority, {"two"}, later));
  CHECK_FALSE(check_host_certificate(*certificate, certificate->authority, {"three"}, then));
  CHECK_FALSE(check_host_certificate(*certificate, certificate->public_key, {"two"}, then));
  for (std::size_t at = 0; at < blob.size(); ++at) {
    std::string changed = blob;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(read_certificate(changed));
    CHECK_FALSE(read_certificate(blob.substr(0, at)));
  }
  CHECK_FALSE(read_certificate(blob + "x"));
}
