#include "test/edge/played_broker.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>

#include "edge/amqp_library.hpp"

namespace regent::test {

namespace {
constexpr int frame_bytes = 128 * 1024;
constexpr std::uint16_t heartbeat_seconds = 2;  ///< a client gives up after twice as long
constexpr std::uint8_t protocol_header = 'A';   ///< what librabbitmq calls the frame that is none: "AMQP" and a version
/// Type 8, channel 0, length 0, end: the whole frame.
constexpr std::array<unsigned char, 8> heartbeat{8, 0, 0, 0, 0, 0, 0, 0xce};

template <class Method>
void say(amqp_connection_state_t state, amqp_channel_t channel, amqp_method_number_t id, Method method) {
  amqp_send_method(state, channel, id, &method);
}
}  // namespace

played_broker::played_broker()
    : acceptor_(io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)),
      thread_([this] { serve(); }) {}

played_broker::~played_broker() {
  stopping_ = true;
  ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
  hang_up();
  thread_.join();
}

std::string played_broker::url() const {
  return "amqp://regent@127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
}

void played_broker::hang_up() {
  if (const int socket = socket_; socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

void played_broker::serve() {
  while (!stopping_) {
    boost::system::error_code code;
    auto socket = acceptor_.accept(code);
    if (code) return;
    ++connections_;
    talk(socket.release());
  }
}

void played_broker::talk(int socket) {
  socket_ = socket;
  numbered_ = 0;
  auto* const state = amqp_new_connection();
  amqp_tcp_socket_set_sockfd(amqp_tcp_socket_new(state), socket);
  while (!stopping_ && answer(state)) amqp_maybe_release_buffers(state);
  socket_ = -1;
  amqp_destroy_connection(state);
}

bool played_broker::answer(amqp_connection_state_t_* state) {
  // The library keeps heartbeats to itself: one is looked for before it reads.
  std::array<unsigned char, 8> next{};
  const auto there = amqp_data_in_buffer(state) ? 0 : ::recv(socket_, next.data(), next.size(), MSG_PEEK);
  if (there == 8 && next == heartbeat) heartbeat_ = true;
  if (there < 0) return false;
  amqp_frame_t frame;
  if (amqp_simple_wait_frame(state, &frame) != AMQP_STATUS_OK) return false;
  const auto text = [](const char* bytes) { return amqp_cstring_bytes(bytes); };
  if (frame.frame_type == protocol_header)
    say(state, 0, AMQP_CONNECTION_START_METHOD,
        amqp_connection_start_t{0, 9, amqp_empty_table, text("PLAIN"), text("en_US")});
  if (frame.frame_type != AMQP_FRAME_METHOD) return true;
  switch (frame.payload.method.id) {
    case AMQP_CONNECTION_START_OK_METHOD:
      say(state, 0, AMQP_CONNECTION_TUNE_METHOD, amqp_connection_tune_t{1, frame_bytes, heartbeat_seconds});
      break;
    case AMQP_CONNECTION_OPEN_METHOD:
      say(state, 0, AMQP_CONNECTION_OPEN_OK_METHOD, amqp_connection_open_ok_t{amqp_empty_bytes});
      break;
    case AMQP_CHANNEL_OPEN_METHOD:
      say(state, 1, AMQP_CHANNEL_OPEN_OK_METHOD, amqp_channel_open_ok_t{amqp_empty_bytes});
      break;
    case AMQP_CONFIRM_SELECT_METHOD: say(state, 1, AMQP_CONFIRM_SELECT_OK_METHOD, amqp_confirm_select_ok_t{}); break;
    case AMQP_EXCHANGE_DECLARE_METHOD:
      say(state, 1, AMQP_EXCHANGE_DECLARE_OK_METHOD, amqp_exchange_declare_ok_t{});
      break;
    case AMQP_BASIC_PUBLISH_METHOD:
      ++messages_;
      heartbeat_ = false;
      say(state, 1, AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{++numbered_, 0});
      break;
    default: break;
  }
  return true;
}

}  // namespace regent::test
