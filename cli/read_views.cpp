#include "cli/read_views.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "base/run_progress.hpp"
#include "cli/table_text.hpp"
#include "region/json.hpp"

namespace regent::cli {

namespace {
using rapidjson::Value;

/// A field as text: "" for none, null, false or an object; true is its own name.
std::string field(const Value& from, std::string_view path) {
  const auto* found = find_path(from, path);
  if (found == nullptr || found->IsNull() || found->IsObject() || found->IsArray() || found->IsFalse()) return {};
  if (found->IsString()) return {found->GetString(), found->GetStringLength()};
  if (found->IsTrue()) return std::string(path);
  return json_text(*found);
}

/// A number of milliseconds as a span; "" for none.
std::string span(const Value& from, std::string_view path) {
  const auto* found = find_path(from, path);
  if (found == nullptr || !found->IsInt64()) return {};
  return span_text(milliseconds(std::max<std::int64_t>(0, found->GetInt64())));
}

std::string ago(const Value& from, std::string_view path) {
  const auto text = span(from, path);
  return text.empty() ? "never" : text + " ago";
}

/// The elements of an array; none if it is no array.
std::vector<const Value*> elements(const Value& from, std::string_view path) {
  std::vector<const Value*> all;
  const auto* found = find_path(from, path);
  if (found != nullptr && found->IsArray())
    for (const auto& each : found->GetArray()) all.push_back(&each);
  return all;
}

template <class Cells>
std::string table(const Value& answer, std::string_view path, std::vector<std::string> headings, Cells cells) {
  table_text made(std::move(headings));
  for (const auto* row : elements(answer, path)) made.add(cells(*row));
  return made.text();
}

/// Every text that is not empty, with `between` between them.
std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string all;
  for (const auto& text : texts)
    if (!text.empty()) all += (all.empty() ? "" : between) + text;
  return all;
}

/// "label: value" lines, aligned; lines without a value are left out.
class block {
 public:
  void add(const std::string& label, const std::string& value) {
    if (!value.empty()) text_ += fmt::format("{:<14} {}\n", label, shown(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// {"running":5,"building":0} as "5 running".
std::string counts(const Value& from, const char* path) {
  const auto* found = find_path(from, path);
  if (found == nullptr || !found->IsObject()) return "unknown";
  std::vector<std::string> parts;
  for (const auto& member : found->GetObject())
    if (member.value.IsInt64() && member.value.GetInt64() != 0)
      parts.push_back(fmt::format("{} {}", member.value.GetInt64(), member.name.GetString()));
  return parts.empty() ? "none" : joined(parts, ", ");
}

/// "paused (eve: wait)", "waits for a decision about job 17".
std::string marks_text(const Value& row) {
  const auto hold = field(row, "hold"), why = field(row, "hold_why"), dead = field(row, "dead_job");
  const auto held = hold == "pause"     ? "paused"
                    : hold == "release" ? "released"
                    : hold == "adopt"   ? "to be taken over"
                                        : "";
  return joined({*held == '\0' ? "" : fmt::format("{} ({})", held, why),
                 dead.empty() ? "" : fmt::format("waits for a decision about job {}", dead)},
                "; ");
}

std::string resource_note(const Value& row) {
  const auto due = span(row, "due_in_ms");
  return joined(
      {marks_text(row), field(row, "degraded"), due.empty() ? "" : "scrubbed in " + due, field(row, "reason")}, ": ");
}

std::string job_note(const Value& row) {
  const auto wait = field(row, "waits_for");
  return joined({field(row, "degraded"), wait.empty() ? "" : "waits for " + wait, field(row, "error.message")}, ": ");
}

std::vector<std::string> job_cells(const Value& row) {
  return {field(row, "id"),   field(row, "resource"),      field(row, "operation"),  field(row, "state"),
          field(row, "lane"), span(row, "created_age_ms"), span(row, "duration_ms"), job_note(row)};
}

const std::vector<std::string> job_headings{">JOB", "RESOURCE", "OPERATION", "STATE", "LANE", ">AGE", ">TOOK", "NOTE"};

/// "40 %: copying blocks, 12s ago", or what else is known of a run under way; "" if nothing.
std::string sign_text(const Value& step) {
  if (field(step, "heard_age_ms").empty()) return {};
  if (find_path(step, "progress.age_ms") == nullptr)
    return fmt::format("its host said {} ago that it goes on", span(step, "heard_age_ms"));
  run_progress said{std::nullopt, field(step, "progress.words"), {}};
  if (const auto* percent = find_path(step, "progress.percent"); percent != nullptr && percent->IsInt())
    said.percent = percent->GetInt();
  if (const auto* age = find_path(step, "progress.age_ms"); age != nullptr && age->IsInt64())
    said.age = milliseconds(age->GetInt64());
  return progress_text(said);
}

std::string claims_text(const Value& answer, const char* path, const char* title) {
  if (elements(answer, path).empty()) return {};
  return fmt::format("\n{}\n", title) + table(answer, path, {">JOB", "SCOPE", "LANE", ">AGE"}, [](const Value& row) {
           return std::vector<std::string>{field(row, "job"), field(row, "scope"), field(row, "lane"),
                                           span(row, "since_age_ms")};
         });
}
}  // namespace

std::string status_view(const Value& answer) {
  block text;
  text.add("region", field(answer, "name"));
  text.add("daemon", fmt::format("regent {}, epoch {}, up {}", field(answer, "version"), field(answer, "epoch"),
                                 span(answer, "uptime_ms")));
  text.add("state", field(answer, "live").empty()    ? "not live: stuck or shutting down"
                    : field(answer, "ready").empty() ? "not ready: the journal is not read yet"
                                                     : "ready");
  for (const auto* problem : elements(answer, "problems"))
    text.add("problem", field(*problem, "about") + ": " + field(*problem, "text"));
  const auto* total = find_path(answer, "problems_total");
  const auto listed = static_cast<std::int64_t>(elements(answer, "problems").size());
  if (total != nullptr && total->IsInt64() && total->GetInt64() > listed)
    text.add("", fmt::format("… and {} more problems", total->GetInt64() - listed));
  text.add("resources", counts(answer, "resources"));
  text.add("jobs", counts(answer, "jobs"));
  text.add("hosts", counts(answer, "hosts"));
  if (const auto closed = counts(answer, "hosts_closed"); closed != "none" && closed != "unknown")
    text.add("closed hosts", closed);
  if (const auto dead = field(answer, "dead_letters"); !dead.empty() && dead != "0")
    text.add("dead letters", dead + ": regent dead");
  text.add("actors", field(answer, "actors"));
  text.add("last poll", ago(answer, "last_poll_age_ms"));
  text.add("last listing", ago(answer, "last_listing_age_ms"));
  text.add("runs", fmt::format("{} sent, {} ended", field(answer, "runs_sent"), field(answer, "runs_ended")));
  text.add("journal",
           fmt::format("{} transactions in {} commits", field(answer, "transactions"), field(answer, "commits")));
  text.add("reports", fmt::format("{} delivered", field(answer, "reports_delivered")));
  text.add("bad records", field(answer, "bad_records"));
  return text.text();
}

std::string resources_view(const Value& answer) {
  return table(answer, "rows", {"RESOURCE", "STATE", "NAME", "PROJECT", ">CHANGED", "NOTE"}, [](const Value& row) {
    return std::vector<std::string>{field(row, "resource"), field(row, "state"),         field(row, "name"),
                                    field(row, "project"),  span(row, "changed_age_ms"), resource_note(row)};
  });
}

std::string resource_view(const Value& answer) {
  block text;
  text.add("resource", field(answer, "resource"));
  text.add("name", field(answer, "name"));
  text.add("project", field(answer, "project"));
  text.add("state", fmt::format("{} since {} ({})", field(answer, "state"), field(answer, "changed"),
                                ago(answer, "changed_age_ms")));
  text.add("note", resource_note(answer));
  text.add("record of", field(answer, "updated"));
  auto all = text.text();
  if (!elements(answer, "open_jobs").empty())
    all += "\nopen jobs\n" + table(answer, "open_jobs", job_headings, job_cells);
  if (!elements(answer, "undelivered_reports").empty())
    all += "\nnot yet told to the cloud\n" +
           table(answer, "undelivered_reports", {"STATE", ">JOB", ">AGE"}, [](const Value& row) {
             return std::vector<std::string>{field(row, "state"), field(row, "job"), span(row, "created_age_ms")};
           });
  if (!elements(answer, "last_events").empty())
    all +=
        "\nlast events\n" + table(answer, "last_events", {"AT", "TOPIC", ">JOB", "TEXT"}, [](const Value& row) {
          return std::vector<std::string>{field(row, "at"), field(row, "topic"), field(row, "job"), field(row, "text")};
        });
  return all;
}

std::string jobs_view(const Value& answer) { return table(answer, "rows", job_headings, job_cells); }

namespace {

std::string branches_view(const Value& answer) {
  auto text = table(answer, "branches", {"BRANCH", "AFTER", "STATE", ">JOB", "WHAT", "TOLD"}, [&](const Value& row) {
    std::vector<std::string> after;
    const auto all = elements(answer, "branches");
    for (const auto* before : elements(row, "after")) {
      const auto number = before->IsInt() ? static_cast<std::size_t>(before->GetInt()) : all.size();
      after.push_back(number < all.size() ? field(*all[number], "name") : std::to_string(number));
    }
    return std::vector<std::string>{field(row, "name"), joined(after, ", "), field(row, "state"),
                                    field(row, "job"),  field(row, "about"), field(row, "told")};
  });
  const auto total = field(answer, "branches_total");
  const auto shown = std::to_string(elements(answer, "branches").size());
  if (total != shown) text += fmt::format("the first {} of {} branches\n", shown, total);
  return text;
}

}  // namespace

std::string tree_preview_view(const Value& preview) {
  block text;
  text.add("would run", field(preview, "name"));
  text.add("lane", field(preview, "lane"));
  text.add("at once", field(preview, "at_once"));
  text.add("on failure", field(preview, "on_failure"));
  text.add("deadline", span(preview, "deadline_ms"));
  std::vector<std::string> hold;
  for (const auto* host : elements(preview, "hold")) hold.emplace_back(host->GetString());
  text.add("holds", joined(hold, ", "));
  return text.text() + '\n' + branches_view(preview);
}

std::string job_view(const Value& answer) {
  block text;
  text.add("job", field(answer, "id"));
  text.add("tree", field(answer, "tree"));
  text.add("resource", field(answer, "resource"));
  text.add("operation", field(answer, "operation"));
  text.add("state", field(answer, "state"));
  text.add("lane", field(answer, "lane"));
  text.add("cause", field(answer, "cause"));
  text.add("only host", field(answer, "only_host"));
  text.add("not before", field(answer, "not_before"));
  text.add("cancel", field(answer, "cancel"));
  text.add("decided", field(answer, "decided"));
  text.add("waits for", field(answer, "waits_for"));
  text.add("until", field(answer, "wait_deadline"));
  text.add("created", field(answer, "created"));
  text.add("started", field(answer, "started"));
  const auto deadline = field(answer, "deadline");
  text.add("deadline", deadline.empty() ? "" : fmt::format("{} ({})", deadline, span(answer, "deadline_ms")));
  text.add("ended", field(answer, "ended"));
  text.add("took", span(answer, "duration_ms"));
  text.add("degraded", field(answer, "degraded"));
  text.add("error", joined({field(answer, "error.code"), field(answer, "error.message")}, ": "));
  auto all = text.text();
  if (!elements(answer, "branches").empty()) return all + '\n' + branches_view(answer);
  const auto steps = elements(answer, "steps");
  if (steps.empty()) return all;
  const auto number = [](const Value& row) {
    const auto* index = find_path(row, "index");
    return index != nullptr && index->IsInt() ? std::to_string(std::int64_t{1} + index->GetInt()) : std::string();
  };
  all += '\n' + table(answer, "steps", {">STEP", "HOST", "ROLE", "STATE", ">EXIT", ">TRY", ">TOOK", "WHAT"},
                      [&](const Value& row) {
                        const auto what = joined({field(row, "primitive"), field(row, "verb")}, " ");
                        const auto about = field(row, "about");
                        return std::vector<std::string>{number(row),
                                                        field(row, "host"),
                                                        field(row, "role"),
                                                        field(row, "state"),
                                                        field(row, "exit_code"),
                                                        field(row, "attempt"),
                                                        span(row, "duration_ms"),
                                                        about.empty() ? what : what + ": " + about};
                      });
  for (const auto* step : steps) {
    if (const auto sign = sign_text(*step); !sign.empty())
      all += fmt::format("\nstep {} on {} runs: {}\n", number(*step), shown(field(*step, "host")), shown(sign));
    const auto output = field(*step, "output"), wrong = field(*step, "error");
    if (output.empty() && wrong.empty()) continue;
    all += fmt::format("\nstep {} on {}{}\n", number(*step), shown(field(*step, "host")),
                       wrong.empty() ? "" : ": " + shown(wrong));
    all += output_text(output);
  }
  return all;
}

std::string dead_view(const Value& answer) {
  std::string all;
  for (const auto* row : elements(answer, "rows")) {
    block text;
    text.add("resource", joined({field(*row, "resource"), field(*row, "state"), field(*row, "degraded")}, ", "));
    text.add("job",
             fmt::format("{}: {}, {}", field(*row, "job.id"), field(*row, "job.operation"), field(*row, "job.cause")));
    text.add("since", fmt::format("{} ({})", field(*row, "since"), ago(*row, "since_age_ms")));
    text.add("error", joined({field(*row, "job.error.code"), field(*row, "job.error.message")}, ": "));
    if (!field(*row, "step.number").empty())
      text.add("step",
               fmt::format("{} of {} on {}: {} {} ({}), {}, attempt {}{}", field(*row, "step.number"),
                           field(*row, "step.of"), field(*row, "step.host"), field(*row, "step.primitive"),
                           field(*row, "step.verb"), field(*row, "step.about"), field(*row, "step.state"),
                           field(*row, "step.attempt"),
                           field(*row, "step.exit_code").empty() ? "" : ", exit " + field(*row, "step.exit_code")));
    text.add("decided", field(*row, "job.decided"));
    text.add("asked again", field(*row, "asked_again_by"));
    for (const auto* word : elements(*row, "words"))
      if (word->IsString()) text.add("say", word->GetString());
    all += (all.empty() ? "" : "\n") + text.text() + output_text(field(*row, "step.output"));
  }
  return all;
}

std::string cordon_text(const Value& host) {
  const auto why = field(host, "cordon");
  return why.empty() ? why : joined({field(host, "service"), why}, ": ");
}

std::string declines_text(const Value& host) {
  const auto why = field(host, "declines");
  return why.empty() ? why : "declines new jobs: " + why;
}

std::string hosts_view(const Value& answer) {
  return table(
      answer, "rows",
      {"HOST", "ROLE", "ADDRESS", "STATE", ">LATENCY", ">SEEN", ">RUNS", ">HELD", ">QUEUE", "BOOT ID", "REASON"},
      [](const Value& row) {
        return std::vector<std::string>{field(row, "host"),
                                        field(row, "role"),
                                        field(row, "address"),
                                        field(row, "state"),
                                        span(row, "latency_ms"),
                                        span(row, "last_seen_age_ms"),
                                        field(row, "open_runs"),
                                        field(row, "leases_held"),
                                        field(row, "queued"),
                                        field(row, "boot_id"),
                                        joined({cordon_text(row), declines_text(row), field(row, "reason")}, "; ")};
      });
}

std::string host_view(const Value& answer) {
  block text;
  text.add("host", field(answer, "host"));
  text.add("role", field(answer, "role"));
  text.add("address", field(answer, "address"));
  text.add("state", joined({field(answer, "state"), field(answer, "reason")}, ": "));
  text.add("closed", cordon_text(answer));
  text.add("declines", field(answer, "declines"));
  text.add("latency", span(answer, "latency_ms"));
  if (const auto* load = find_path(answer, "load_hundredths"); load != nullptr && load->IsInt64())
    text.add("load", fmt::format("{:.2f}", static_cast<double>(load->GetInt64()) / 100));
  text.add("last seen", ago(answer, "last_seen_age_ms"));
  text.add("boot id", field(answer, "boot_id"));
  text.add("open runs", field(answer, "open_runs"));
  return text.text() + claims_text(answer, "leases", "leases held") + claims_text(answer, "queue", "queue");
}

std::string locks_view(const Value& answer) {
  return table(answer, "rows",
               {"HOST", "SCOPE", "STATE", ">PLACE", ">JOB", "RESOURCE", "LANE", ">EPOCH", ">AGE", "NOTE"},
               [](const Value& row) {
                 const auto* live = find_path(row, "live");
                 const bool stale = live != nullptr && live->IsFalse();
                 return std::vector<std::string>{
                     field(row, "host"),  field(row, "scope"),
                     field(row, "state"), field(row, "position"),
                     field(row, "job"),   field(row, "resource"),
                     field(row, "lane"),  field(row, "epoch"),
                     span(row, "age_ms"), stale ? "in the journal only: the host's actor does not know of it" : ""};
               });
}

std::string why_view(const Value& answer) { return shown(field(answer, "sentence")) + '\n'; }

std::string actors_view(const Value& answer) {
  return table(
      answer, "rows", {"TYPE", "KEY", "STATE", ">MAIL", ">OLDEST", ">BUSY", ">HANDLED", "LAST MESSAGE", "NOTE"},
      [](const Value& row) {
        std::vector<std::string> leases;
        for (const auto* lease : elements(row, "leases"))
          if (lease->IsString()) leases.emplace_back(lease->GetString());
        const auto wait = field(row, "waits_for"), wrong = field(row, "last_error"), held = joined(leases, ", ");
        const auto note = joined({wait.empty() ? "" : "waits for " + wait, held.empty() ? "" : "holds " + held,
                                  wrong.empty() ? "" : "last error: " + wrong},
                                 "; ");
        return std::vector<std::string>{field(row, "type"),
                                        field(row, "key"),
                                        field(row, "state"),
                                        field(row, "mailbox_depth"),
                                        span(row, "oldest_message_ms"),
                                        span(row, "busy_now_ms"),
                                        field(row, "handled"),
                                        field(row, "last_message"),
                                        note};
      });
}

std::string throttles_view(const Value& answer) {
  const auto of_most = [](const Value& row, const char* count, const char* most) {
    const auto limit = field(row, most);
    return field(row, count) + (limit.empty() || limit == "0" ? std::string() : " of " + limit);
  };
  return table(answer, "rows", {"THROTTLE", "COUNTS", ">AT WORK", ">BEGUN", ">WITHIN", ">WAIT"}, [&](const Value& row) {
    return std::vector<std::string>{field(row, "throttle"),
                                    field(row, "of"),
                                    of_most(row, "working", "at_once"),
                                    field(row, "begin") == "0" ? "" : of_most(row, "begun", "begin"),
                                    field(row, "begin") == "0" ? "" : span(row, "within_ms"),
                                    field(row, "waiting")};
  });
}

std::string sinks_view(const Value& answer) {
  return table(answer, "rows", {"SINK", "STATE", ">BEHIND", ">LOST", ">DELIVERED", ">LAST", "TARGET", "NOTE"},
               [](const Value& row) {
                 return std::vector<std::string>{field(row, "sink"),      field(row, "state"),
                                                 field(row, "behind"),    field(row, "lost"),
                                                 field(row, "delivered"), span(row, "last_delivery_age_ms"),
                                                 field(row, "target"),    field(row, "reason")};
               });
}

namespace {
std::string schedule_note(const Value& row) {
  const auto paused = field(row, "paused"), waits = field(row, "waits_for");
  return joined({field(row, "enabled").empty() ? "switched off" : "", paused.empty() ? "" : "paused: " + paused,
                 waits.empty() ? "" : "waits for " + waits},
                "; ");
}

std::string runs_ahead(const Value& row) {
  return table(row, "next_runs", {"DUE", "IN ITS ZONE"}, [](const Value& run) {
    return std::vector<std::string>{field(run, "due"), field(run, "local")};
  });
}
}  // namespace

std::string schedules_view(const Value& answer) {
  auto all = table(
      answer, "rows", {"SCHEDULE", "CRON", "ZONE", "NEXT", ">LAST", ">JOB", "STATE", "NOTE"}, [](const Value& row) {
        return std::vector<std::string>{
            field(row, "schedule"),       field(row, "cron"),     field(row, "time_zone"),      field(row, "next"),
            span(row, "last_run_age_ms"), field(row, "last_job"), field(row, "last_job_state"), schedule_note(row)};
      });
  for (const auto* row : elements(answer, "rows"))
    if (!elements(*row, "next_runs").empty())
      all += fmt::format("\n{}\n", shown(field(*row, "schedule"))) + runs_ahead(*row);
  return all;
}

std::string schedule_view(const Value& answer) {
  block text;
  text.add("schedule", field(answer, "schedule"));
  text.add("cron", joined({field(answer, "cron"), field(answer, "time_zone")}, " in "));
  text.add("jitter", "up to " + span(answer, "jitter_ms"));
  text.add("catch up", field(answer, "catch_up"));
  const auto degraded = find_path(answer, "do.degraded");
  text.add("does", joined({field(answer, "do.verb"), field(answer, "do.kind"), field(answer, "do.state"),
                           field(answer, "do.project").empty() ? "" : "project " + field(answer, "do.project"),
                           degraded == nullptr || !degraded->IsBool() ? ""
                           : degraded->GetBool()                      ? "degraded"
                                                                      : "not degraded"},
                          ", "));
  text.add("lane", field(answer, "lane"));
  text.add("note", schedule_note(answer));
  text.add("paused since", field(answer, "paused_since"));
  text.add("next", field(answer, "next"));
  text.add("last run", field(answer, "last_run"));
  text.add("its job", joined({field(answer, "last_job"), field(answer, "last_job_state")}, ": "));
  const bool ahead = !elements(answer, "next_runs").empty();
  return text.text() + (ahead ? "\n" + runs_ahead(answer) : "");
}

std::string event_view(const Value& event) {
  const auto text = [&](const char* path) {
    auto said = shown(field(event, path));
    return said.empty() ? std::string("-") : said;
  };
  return fmt::format("{:>8}  {}  {:<18}  {:<20}  {}", text("sequence"), text("at"), text("topic"), text("resource"),
                     text("text"));
}

std::string truncation_view(const Value& answer) {
  if (field(answer, "truncated").empty()) return {};
  // Whoever copies the cursor into a shell gets it whole.
  std::string quoted = "'";
  for (const char c : shown(field(answer, "next"))) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  quoted += "'";
  return fmt::format("{} of {} are shown; go on with --after {}, or ask for more at once with --limit\n",
                     elements(answer, "rows").size(), field(answer, "total"), quoted);
}

bool is_well(const Value& status) {
  return !field(status, "live").empty() && !field(status, "ready").empty() && elements(status, "problems").empty();
}

std::string error_view(const Value& answer) { return shown(field(answer, "error.message")); }

}  // namespace regent::cli
