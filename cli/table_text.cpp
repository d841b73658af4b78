#include "cli/table_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent::cli {

namespace {
constexpr std::size_t cell_columns = 100;
constexpr std::size_t output_lines = 20;

struct character {
  unsigned code = 0;
  std::size_t length = 0;  ///< 0: no valid UTF-8
};

character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return {};
  unsigned code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  static constexpr unsigned least[]{0, 0, 0x80, 0x800, 0x10000};
  const bool valid = code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return valid ? character{code, length} : character{};
}

bool is_invisible(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xAD || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || code >= 0xE0000;
}

std::string escaped(unsigned code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
}
}  // namespace

std::string shown(std::string_view text) {
  // Nearly every text is plain, and a million of them are shown by a replay.
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string safe;
  while (!text.empty()) {
    const auto next = first_character(text);
    if (next.length == 0) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
      text.remove_prefix(1);
      continue;
    }
    if (is_invisible(next.code))
      safe += escaped(next.code);
    else
      safe.append(text.substr(0, next.length));
    text.remove_prefix(next.length);
  }
  return safe;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string cut(std::string_view text, std::size_t most) {
  if (columns_of(text) <= most) return std::string(text);
  std::size_t columns = 0, end = 0;
  while (columns + 1 < most) {
    ++end;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    ++columns;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string output_text(std::string_view output) {
  std::vector<std::string_view> lines;
  while (!output.empty()) {
    const auto end = std::min(output.find('\n'), output.size());
    lines.push_back(output.substr(0, end));
    output.remove_prefix(std::min(end + 1, output.size()));
  }
  std::string text;
  const std::size_t first = lines.size() > output_lines ? lines.size() - output_lines : 0;
  if (first > 0) text += fmt::format("    ({} lines before these: --json has them)\n", first);
  for (std::size_t i = first; i < lines.size(); ++i) text += fmt::format("    {}\n", shown(lines[i]));
  return text;
}

table_text::table_text(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (auto& heading : headings_) {
    right_.push_back(heading.starts_with('>'));
    if (right_.back()) heading.erase(0, 1);
  }
}

void table_text::add(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  // The last column has the line's rest to itself: it is never cut.
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = cells[i].empty() ? "-" : shown(cells[i]);
    if (i + 1 < cells.size()) cells[i] = cut(cells[i], cell_columns);
  }
  rows_.push_back(std::move(cells));
}

std::string table_text::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    widths.push_back(columns_of(headings_[i]));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string all;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths[i] - columns_of(cells[i]), ' ');
      line += (i == 0 ? "" : "  ") + (right_[i] ? blanks + cells[i] : cells[i] + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    all += line + '\n';
  };
  add_line(headings_);
  for (const auto& row : rows_) add_line(row);
  return all;
}

}  // namespace regent::cli
