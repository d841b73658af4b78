// regent events: what has happened, and with --follow what happens from now on, across restarts of the daemon.
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "base/limits.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/daemon_options.hpp"
#include "cli/event_blocks.hpp"
#include "cli/read_views.hpp"
#include "cli/saying.hpp"
#include "cli/table_text.hpp"
#include "edge/http_query.hpp"
#include "region/json.hpp"

namespace regent::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t events_default = 100, events_most = 1'000'000;
constexpr auto silence_most = 3 * limits::event_stream_heartbeat;
constexpr auto reconnect_first = 100ms, reconnect_most = 2000ms;

struct events_options {
  daemon_choice where;
  std::string topic, resource;
  std::optional<std::int64_t> after;
  std::optional<std::size_t> limit;
  bool follow = false, json = false;
};

std::string filter_of(const events_options& options) {
  std::string query;
  if (!options.topic.empty()) query += "&topic=" + percent_encode(options.topic);
  if (!options.resource.empty()) query += "&resource=" + percent_encode(options.resource);
  return query;
}

/// An event as the stream has it: what a list adds is only true now.
std::string json_line(const rapidjson::Value& row) {
  rapidjson::Document copy;
  copy.CopyFrom(row, copy.GetAllocator());
  if (copy.IsObject()) copy.EraseMember("at_age_ms");
  return json_text(copy);
}

void print(const events_options& options, const rapidjson::Value& event) {
  std::cout << (options.json ? json_line(event) : event_view(event)) << std::endl;
}

/// Said to people on stderr, and to programs in the line of output where the events would have stood.
void print_gap(const events_options& options, std::int64_t lost, std::int64_t after) {
  complain(well, fmt::format("{} events after {} are lost: the journal no longer keeps them", lost, after));
  if (options.json) std::cout << fmt::format(R"({{"gap":{{"lost":{},"after":{}}}}})", lost, after) << std::endl;
}

std::optional<std::int64_t> number_at(const rapidjson::Value& from, const char* path) {
  const auto* found = find_path(from, path);
  return found != nullptr && found->IsInt64() ? std::optional(found->GetInt64()) : std::nullopt;
}

// --- what has happened

using documents = std::vector<json_document>;

/// The pages of a list, one after the other, until there are enough rows. Errors: the exit code, complained about.
tl::expected<documents, int> pages(const events_options& options, const std::vector<daemon_address>& where,
                                   const std::string& order, std::size_t wanted) {
  documents all;
  std::string cursor = options.after ? std::to_string(*options.after) : "";
  for (std::size_t rows = 0; rows < wanted;) {
    const auto target =
        fmt::format("/api/v1/events?order={}&limit={}&after={}{}", order,
                    std::min(wanted - rows, limits::page_rows_most), percent_encode(cursor), filter_of(options));
    const auto answer = ask_daemon(where, target);
    if (!answer) return tl::unexpected(complain(no_daemon, answer.error().message));
    if (answer->status != 200) return tl::unexpected(complain(*answer));
    const auto parsed = parse_json(answer->body);
    const auto* found = parsed ? find_path(**parsed, "rows") : nullptr;
    if (found == nullptr || !found->IsArray())
      return tl::unexpected(complain(no_daemon, "what answered is not a regent daemon"));
    all.push_back(*parsed);
    rows += found->Size();
    const auto* next = find_path(**parsed, "next");
    const auto* truncated = find_path(**parsed, "truncated");
    if (next == nullptr || !next->IsString() || truncated == nullptr || !truncated->IsTrue()) break;
    if (cursor == next->GetString()) return tl::unexpected(complain(no_daemon, "what answered is not a regent daemon"));
    cursor = next->GetString();
  }
  return all;
}

int list_after(const events_options& options, const std::vector<daemon_address>& where) {
  const auto found = pages(options, where, "oldest", options.limit.value_or(events_default));
  if (!found) return found.error();
  auto after = *options.after;
  for (const auto& page : *found) {
    if (const auto lost = number_at(*page, "lost"); lost.value_or(0) > 0) print_gap(options, *lost, after);
    for (const auto& row : (*page)["rows"].GetArray()) {
      print(options, row);
      after = number_at(row, "sequence").value_or(after);
    }
  }
  if (const auto* cut = find_path(*found->back(), "truncated"); cut != nullptr && cut->IsTrue())
    complain(well, fmt::format("there are more: go on with --after {}, or ask for more at once with --limit", after));
  return well;
}

int list_last(const events_options& options, const std::vector<daemon_address>& where) {
  const auto found = pages(options, where, "newest", options.limit.value_or(events_default));
  if (!found) return found.error();
  std::vector<const rapidjson::Value*> rows;
  for (const auto& page : *found)
    for (const auto& row : (*page)["rows"].GetArray()) rows.push_back(&row);
  std::for_each(rows.rbegin(), rows.rend(), [&](const auto* row) { print(options, *row); });
  return well;
}

// --- what happens from now on

class follower {
 public:
  follower(const events_options& options, const std::vector<daemon_address>& where)
      : options_(options), where_(where), cursor_(options.after) {}

  /// Ends only when enough was said, or when going on makes no sense.
  int follow() {
    for (auto pause = reconnect_first;;) {
      const auto before = cursor_;
      if (const auto exit = follow_once()) return *exit;
      pause = cursor_ != before ? reconnect_first : std::min<std::chrono::milliseconds>(2 * pause, reconnect_most);
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  std::optional<int> follow_once() {
    event_blocks blocks;
    result<void> sound;
    const auto after = cursor_ ? fmt::format("&after={}", *cursor_) : std::string();
    const auto query = filter_of(options_) + after;
    const auto target = "/api/v1/events/stream" + (query.empty() ? query : "?" + query.substr(1));
    const auto answer = follow_daemon(where_, target, silence_most, [&](std::string_view bytes) {
      sound = blocks.add(bytes, [&](const event_block& one) { take(one); });
      return sound.has_value() && !enough();
    });
    if (enough()) return well;
    if (!sound) return complain(no_daemon, sound.error().message);
    if (!answer) return away(answer.error().message);
    // 503 is what a daemon says that is coming up, or has too many followers: then the first question is refused.
    if (answer->status != 200 && (answer->status != 503 || !heard_)) return complain(*answer);
    return answer->status == 200 ? std::nullopt : away("it is not ready");
  }

  std::optional<int> away(const std::string& why) {
    if (!heard_) return complain(no_daemon, why);
    if (!std::exchange(away_said_, true)) complain(well, "the daemon is away, waiting for it: " + why);
    return std::nullopt;
  }

  bool enough() const { return options_.limit && printed_ >= *options_.limit; }

  void take(const event_block& one) {
    if (enough()) return;
    heard_ = true;
    if (std::exchange(away_said_, false)) complain(well, "the daemon is back");
    if (!one.data.empty()) say(one);
    if (one.id) cursor_ = one.id;
  }

  void say(const event_block& one) {
    const auto parsed = parse_json(one.data);
    if (!parsed || !(*parsed)->IsObject()) {
      complain(well, "an event that is no JSON was left out: " + shown(one.data.substr(0, 200)));
      return;
    }
    if (one.type == "gap")
      return print_gap(options_, number_at(**parsed, "lost").value_or(0), number_at(**parsed, "after").value_or(0));
    if (one.type == "error") {
      const auto* why = find_path(**parsed, "message");
      complain(well, "the stream has ended: " + shown(why != nullptr && why->IsString() ? why->GetString() : ""));
      return;
    }
    print(options_, **parsed);
    ++printed_;
  }

  const events_options& options_;
  const std::vector<daemon_address>& where_;
  std::optional<std::int64_t> cursor_;
  std::size_t printed_ = 0;
  bool heard_ = false, away_said_ = false;
};

int run(const events_options& options) {
  const auto where = daemon_addresses(options.where);
  if (!where) return complain(wrong_use, where.error().message);
  if (options.follow) return follower(options, *where).follow();
  return options.after ? list_after(options, *where) : list_last(options, *where);
}

}  // namespace

void add_events_command(CLI::App& app, int& exit) {
  auto* sub = app.add_subcommand("events", "List what has happened, or follow what happens");
  auto options = std::make_shared<events_options>();
  sub->add_flag("-f,--follow", options->follow, "go on with what happens from now on, or after --after");
  sub->add_option("--topic", options->topic, "patterns such as job.*,host.# (/api/v1/topics has all topics)");
  sub->add_option("--resource", options->resource, "such as virtual_router/3");
  sub->add_option("--after", options->after, "those after the event with this number; 0: from the oldest kept")
      ->check(CLI::NonNegativeNumber);
  sub->add_option("--limit", options->limit, "events at most (100; with --follow no end)")
      ->check(CLI::Range(std::size_t{1}, events_most));
  sub->add_flag("--json", options->json, "one line of JSON for each event");
  add_daemon_options(*sub, options->where);
  sub->callback([&exit, options] { exit = run(*options); });
}

}  // namespace regent::cli
