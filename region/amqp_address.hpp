// Where a broker is: amqps://USER@HOST:PORT/VHOST, by RabbitMQ's URI specification (rabbitmq.com/docs/uri-spec) with two
// differences: the password is not in it, because addresses are shown, and an empty VHOST is the usual one, "/".
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace regent {

struct amqp_address {
  bool tls = false;
  std::string host;  ///< name or address, IPv6 without brackets
  int port = 5672;
  std::string user;
  std::string vhost = "/";
  /// "host:port/vhost", for messages: without the user, and with what must be so in percent signs ("/" is "%2F").
  std::string place() const;
};

/// Errors: permanent `url_malformed`, what is wrong with it as the end of a sentence that does not repeat the address.
result<amqp_address> parse_amqp_address(std::string_view url);

/// True if there is something before an '@' that looks like a login with its password, however the rest looks.
bool names_password(std::string_view url);

}  // namespace regent
