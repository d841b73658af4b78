#include "cli/event_blocks.hpp"

#include <vector>

#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::cli;

namespace {
std::string shown(const event_block& one) {
  return one.type + "|" + (one.id ? std::to_string(*one.id) : "-") + "|" + one.data + ";";
}
}  // namespace

TEST_CASE("blocks are found in pieces of any size") {
  const std::string stream =
      "retry: 1000\nid: 7\n\n: a comment\n\nid: 8\ndata: {\"a\":1}\n\nevent: gap\r\nid:9\r\ndata: one\r\ndata: "
      "two\r\n\r\n"
      "id: x\ndata:three\n\ndata: unfinished\n";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    event_blocks blocks;
    std::string seen;
    for (std::size_t at = 0; at < stream.size(); at += piece)
      REQUIRE(blocks.add(std::string_view(stream).substr(at, piece), [&](const auto& one) { seen += shown(one); }));
    CHECK(seen == "|7|;|8|{\"a\":1};gap|9|one\ntwo;|-|three;");
  }
}

TEST_CASE("a line or a block without an end is given up") {
  const auto nothing = [](const event_block&) {};
  event_blocks line;
  result<void> last;
  for (int i = 0; last && i < 100; ++i) last = line.add(std::string(64 * 1024, 'x'), nothing);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == "daemon_garbled");
  event_blocks block;
  last = {};
  for (int i = 0; last && i < 100; ++i) last = block.add("data: " + std::string(64 * 1024, 'x') + "\n", nothing);
  REQUIRE_FALSE(last);
}
