#include "edge/amqp_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/limits.hpp"
#include "edge/amqp_library.hpp"

namespace regent {

using steady = std::chrono::steady_clock;

namespace {

constexpr amqp_channel_t only_channel = 1;
constexpr int frame_bytes = 128 * 1024;  ///< what RabbitMQ offers
constexpr int frame_bytes_least = 4096;  ///< what the protocol demands; with less librabbitmq would cut nonsense
constexpr amqp_boolean_t amqp_false = 0;
constexpr amqp_boolean_t amqp_true = 1;

amqp_bytes_t bytes_of(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

/// A broker's words, for a line of ours.
std::string text_of(amqp_bytes_t bytes) {
  std::string text(static_cast<const char*>(bytes.bytes), bytes.len);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

bool takes_bytes(int socket) {
  pollfd one{socket, POLLOUT, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & (POLLERR | POLLHUP)) == 0;
}

/// Ends a socket at a time or when a stop is requested, so that whoever sends or waits on it goes on. librabbitmq sends
/// without a deadline, and a broker that is blocked does not read.
class cut_off {
 public:
  cut_off(int socket, steady::time_point end, const std::stop_token& stop)
      : thread_([this, socket, end, stop] {
          std::unique_lock lock(guard_);
          changed_.wait_until(lock, stop, end, [this] { return over_; });
          if (!over_) ::shutdown(socket, SHUT_RDWR);
        }) {}
  ~cut_off() {
    {
      const std::lock_guard lock(guard_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  cut_off(const cut_off&) = delete;
  cut_off& operator=(const cut_off&) = delete;

 private:
  std::mutex guard_;
  std::condition_variable_any changed_;
  bool over_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

amqp_connection::amqp_connection(amqp_line line, std::string exchange)
    : line_(std::move(line)), exchange_(std::move(exchange)) {}

amqp_connection::~amqp_connection() {
  if (well_ && takes_bytes(socket_)) {
    // Not waiting for its answer: this only keeps the broker from logging a client that went without a word.
    amqp_connection_close_t goodbye{AMQP_REPLY_SUCCESS, amqp_cstring_bytes("going"), 0, 0};
    amqp_send_method(line_.state.get(), 0, AMQP_CONNECTION_CLOSE_METHOD, &goodbye);
  }
  if (socket_ >= 0) ::close(socket_);
}

result<std::unique_ptr<amqp_connection>> amqp_connection::open(const amqp_address& address, const std::string& password,
                                                               const std::string& ca_file, std::string exchange,
                                                               time_point end, const std::stop_token& stop) {
  auto line = open_amqp_line(address, ca_file, end, stop);
  if (!line) return failure(line.error());
  std::unique_ptr<amqp_connection> made(new amqp_connection(std::move(*line), std::move(exchange)));
  made->place_ = address.place();
  made->end_ = end;
  made->stop_ = stop;
  made->socket_ = ::fcntl(amqp_get_sockfd(made->line_.state.get()), F_DUPFD_CLOEXEC, 0);
  if (made->socket_ < 0) return made->failed("amqp_unreachable", "no handle is left for its socket");
  const cut_off cut(made->socket_, end, stop);
  if (auto in = made->log_in(address, password); !in) return failure(in.error());
  made->well_ = true;
  if (auto ready = made->prepare_channel(); !ready) return failure(ready.error());
  return made;
}

failure amqp_connection::failed(std::string code, std::string_view why) const {
  return fail(error_kind::transient, std::move(code), "{}: {}", place_, why);
}

/// Stop and deadline first: they are why a socket was ended.
failure amqp_connection::broken(int status) const {
  if (stop_.stop_requested()) return failed("amqp_stopped", fmt::format("stopped while {}", doing_));
  if (steady::now() >= end_ || status == AMQP_STATUS_TIMEOUT)
    return failed("amqp_timeout", fmt::format("no answer in time while {}", doing_));
  if (status == AMQP_STATUS_CONNECTION_CLOSED || status == AMQP_STATUS_SOCKET_CLOSED ||
      status == AMQP_STATUS_SOCKET_ERROR)
    return failed("amqp_closed", fmt::format("the connection was closed while {}", doing_));
  return failed("amqp_closed", fmt::format("{} while {}", amqp_error_string2(status), doing_));
}

result<void> amqp_connection::log_in(const amqp_address& address, const std::string& password) {
  doing_ = "logging in";
  if (password.find('\0') != password.npos) return failed("amqp_refused", "its password holds a zero byte");
  // Without this word of ours a broker that is out of memory or disk is silent about it.
  amqp_table_entry_t can_be_told{amqp_cstring_bytes("connection.blocked"),
                                 {AMQP_FIELD_KIND_BOOLEAN, {.boolean = amqp_true}}};
  const amqp_table_t capabilities{1, &can_be_told};
  amqp_table_entry_t about[] = {
      {amqp_cstring_bytes("capabilities"), {AMQP_FIELD_KIND_TABLE, {.table = capabilities}}},
      {amqp_cstring_bytes("connection_name"), {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("regent")}}}};
  const amqp_table_t client{2, about};
  const int beat = static_cast<int>(std::chrono::seconds(limits::amqp_heartbeat).count());
  const auto said = amqp_login_with_properties(line_.state.get(), address.vhost.c_str(), 1, frame_bytes, beat, &client,
                                               AMQP_SASL_METHOD_PLAIN, address.user.c_str(), password.c_str());
  if (said.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return take_method(said.reply.id, said.reply.decoded);
  if (said.reply_type != AMQP_RESPONSE_NORMAL) return broken(said.library_error);
  if (amqp_get_frame_max(line_.state.get()) < frame_bytes_least)
    return failed("amqp_refused", "the broker's frames are smaller than the protocol allows");
  return {};
}

result<void> amqp_connection::prepare_channel() {
  auto* const state = line_.state.get();
  const auto reply = [&]() -> result<void> {
    const auto said = amqp_get_rpc_reply(state);
    if (said.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return take_method(said.reply.id, said.reply.decoded);
    if (said.reply_type != AMQP_RESPONSE_NORMAL) return broken(said.library_error);
    amqp_maybe_release_buffers(state);
    return {};
  };
  doing_ = "opening a channel";
  amqp_channel_open(state, only_channel);
  if (auto open = reply(); !open) return open;
  amqp_confirm_select(state, only_channel);
  if (auto confirming = reply(); !confirming) return confirming;
  doing_ = "asking for the exchange";
  amqp_exchange_declare(state, only_channel, bytes_of(exchange_), amqp_cstring_bytes("topic"), amqp_true, amqp_true,
                        amqp_false, amqp_false, amqp_empty_table);
  return reply();
}

/// What the broker says by itself: confirms, and why it takes no more.
result<void> amqp_connection::take_method(unsigned id, const void* decoded) {
  switch (id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(decoded);
      confirms_.confirmed(ack->delivery_tag, ack->multiple != 0);
      return {};
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<const amqp_basic_nack_t*>(decoded);
      if (!confirms_.waits_for(nack->delivery_tag, nack->multiple != 0)) return {};
      return failed("amqp_refused", "the broker could not keep a message (basic.nack)");
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
      blocked_ = "the broker takes no messages for now: " +
                 text_of(static_cast<const amqp_connection_blocked_t*>(decoded)->reason);
      return {};
    case AMQP_CONNECTION_UNBLOCKED_METHOD: blocked_.clear(); return {};
    case AMQP_CONNECTION_CLOSE_METHOD: {
      const auto* close = static_cast<const amqp_connection_close_t*>(decoded);
      amqp_connection_close_ok_t agreed{};
      amqp_send_method(line_.state.get(), 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &agreed);
      well_ = false;
      return failed("amqp_refused",
                    fmt::format("the broker answers {}: {}", close->reply_code, text_of(close->reply_text)));
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      const auto* close = static_cast<const amqp_channel_close_t*>(decoded);
      return failed("amqp_refused",
                    fmt::format("the broker answers {}: {}", close->reply_code, text_of(close->reply_text)));
    }
    default: return {};
  }
}

result<void> amqp_connection::wait_for_frame(time_point until) {
  const auto most = std::max(std::chrono::duration_cast<std::chrono::microseconds>(until - steady::now()),
                             std::chrono::microseconds(0));
  const timeval wait{most.count() / 1'000'000, most.count() % 1'000'000};
  amqp_frame_t frame;
  const int status = amqp_simple_wait_frame_noblock(line_.state.get(), &frame, &wait);
  if (status != AMQP_STATUS_OK) return broken(status);
  const auto taken = frame.frame_type == AMQP_FRAME_METHOD
                         ? take_method(frame.payload.method.id, frame.payload.method.decoded)
                         : result<void>{};
  amqp_maybe_release_buffers(line_.state.get());
  return taken;
}

result<void> amqp_connection::service() {
  doing_ = "nothing was sent";
  end_ = time_point::max();
  stop_ = {};
  // A heartbeat is sent without a deadline. If there is no room even for that, nobody reads at the other end.
  if (!takes_bytes(socket_)) {
    well_ = false;
    return failed("amqp_closed", "the connection was closed while nothing was sent");
  }
  for (;;) {
    const auto taken = wait_for_frame({});
    if (taken) continue;
    if (taken.error().code == "amqp_timeout") return {};
    well_ = well_ && taken.error().code == "amqp_refused";
    return taken;
  }
}

result<void> amqp_connection::send(const amqp_message& message) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                      AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.message_id = bytes_of(message.id);
  properties.timestamp = message.seconds;
  properties.type = bytes_of(message.type);
  properties.app_id = amqp_cstring_bytes("regent");
  // Not mandatory: that nobody has bound a queue for a topic is usual with topics, and no reason to send it again for ever.
  const int status =
      amqp_basic_publish(line_.state.get(), only_channel, bytes_of(exchange_), bytes_of(message.routing_key),
                         amqp_false, amqp_false, &properties, bytes_of(message.body));
  if (status != AMQP_STATUS_OK) return broken(status);
  confirms_.sent();
  return {};
}

result<void> amqp_connection::publish(const std::vector<amqp_message>& messages, time_point end,
                                      const std::stop_token& stop) {
  doing_ = "waiting for the broker to have the events";
  end_ = end;
  stop_ = stop;
  confirms_.forget();
  const auto until = end - limits::amqp_waiting_ends;
  const cut_off cut(socket_, end, stop);
  const auto wait_while = [&](auto condition) -> result<void> {
    while (condition()) {
      const auto taken = wait_for_frame(until);
      if (taken) continue;
      if (taken.error().code == "amqp_timeout" && !blocked_.empty()) return failed("amqp_blocked", blocked_);
      well_ = well_ && taken.error().code == "amqp_refused";
      return taken;
    }
    return {};
  };
  // Once it has said so, more would only be kept in its socket, and come twice.
  if (auto open = wait_while([&] { return !blocked_.empty(); }); !open) return open;
  for (const auto& message : messages) {
    const auto sent = send(message);
    if (sent) continue;
    well_ = false;
    // Its last words say more than that it is gone.
    auto said = wait_while([] { return true; });
    if (said.error().code == "amqp_refused") return said;
    return blocked_.empty() ? sent : failed("amqp_closed", blocked_);
  }
  return wait_while([&] { return !confirms_.all(); });
}

}  // namespace regent
