#include "region/amqp_address.hpp"

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("a broker's address has scheme, user, host, port and vhost, and the usual ones where they are left out") {
  struct reading {
    std::string url, user, host, vhost, place;
    int port;
    bool tls;
  };
  const std::vector<reading> readings{
      {"amqps://regent@mq.example.com", "regent", "mq.example.com", "/", "mq.example.com:5671/%2F", 5671, true},
      {"amqp://regent@127.0.0.1/", "regent", "127.0.0.1", "/", "127.0.0.1:5672/%2F", 5672, false},
      {"amqps://regent@mq:5999/%2F", "regent", "mq", "/", "mq:5999/%2F", 5999, true},
      {"amqps://regent@mq/cloud", "regent", "mq", "cloud", "mq:5671/cloud", 5671, true},
      {"amqps://r%40x@[2001:db8::1]:7/a%2fb", "r@x", "2001:db8::1", "a/b", "[2001:db8::1]:7/a%2Fb", 7, true}};
  for (const auto& one : readings) {
    INFO(one.url);
    const auto read = parse_amqp_address(one.url);
    REQUIRE(read);
    CHECK(read->user == one.user);
    CHECK(read->host == one.host);
    CHECK(read->vhost == one.vhost);
    CHECK(read->port == one.port);
    CHECK(read->tls == one.tls);
    CHECK(read->place() == one.place);
  }
}

TEST_CASE("what is no broker's address is refused with the reason") {
  const std::vector<std::pair<std::string, std::string>> refusals{
      {"", "does not begin with"},
      {"https://regent@mq/", "does not begin with"},
      {"amqps://mq/", "names no user"},
      {"amqps://@mq/", "names no user"},
      {"amqps://r%4@mq/", "names no user"},
      {"amqps://r%00@mq/", "names no user"},
      {"amqps://regent@", "names no host"},
      {"amqps://regent@m q/", "names no host"},
      {"amqps://regent@[2001:db8::1/", "names no host"},
      {"amqps://regent@[::1]x/", "something after the address"},
      {"amqps://regent@mq:0/", "port"},
      {"amqps://regent@mq:65536/", "port"},
      {"amqps://regent@mq:/", "port"},
      {"amqps://regent@mq//", "%2F"},
      {"amqps://regent@mq/a?heartbeat=3", "query"},
      {"amqps://regent@mq/%zz", "vhost"},
      {"amqps://regent@mq/" + std::string(256, 'x'), "vhost"},
      {"amqps://regent:secret@mq/", "password"}};
  for (const auto& [url, why] : refusals) {
    INFO(url);
    const auto read = parse_amqp_address(url);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find(why) != std::string::npos);
    CHECK(read.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("a password is noticed in any address, also one that is wrong otherwise") {
  CHECK(names_password("amqps://a:b@mq"));
  CHECK(names_password("a:b@mq"));
  CHECK(names_password("http://a:b@c@mq/"));
  CHECK_FALSE(names_password("amqps://a@mq:5671/x"));
  CHECK_FALSE(names_password("amqps://mq:5671/x"));
}
