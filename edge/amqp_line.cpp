#include "edge/amqp_line.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "edge/amqp_library.hpp"
#include "edge/name_lookup.hpp"

namespace regent {

using steady = std::chrono::steady_clock;

void end_of_amqp_state::operator()(amqp_connection_state_t_* state) const { amqp_destroy_connection(state); }

namespace {

failure failed(std::string code, const amqp_address& to, std::string_view why) {
  return fail(error_kind::transient, std::move(code), "{}: {}", to.place(), why);
}

/// What OpenSSL asks back: it is told whom to expect here, because librabbitmq knows no IP addresses in certificates.
struct tls_verifier {
  std::string server_name;  ///< empty: the host is an address, and addresses are not announced
  std::string verdict;      ///< what is wrong with the certificate
};

tls_verifier& verifier_of(const SSL* session) {
  return *static_cast<tls_verifier*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
}

int keep_verdict(int good, X509_STORE_CTX* store) {
  const auto* session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (good != 1) verifier_of(session).verdict = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  return good;
}

/// librabbitmq is given the address that was looked up, and would announce that instead of the name.
void announce_name(const SSL* session, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  const auto& name = verifier_of(session).server_name;
  SSL_set_tlsext_host_name(const_cast<SSL*>(session), name.empty() ? nullptr : const_cast<char*>(name.c_str()));
}

/// One try with one address of the host. Its thread is left behind when the daemon stops, and keeps it until then.
struct attempt {
  std::shared_ptr<tls_verifier> verifier = std::make_shared<tls_verifier>();
  amqp_state state;
  amqp_socket_t* socket = nullptr;  ///< of the state
  std::mutex guard;
  std::condition_variable_any ready;
  bool done = false;
  int status = 0;
};

result<void> prepare_tls(attempt& one, const amqp_address& to, const std::string& ca_file) {
  one.socket = amqp_ssl_socket_new(one.state.get());
  if (one.socket == nullptr) return failed("amqp_tls", to, "OpenSSL cannot begin");
  auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(one.socket));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  const bool roots = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                     : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  if (!roots) return failed("amqp_tls", to, fmt::format("cannot read the trusted roots {}", ca_file));
  boost::system::error_code named;
  boost::asio::ip::make_address(to.host, named);
  auto* checks = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int expected = named ? X509_VERIFY_PARAM_set1_host(checks, to.host.c_str(), 0)
                             : X509_VERIFY_PARAM_set1_ip_asc(checks, to.host.c_str());
  if (expected != 1) return failed("amqp_tls", to, "the host name cannot be verified");
  if (named) one.verifier->server_name = to.host;
  SSL_CTX_set_app_data(context, one.verifier.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, keep_verdict);
  SSL_CTX_set_info_callback(context, announce_name);
  amqp_ssl_socket_set_verify_peer(one.socket, 1);
  amqp_ssl_socket_set_verify_hostname(one.socket, 0);
  return {};
}

result<std::shared_ptr<attempt>> prepare(const amqp_address& to, const std::string& ca_file) {
  auto made = std::make_shared<attempt>();
  made->state.reset(amqp_new_connection());
  if (!made->state) return failed("amqp_unreachable", to, "no memory");
  if (to.tls) {
    if (auto ready = prepare_tls(*made, to, ca_file); !ready) return failure(ready.error());
  } else {
    made->socket = amqp_tcp_socket_new(made->state.get());
  }
  if (made->socket == nullptr) return failed("amqp_unreachable", to, "no memory");
  return made;
}

/// The socket is librabbitmq's own until the call is over, so nobody can end it sooner: it has a thread to itself.
result<void> start(const std::shared_ptr<attempt>& one, const amqp_address& to, std::string address,
                   steady::time_point end) {
  const auto most = std::max(std::chrono::duration_cast<std::chrono::microseconds>(end - steady::now()),
                             std::chrono::microseconds(1));
  const timeval wait{most.count() / 1'000'000, most.count() % 1'000'000};
  try {
    std::thread([one, address = std::move(address), port = to.port, wait] {
      const int status = amqp_socket_open_noblock(one->socket, address.c_str(), port, &wait);
      const std::lock_guard lock(one->guard);
      one->status = status;
      one->done = true;
      one->ready.notify_all();
    }).detach();
  } catch (const std::system_error& problem) {
    return failed("amqp_unreachable", to, fmt::format("no thread to connect: {}", problem.what()));
  }
  return {};
}

failure failed_to_open(const attempt& one, const amqp_address& to) {
  if (!one.verifier->verdict.empty())
    return failed("amqp_tls", to, "the broker's certificate is not accepted: " + one.verifier->verdict);
  if (one.status == AMQP_STATUS_TIMEOUT) return failed("amqp_timeout", to, "nobody answers in time");
  if (one.status == AMQP_STATUS_SOCKET_ERROR) return failed("amqp_unreachable", to, "nobody takes the connection");
  if (to.tls) return failed("amqp_tls", to, "there is no TLS at the other end, or none that is accepted");
  return failed("amqp_unreachable", to, amqp_error_string2(one.status));
}

}  // namespace

result<amqp_line> open_amqp_line(const amqp_address& address, const std::string& ca_file, steady::time_point end,
                                 const std::stop_token& stop) {
  auto found = name_lookup().find(address.host, std::to_string(address.port), end, stop);
  if (!found) return failed("amqp_unreachable", address, found.error().message);
  for (std::size_t i = 0;; ++i) {
    auto one = prepare(address, ca_file);
    if (!one) return failure(one.error());
    // An address that swallows packets must leave time for the next one.
    const auto now = steady::now();
    const auto until = now + (end - now) / static_cast<long>(found->size() - i);
    if (auto begun = start(*one, address, (*found)[i].address().to_string(), until); !begun)
      return failure(begun.error());
    std::unique_lock lock((*one)->guard);
    (*one)->ready.wait(lock, stop, [&] { return (*one)->done; });
    if (!(*one)->done) return failed("amqp_stopped", address, "stopped while connecting");
    if ((*one)->status == AMQP_STATUS_OK) return amqp_line{(*one)->verifier, std::move((*one)->state)};
    // Whoever answers is the broker, and what is wrong with it is what is to be known.
    const bool nobody = (*one)->status == AMQP_STATUS_SOCKET_ERROR || (*one)->status == AMQP_STATUS_TIMEOUT;
    if (!nobody || i + 1 == found->size() || stop.stop_requested()) return failed_to_open(**one, address);
  }
}

}  // namespace regent
