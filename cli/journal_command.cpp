// `regent journal check | backup | restore | compact | history`: what is done to the journal's file.
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "cli/commands.hpp"
#include "cli/journal_options.hpp"
#include "cli/saying.hpp"
#include "cli/table_text.hpp"
#include "edge/json_writer.hpp"
#include "persistence/journal_backup.hpp"
#include "persistence/journal_check.hpp"
#include "persistence/journal_history.hpp"
#include "persistence/journal_restore.hpp"

namespace regent::cli {
namespace {

std::string lines_of(const std::vector<journal_finding>& findings) {
  std::string text;
  for (const auto& one : findings)
    text += fmt::format("{}{}: {}\n", one.damage ? "damaged: " : "", shown(one.what), shown(one.means));
  return text;
}

std::string count(std::int64_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string findings_json(const std::string& path, const std::vector<journal_finding>& findings) {
  json_writer out;
  out.open_object();
  out.text("file", path);
  out.open_array("findings");
  for (const auto& one : findings) {
    out.open_object();
    out.text("what", one.what);
    out.text("means", one.means);
    out.flag("damage", one.damage);
    out.close_object();
  }
  out.close_array();
  out.close_object();
  return out.take();
}

int check(const journal_choice& choice, bool as_json) {
  const auto path = journal_path(choice);
  if (!path) return complain(path.error());
  const auto found = check_journal(*path);
  if (!found) return complain(found.error());
  if (as_json) return say(findings_json(*path, *found), found->empty() ? well : not_well);
  if (found->empty()) return say(*path + ": whole, and every row makes sense\n", well);
  return say(
      fmt::format("{}{}: {}\n", lines_of(*found), *path, count(static_cast<std::int64_t>(found->size()), "finding")),
      not_well);
}

/// Set by a signal: the backup then removes what it has begun.
std::atomic<bool> told_to_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void stop_at_signals() {
  for (const int one : {SIGINT, SIGTERM, SIGHUP}) std::signal(one, [](int) { told_to_stop = true; });
}

int back_up(const journal_choice& choice, const std::string& to, bool overwrite) {
  const auto from = journal_path(choice);
  if (!from) return complain(from.error());
  stop_at_signals();
  backup_options options;
  options.overwrite = overwrite;
  options.progress = [](int, int) { return !told_to_stop; };
  const auto made = back_up_journal(*from, to, options);
  if (!made) return complain(made.error());
  const auto text = fmt::format("{}: journal {} at epoch {}, jobs up to {}, {} bytes, checked\n", to, made->journal_id,
                                made->epoch, made->last_job, made->bytes);
  if (made->findings.empty()) return say(text, well);
  return say(text + lines_of(made->findings) + "the backup is kept: the journal itself is like this\n", not_well);
}

std::string restored_text(const journal_restored& made, const std::string& path) {
  auto text = fmt::format("{}: restored; journal {} is now {}, epoch {} is now {}\n", path, made.former_id,
                          made.journal_id, made.former_epoch, made.epoch);
  if (!made.set_aside.empty())
    text += fmt::format("what was there is kept as {}; no host obeys it any more\n", made.set_aside);
  if (!made.unread.empty())
    text += fmt::format(
        "it could not be read ({}): if it had runs under way, let their deadlines pass before the daemon is started\n",
        shown(made.unread));
  return text + fmt::format(
                    "{} ended and {} dropped that were open in the backup; the daemon asks the cloud for every "
                    "state, and looks after every resource on every host\n",
                    count(made.jobs_ended, "job"), count(made.reports_dropped, "report"));
}

int restore(const std::string& from, const journal_choice& choice, bool anyway) {
  const auto path = journal_path(choice);
  if (!path) return complain(path.error());
  const auto made = restore_journal(from, *path, system_clock(), {anyway});
  if (!made) {
    const auto& code = made.error().code;
    return complain(made.error(), code == "journal_locked" || code == "runs_may_live" ? not_well : wrong_use);
  }
  return say(restored_text(*made, *path) + lines_of(made->findings), well);
}

int compact(const journal_choice& choice, int days) {
  const auto path = journal_path(choice);
  if (!path) return complain(path.error());
  const auto now = system_clock().wall();
  const auto made = compact_journal(*path, now - std::chrono::hours(24) * days, now);
  if (!made) return complain(made.error());
  const auto* rest =
      made->live ? "a daemon has it: what is free in the file is used again; without the daemon this gives it back"
                 : "what was free is given back";
  return say(fmt::format("{}: {} became summaries (regent journal history); {} bytes, {} before; {}\n", *path,
                         count(made->jobs, "job"), made->bytes_after, made->bytes_before, rest),
             well);
}

std::string history_text(const std::vector<history_row>& rows) {
  table_text made({"DAY", "KIND", "OPERATION", "OUTCOME", ">JOBS", ">TOOK", ">LONGEST"});
  for (const auto& one : rows)
    made.add({iso_text(one.day).substr(0, 10), one.kind, one.operation, one.outcome, std::to_string(one.count),
              span_text(one.total), span_text(one.longest)});
  return made.text();
}

std::string history_json(const std::vector<history_row>& rows) {
  json_writer out;
  out.open_object();
  out.open_array("rows");
  for (const auto& one : rows) {
    out.open_object();
    out.text("day", iso_text(one.day).substr(0, 10));
    out.text("kind", one.kind);
    out.text("operation", one.operation);
    out.text("outcome", one.outcome);
    out.number("count", one.count);
    out.number("total_ms", one.total.count());
    out.number("longest_ms", one.longest.count());
    out.close_object();
  }
  out.close_array();
  out.close_object();
  return out.take();
}

int history(const journal_choice& choice, bool as_json) {
  const auto path = journal_path(choice);
  if (!path) return complain(path.error());
  const auto rows = read_history(*path);
  if (!rows) return complain(rows.error());
  return say(as_json ? history_json(*rows) : history_text(*rows), well);
}

struct arguments {
  journal_choice journal;
  std::string file;
  bool force = false, as_json = false;
  int days = static_cast<int>(limits::history_age / std::chrono::hours(24));
};

void add_check(CLI::App& journal, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* check_it = journal.add_subcommand(
      "check", "Look at every row, also beside a live daemon; exit 1 if something is wrong, 2 if it cannot be read");
  add_journal_options(*check_it, "PATH", "the journal's file or a state directory, instead of the region file's",
                      given->journal);
  check_it->add_flag("--json", given->as_json, "for programs");
  check_it->callback([given, &exit] { exit = check(given->journal, given->as_json); });
}

void add_backup(CLI::App& journal, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* backup = journal.add_subcommand(
      "backup", "Leave a checked copy of one moment, also beside a live daemon, which does not wait for it");
  backup->add_option("TO", given->file, "the file to make")->required();
  add_journal_options(*backup, "--from", "the journal's file or a state directory, instead of the region file's",
                      given->journal);
  backup->add_flag("--force", given->force, "replace TO if it is there");
  backup->callback([given, &exit] { exit = back_up(given->journal, given->file, given->force); });
}

void add_restore(CLI::App& journal, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* put_back =
      journal.add_subcommand("restore",
                             "Put a backup in the journal's place, which is kept under a dated name. The daemon must "
                             "be stopped. Open jobs of the "
                             "backup are ended; the cloud is asked anew, and all that should stand is built again");
  put_back->add_option("FROM", given->file, "the backup")->required();
  add_journal_options(*put_back, "--state", "the state directory, instead of the region file's", given->journal);
  put_back->add_flag("--force", given->force, "also while runs that were sent may still be going on");
  put_back->callback([given, &exit] { exit = restore(given->file, given->journal, given->force); });
}

void add_compact(CLI::App& journal, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* compact_it = journal.add_subcommand(
      "compact", "Delete old jobs that have ended, with their steps; their sums stay. Also beside a live daemon");
  add_journal_options(*compact_it, "PATH", "the journal's file or a state directory, instead of the region file's",
                      given->journal);
  compact_it->add_option("--older-than", given->days, "days since they ended")
      ->capture_default_str()
      ->check(CLI::Range(0, 36500));
  compact_it->callback([given, &exit] { exit = compact(given->journal, given->days); });
}

void add_history(CLI::App& journal, int& exit) {
  const auto given = std::make_shared<arguments>();
  auto* show = journal.add_subcommand(
      "history", "Show how many jobs ended how on each day, and how long they took, also of those that are deleted");
  add_journal_options(*show, "PATH", "the journal's file or a state directory, instead of the region file's",
                      given->journal);
  show->add_flag("--json", given->as_json, "for programs");
  show->callback([given, &exit] { exit = history(given->journal, given->as_json); });
}

}  // namespace

void add_journal_command(CLI::App& app, int& exit) {
  auto* journal = app.add_subcommand("journal", "Check, back up, restore and compact the journal's file");
  journal->require_subcommand(1);
  add_check(*journal, exit);
  add_backup(*journal, exit);
  add_restore(*journal, exit);
  add_compact(*journal, exit);
  add_history(*journal, exit);
}

}  // namespace regent::cli
