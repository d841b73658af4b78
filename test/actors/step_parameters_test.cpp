#include "actors/step_parameters.hpp"

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("parameters come back from the journal as they were, secrets only by name") {
  const std::vector<plan_parameter> given{{"name", std::string("it's \"x\"\n$(id)"), false},
                                          {"list", std::vector<std::string>{"", "a b"}, false},
                                          {"password", std::string("hunter2"), true}};
  const auto stored = parameters_json(given);
  CHECK(stored.find("hunter2") == std::string::npos);
  const auto back = parse_parameters(stored);
  REQUIRE(back.has_value());
  REQUIRE(back->values.size() == 2);
  CHECK(std::get<std::string>(back->values[0].value) == "it's \"x\"\n$(id)");
  CHECK(std::get<std::vector<std::string>>(back->values[1].value) == std::vector<std::string>{"", "a b"});
  CHECK(back->secrets == std::vector<std::string>{"password"});
}

TEST_CASE("what no regent has written is refused") {
  for (const auto* text : {"", "[]", "{\"a\":1}", "{\"a\":[1]}", "{"}) CHECK_FALSE(parse_parameters(text).has_value());
}
