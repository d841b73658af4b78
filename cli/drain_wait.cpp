#include "cli/drain_wait.hpp"

#include <fmt/format.h>

#include <iostream>
#include <thread>

#include "cli/table_text.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"

namespace regent::cli {

namespace {

using namespace std::chrono_literals;
constexpr auto look_every = 500ms;
constexpr auto daemon_away_most = 60s;

std::string text_of(const rapidjson::Value& from, const char* path) {
  const auto* found = find_path(from, path);
  return found != nullptr && found->IsString() ? found->GetString() : std::string();
}

/// "job 17 (virtual_router/3), …": the leases held there.
std::string held_on(const rapidjson::Value& host) {
  std::string all;
  const auto* leases = find_path(host, "leases");
  if (leases == nullptr || !leases->IsArray()) return all;
  for (const auto& each : leases->GetArray()) {
    const auto* job = find_path(each, "job");
    if (job == nullptr || !job->IsInt64()) continue;
    all += fmt::format("{}job {} ({})", all.empty() ? "" : ", ", job->GetInt64(), text_of(each, "scope"));
  }
  return all.empty() ? "what came before and is still to begin" : all;
}

}  // namespace

int wait_until_drained(const std::vector<daemon_address>& where, const std::string& host, bool quiet) {
  std::string told;
  auto heard = std::chrono::steady_clock::now();
  for (;; std::this_thread::sleep_for(look_every)) {
    const auto answer = ask_daemon(where, "/api/v1/hosts/" + percent_encode(host));
    if (!answer) {
      if (std::chrono::steady_clock::now() - heard < daemon_away_most) continue;
      std::cerr << "regent: " << answer.error().message << '\n';
      return 3;
    }
    heard = std::chrono::steady_clock::now();
    const auto parsed = parse_json(answer->body);
    if (!parsed || answer->status == 503) continue;
    const auto service = text_of(**parsed, "service");
    const bool drained = service == "drained" || service == "maintenance";
    auto now = drained                 ? fmt::format("{} is empty", host)
               : service == "draining" ? fmt::format("{} waits for {}", host, held_on(**parsed))
                                       : fmt::format("{} is not draining any more", host);
    if (!quiet && now != told) std::cout << shown(now) << std::endl;
    told = std::move(now);
    if (service != "draining") return drained ? 0 : 1;
  }
}

}  // namespace regent::cli
