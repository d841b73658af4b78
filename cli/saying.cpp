#include "cli/saying.hpp"

#include <iostream>
#include <string>

#include "cli/read_views.hpp"
#include "region/json.hpp"

namespace regent::cli {

int say(std::string_view text, int exit) {
  if (std::cout.write(text.data(), static_cast<std::streamsize>(text.size())).flush()) return exit;
  return complain(wrong_use, "the answer could not be written");
}

int complain(int exit, std::string_view message) {
  std::cerr << "regent: " << message << std::endl;
  return exit;
}

int complain(const error& why, int exit) { return complain(exit, why.text()); }

int exit_of(const daemon_answer& answer) { return answer.status == 400 ? wrong_use : not_well; }

int complain(const daemon_answer& answer) {
  const auto parsed = parse_json(answer.body);
  const auto why = parsed ? error_view(**parsed) : std::string();
  return complain(exit_of(answer), why.empty() ? "the daemon answered " + std::to_string(answer.status) : why);
}

}  // namespace regent::cli
