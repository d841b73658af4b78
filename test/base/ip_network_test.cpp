#include "base/ip_network.hpp"

#include "test/support/catch.hpp"

using namespace regent;

namespace {
ip_network at(const char* text) { return parse_ip_address_or_network(text).value(); }
}  // namespace

TEST_CASE("an address is written in one spelling, with its length") {
  CHECK(at("2001:DB8:0:0::1/64").text() == "2001:db8::1/64");
  CHECK(at("::FFFF:192.0.2.1").text() == "::ffff:192.0.2.1/128");
  CHECK(at("10.0.0.1").text() == "10.0.0.1/32");
  CHECK(at("10.0.0.1/24").address_text() == "10.0.0.1");
  CHECK(at("10.0.0.1/24").masked().text() == "10.0.0.0/24");
  CHECK(at("2001:db8::1/127").masked().text() == "2001:db8::/127");
}

TEST_CASE("what is no address, or has no length in one spelling, is refused") {
  for (const auto* text :
       {"", "10.0.0", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/+8", "10.0.0.1/024", "10.0.0.1/24/24",
        "10.0.0.1/24 ", " 10.0.0.1", "010.0.0.1", "/8", "::1/129", "fd00::1%eth0", "::1::", "[::1]", "localhost"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_address_or_network(text));
  }
  CHECK_FALSE(parse_ip_address(std::string_view("10.0.0.1\0", 9)));
  CHECK_FALSE(parse_ip_address("10.0.0.1/32"));
  CHECK_FALSE(parse_ip_network("10.0.0.1"));
}

TEST_CASE("networks overlap when one contains the other, and never across families") {
  CHECK(at("10.0.0.1/24").overlaps(at("10.0.0.128/25")));
  CHECK(at("10.0.0.128/25").overlaps(at("10.0.0.1/24")));
  CHECK_FALSE(at("10.0.0.128/25").contains(at("10.0.0.1/24")));
  CHECK_FALSE(at("10.0.0.0/24").overlaps(at("10.0.1.0/24")));
  CHECK(at("::/0").overlaps(at("2001:db8::/32")));
  CHECK_FALSE(at("0.0.0.0/0").overlaps(at("::/0")));
}

TEST_CASE("an interface can have an address that is a host's in its network") {
  for (const auto* text : {"10.0.0.1/24", "10.0.0.0/31", "10.0.0.1/32", "2001:db8::ffff/112", "2001:db8::/127"}) {
    INFO(text);
    CHECK(at(text).is_host_address());
  }
  for (const auto* text : {"10.0.0.0/24", "10.0.0.255/24", "0.0.0.1/8", "127.0.0.1/8", "169.254.0.1/16", "224.0.0.1/4",
                           "255.255.255.255", "2001:db8::/64", "::", "::1", "fe80::1/64", "ff02::1/64"}) {
    INFO(text);
    CHECK_FALSE(at(text).is_host_address());
  }
}
