#include "transport/quote.hpp"

namespace regent {

std::string shell_quote(std::string_view value) {
  std::string word = "'";
  for (char c : value) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace regent
