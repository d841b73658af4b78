#include "base/ids.hpp"

#include "test/support/catch.hpp"

using namespace regent;

TEST_CASE("a resource's name is read back as it was written") {
  const resource_id id{"virtual_router", "3"};
  CHECK(id.text() == "virtual_router/3");
  CHECK(resource_id::parse("virtual_router/3") == id);
}

TEST_CASE("a name with a missing part or a foreign character is refused") {
  const auto* text = GENERATE("", "/", "virtual_router", "virtual_router/", "/3", "virtual_router/3/4", "vr/3 4",
                              "vr/$(id)", "vr/3\n");
  CHECK_FALSE(resource_id::parse(text).has_value());
}
