// What the single values of a region file must look like. Pure: text in, complaint out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace regent {

/// What is wrong with a value, for the person who wrote it.
struct complaint {
  std::string message;     ///< names the value
  std::string suggestion;  ///< may be empty
};

/// None if the value is good.
using value_check = std::optional<complaint> (*)(const std::string& value);

/// [A-Za-z0-9] and then [A-Za-z0-9_.-], at most 64: what is shown in addresses, logs and lease names.
std::optional<complaint> check_name(const std::string& value);
/// A login name.
std::optional<complaint> check_user(const std::string& value);
/// An IPv4 or IPv6 address (with a zone if link-local) or a host name, without port, prefix length or brackets.
std::optional<complaint> check_address(const std::string& value);
std::optional<complaint> check_ip_address(const std::string& value);
std::optional<complaint> check_multicast_group(const std::string& value);
/// Only loopback addresses: what is listened on answers anybody.
std::optional<complaint> check_loopback(const std::string& value);
/// 1 to 15 printable characters, as the kernel takes them (dev_valid_name in net/core/dev.c).
std::optional<complaint> check_interface(const std::string& value);
std::optional<complaint> check_absolute_path(const std::string& value);
/// An absolute path that fits into a socket address (107 bytes).
std::optional<complaint> check_socket_path(const std::string& value);
/// http or https with a host, without user, query or fragment; http only to this machine.
std::optional<complaint> check_url(const std::string& value);
/// amqps with user and host and without password (region/amqp_address.hpp); amqp only to this machine.
std::optional<complaint> check_amqp_url(const std::string& value);
/// 1 to 255 bytes without control characters, which is what AMQP carries.
std::optional<complaint> check_exchange(const std::string& value);
std::optional<complaint> check_email(const std::string& value);
/// The name of an environment variable.
std::optional<complaint> check_variable(const std::string& value);
/// "TYPE BASE64 [comment]" of an OpenSSH public key: Ed25519, RSA or ECDSA, with a blob that is whole and of that type.
std::optional<complaint> check_public_key(const std::string& value);

/// "500ms", "5s", "10m", "2h", "7d" or several of them ("1h 30m"); "0" too. None if malformed or too long to count.
std::optional<milliseconds> parse_span(std::string_view text);

/// True for 127.0.0.0/8, ::1 and localhost.
bool is_loopback(const std::string& host);

/// The value in quotes for a message: cut after 60 bytes, control characters shown as '?'.
std::string shown(std::string_view value);

/// The known word nearest to `word` by edit distance, or empty if none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace regent
