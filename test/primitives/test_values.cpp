#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "primitives/expression.hpp"
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
  for (const auto& value : {std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[2J"), std::string("\x7f"),
                            std::string(4097, 'x')})
    CHECK(normal("text", value) == "refused");
  for (const auto& value : {std::string(), std::string("it's \"x\" $(id); é"), std::string(4096, 'x')})
    CHECK(normal("text", value) == value);
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

TEST_CASE("what the planner lets through, the library on the host does, too") {
  const std::string samples[] = {"",
                                 "0",
                                 "4094",
                                 "9999999999",
                                 "true",
                                 "web_1.a-b",
                                 "_x",
                                 "it's \"x\" $(id); é",
                                 "a\nb",
                                 "a\tb",
                                 "\x1b[2J",
                                 "\x7f",
                                 "regent:test:virtual_router/3",
                                 "10.0.0.1",
                                 "10.0.0.0/24",
                                 "10.0.0.1/24",
                                 "FD00::1/64",
                                 "::ffff:192.0.2.1",
                                 "@office",
                                 "10.0.0.1,fd00::/8",
                                 "22,80-90",
                                 "/var/lib/regent-host/a+b",
                                 "0750",
                                 std::string(4096, 'x'),
                                 std::string(200, 'm'),
                                 std::string(64, 'n'),
                                 std::string(15, 'i')};
  std::string pairs;
  int count = 0;
  for (const auto& row : scalar_types()) {
    if (row.name == "choice") continue;  // its words are the parameter's
    const value_type type{&row, false, 0, 9'999'999'999, {}};
    for (const auto& value : samples)
      if (const auto sent = normal_value(type, value)) {
        pairs += std::string(row.name) + '\0' + *sent + '\0';
        ++count;
      }
  }
  CHECK(count > 60);
  const auto path = (std::filesystem::temp_directory_path() / fmt::format("regent-values-{}", ::getpid())).string();
  std::ofstream(path, std::ios::binary) << pairs;
  const auto ask = fmt::format(
      "bash -c '. primitives/library.sh; seen=0; while IFS= builtin read -rd \"\" type && IFS= builtin read -rd \"\" "
      "value; do seen=$((seen + 1)); is \"$type\" \"$value\" || {{ echo \"$type: $value\"; exit 1; }}; done; "
      "((seen == {}))' <{}",
      count, path);
  CHECK(std::system(ask.c_str()) == 0);
  std::filesystem::remove(path);
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
