#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "sim/cloud_records.hpp"

namespace regent::sim {

namespace ip = boost::asio::ip;
using boost::system::error_code;

bool is_address(const std::string& text) {
  error_code bad;
  ip::make_address(text, bad);
  return !bad && text.find('%') == std::string::npos;
}

bool is_address_range(const std::string& text) {
  error_code not_v4, not_v6;
  ip::make_network_v4(text, not_v4);
  ip::make_network_v6(text, not_v6);
  return !not_v4 || !not_v6;
}

std::optional<std::string> network_text(const std::string& address) {
  if (is_address(address)) return address + (address.find(':') == std::string::npos ? "/32" : "/128");
  error_code bad;
  if (const auto v4 = ip::make_network_v4(address, bad); !bad) return v4.canonical().to_string();
  if (const auto v6 = ip::make_network_v6(address, bad); !bad) return v6.canonical().to_string();
  return std::nullopt;
}

bool lies_in(const std::string& address, const std::string& range) {
  const auto slash = range.find('/');
  if (slash == std::string::npos) return false;
  const auto widened = network_text(address + range.substr(slash));
  return widened && widened == network_text(range);
}

}  // namespace regent::sim
