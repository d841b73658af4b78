// regent-sim: simulated regions with faults, from seeds. Exit 1 if anything that must hold did not.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "sim/region/scenario.hpp"

namespace {

using namespace regent;

void print(const std::string& text) {
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Simulated regions: the production actors on a simulated disk, with simulated hosts, network, cloud and clock.");
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  double faulty_hours = 4;
  double soak_hours = 0;
  bool trace = false;
  std::string bug_name = "none";
  app.add_option("--seed", seed, "the seed, or the first of --count")->capture_default_str();
  app.add_option("--count", count, "so many seeds, one after the other")->capture_default_str();
  app.add_option("--faulty", faulty_hours, "simulated hours of faults in each, before the peace")
      ->capture_default_str();
  app.add_option("--hours", soak_hours, "seed after seed for so many hours of real time, instead of --count");
  app.add_flag("--trace", trace, "print what happens");
  app.add_option("--plant", bug_name, "a bug that must be found")
      ->check(CLI::IsMember(std::vector<std::string>(sim::planted_names.begin(), sim::planted_names.end())))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  sim::scenario_options how;
  how.bug = static_cast<sim::planted>(std::find(sim::planted_names.begin(), sim::planted_names.end(), bug_name) -
                                      sim::planted_names.begin());
  how.faulty = milliseconds(static_cast<std::int64_t>(faulty_hours * 3'600'000));
  how.prints = trace;
  const auto stop_at =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(soak_hours * 3'600'000));
  milliseconds simulated{0};
  std::uint64_t done = 0;
  const auto more = [&] { return soak_hours > 0 ? std::chrono::steady_clock::now() < stop_at : done < count; };
  for (; more(); ++done) {
    const auto result = sim::run_scenario(seed + done, how);
    simulated += result.simulated;
    print(sim::summary_of(result));
    if (result.violations.empty()) continue;
    if (!trace)
      for (const auto& line : result.trace) print("  | " + line);
    print(fmt::format("again with: regent-sim --seed {} --faulty {}{}", result.seed, faulty_hours,
                      how.bug == sim::planted::none ? "" : " --plant " + bug_name));
    return 1;
  }
  print(fmt::format("{} regions, {} simulated: nothing was violated", done, span_text(simulated)));
  return 0;
}
