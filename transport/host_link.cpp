#include "transport/host_link.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "base/log.hpp"
#include "transport/host_key.hpp"
#include "transport/local_channel.hpp"
#include "transport/openssh_certificate.hpp"
#include "transport/ssh_session.hpp"

namespace regent {
namespace {

using std::chrono::duration_cast;
using namespace std::chrono_literals;

constexpr std::size_t outgoing_bytes = 2 * limits::frame_bytes;
constexpr std::size_t forgotten_at_once = 64;
constexpr std::size_t forgotten_most = 10'000;  // over it the host's own housekeeping has to do
constexpr auto forget_delay = 1s;
constexpr auto settled_after = 5s;  // a connection that lived shorter does not end the back-off

milliseconds since(steady_time when) { return duration_cast<milliseconds>(std::chrono::steady_clock::now() - when); }

milliseconds random_up_to(milliseconds most) {
  thread_local std::mt19937_64 dice(std::random_device{}());
  return milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(dice));
}

std::uint64_t wall_seconds() {
  return static_cast<std::uint64_t>(
      duration_cast<std::chrono::seconds>(system_clock().wall().time_since_epoch()).count());
}

/// A non-blocking TCP socket on its way to the address; -1 with errno.
int begin_connect(const socket_address& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1, deadline = static_cast<int>(milliseconds(limits::connect_deadline).count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &deadline, sizeof deadline);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 || errno == EINPROGRESS) {
    return fd;
  }
  const int why = errno;
  ::close(fd);
  errno = why;
  return -1;
}

}  // namespace

host_link::host_link(io_loop& loop, std::shared_ptr<link_services> services, host_endpoint endpoint, channel_sink sink)
    : loop_(loop), services_(std::move(services)), endpoint_(std::move(endpoint)), sink_(std::move(sink)) {}

// ---- towards a connection ----

void host_link::start() {
  if (at_ == phase::closed) return;
  const auto hello = runner::hello(services_->region, endpoint_.host, services_->epoch, endpoint_.state_directory);
  if (!hello || (!endpoint_.local && (endpoint_.address.empty() || endpoint_.port < 1 || endpoint_.port > 65535))) {
    const error why = hello ? error{error_kind::permanent, "endpoint_invalid",
                                    fmt::format("host {} has no address, or a port that is none: '{}' {}",
                                                endpoint_.host.value(), endpoint_.address, endpoint_.port)}
                            : hello.error();
    at_ = phase::closed;
    if (sink_.disconnected) sink_.disconnected(why);
    return;
  }
  attempt();
}

void host_link::attempt() {
  ++attempt_;
  retry_.reset();
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

void host_link::resolved(std::uint64_t attempt, result<socket_addresses> found) {
  if (attempt != attempt_ || at_ != phase::resolving) return;
  if (!found) return lost(found.error());
  addresses_ = std::move(*found);
  std::reverse(addresses_.begin(), addresses_.end());  // taken from the back
  at_ = phase::connecting;
  connect_next();
}

void host_link::connect_next() {
  while (!addresses_.empty()) {
    const socket_address next = addresses_.back();
    addresses_.pop_back();
    socket_ = begin_connect(next);
    if (socket_ >= 0) {
      loop_.watch(socket_, EPOLLOUT, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->tcp_ready();
      });
      return;
    }
    last_failure_ = fail(error_kind::transient, "connection_failed", "cannot connect to {} port {}: {}",
                         endpoint_.address, endpoint_.port, std::strerror(errno))
                        .value();
  }
  lost(last_failure_);
}

void host_link::tcp_ready() {
  int why = 0;
  socklen_t size = sizeof why;
  ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &why, &size);
  loop_.unwatch(socket_);
  if (why == 0) return tcp_connected();
  ::close(std::exchange(socket_, -1));
  last_failure_ = fail(error_kind::transient, "connection_failed", "cannot connect to {} port {}: {}",
                       endpoint_.address, endpoint_.port, std::strerror(why))
                      .value();
  connect_next();
}

void host_link::tcp_connected() {
  at_ = phase::queued;
  disarm(deadline_);
  const bool suspect = suspect_;
  services_->slots.acquire(
      suspect, [weak = weak_from_this(), &loop = loop_, services = services_.get(), number = attempt_, suspect] {
        loop.post([weak, services, number, suspect] {
          if (auto self = weak.lock()) return self->slot_granted(number, suspect);
          services->slots.release(suspect);
        });
      });
}

void host_link::slot_granted(std::uint64_t attempt, bool suspect) {
  if (attempt != attempt_ || at_ != phase::queued) return services_->slots.release(suspect);
  holds_slot_ = true;
  held_as_suspect_ = suspect;
  arm_deadline(endpoint_.address + " accepts connections but does not go on with SSH");
  if (needs_certificate()) {
    at_ = phase::certifying;
    request_ = std::make_unique<certificate_request>(std::exchange(socket_, -1));
    loop_.watch(request_->fd(), EPOLLIN, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->traffic();
    });
    return certify();
  }
  at_ = phase::handshake;
  stream_ = make_ssh_stream(std::exchange(socket_, -1), endpoint_, certified_,
                            runner::start_command(services_->program.size(), endpoint_.become));
  loop_.watch(stream_->fd(), EPOLLIN, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->traffic();
  });
  shake_hands();
}

bool host_link::needs_certificate() const {
  if (endpoint_.host_ca.empty() || !endpoint_.host_key.empty() || without_certificate_) return false;
  return certified_.empty() || wall_seconds() >= certified_until_;
}

void host_link::certify() {
  const auto answer = request_->go_on();
  if (!answer) return lost(answer.error());
  if (*answer) take_certificate(**answer);
}

/// What the certificate says is believed; then the host is connected to anew, and has to prove that the key is its own.
void host_link::take_certificate(const std::string& blob) {
  if (blob.empty()) {
    if (endpoint_.known_hosts_file.empty()) {
      return lost(error{error_kind::permanent, "host_key_unknown",
                        endpoint_.host.value() + " has no host certificate: have the host CA sign its key"});
    }
    without_certificate_ = true;
  } else {
    const auto certificate = read_certificate(blob);
    if (!certificate) return lost(certificate.error());
    const auto good = check_host_certificate(*certificate, key_without_comment(endpoint_.host_ca),
                                             {endpoint_.host.value(), endpoint_.address}, system_clock().wall());
    if (!good) return lost(good.error());
    certified_ = certificate->public_key;
    certified_until_ = certificate->valid_before;
  }
  give_up_attempt();
  attempt();
}

void host_link::shake_hands() {
  const auto done = stream_->open();
  if (!done) return lost(done.error());
  if (*done) return opened();
  loop_.change(stream_->fd(), stream_->events());
}

void host_link::start_local() {
  at_ = phase::handshake;
  arm_deadline("the local runner does not answer");
  auto stream = start_local_stream(runner::start_command(services_->program.size(), endpoint_.become));
  if (!stream) return lost(stream.error());
  stream_ = std::move(*stream);
  loop_.watch(stream_->fd(), EPOLLIN, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->traffic();
  });
  opened();
}

/// The runner's command is started: program and hello follow without waiting for each other.
void host_link::opened() {
  at_ = phase::greeting;
  if (std::exchange(holds_slot_, false)) services_->slots.release(held_as_suspect_);
  reader_ = {};
  scripts_sent_.clear();
  out_.assign(services_->program);
  out_at_ = 0;
  out_ += *runner::hello(services_->region, endpoint_.host, services_->epoch, endpoint_.state_directory);
  greeted_at_ = std::chrono::steady_clock::now();
  flush();
}

// ---- up ----

void host_link::traffic() {
  if (at_ == phase::certifying) return certify();
  if (at_ == phase::handshake) return shake_hands();
  if (!stream_) return;
  std::string arrived;
  const auto read = stream_->read(arrived);
  if (!arrived.empty()) heard_at_ = std::chrono::steady_clock::now();
  reader_.feed(arrived);
  // What came before the end counts: an outcome may be in it. Each message may make its receiver close this link.
  while (stream_) {
    auto next = reader_.next();
    if (!next) return lost(next.error());
    if (!*next) break;
    take(std::move(**next));
  }
  if (!stream_) return;
  if (!read) return lost(read.error());
  flush();
}

void host_link::take(runner::message message) {
  if (const auto* ready = std::get_if<runner::ready>(&message)) return greeted(*ready);
  if (auto* unfit = std::get_if<runner::unfit>(&message)) {
    const error_kind kind = unfit->code == "epoch_superseded" ? error_kind::conflict
                            : unfit->code == "bash_too_old"   ? error_kind::permanent
                                                              : error_kind::transient;
    return lost(error{kind, unfit->code, endpoint_.host.value() + ": " + unfit->why});
  }
  if (at_ != phase::up) return;
  if (const auto* pong = std::get_if<runner::pong>(&message)) {
    if (pong->number != ping_) return;
    pong_ = pong->number;
    disarm(pulse_);
    if (sink_.alive) sink_.alive(since(pinged_at_));
    return;
  }
  const auto& report = std::get<run_report>(message);
  // The script may be what was refused, or may have been removed over there: it is sent again with the next run.
  if (report.status == run_status::refused) scripts_sent_.clear();
  if (sink_.reported) sink_.reported(report);
}

void host_link::greeted(const runner::ready& ready) {
  if (at_ != phase::greeting) return;
  at_ = phase::up;
  disarm(deadline_);
  suspect_ = false;
  boot_id_ = ready.boot_id;
  up_since_ = heard_at_ = std::chrono::steady_clock::now();
  const milliseconds latency = since(greeted_at_);
  beat();
  if (!forgotten_.empty()) flush_forgotten();
  if (at_ == phase::up && sink_.connected) sink_.connected(boot_id_, latency);
}

void host_link::beat() {
  disarm(heartbeat_);
  heartbeat_ = after(limits::heartbeat_interval, &host_link::beat);
  if (ping_ != pong_) return;  // the last one is still under way: check_pulse decides
  pinged_at_ = std::chrono::steady_clock::now();
  push(runner::ping(++ping_), {});
  disarm(pulse_);
  pulse_ = after(limits::heartbeat_deadline, &host_link::check_pulse);
}

/// No answer to the ping in time. While bytes arrive the answer may be behind them, but not for ever.
void host_link::check_pulse() {
  pulse_.reset();
  const milliseconds quiet = std::max(since(std::max(heard_at_, pinged_at_)), since(pinged_at_) - 4s);
  if (quiet < milliseconds(limits::heartbeat_deadline)) {
    pulse_ = after(limits::heartbeat_deadline - quiet + 1ms, &host_link::check_pulse);
    return;
  }
  lost(error{error_kind::transient, "host_silent",
             fmt::format("{} has not answered for {}", endpoint_.host.value(), span_text(since(pinged_at_)))});
}

void host_link::send(const run_request& request) {
  if (at_ != phase::up) return;
  auto frame = runner::run(request);
  if (!frame) return refuse(request.run, frame.error());
  if (!scripts_sent_.contains(request.script_hash)) {
    auto script = runner::script(request.script_hash, request.script ? *request.script : std::string_view());
    if (!script) return refuse(request.run, script.error());
    scripts_sent_.insert(request.script_hash);
    *script += *frame;
    return push(std::move(script), request.run);
  }
  push(std::move(frame), request.run);
}

void host_link::ask(const run_id& run) {
  if (at_ == phase::up) push(runner::ask(run), run);
}

void host_link::cancel(const run_id& run) {
  if (at_ == phase::up) push(runner::cancel(run), run);
}

void host_link::forget(std::vector<run_id> runs) {
  const std::size_t room = forgotten_most - std::min(forgotten_most, forgotten_.size());
  forgotten_.insert(forgotten_.end(), runs.begin(),
                    runs.begin() + static_cast<std::ptrdiff_t>(std::min(room, runs.size())));
  if (at_ != phase::up) return;
  if (forgotten_.size() >= forgotten_at_once) return flush_forgotten();
  if (!forget_) forget_ = after(forget_delay, &host_link::flush_forgotten);
}

void host_link::flush_forgotten() {
  disarm(forget_);
  if (at_ != phase::up || forgotten_.empty()) return;
  const std::vector<run_id> runs = std::exchange(forgotten_, {});
  if (std::string frame = runner::forget(runs); !frame.empty()) push(std::move(frame), {});
}

void host_link::refuse(const run_id& run, const error& why) {
  run_report report;
  report.run = run;
  report.status = run_status::refused;
  report.errors = why.text();
  report.boot_id = boot_id_;
  if (sink_.reported) sink_.reported(report);
}

void host_link::push(result<std::string> frame, const run_id& run) {
  if (!frame) return refuse(run, frame.error());
  out_ += *frame;
  flush();
}

void host_link::flush() {
  if (!stream_) return;
  if (out_at_ < out_.size()) {
    const auto taken = stream_->write(std::string_view(out_).substr(out_at_));
    if (!taken) return lost(taken.error());
    out_at_ += *taken;
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
    } else if (out_at_ > out_.size() / 2) {
      out_.erase(0, out_at_);
      out_at_ = 0;
    }
  }
  if (out_.size() - out_at_ > outgoing_bytes) {
    return lost(error{error_kind::transient, "host_too_slow",
                      fmt::format("{} takes in less than is sent to it: {} bytes wait", endpoint_.host.value(),
                                  out_.size() - out_at_)});
  }
  loop_.change(stream_->fd(), stream_->events());
}

// ---- the end of an attempt or of a connection ----

void host_link::lost(error why) {
  if (at_ == phase::closed) return;
  why = explained(std::move(why));
  const bool was_up = at_ == phase::up;
  if (!was_up) suspect_ = at_ == phase::handshake || at_ == phase::certifying;
  without_certificate_ = false;
  if (why.code == "host_key_mismatch") certified_.clear();
  failures_ = was_up && since(up_since_) > settled_after ? 0 : failures_ + 1;
  give_up_attempt();
  at_ = phase::idle;
  retry_ = after(backoff(why), &host_link::attempt);
  if (sink_.disconnected) sink_.disconnected(why);
}

/// A runner that never greeted: the login shell, sudo or env has said why.
error host_link::explained(error why) {
  if (at_ != phase::greeting || !stream_ || why.code != "connection_lost") return why;
  std::string said = stream_->complaint() + std::string(reader_.noise());
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (endpoint_.become && said.find("sudo") != said.npos) {
    return error{error_kind::permanent, "become_refused",
                 fmt::format("sudo on {} refuses {} without a password ({}): it needs a line like '{} ALL=(root) "
                             "NOPASSWD: ALL' in sudoers",
                             endpoint_.host.value(), endpoint_.user, said, endpoint_.user)};
  }
  return error{error_kind::transient, "runner_start_failed",
               fmt::format("the runner did not start on {} (it needs bash 5 and coreutils): {}", endpoint_.host.value(),
                           said.empty() ? why.message : said)};
}

void host_link::give_up_attempt() {
  ++attempt_;
  for (auto* timer : {&deadline_, &retry_, &heartbeat_, &pulse_, &forget_}) disarm(*timer);
  if (stream_) {
    loop_.unwatch(stream_->fd());
    stream_.reset();
  }
  if (request_) {
    loop_.unwatch(request_->fd());
    request_.reset();
  }
  if (socket_ >= 0) {
    loop_.unwatch(socket_);
    ::close(std::exchange(socket_, -1));
  }
  if (std::exchange(holds_slot_, false)) services_->slots.release(held_as_suspect_);
  out_.clear();
  out_at_ = 0;
  ping_ = pong_ = 0;
}

/// Full jitter. What will not heal by itself is tried as seldom as allowed, not never: a key file may be replaced.
milliseconds host_link::backoff(const error& why) {
  const milliseconds first = limits::reconnect_backoff_first, most = limits::reconnect_backoff_most;
  if (why.kind != error_kind::transient) return most / 2 + random_up_to(most / 2);
  return random_up_to(std::min(most, first * (std::int64_t{1} << std::min(failures_, 10))));
}

void host_link::close() {
  at_ = phase::closed;
  give_up_attempt();
}

void host_link::arm_deadline(std::string what) {
  disarm(deadline_);
  deadline_for_ = std::move(what);
  deadline_ = loop_.at(std::chrono::steady_clock::now() + limits::connect_deadline, [weak = weak_from_this()] {
    if (auto self = weak.lock()) {
      self->deadline_.reset();
      self->lost(
          error{error_kind::transient, "connect_timeout", self->endpoint_.host.value() + ": " + self->deadline_for_});
    }
  });
}

io_loop::timer host_link::after(milliseconds wait, void (host_link::*what)()) {
  return loop_.at(std::chrono::steady_clock::now() + wait, [weak = weak_from_this(), what] {
    if (auto self = weak.lock()) ((*self).*what)();
  });
}

void host_link::disarm(std::optional<io_loop::timer>& which) {
  if (which) loop_.cancel(*std::exchange(which, std::nullopt));
}

}  // namespace regent
