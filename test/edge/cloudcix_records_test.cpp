#include "edge/cloudcix_records.hpp"
#include "test/edge/cloud_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {
const resource_id router{"virtual_router", "1"};

/// A router as the cloud answers it, with parts that a test replaces.
struct router_json {
  std::string state = "4";
  std::string project = R"({"id":7,"name":"shop","grace_period":24,"region_id":100})";
  std::string address =
      R"({"id":9,"address":"192.0.2.10","public_ip":null,"subnet":{"id":1,"address_range":"192.0.2.1/24","gateway":null}})";
  std::string subnets =
      R"({"address_id":1,"address_range":"10.0.1.1/24","id":4,"name":"db","vlan":1001,"vxlan":200},)"
      R"({"address_id":1,"address_range":"10.0.0.1/24","id":3,"name":"lan","vlan":1000,"vxlan":200},)"
      R"({"address_id":1,"address_range":"fd00:1::1/64","id":5,"name":"six","vlan":1000,"vxlan":200})";
  std::string rules = rule("2", "1", "\"22,80-90\"") + "," + rule("1", "0", "null");
  std::string extra;

  static std::string rule(const std::string& id, const std::string& order, const std::string& port,
                          const std::string& protocol = "\"tcp\"", const std::string& source = "\"0.0.0.0/0\"",
                          const std::string& destination = "\"10.0.0.2/32\"") {
    return fmt::format(R"({{"allow":true,"debug_logging":false,"description":"","destination":{},"id":{},"order":{},)"
                       R"("pci_logging":false,"port":{},"protocol":{},"source":{},"virtual_router_id":1}})",
                       destination, id, order, port, protocol, source);
  }
  std::string text() const {
    return one_json(fmt::format(
        R"({{"created":"T","id":1,"router_id":1,"state":{},"subnets":[{}],"updated":"2026-11-20T10:00:00","uri":"u",)"
        R"("firewall_rules":[{}],"ip_address":{},"project":{}{}}})",
        state, subnets, rules, address, project, extra));
  }
};

std::string ip_row(int id, const std::string& address, const std::string& public_ip) {
  return fmt::format(
      R"({{"address":"{}","id":{},"public_ip":{{"address":"{}","id":{}}},"subnet":{{"id":3}},"vm_id":1}})", address, id,
      public_ip, id + 1000);
}

/// A cloud with this router, and these rows of ip_address/ with public addresses.
cloud_server::script serving(const router_json& router_part, std::string nat_rows = "", std::size_t nat_count = 0) {
  return [=](const seen_request& request) {
    if (request.target.starts_with("/iaas/ip_address/"))
      return scripted_answer::json(200, list_json(nat_rows, nat_count));
    return scripted_answer::json(200, router_part.text());
  };
}
}  // namespace

TEST_CASE("a router's record becomes the neutral document, sorted and normalised") {
  router_json cloud_router;
  cloud_router.extra =
      R"(,"routes":[{"destination":"10.9.0.1/16","gateway":"10.0.0.9","metric":50},{"destination":"10.8.0.0/16","gateway":"192.0.2.7"}],)"
      R"("sets":[{"name":"office","family":"ipv4","elements":["192.0.2.0/28","198.51.100.1"]},{"name":"_6","family":"ipv6","elements":[]}])";
  cloud_fixture cloud(
      serving(cloud_router, ip_row(8, "10.0.0.3", "91.103.3.5") + "," + ip_row(7, "10.0.0.2", "91.103.3.4"), 2));
  const auto got = cloud.client().read(router);
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK(got->head.id == router);
  CHECK(got->head.state == running);
  CHECK(got->head.project == "7");
  CHECK(got->name == "shop");
  CHECK(got->grace == std::chrono::hours(24));
  CHECK_FALSE(got->phantom);
  CHECK(
      json_text(*got->document) ==
      R"({"id":1,"name":"shop","project":{"id":7,"name":"shop"},)"
      R"("public":{"address":"192.0.2.10/24","gateway":"192.0.2.1"},)"
      R"("networks":[{"id":3,"name":"lan","address":"10.0.0.1/24","vlan":1000},)"
      R"({"id":4,"name":"db","address":"10.0.1.1/24","vlan":1001},{"id":5,"name":"six","address":"fd00:1::1/64","vlan":1000}],)"
      R"("rules":[{"id":1,"order":0,"allow":true,"log":false,"protocol":"tcp","source":"0.0.0.0/0","destination":"10.0.0.2/32","port":""},)"
      R"({"id":2,"order":1,"allow":true,"log":false,"protocol":"tcp","source":"0.0.0.0/0","destination":"10.0.0.2/32","port":"22,80-90"}],)"
      R"("nat":[{"public":"91.103.3.4","private":"10.0.0.2"},{"public":"91.103.3.5","private":"10.0.0.3"}],)"
      R"("routes":[{"destination":"10.9.0.0/16","gateway":"10.0.0.9","metric":50},{"destination":"10.8.0.0/16","gateway":"192.0.2.7","metric":100}],)"
      R"("sets":[{"name":"office","family":"ipv4","elements":["192.0.2.0/28","198.51.100.1"]},{"name":"_6","family":"ipv6","elements":[]}]})");
  CHECK(cloud.server.seen().back().target ==
        "/iaas/ip_address/"
        "?page=0&limit=100&search%5Bsubnet_id__in%5D=%283%2C4%2C5%29&search%5Bpublic_ip_id__isnull%5D=False");
}

TEST_CASE("a closed router has lost its addresses and is still readable") {
  router_json cloud_router;
  cloud_router.state = "99";
  cloud_router.address = "null";
  cloud_router.subnets = cloud_router.rules = "";
  cloud_router.project = R"({"id":7,"name":"","grace_period":null})";
  cloud_fixture cloud(serving(cloud_router));
  const auto got = cloud.client().read(router);
  REQUIRE(got);
  CHECK(got->head.state == closed);
  CHECK(got->name == "router 1");
  CHECK(got->grace == std::chrono::hours(168));
  CHECK((*got->document)["public"].IsNull());
  CHECK(cloud.server.count("GET", "ip_address/") == 0);
}

TEST_CASE("a router is a phantom if it was hinted as one, unless its record says otherwise") {
  router_json cloud_router;
  const auto extra = GENERATE(std::string(), std::string(R"(,"phantom":false)"), std::string(R"(,"phantom":true)"));
  const bool hinted = GENERATE(true, false);
  cloud_router.extra = extra;
  cloud_fixture cloud(serving(cloud_router));
  cloud.session().note_phantom(router, hinted);
  const auto got = cloud.client().read(router);
  REQUIRE(got);
  CHECK(got->phantom == (extra.empty() ? hinted : extra.find("true") != std::string::npos));
}

TEST_CASE("a bad field makes the record malformed, and the error names id and dot path") {
  struct bad {
    std::string field;
    std::function<void(router_json&)> spoil;
  };
  const auto set = [](std::string router_json::*part, std::string value) {
    return [=](router_json& json) { json.*part = value; };
  };
  const auto with_rule = [&](const std::string& rule) { return set(&router_json::rules, rule); };
  const auto with_subnet = [&](const std::string& range, const std::string& vlan = "1",
                               const std::string& name = "\"x\"") {
    return set(&router_json::subnets,
               fmt::format(R"({{"id":3,"address_range":{},"vlan":{},"name":{}}})", range, vlan, name));
  };
  const auto subnets = [&](const std::string& first, const std::string& second) {
    return set(
        &router_json::subnets,
        fmt::format(
            R"({{"id":3,"address_range":"{}","vlan":1,"name":"a"}},{{"id":4,"address_range":"{}","vlan":2,"name":"b"}})",
            first, second));
  };
  const auto address = [&](const std::string& ip, const std::string& range) {
    return set(&router_json::address, fmt::format(R"({{"address":{},"subnet":{{"address_range":{}}}}})", ip, range));
  };
  const auto extra = [&](const std::string& text) { return set(&router_json::extra, "," + text); };
  const auto routes = [&](const std::string& first, const std::string& second) {
    return extra(fmt::format(R"("routes":[{{"destination":{}}},{{"destination":{}}}])", first, second));
  };
  const auto set_of = [&](const std::string& name, const std::string& family, const std::string& elements) {
    return extra(fmt::format(R"("sets":[{{"name":{},"family":{},"elements":[{}]}}])", name, family, elements));
  };
  const std::vector<bad> all{
      {"state", set(&router_json::state, "18")},
      {"project", set(&router_json::project, "[]")},
      {"project.id", set(&router_json::project, "{}")},
      {"project.name", set(&router_json::project, R"({"id":1,"name":"a\u0000b"})")},
      {"project.name", set(&router_json::project, R"({"id":1,"name":"a\nb"})")},
      {"project.name",
       set(&router_json::project, fmt::format(R"({{"id":1,"name":"{}"}})", std::string(10'000'000, 'x')))},
      {"project.grace_period", set(&router_json::project, R"({"id":1,"name":"p","grace_period":-1})")},
      {"project.grace_period", set(&router_json::project, R"({"id":1,"name":"p","grace_period":"168"})")},
      {"project.grace_period", set(&router_json::project, R"({"id":1,"name":"p","grace_period":9223372036854775807})")},
      {"ip_address", set(&router_json::address, "\"192.0.2.10\"")},
      {"ip_address.address", address("\"192.0.2.10/24\"", "\"192.0.2.1/24\"")},
      {"ip_address.address", address("\"192.0.2.10; reboot\"", "\"192.0.2.1/24\"")},
      {"ip_address.address", address("\"192.0.2.1\"", "\"192.0.2.1/24\"")},
      {"ip_address.address", address("\"192.0.3.10\"", "\"192.0.2.1/24\"")},
      {"ip_address.address", address("\"192.0.2.255\"", "\"192.0.2.1/24\"")},
      {"ip_address.address", address("null", "\"192.0.2.1/24\"")},
      {"ip_address.subnet.address_range", address("\"192.0.2.10\"", "\"192.0.2.0/24\"")},
      {"ip_address.subnet.address_range", address("\"192.0.2.10\"", "null")},
      {"ip_address.subnet", set(&router_json::address, R"({"address":"192.0.2.10"})")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/33\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/-1\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/024\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/24/24\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/24 \"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.1/0\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.0/24\"")},
      {"subnets.0.address_range", with_subnet("\"10.0.0.255/24\"")},
      {"subnets.0.address_range", with_subnet("\"127.0.0.1/8\"")},
      {"subnets.0.address_range", with_subnet("\"224.0.0.1/24\"")},
      {"subnets.0.address_range", with_subnet("\"fe80::1/64\"")},
      {"subnets.0.address_range", with_subnet("\"fd00::/64\"")},
      {"subnets.0.address_range", with_subnet("\"fd00::1/129\"")},
      {"subnets.0.address_range", with_subnet("\"fd00::1%eth0/64\"")},
      {"subnets.0.address_range", with_subnet("\"010.0.0.1/24\"")},
      {"subnets.0.address_range", with_subnet("\"$(reboot)\"")},
      {"subnets.0.address_range", with_subnet("7")},
      {"subnets.0.address_range", with_subnet("\"192.0.2.129/25\"")},
      {"subnets.0.vlan", with_subnet("\"10.0.0.1/24\"", "4095")},
      {"subnets.0.vlan", with_subnet("\"10.0.0.1/24\"", "-1")},
      {"subnets.0.vlan", with_subnet("\"10.0.0.1/24\"", "\"1\"")},
      {"subnets.0.vlan", with_subnet("\"10.0.0.1/24\"", "null")},
      {"subnets.0.name", with_subnet("\"10.0.0.1/24\"", "1", "[]")},
      {"subnets.1.address_range", subnets("10.0.0.1/16", "10.0.7.1/24")},
      {"subnets.1.address_range", subnets("10.0.7.1/24", "10.0.0.1/16")},
      {"subnets.1.id",
       set(&router_json::subnets,
           R"({"id":3,"address_range":"10.0.0.1/24","vlan":1,"name":"a"},{"id":3,"address_range":"10.0.1.1/24","vlan":1,"name":"a"})")},
      {"firewall_rules.0", with_rule("7")},
      {"firewall_rules.0.id", with_rule(router_json::rule("null", "0", "null"))},
      {"firewall_rules.0.order", with_rule(router_json::rule("1", "-1", "null"))},
      {"firewall_rules.0.protocol", with_rule(router_json::rule("1", "0", "null", "\"gre\""))},
      {"firewall_rules.0.protocol", with_rule(router_json::rule("1", "0", "null", "\"TCP\""))},
      {"firewall_rules.0.protocol", with_rule(router_json::rule("1", "0", "null", "null"))},
      {"firewall_rules.0.source", with_rule(router_json::rule("1", "0", "null", "\"tcp\"", "\"10.0.0.1\""))},
      {"firewall_rules.0.source", with_rule(router_json::rule("1", "0", "null", "\"tcp\"", "\"*\""))},
      {"firewall_rules.0.source", with_rule(router_json::rule("1", "0", "null", "\"tcp\"", "\"0.0.0.0/0 accept\""))},
      {"firewall_rules.0.destination",
       with_rule(router_json::rule("1", "0", "null", "\"tcp\"", "\"0.0.0.0/0\"", "\"fd00::/64\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "22"))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"0\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"65536\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"90-80\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"1-2-3\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"22,\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"22, 80\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"-5\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"022\""))},
      {"firewall_rules.0.port", with_rule(router_json::rule("1", "0", "\"22 } accept\""))},
      {"firewall_rules.1.port",
       with_rule(router_json::rule("1", "0", "\"22\"") + "," + router_json::rule("2", "1", "\"x\""))},
      {"firewall_rules.1.id",
       with_rule(router_json::rule("1", "0", "null") + "," + router_json::rule("1", "1", "\"22\""))},
      {"phantom", extra(R"("phantom":"yes")")},
      {"routes", extra(R"("routes":{})")},
      {"routes.0.destination", extra(R"("routes":[{"destination":"10.9.0.0","gateway":"10.0.0.9"}])")},
      {"routes.0.gateway", extra(R"("routes":[{"destination":"10.9.0.0/16","gateway":"10.0.0.9/24"}])")},
      {"routes.0.gateway", extra(R"("routes":[{"destination":"10.9.0.0/16","gateway":"172.16.0.1"}])")},
      {"routes.0.gateway", extra(R"("routes":[{"destination":"fd09::/64","gateway":"10.0.0.9"}])")},
      {"routes.0.metric", extra(R"("routes":[{"destination":"10.9.0.0/16","gateway":"10.0.0.9","metric":-1}])")},
      {"routes.1.gateway", routes(R"("10.9.0.0/16","gateway":"10.0.0.9")", R"("10.9.0.0/16","gateway":"10.0.0.8")")},
      {"routes.1.gateway",
       routes(R"("10.9.0.0/16","gateway":"10.0.0.9")", R"("10.9.1.0/16","gateway":"10.0.0.8","metric":100)")},
      {"routes.1.gateway",
       routes(R"("fd09::/64","gateway":"fd00:1::9","metric":0)", R"("FD09::/64","gateway":"fd00:1::8","metric":1024)")},
      {"routes.0.gateway", extra(R"("routes":[{"destination":"0.0.0.0/0","gateway":"192.0.2.7"}])")},
      {"sets.0.name", set_of("\"1office\"", "\"ipv4\"", "")},
      {"sets.0.name", set_of("\"of fice\"", "\"ipv4\"", "")},
      {"sets.0.name", set_of("\"\"", "\"ipv4\"", "")},
      {"sets.0.name", set_of("\"" + std::string(32, 'a') + "\"", "\"ipv4\"", "")},
      {"sets.0.family", set_of("\"office\"", "\"inet\"", "")},
      {"sets.0.elements.1", set_of("\"office\"", "\"ipv4\"", R"("192.0.2.1","fd00::1")")},
      {"sets.0.elements.0", set_of("\"office\"", "\"ipv4\"", R"("192.0.2.1 }; flush ruleset")")},
      {"sets.1.name",
       extra(R"("sets":[{"name":"a","family":"ipv4","elements":[]},{"name":"a","family":"ipv6","elements":[]}])")},
  };
  router_json current;
  cloud_fixture cloud([&](const seen_request& request) {
    return request.target.starts_with("/iaas/ip_address/") ? scripted_answer::json(200, list_json("", 0))
                                                           : scripted_answer::json(200, current.text());
  });
  for (const auto& what : all) {
    current = router_json();
    what.spoil(current);
    const auto got = cloud.client().read(router);
    INFO("spoiled field: " << what.field << ", record: " << current.text().substr(0, 1500));
    REQUIRE_FALSE(got);
    INFO(got.error().text());
    CHECK(got.error().kind == error_kind::permanent);
    CHECK(got.error().code == "record_malformed");
    CHECK(got.error().message.starts_with("virtual_router/1: " + what.field + " "));
    CHECK(got.error().message.size() < 400);
  }
}

TEST_CASE("hostile text in a name is kept as it is, because it is only a name") {
  router_json cloud_router;
  cloud_router.project = R"json({"id":7,"name":"x\"; touch /pwned; $(touch /pwned2)","grace_period":1})json";
  cloud_fixture cloud(serving(cloud_router));
  CHECK(cloud.client().read(router).value().name == "x\"; touch /pwned; $(touch /pwned2)");
}

TEST_CASE("routes to one destination are two by their metrics, and one that is said twice contradicts nothing") {
  router_json cloud_router;
  cloud_router.extra =
      R"(,"routes":[{"destination":"10.9.0.0/16","gateway":"10.0.0.9"},{"destination":"10.9.0.0/16","gateway":"10.0.0.8","metric":200},)"
      R"({"destination":"10.9.0.0/16","gateway":"10.0.0.9"},{"destination":"0.0.0.0/0","gateway":"192.0.2.1"},)"
      R"({"destination":"0.0.0.0/0","gateway":"192.0.2.7","metric":50}])";
  cloud_fixture cloud(serving(cloud_router));
  const auto got = cloud.client().read(router);
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK((*got->document)["routes"].Size() == 5);
}

TEST_CASE("ICMP has no ports, and either kind of logging is logging") {
  router_json cloud_router;
  cloud_router.rules =
      R"({"allow":false,"debug_logging":null,"pci_logging":true,"destination":"10.0.0.7/24","id":1,"order":0,"port":"22","protocol":"icmp","source":"0.0.0.0/0"})";
  cloud_fixture cloud(serving(cloud_router));
  const auto got = cloud.client().read(router);
  REQUIRE(got);
  CHECK(
      json_text((*got->document)["rules"]) ==
      R"([{"id":1,"order":0,"allow":false,"log":true,"protocol":"icmp","source":"0.0.0.0/0","destination":"10.0.0.0/24","port":""}])");
}

TEST_CASE("a bad NAT row makes the record malformed and is named by its own id") {
  struct bad {
    std::string rows;
    std::size_t count;
    std::string field;
  };
  const auto what = GENERATE(
      bad{ip_row(8, "10.7.0.3", "91.103.3.5"), 1, "ip_address/8.address"},
      bad{ip_row(8, "x", "91.103.3.5"), 1, "ip_address/8.address"},
      bad{ip_row(8, "10.0.0.3", "$(x)"), 1, "ip_address/8.public_ip.address"},
      bad{ip_row(8, "10.0.0.3", "fd01::1"), 1, "ip_address/8.public_ip"},
      bad{ip_row(8, "10.0.0.3", "192.0.2.10"), 1, "ip_address/8.public_ip"},
      bad{ip_row(8, "10.0.0.3", "91.103.3.5") + "," + ip_row(9, "10.0.0.4", "91.103.3.5"), 2, "ip_address/9.public_ip"},
      bad{ip_row(8, "10.0.0.3", "91.103.3.5") + "," + ip_row(9, "10.0.0.3", "91.103.3.6"), 2, "ip_address/9.public_ip"},
      bad{R"({"address":"10.0.0.3","public_ip":{"address":"91.103.3.5"}},7)", 2, "ip_address/?."});
  cloud_fixture cloud(serving(router_json(), what.rows, what.count));
  const auto got = cloud.client().read(router);
  REQUIRE_FALSE(got);
  INFO(got.error().text());
  CHECK(got.error().code == "record_malformed");
  CHECK(got.error().message.starts_with("virtual_router/1: " + what.field + " "));
}

TEST_CASE("NAT that cannot be read whole is an error, never a router without NAT") {
  const auto answer = GENERATE(scripted_answer::json(500, ""), scripted_answer::json(200, one_json("[]")),
                               scripted_answer::json(200, list_json("", 0, 0, 100, "\"Invalid search filter\"")),
                               scripted_answer::json(200, list_json("", 1)), scripted_answer::lost());
  cloud_fixture cloud([&](const seen_request& request) {
    return request.target.starts_with("/iaas/ip_address/") ? answer : scripted_answer::json(200, router_json().text());
  });
  CHECK_FALSE(cloud.client().read(router));
}

TEST_CASE("a record larger than allowed is malformed") {
  router_json cloud_router;
  cloud_router.rules.clear();
  for (int i = 0; i < 9000; ++i)
    cloud_router.rules += (i == 0 ? "" : ",") + router_json::rule(std::to_string(i + 1), std::to_string(i), "\"22\"");
  cloud_fixture cloud(serving(cloud_router));
  const auto got = cloud.client().read(router);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "record_malformed");
}

TEST_CASE("a record, or a row of its NAT, that is too long to be read is malformed") {
  const bool in_nat = GENERATE(true, false);
  router_json cloud_router;
  if (!in_nat) cloud_router.extra = fmt::format(R"(,"note":"{}")", std::string(30'000, 'x'));
  cloud_fixture cloud([=](const seen_request& request) {
    if (!request.target.starts_with("/iaas/ip_address/")) return scripted_answer::json(200, cloud_router.text());
    const auto page = std::stoi(parameter(request, "page"));
    const std::string row(page == 0 ? 30'000 : 0, ' ');
    return scripted_answer::json(200, list_json(row, 1, page, std::stoi(parameter(request, "limit"))));
  });
  cloud.body_most = 9'000;
  const auto got = cloud.client().read(router);
  REQUIRE_FALSE(got);
  INFO(got.error().text());
  CHECK(got.error().kind == error_kind::permanent);
  CHECK(got.error().code == "record_malformed");
  CHECK(got.error().message.find("longer than 9000 bytes") != std::string::npos);
}

TEST_CASE("a router that is not there, one that is another, and an answer that is none are three errors") {
  std::string body = refusal_json("iaas_virtual_router_read_001", "No such router.");
  int status = 404;
  cloud_fixture cloud([&](const seen_request&) { return scripted_answer::json(status, body); });
  CHECK(cloud.client().read(router).error().code == "cloud_not_found");
  body = "<h1>Not Found</h1>";
  CHECK(cloud.client().read(router).error().code == "cloud_http_404");
  status = 200;
  body = router_json().text();
  CHECK(cloud.client().read({"virtual_router", "2"}).error().code == "cloud_malformed");
  body = R"({"content":[]})";
  CHECK(cloud.client().read(router).error().code == "cloud_malformed");
}
