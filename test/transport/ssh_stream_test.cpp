#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "test/support/catch.hpp"
#include "test/transport/test_sshd.hpp"
#include "transport/ssh_session.hpp"

using namespace regent;
using namespace regent::test;

namespace {

int connected_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  return fd;
}

bool shows(int fd, std::uint32_t events, milliseconds most) {
  pollfd what{fd, static_cast<short>(events), 0};
  return ::poll(&what, 1, static_cast<int>(most.count())) > 0;
}

/// Sends any amounts to a host that sends them back, and waits only for what the stream says may be waited for.
void check_echo(host_stream& stream, std::mt19937& dice) {
  std::string echoed, waiting;
  std::size_t sent = 0;
  for (int round = 0, unread = 0; round < 200; ++round, --unread) {
    if (waiting.empty()) waiting.assign(1 + dice() % 30'000, 'x');
    const auto taken = stream.write(waiting);
    REQUIRE(taken);
    sent += *taken;
    waiting.erase(0, *taken);
    // What was not taken is to be taken later, and of what was sent something has yet to come back.
    if (waiting.empty() && sent == echoed.size()) continue;
    INFO(
        fmt::format("round {}: {} bytes were sent, {} wait, {} came back", round, sent, waiting.size(), echoed.size()));
    REQUIRE((stream.has_input() || shows(stream.fd(), stream.events(), milliseconds(5000))));
    // Now and then nothing is read for so long that all windows are full.
    if (unread < -100) unread = static_cast<int>(dice() % 100);
    if (unread <= 0 && dice() % 3 > 0) REQUIRE(stream.read(echoed));
  }
  CHECK(eventually([&] { return stream.read(echoed) && echoed.size() == sent; }));
}

}  // namespace

TEST_CASE("what arrives while an SSH stream writes is shown by its descriptor or by itself, and so is room to write") {
  if (const std::string why = test_sshd::obstacle(); !why.empty()) {
    WARN("skipped: " << why);
    return;
  }
  const scratch_directory directory;
  test_sshd sshd(directory.path());
  sshd.start();
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 dice(seed);
  for (int i = 0; i < 12; ++i) {
    const auto stream = make_ssh_stream(connected_to(sshd.port()), sshd.endpoint(), "", "exec cat", [] {});
    while (true) {
      const auto opened = stream->open();
      REQUIRE(opened);
      if (*opened) break;
      REQUIRE(shows(stream->fd(), stream->events(), milliseconds(5000)));
    }
    check_echo(*stream, dice);
  }
}
