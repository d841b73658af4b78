#include "primitives/expression.hpp"
#include "primitives/ip_prefix.hpp"
#include "primitives/value_type.hpp"
#include "test/support/catch.hpp"

using namespace regent;

namespace {

std::string normal(const std::string& type, const std::string& value) {
  auto parsed = parse_value_type(type);
  REQUIRE(parsed.has_value());
  if (type == "integer") parsed->least = 1, parsed->most = 4094;
  if (type == "choice") parsed->choices = {"up", "down"};
  const auto out = normal_value(*parsed, value);
  return out ? *out : "refused";
}

}  // namespace

TEST_CASE("a value is sent in one spelling") {
  CHECK(normal("prefix", "2001:DB8:0:0::1/64") == "2001:db8::1/64");
  CHECK(normal("prefix", "10.0.0.1") == "10.0.0.1/32");
  CHECK(normal("address", "::FFFF:192.0.2.1") == "::ffff:192.0.2.1");
  CHECK(normal("network", "10.0.0.0/8") == "10.0.0.0/8");
  CHECK(normal("ports", "443,80-85,83-90,22,91") == "22,80-91,443");
  CHECK(normal("ports", "") == "");
  CHECK(normal("prefixes", "10.0.0.1,2001:DB8::/32") == "10.0.0.1/32,2001:db8::/32");
  CHECK(normal("endpoint", "@office") == "@office");
  CHECK(normal("integer", "4094") == "4094");
}

TEST_CASE("a value that is not of its type is refused, whatever it would do to a shell, to nft or to ip") {
  const std::string nasty[] = {"x\"; touch /pwned; $(touch /pwned2)",
                               "`id`",
                               "a b",
                               "a\nb",
                               std::string("a\0b", 3),
                               "../../etc",
                               "-x",
                               "a;b",
                               "a|b",
                               "a&b",
                               "{a}",
                               "a'b",
                               "a\\b",
                               "*",
                               "?",
                               "~",
                               "#a",
                               "é"};
  for (const auto* type : {"integer", "boolean", "choice", "name", "identifier", "mark", "interface", "namespace",
                           "address", "prefix", "network", "endpoint", "prefixes", "ports", "path", "mode"})
    for (const auto& value : nasty) {
      if (std::string(type) == "mark" && (value == "../../etc" || value == "-x"))
        continue;  // marks are only ever compared
      INFO(type << ": " << value);
      CHECK(normal(type, value) == "refused");
    }
  CHECK(normal("text", std::string("a\0b", 3)) == "refused");
}

TEST_CASE("values at the edge of their type") {
  for (const auto* value : {"0", "4095", "-1", "007", "1.0", "1e3", "", " 1", "99999999999999999999"})
    CHECK(normal("integer", value) == "refused");
  for (const auto* value :
       {"10.0.0.0/33", "10.0.0/24", "10.0.0.1/", "10.0.0.1/024", "10.0.0.1/+8", "::1/129", "1.2.3.4/-1", "/8"})
    CHECK(normal("prefix", value) == "refused");
  for (const auto* value : {"0", "65536", "90-80", "80,", ",80", "80--90", "80-", "a"})
    CHECK(normal("ports", value) == "refused");
  CHECK(normal("network", "10.0.0.1/24") == "refused");
  CHECK(normal("interface", ".") == "refused");
  CHECK(normal("interface", "..") == "refused");
  CHECK(normal("interface", "abcdefghijklmno") == "abcdefghijklmno");
  CHECK(normal("interface", "abcdefghijklmnop") == "refused");
  for (const auto* value : {"relative", "/", "/a/../b", "/a//b", "/a/", "/a b"})
    CHECK(normal("path", value) == "refused");
}

TEST_CASE("prefixes overlap when one contains the other, and never across families") {
  const auto at = [](const char* text) { return parse_ip_prefix(text).value(); };
  CHECK(at("10.0.0.1/24").overlaps(at("10.0.0.128/25")));
  CHECK_FALSE(at("10.0.0.0/24").overlaps(at("10.0.1.0/24")));
  CHECK(at("::/0").overlaps(at("2001:db8::/32")));
  CHECK_FALSE(at("0.0.0.0/0").overlaps(at("::/0")));
}

TEST_CASE("an expression takes values by dot path, and a condition holds for what is there and not empty") {
  const auto document =
      parse_json(R"({"a": [{"b": 7}], "yes": true, "no": false, "none": null, "empty": [], "word": "up"})").value();
  scope where;
  where.roots["record"] = document.get();
  where.names["n"] = "r3";
  const auto text = [&](const char* from) {
    return expression::parse(from).value().evaluate(where).value().texts.at(0);
  };
  CHECK(text("x{record.a.0.b}-{names.n}") == "x7-r3");
  CHECK(text("{record.yes}") == "true");
  CHECK(text("{record.a.0.b|tag}") == "7");
  CHECK(expression::parse("{record.none}").value().evaluate(where).error().missing);
  CHECK_FALSE(expression::parse("{record.a}").value().evaluate(where).has_value());
  const auto holds = [&](const char* from) { return condition::parse(from).value().holds(where); };
  CHECK(holds("{record.a}"));
  CHECK(holds("{record.yes}"));
  CHECK_FALSE(holds("{record.no}"));
  CHECK_FALSE(holds("{record.none}"));
  CHECK_FALSE(holds("{record.empty}"));
  CHECK_FALSE(holds("{record.nowhere.at.all}"));
  CHECK(holds("{record.word} == up"));
  CHECK_FALSE(holds("{record.word} != up"));
  CHECK(holds("{record.nowhere} != up"));
}
