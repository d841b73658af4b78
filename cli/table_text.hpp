// Tables and values for people in a terminal. What comes from outside cannot move the cursor, colour, or turn the text
// around.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace regent::cli {

/// Control characters, invisible marks and invalid UTF-8 as \n, \t, \x1b or \u{202e}; all else as it is.
std::string shown(std::string_view text);

/// The number of columns that `shown` text takes; wide characters count as one.
std::size_t columns_of(std::string_view text);

/// At most `most` columns, with … at the end if it was cut.
std::string cut(std::string_view text, std::size_t most);

/// The last lines of what a step said, each made safe and set in; how many were left out is said before them.
std::string output_text(std::string_view output);

class table_text {
 public:
  /// A heading that begins with '>' is of a column of numbers: aligned to the right, the sign is not shown.
  explicit table_text(std::vector<std::string> headings);
  /// Cells are made safe here. A missing or empty one is shown as "-".
  void add(std::vector<std::string> cells);
  /// Each line ends with a newline and has no trailing blanks.
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace regent::cli
