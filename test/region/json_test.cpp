#include "region/json.hpp"

#include <random>

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("dot paths find members and items, and nothing where there is nothing") {
  const auto document = *parse_json(R"({"a":{"b":[{"c":7}]},"n":null})");
  REQUIRE(find_path(*document, "a.b.0.c") != nullptr);
  CHECK(find_path(*document, "a.b.0.c")->GetInt() == 7);
  CHECK(find_path(*document, "n")->IsNull());
  for (const auto* path : {"a.b.1", "a.b.x", "a.b.-1", "a.x", "a.b.0.c.d", "a..b", "0"})
    CHECK(find_path(*document, path) == nullptr);
}

TEST_CASE("what is no JSON is refused with its place") {
  for (const auto* text : {"", "{", "{\"a\":1} x", "[1,]", "\xff", "\"\xc0\xaf\""}) {
    const auto parsed = parse_json(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == "json_malformed");
  }
}

TEST_CASE("any bytes become valid JSON, and valid text comes back as it was") {
  const auto seed = Catch::rngSeed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int turn = 0; turn < 2000; ++turn) {
    std::string bytes(random() % 12, ' ');
    const bool ascii = turn % 2 == 0;
    for (auto& c : bytes) c = static_cast<char>(random() % (ascii ? 128 : 256));
    const auto parsed = parse_json(json_quote(bytes));
    REQUIRE(parsed.has_value());
    if (ascii) CHECK(std::string((*parsed)->GetString(), (*parsed)->GetStringLength()) == bytes);
  }
}
