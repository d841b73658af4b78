#include "transport/host_link.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <random>
#include <utility>

namespace regent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t outgoing_bytes = 2 * limits::frame_bytes;
constexpr std::size_t forgotten_at_once = 64;
constexpr std::size_t forgotten_most = 10'000;  // over it the host's own housekeeping has to do
constexpr auto forget_delay = 1s;
constexpr auto settled_after = 5s;  // a connection that lived shorter does not end the back-off

milliseconds since(steady_time when) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - when);
}

milliseconds random_up_to(milliseconds most) {
  thread_local std::mt19937_64 dice(std::random_device{}());
  return milliseconds(std::uniform_int_distribution<std::int64_t>(0, most.count())(dice));
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
  dial_ = std::make_shared<host_dial>(loop_, services_, endpoint_,
                                      [weak = weak_from_this()](result<std::unique_ptr<host_stream>> stream) {
                                        const auto self = weak.lock();
                                        if (!self) return;
                                        if (!stream) return self->lost(stream.error());
                                        self->greet(std::move(*stream));
                                      });
  dial();
}

void host_link::dial() {
  at_ = phase::dialing;
  dial_->start();
}

/// The runner's command is started: program and hello follow without waiting for each other.
void host_link::greet(std::unique_ptr<host_stream> stream) {
  stream_ = std::move(stream);
  loop_.watch(stream_->fd(), EPOLLIN, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->traffic();
  });
  at_ = phase::greeting;
  loop_.arm(greeting_, limits::connect_deadline, weak_from_this(), &host_link::no_greeting);
  reader_ = {};
  scripts_sent_.clear();
  out_ = services_->program;
  out_at_ = 0;
  out_ += *runner::hello(services_->region, endpoint_.host, services_->epoch, endpoint_.state_directory);
  greeted_at_ = std::chrono::steady_clock::now();
  flush();
}

void host_link::no_greeting() {
  lost(error{error_kind::transient, "connect_timeout",
             endpoint_.host.value() + " takes in the runner, but the runner does not answer"});
}

// ---- up ----

void host_link::traffic() {
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
    loop_.disarm(pulse_);
    if (sink_.alive) sink_.alive(since(pinged_at_), pong->load);
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
  loop_.disarm(greeting_);
  boot_id_ = ready.boot_id;
  up_since_ = heard_at_ = std::chrono::steady_clock::now();
  const milliseconds latency = since(greeted_at_);
  beat();
  if (!forgotten_.empty()) flush_forgotten();
  if (at_ == phase::up && sink_.connected) sink_.connected(boot_id_, latency);
}

void host_link::beat() {
  loop_.arm(heartbeat_, limits::heartbeat_interval, weak_from_this(), &host_link::beat);
  if (ping_ != pong_) return;  // the last one is still under way: check_pulse decides
  pinged_at_ = std::chrono::steady_clock::now();
  push(runner::ping(++ping_), {});
  loop_.arm(pulse_, limits::heartbeat_deadline, weak_from_this(), &host_link::check_pulse);
}

/// No answer to the ping in time. While bytes arrive the answer may be behind them, but not for ever.
void host_link::check_pulse() {
  const milliseconds quiet = std::max(since(std::max(heard_at_, pinged_at_)), since(pinged_at_) - 4s);
  if (quiet < milliseconds(limits::heartbeat_deadline)) {
    loop_.arm(pulse_, limits::heartbeat_deadline - quiet + 1ms, weak_from_this(), &host_link::check_pulse);
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
  if (!forget_) loop_.arm(forget_, forget_delay, weak_from_this(), &host_link::flush_forgotten);
}

void host_link::flush_forgotten() {
  loop_.disarm(forget_);
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
  const bool writes = out_at_ < out_.size();
  if (writes) {
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
  if (!writes || !stream_->has_input()) return;
  loop_.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->traffic();
  });
}

// ---- the end of an attempt or of a connection ----

void host_link::lost(error why) {
  if (at_ == phase::closed) return;
  why = explained(std::move(why));
  failures_ = at_ == phase::up && since(up_since_) > settled_after ? 0 : failures_ + 1;
  drop();
  at_ = phase::down;
  loop_.arm(retry_, backoff(why), weak_from_this(), &host_link::dial);
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

void host_link::drop() {
  for (auto* timer : {&greeting_, &retry_, &heartbeat_, &pulse_, &forget_}) loop_.disarm(*timer);
  if (stream_) loop_.unwatch(stream_->fd());
  stream_.reset();
  out_.clear();
  out_at_ = 0;
  ping_ = pong_ = 0;
}

/// Full jitter. What will not heal by itself is tried as seldom as allowed, not never: a key file may be replaced.
milliseconds host_link::backoff(const error& why) const {
  const milliseconds first = limits::reconnect_backoff_first, most = limits::reconnect_backoff_most;
  if (why.kind != error_kind::transient) return most / 2 + random_up_to(most / 2);
  return random_up_to(std::min(most, first * (std::int64_t{1} << std::min(failures_, 10))));
}

void host_link::close() {
  at_ = phase::closed;
  if (dial_) dial_->stop();
  drop();
}

}  // namespace regent
