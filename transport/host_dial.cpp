#include "transport/host_dial.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "transport/host_key.hpp"
#include "transport/local_channel.hpp"
#include "transport/openssh_certificate.hpp"
#include "transport/runner_protocol.hpp"
#include "transport/ssh_session.hpp"

namespace regent {
namespace {

std::uint64_t wall_seconds() {
  const auto now = system_clock().wall().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

/// A non-blocking TCP socket on its way to the address; -1 with errno.
int begin_connect(const socket_address& address) {
  descriptor fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return -1;
  const int on = 1, deadline = static_cast<int>(milliseconds(limits::connect_deadline).count());
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &deadline, sizeof deadline);
  const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), to, address.size) == 0 || errno == EINPROGRESS) return fd.release();
  const int why = errno;
  fd.reset();
  errno = why;
  return -1;
}

}  // namespace

host_dial::host_dial(io_loop& loop, std::shared_ptr<link_services> services, host_endpoint endpoint, outcome done)
    : loop_(loop), services_(std::move(services)), endpoint_(std::move(endpoint)), done_(std::move(done)) {}

void host_dial::start() {
  without_certificate_ = false;
  attempt();
}

void host_dial::attempt() {
  stop();
  if (endpoint_.local) return start_local();
  at_ = phase::resolving;
  arm_deadline("no answer from " + endpoint_.address);
  last_failure_ = {};
  if (auto numeric = numeric_addresses(endpoint_.address, endpoint_.port); !numeric.empty()) {
    return resolved(attempt_, std::move(numeric));
  }
  services_->names.resolve(endpoint_.address, endpoint_.port,
                           [weak = weak_from_this(), &loop = loop_, number = attempt_](result<socket_addresses> found) {
                             loop.post([weak, number, found = std::move(found)] {
                               if (auto self = weak.lock()) self->resolved(number, found);
                             });
                           });
}

void host_dial::resolved(std::uint64_t attempt, result<socket_addresses> found) {
  if (attempt != attempt_ || at_ != phase::resolving) return;
  if (!found) return fail_with(found.error());
  addresses_ = std::move(*found);
  std::reverse(addresses_.begin(), addresses_.end());  // taken from the back
  at_ = phase::connecting;
  connect_next();
}

void host_dial::connect_next() {
  while (!addresses_.empty()) {
    const socket_address next = addresses_.back();
    addresses_.pop_back();
    socket_ = descriptor(begin_connect(next));
    if (socket_.get() >= 0) return watch(socket_.get(), EPOLLOUT, &host_dial::tcp_ready);
    last_failure_ = connect_failure(errno);
  }
  fail_with(last_failure_);
}

void host_dial::tcp_ready() {
  int why = 0;
  socklen_t size = sizeof why;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &why, &size);
  loop_.unwatch(socket_.get());
  if (why == 0) return wait_for_slot();
  socket_.reset();
  last_failure_ = connect_failure(why);
  connect_next();
}

error host_dial::connect_failure(int code) const {
  return fail(error_kind::transient, "connection_failed", "cannot connect to {} port {}: {}", endpoint_.address,
              endpoint_.port, std::strerror(code))
      .value();
}

/// The host of an agent's key is a suspect from the start: all of them may have to wait for one agent in vain.
void host_dial::wait_for_slot() {
  at_ = phase::queued;
  loop_.disarm(deadline_);
  const bool suspect = suspect_ || endpoint_.agent;
  services_->slots.acquire(
      suspect, [weak = weak_from_this(), &loop = loop_, services = services_.get(), number = attempt_, suspect] {
        loop.post([weak, services, number, suspect] {
          if (auto self = weak.lock()) return self->slot_granted(number, suspect);
          services->slots.release(suspect);
        });
      });
}

void host_dial::slot_granted(std::uint64_t attempt, bool suspect) {
  if (attempt != attempt_ || at_ != phase::queued) return services_->slots.release(suspect);
  holds_slot_ = true;
  held_as_suspect_ = suspect;
  arm_deadline(endpoint_.address + " accepts connections but does not go on with SSH");
  if (needs_certificate()) return ask_for_certificate();
  begin_handshake();
}

// ---- the host's certificate ----

bool host_dial::needs_certificate() const {
  if (endpoint_.host_ca.empty() || !endpoint_.host_key.empty() || without_certificate_) return false;
  return certified_.empty() || wall_seconds() >= certified_until_;
}

void host_dial::ask_for_certificate() {
  at_ = phase::certifying;
  request_ = std::make_unique<certificate_request>(socket_.release());
  watch(request_->fd(), EPOLLIN, &host_dial::certify);
  certify();
}

void host_dial::certify() {
  const auto answer = request_->go_on();
  if (!answer) return fail_with(answer.error());
  if (*answer) take_certificate(**answer);
}

/// What the certificate says is believed; then the host is connected to anew, and has to prove that the key is its own.
void host_dial::take_certificate(const std::string& blob) {
  if (blob.empty()) {
    if (endpoint_.known_hosts_file.empty()) {
      return fail_with(error{error_kind::permanent, "host_key_unknown",
                             endpoint_.host.value() + " has no host certificate: have the host CA sign its key"});
    }
    without_certificate_ = true;
  } else {
    const auto certificate = read_certificate(blob);
    if (!certificate) return fail_with(certificate.error());
    const auto good = check_host_certificate(*certificate, key_without_comment(endpoint_.host_ca),
                                             {endpoint_.host.value(), endpoint_.address}, system_clock().wall());
    if (!good) return fail_with(good.error());
    certified_ = certificate->public_key;
    certified_until_ = certificate->valid_before;
  }
  attempt();
}

// ---- the stream ----

void host_dial::begin_handshake() {
  at_ = phase::handshake;
  stream_ = make_ssh_stream(socket_.release(), endpoint_, certified_,
                            runner::start_command(services_->program.size(), endpoint_.become),
                            [weak = weak_from_this(), &loop = loop_, number = attempt_] {
                              loop.post([weak, number] {
                                if (auto self = weak.lock(); self && self->attempt_ == number) self->shake_hands();
                              });
                            });
  watch(stream_->fd(), EPOLLIN, &host_dial::shake_hands);
  shake_hands();
}

void host_dial::shake_hands() {
  const auto opened = stream_->open();
  if (!opened) return fail_with(opened.error());
  if (!*opened) return loop_.change(stream_->fd(), stream_->events());
  loop_.unwatch(stream_->fd());
  auto stream = std::move(stream_);
  suspect_ = false;
  stop();
  done_(std::move(stream));
}

void host_dial::start_local() {
  auto stream = start_local_stream(runner::start_command(services_->program.size(), endpoint_.become));
  if (!stream) return fail_with(stream.error());
  done_(std::move(*stream));
}

// ---- the end of an attempt ----

void host_dial::fail_with(error why) {
  suspect_ = at_ == phase::handshake || at_ == phase::certifying;
  if (why.code == "host_key_mismatch") certified_.clear();
  stop();
  done_(failure(std::move(why)));
}

void host_dial::stop() {
  ++attempt_;
  at_ = phase::idle;
  loop_.disarm(deadline_);
  if (stream_) loop_.unwatch(stream_->fd());
  if (request_) loop_.unwatch(request_->fd());
  if (socket_.get() >= 0) loop_.unwatch(socket_.get());
  stream_.reset();
  request_.reset();
  socket_.reset();
  if (std::exchange(holds_slot_, false)) services_->slots.release(held_as_suspect_);
}

void host_dial::watch(int fd, std::uint32_t events, void (host_dial::*ready)()) {
  loop_.watch(fd, events, [weak = weak_from_this(), ready] {
    if (auto self = weak.lock()) ((*self).*ready)();
  });
}

void host_dial::arm_deadline(std::string what) {
  deadline_for_ = std::move(what);
  loop_.arm(deadline_, limits::connect_deadline, weak_from_this(), &host_dial::too_late);
}

void host_dial::too_late() {
  const std::string instead = at_ == phase::handshake ? stream_->complaint() : "";
  fail_with(error{error_kind::transient, instead.empty() ? "connect_timeout" : "agent_silent",
                  endpoint_.host.value() + ": " + (instead.empty() ? deadline_for_ : instead)});
}

}  // namespace regent
