#include "transport/ssh_session.hpp"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>

#include "transport/agent_login.hpp"
#include "transport/host_key.hpp"
#include "transport/openssh_certificate.hpp"

namespace regent {
namespace {

struct free_session {
  void operator()(ssh_session session) const { ssh_free(session); }
};
struct free_key {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using owned_session = std::unique_ptr<std::remove_pointer_t<ssh_session>, free_session>;
using owned_key = std::unique_ptr<std::remove_pointer_t<ssh_key>, free_key>;

constexpr std::size_t complaint_bytes = 4096;
constexpr std::size_t write_piece = 64 * 1024;

result<owned_key> read_key(const std::string& file) {
  ssh_key raw = nullptr;
  // An empty passphrase: a key that needs another one is an error, not a question on the terminal.
  if (ssh_pki_import_privkey_file(file.c_str(), "", nullptr, nullptr, &raw) != SSH_OK) {
    return fail(error_kind::permanent, "key_unreadable",
                "the private key {} cannot be read, is no private key, or needs a passphrase (use the agent for that)",
                file);
  }
  return owned_key(raw);
}

/// The keys to offer, the certified one first.
result<std::deque<owned_key>> keys_of(const host_endpoint& endpoint) {
  std::deque<owned_key> keys;
  if (endpoint.key_file.empty()) return keys;
  if (!endpoint.certificate_file.empty()) {
    auto key = read_key(endpoint.key_file);
    if (!key) return failure(key.error());
    // libssh takes a certificate of any key; the host's refusal would not say so.
    const auto certificate = read_certificate_file(endpoint.certificate_file);
    ssh_key raw = nullptr;
    const int imported = ssh_pki_import_cert_file(endpoint.certificate_file.c_str(), &raw);
    const owned_key imported_key(raw);
    if (!certificate || certificate->public_key != public_key_text(key->get()) || imported != SSH_OK ||
        ssh_pki_copy_cert_to_privkey(raw, key->get()) != SSH_OK) {
      return fail(error_kind::permanent, "key_unreadable", "{} is not a certificate for the key {}",
                  endpoint.certificate_file, endpoint.key_file);
    }
    keys.push_back(std::move(*key));
  }
  auto key = read_key(endpoint.key_file);
  if (!key) return failure(key.error());
  keys.push_back(std::move(*key));
  return keys;
}

class ssh_stream final : public host_stream {
 public:
  ssh_stream(int socket, host_endpoint endpoint, std::string certified, std::string command,
             std::function<void()> woken)
      : socket_(socket),
        endpoint_(std::move(endpoint)),
        certified_(std::move(certified)),
        command_(std::move(command)),
        woken_(std::move(woken)),
        session_(ssh_new()) {}

  ~ssh_stream() override {
    agent_.reset();
    if (channel_ != nullptr) {
      ssh_remove_channel_callbacks(channel_, &callbacks_);
      ssh_channel_free(channel_);
    }
    if (begun_) ssh_disconnect(session_.get());
    if (!begun_) ::close(socket_);
  }

  int fd() const override { return socket_; }

  std::uint32_t events() const override {
    if (agent_) return EPOLLONESHOT;  // even its end is the business of the agent's thread, and told but once
    return (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) != 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
  }

  result<bool> open() override {
    for (;;) {
      const auto went = step();
      if (!went || !*went) return went;
      if (at_ == phase::open) return true;
    }
  }

  /// To write is also to take in what arrives and to send what waited: bytes to read, or room for more, which nobody
  /// would be told of later.
  result<std::size_t> write(std::string_view bytes) override {
    for (std::size_t taken = 0;;) {
      const bool had_room = has_room();
      const auto more = write_some(bytes.substr(taken));
      if (!more) return more;
      taken += *more;
      waiting_ = ssh_channel_poll(channel_, 0) != 0;
      // Nothing is taken in spite of room while keys are exchanged anew; then the exchange goes on with what arrives.
      if (taken == bytes.size() || !has_room() || (had_room && *more == 0)) return taken;
    }
  }

  bool has_input() override { return waiting_; }

  result<void> read(std::string& into) override {
    waiting_ = false;
    // libssh takes in whatever arrives while it looks for either, so the one that counts is the last to be drained.
    const int complaints = drain(true, said_);
    if (said_.size() > complaint_bytes) said_.resize(complaint_bytes);
    if (drain(false, into) == SSH_ERROR || complaints == SSH_ERROR) return lost();
    // The runner's children keep its output open, so its end shows by its exit status, not by the end of file.
    if (ended_ || ssh_channel_is_eof(channel_) != 0 || ssh_channel_is_closed(channel_) != 0) return lost();
    return {};
  }

  std::string complaint() override {
    return agent_ ? fmt::format("the SSH agent at {} does not answer", agent_->agent()) : said_;
  }

 private:
  enum class phase { setting_up, connecting, authenticating, opening, executing, open };

  /// True: go on at once; false: wait for the socket.
  result<bool> step() {
    switch (at_) {
      case phase::setting_up: return set_up();
      case phase::connecting: return connect();
      case phase::authenticating: return authenticate();
      case phase::opening: return after(ssh_channel_open_session(channel_), phase::executing, "open a channel");
      case phase::executing: return execute();
      case phase::open: return true;
    }
    return true;
  }

  result<bool> set_up() {
    ssh_session s = session_.get();
    const bool no = false;
    const int yes = 1;
    const std::string user = endpoint_.user.empty() ? "root" : endpoint_.user;
    // The configuration files are not read: what is not in the region file does not count (and CVE-2023-6004).
    ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
    ssh_options_set(s, SSH_OPTIONS_NODELAY, &yes);
    if (ssh_options_set(s, SSH_OPTIONS_HOST, endpoint_.address.c_str()) != SSH_OK ||
        ssh_options_set(s, SSH_OPTIONS_PORT, &endpoint_.port) != SSH_OK ||
        ssh_options_set(s, SSH_OPTIONS_USER, user.c_str()) != SSH_OK) {
      return fail(error_kind::permanent, "endpoint_invalid", "{} has an address, port or user that SSH cannot take: {}",
                  endpoint_.host.value(), ssh_get_error(s));
    }
    if (auto expected = expect_host_key(s, endpoint_, certified_); !expected) return failure(expected.error());
    auto keys = keys_of(endpoint_);
    if (!keys) return failure(keys.error());
    keys_ = std::move(*keys);
    ssh_options_set(s, SSH_OPTIONS_FD, &socket_);
    ssh_set_blocking(s, 0);
    at_ = phase::connecting;
    begun_ = true;
    return true;
  }

  result<bool> connect() {
    const int done = ssh_connect(session_.get());
    if (done == SSH_AGAIN) return false;
    if (done != SSH_OK) {
      const std::string why = ssh_get_error(session_.get());
      if (why.find("host key algo") != why.npos) {
        return fail(error_kind::permanent, "host_key_mismatch",
                    "{} has no host key of the expected type ({}); if that is meant, change its host_key",
                    endpoint_.host.value(), why);
      }
      return fail(error_kind::transient, "connection_failed", "{}: {}", endpoint_.host.value(), why);
    }
    if (auto verified = verify_host_key(session_.get(), endpoint_, certified_); !verified) {
      return failure(verified.error());
    }
    at_ = phase::authenticating;
    return true;
  }

  result<bool> authenticate() {
    while (!keys_.empty()) {
      const int answer = ssh_userauth_publickey(session_.get(), nullptr, keys_.front().get());
      if (answer == SSH_AUTH_AGAIN) return false;
      if (answer == SSH_AUTH_SUCCESS) return authenticated();
      if (ssh_is_connected(session_.get()) == 0) return refused("it hung up");
      keys_.pop_front();
    }
    return endpoint_.agent ? ask_agent()
                           : refused(endpoint_.key_file.empty() ? "there is no key_file and no agent" : "");
  }

  result<bool> ask_agent() {
    if (!agent_) {
      auto begun = agent_login::begin(session_.get(), endpoint_, woken_);
      if (!begun) return failure(begun.error());
      agent_ = std::move(*begun);
    }
    if (!agent_->over()) return false;
    const bool entered = agent_->entered();
    agent_.reset();
    return entered ? authenticated() : refused("nor with any of the agent's");
  }

  result<bool> authenticated() {
    keys_.clear();
    channel_ = ssh_channel_new(session_.get());
    if (channel_ == nullptr) return fail(error_kind::transient, "connection_failed", "no memory for a channel");
    ssh_callbacks_init(&callbacks_);
    callbacks_.userdata = this;
    callbacks_.channel_exit_status_function = [](ssh_session, ssh_channel, int, void* self) {
      static_cast<ssh_stream*>(self)->ended_ = true;
    };
    callbacks_.channel_exit_signal_function = [](ssh_session, ssh_channel, const char*, int, const char*, const char*,
                                                 void* self) { static_cast<ssh_stream*>(self)->ended_ = true; };
    ssh_add_channel_callbacks(channel_, &callbacks_);
    at_ = phase::opening;
    return true;
  }

  result<bool> execute() {
    return after(ssh_channel_request_exec(channel_, command_.c_str()), phase::open, "start a command");
  }

  result<bool> after(int done, phase next, std::string_view what) {
    if (done == SSH_AGAIN) return false;
    if (done != SSH_OK) {
      return fail(error_kind::transient, "connection_failed", "{} let us in but did not {}: {}", endpoint_.host.value(),
                  what, ssh_get_error(session_.get()));
    }
    at_ = next;
    return true;
  }

  failure refused(std::string_view note) const {
    return fail(
        error_kind::permanent, "login_refused",
        "{} does not let {} in with {}{}{}: put the public key into its authorized_keys, or renew the certificate",
        endpoint_.host.value(), endpoint_.user.empty() ? "root" : endpoint_.user,
        endpoint_.key_file.empty() ? "no key" : endpoint_.key_file, note.empty() ? "" : ", ", note);
  }

  failure lost() const {
    return fail(error_kind::transient, "connection_lost", "the connection to {} was lost: {}", endpoint_.host.value(),
                ended_ ? "its runner has ended" : ssh_get_error(session_.get()));
  }

  /// In the socket's buffer and in the host's window.
  bool has_room() const {
    return (ssh_get_poll_flags(session_.get()) & SSH_WRITE_PENDING) == 0 && ssh_channel_window_size(channel_) > 0;
  }

  /// As much as there is room for.
  result<std::size_t> write_some(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && has_room()) {
      const std::size_t piece = std::min(bytes.size() - taken, write_piece);
      const int sent = ssh_channel_write(channel_, bytes.data() + taken, static_cast<std::uint32_t>(piece));
      if (sent == SSH_ERROR) return lost();
      if (sent <= 0) break;
      taken += static_cast<std::size_t>(sent);
    }
    return taken;
  }

  /// The last result of libssh's read: 0 or SSH_EOF when drained, SSH_ERROR.
  int drain(bool errors, std::string& into) {
    std::array<char, 16384> piece;
    for (;;) {
      const int got = ssh_channel_read_nonblocking(channel_, piece.data(), piece.size(), errors ? 1 : 0);
      if (got <= 0) return got;
      into.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

  int socket_;
  host_endpoint endpoint_;
  std::string certified_;
  std::string command_;
  std::function<void()> woken_;
  owned_session session_;
  ssh_channel channel_ = nullptr;
  ssh_channel_callbacks_struct callbacks_{};
  std::deque<owned_key> keys_;
  std::unique_ptr<agent_login> agent_;  ///< while it has the session
  phase at_ = phase::setting_up;
  bool begun_ = false;
  bool ended_ = false;
  bool waiting_ = false;  ///< there was something to read after the last write
  std::string said_;
};

}  // namespace

std::unique_ptr<host_stream> make_ssh_stream(int socket, host_endpoint endpoint, std::string certified,
                                             std::string command, std::function<void()> woken) {
  return std::make_unique<ssh_stream>(socket, std::move(endpoint), std::move(certified), std::move(command),
                                      std::move(woken));
}

}  // namespace regent
