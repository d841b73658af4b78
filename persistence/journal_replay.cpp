#include "persistence/journal_replay.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <unordered_map>

#include "persistence/migrations.hpp"
#include "persistence/rows.hpp"

namespace regent {

namespace {

bool is_damage(const error& why) { return why.code == "journal_corrupt" || why.code == "journal_internal"; }

/// The rows of one table in order of their number, which is their first column, past what is damaged.
class numbered_rows {
 public:
  /// `columns` begin with `number`.
  static result<numbered_rows> of(sqlite::connection& db, const char* table, const char* number,
                                  const std::string& columns, std::int64_t after) {
    numbered_rows made;
    made.table_ = table;
    made.last_ = after;
    auto ask = db.prepare(
        fmt::format("SELECT {} FROM {} NOT INDEXED WHERE {} > ? ORDER BY {}", columns, table, number, number));
    if (!ask) return failure(ask.error());
    made.ask_ = std::move(*ask);
    made.ask_.bind(after);
    return made;
  }

  /// Whether there is a row. What had to be left out goes to `unread`. Errors: other than damage.
  result<bool> next(std::vector<std::string>& unread) {
    if (ended_) return false;
    auto more = ask_.step();
    while (!more && is_damage(more.error())) {
      const auto why = more.error().message;
      const auto sound = next_sound();
      if (!sound) {
        ended_ = true;
        unread.push_back(fmt::format("{}s after {}: {}", table_, last_, why));
        return false;
      }
      more = ask_.bind(*sound).step();
      unread.push_back(fmt::format("{}s between {} and {}: {}", table_, last_,
                                   more && *more ? std::to_string(ask_.number(0)) : "the end", why));
      last_ = *sound;
    }
    if (!more) return more;
    ended_ = !*more;
    if (*more) last_ = ask_.number(0);
    return more;
  }
  const sqlite::statement& row() const { return ask_; }

 private:
  bool can_go_on_after(std::int64_t number) {
    const bool good = ask_.bind(number).step().has_value();
    ask_.reset();
    return good;
  }

  /// The first number after which rows can be read again: damage is in whole pages, which hold rows that follow one another.
  std::optional<std::int64_t> next_sound() {
    std::int64_t bad = last_, good = last_;
    for (std::int64_t leap = 1; good == bad; leap *= 2) {
      if (leap > std::numeric_limits<std::int64_t>::max() / 2 - last_) return std::nullopt;
      if (can_go_on_after(last_ + leap))
        good = last_ + leap;
      else
        bad = good = last_ + leap;
    }
    while (good - bad > 1) {
      const auto middle = bad + (good - bad) / 2;
      (can_go_on_after(middle) ? good : bad) = middle;
    }
    return good;
  }

  const char* table_ = "";
  sqlite::statement ask_;
  std::int64_t last_ = 0;
  bool ended_ = false;
};

class sqlite_replay final : public journal_replay {
 public:
  sqlite_replay(sqlite::connection db, replay_filter filter) : db_(std::move(db)), filter_(std::move(filter)) {}

  result<void> begin() {
    auto found = identity_of(db_);
    if (found)
      identity_ = std::move(*found);
    else if (is_damage(found.error()))
      unread_.push_back("the journal's identity: " + found.error().message);
    else
      return failure(found.error());
    if (auto done = find_trees(); !done) return done;
    auto events =
        numbered_rows::of(db_, "event", "sequence", rows::event_columns, std::max<std::int64_t>(filter_.from, 1) - 1);
    if (!events) return failure(events.error());
    events_ = std::move(*events);
    auto jobs = db_.prepare(fmt::format("SELECT {} FROM job WHERE id = ?", rows::job_columns));
    if (!jobs) return failure(jobs.error());
    ask_job_ = std::move(*jobs);
    auto steps = db_.prepare(fmt::format("SELECT {} FROM step WHERE job = ? ORDER BY number", rows::step_columns));
    if (!steps) return failure(steps.error());
    ask_steps_ = std::move(*steps);
    return {};
  }

  std::optional<journal_identity> identity() override { return identity_; }

  result<std::optional<replay_moment>> next() override {
    for (;;) {
      auto more = events_.next(unread_);
      if (!more) return failure(more.error());
      if (!*more) return std::optional<replay_moment>{};
      auto row = rows::read_event(events_.row());
      if (!row) return failure(row.error());
      if (!is_wanted(*row)) continue;
      replay_moment made;
      made.what = std::move(*row);
      if (auto done = add_tree(made); !done) return failure(done.error());
      return std::optional(std::move(made));
    }
  }

  result<std::vector<job_with_steps>> open_jobs() override {
    std::vector<job_with_steps> found;
    for (const auto& [id, resource] : open_) {
      if (!filter_.resource.empty() && resource != filter_.resource) continue;
      if (!filter_.job.empty() && id != filter_.job) continue;
      auto one = read_job(id);
      if (!one) return failure(one.error());
      if (!*one) continue;
      auto steps = read_steps(id);
      if (!steps) return failure(steps.error());
      std::erase_if(*steps, [](const step& at) { return !at.started || at.ended; });
      found.push_back({std::move(**one), std::move(*steps)});
    }
    return found;
  }

  const std::vector<std::string>& unread() const override { return unread_; }

 private:
  /// Which jobs belong to which root: there is no index by that, and events name only the root.
  result<void> find_trees() {
    auto jobs = numbered_rows::of(db_, "job", "id", "id, root, state, kind, resource", 0);
    if (!jobs) return failure(jobs.error());
    for (;;) {
      auto more = jobs->next(unread_);
      if (!more) return failure(more.error());
      if (!*more) return {};
      const auto& row = jobs->row();
      const job_id id(row.number(0)), root(row.number(1));
      trees_[root.value()].push_back(id);
      if (id == filter_.job) wanted_root_ = root;
      const auto state = row.text(2);
      for (std::size_t i = 0; i < job_state_names.size(); ++i)
        if (is_open(static_cast<job_state>(i)) && state == job_state_names[i])
          open_.emplace_back(id, resource_id{row.text(3), row.text(4)});
    }
  }

  bool is_wanted(const event& one) const {
    if (!filter_.resource.empty() && one.resource != filter_.resource) return false;
    if (filter_.job.empty()) return true;
    // A job that is not kept any more may have been a root.
    return one.root == (wanted_root_.empty() ? filter_.job : wanted_root_);
  }

  result<void> add_tree(replay_moment& into) {
    const auto tree = trees_.find(into.what.root.value());
    if (into.what.root.empty() || tree == trees_.end()) return {};
    const auto told = told_until_.find(into.what.root.value());
    const auto since = told == told_until_.end() ? wall_time::min() : told->second;
    const auto is_new = [&](const std::optional<wall_time>& at) { return at && *at > since && *at <= into.what.at; };
    for (const auto id : tree->second) {
      if (!filter_.job.empty() && !wanted_root_.empty() && id != filter_.job) continue;
      auto one = read_job(id);
      if (!one) return failure(one.error());
      if (!*one || (*one)->created > into.what.at) continue;
      auto steps = read_steps(id);
      if (!steps) return failure(steps.error());
      std::erase_if(*steps, [&](const step& at) { return !is_new(at.ended); });
      into.steps.insert(into.steps.end(), std::make_move_iterator(steps->begin()),
                        std::make_move_iterator(steps->end()));
      if (is_new((*one)->created) || is_new((*one)->ended)) into.jobs.push_back(std::move(**one));
    }
    std::stable_sort(into.steps.begin(), into.steps.end(),
                     [](const step& a, const step& b) { return a.ended < b.ended; });
    told_until_[into.what.root.value()] = std::max(since, into.what.at);
    return {};
  }

  /// Once for each: it is asked for at every event of its tree.
  void cannot_read(const std::string& what, const error& why) {
    const auto text = fmt::format("{}: {}", what, why.message);
    if (std::find(unread_.begin(), unread_.end(), text) == unread_.end()) unread_.push_back(text);
  }

  result<std::optional<job>> read_job(job_id id) {
    auto more = ask_job_.bind(id.value()).step();
    auto row = more && *more ? rows::read_job(ask_job_) : result<job>(job{});
    ask_job_.reset();
    if (more && row) return *more ? std::optional(std::move(*row)) : std::nullopt;
    const auto& why = more ? row.error() : more.error();
    if (!is_damage(why)) return failure(why);
    cannot_read(fmt::format("job {}", id.value()), why);
    return std::optional<job>{};
  }

  result<std::vector<step>> read_steps(job_id id) {
    std::vector<step> found;
    ask_steps_.bind(id.value());
    for (;;) {
      auto more = ask_steps_.step();
      if (more && !*more) return found;
      auto row = more ? rows::read_step(ask_steps_) : result<step>(failure(more.error()));
      if (row) {
        found.push_back(std::move(*row));
        continue;
      }
      ask_steps_.reset();
      if (!is_damage(row.error())) return failure(row.error());
      cannot_read(fmt::format("steps of job {} from step {}", id.value(), found.size() + 1), row.error());
      return found;
    }
  }

  sqlite::connection db_;
  replay_filter filter_;
  numbered_rows events_;
  sqlite::statement ask_job_, ask_steps_;
  std::optional<journal_identity> identity_;
  std::unordered_map<std::int64_t, std::vector<job_id>> trees_;
  std::unordered_map<std::int64_t, wall_time> told_until_;  // by root
  std::vector<std::pair<job_id, resource_id>> open_;
  job_id wanted_root_;
  std::vector<std::string> unread_;
};

}  // namespace

result<std::unique_ptr<journal_replay>> open_replay(const std::string& path, const replay_filter& filter) {
  if (std::error_code none; !std::filesystem::is_regular_file(path, none))
    return fail(error_kind::permanent, "journal_missing", "there is no journal {}", path);
  auto db = open_file_to_read(path);
  if (!db) return failure(db.error());
  // writable_schema: SQLite then also opens a file that was cut off. Nothing is ever written.
  const auto* settings = "PRAGMA writable_schema = ON; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF";
  if (auto done = db->run(settings, "configure"); !done) return failure(done.error());
  const auto known = journal_migrations().back().version;
  auto version = schema_version(*db, known);
  if (!version) return failure(version.error());
  if (*version < known)
    return fail(error_kind::permanent, "journal_older",
                "{} has schema {} and is read with schema {}: use the regent that made it", path, *version, known);
  auto made = std::make_unique<sqlite_replay>(std::move(*db), filter);
  if (auto begun = made->begin(); !begun) return failure(begun.error());
  return std::unique_ptr<journal_replay>(std::move(made));
}

}  // namespace regent
