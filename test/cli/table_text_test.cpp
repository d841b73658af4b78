#include "cli/table_text.hpp"

#include "test/support/catch.hpp"

using namespace regent::cli;

TEST_CASE("columns are aligned, numbers to the right, and lines have no trailing blanks") {
  table_text table({"NAME", ">N", "LAST"});
  table.add({"a", "5", "x"});
  table.add({"longer", "1000", ""});
  CHECK(table.text() ==
        "NAME       N  LAST\n"
        "a          5  x\n"
        "longer  1000  -\n");
}

TEST_CASE("columns of other scripts are aligned by characters, not bytes") {
  table_text table({"NAME", "X"});
  table.add({"Żółw", "1"});
  table.add({"abcd", "2"});
  CHECK(table.text() == "NAME  X\nŻółw  1\nabcd  2\n");
}

TEST_CASE("a cell that is too long is cut with an ellipsis, the last one is not") {
  table_text table({"A", "B"});
  table.add({std::string(500, 'a'), std::string(500, 'b')});
  const auto text = table.text();
  CHECK(text.find(std::string(99, 'a') + "…  ") != std::string::npos);
  CHECK(text.find(std::string(500, 'b')) != std::string::npos);
}

TEST_CASE("what would move the cursor, colour or turn the text is shown escaped") {
  CHECK(shown("plain ä € 😀 \\ \"") == "plain ä € 😀 \\ \"");
  CHECK(shown("\x1b[31m\a\n\t\r\x7f") == "\\x1b[31m\\x07\\n\\t\\r\\x7f");
  CHECK(shown("\xc2\x9b"
              "31m") == "\\u{9b}31m");
  CHECK(shown("a\xe2\x80\xae"
              "b\xe2\x80\x8b"
              "c\xef\xbb\xbf") == "a\\u{202e}b\\u{200b}c\\u{feff}");
  CHECK(shown("\xff\xc0\xaf\xed\xa0\x80\xe2\x82") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82");
  CHECK(shown(std::string("\0", 1)) == "\\x00");
}

TEST_CASE("no byte that a terminal obeys comes through, whatever the text") {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      for (const char c : shown(text)) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
      REQUIRE(shown(text).find("\xc2\x9b") == std::string::npos);
    }
}

TEST_CASE("cutting keeps whole characters") {
  CHECK(cut("äöüß", 4) == "äöüß");
  CHECK(cut("äöüß", 3) == "äö…");
  CHECK(columns_of(cut(std::string(300, 'x'), 100)) == 100);
}
