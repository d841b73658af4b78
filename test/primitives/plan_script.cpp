// Writes a plan's steps as bash files that do what the runner does: parameters as variables, the script, the verb.
// For the conformance test of a whole router: plan_script OPERATION RECORD.json REGION.yaml HOST FOLDER [quiesced]
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "primitives/planner.hpp"

using namespace regent;

namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string assignment(const plan_parameter& one) {
  if (const auto* text = std::get_if<std::string>(&one.value)) return one.name + "=" + quoted(*text);
  std::string out = one.name + "=(";
  for (const auto& element : std::get<std::vector<std::string>>(one.value)) out += quoted(element) + " ";
  return out + ")";
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 5) return 2;
  const auto region = load_region_config(arguments[2]);
  if (!region.config) return std::cerr << region.text(arguments[2]), 2;
  std::ifstream file(arguments[1]);
  record what;
  what.head.id = {"virtual_router", "3"};
  const auto document = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
  const auto operation = parse_operation(arguments[0]);
  const auto known = load_catalogue({});
  if (!document || !operation || !known) return std::cerr << "bad record, operation or catalogue\n", 2;
  what.document = *document;
  const auto made = (*known)->make_plan(*operation, what, *region.config, arguments.size() > 5);
  if (!made) return std::cerr << made.error().text() << '\n', 1;
  int number = 0;
  for (const auto& step : made->steps) {
    if (step.host.value() != arguments[3]) continue;
    std::ofstream out(fmt::format("{}/{:03}.{}.{}", arguments[4], ++number, step.primitive, step.verb));
    for (const auto& one : step.parameters) out << assignment(one) << '\n';
    out << *(*known)->find_script(step.primitive)->text << step.verb << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run({argv + 1, argv + argc}); }
