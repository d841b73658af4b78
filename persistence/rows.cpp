#include "persistence/rows.hpp"

#include <algorithm>
#include <array>

namespace regent::rows {

namespace {

template <class... Handlers>
struct overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
overloaded(Handlers...) -> overloaded<Handlers...>;

/// The name by which a value is stored; none for a number that is no member.
template <class Enum, std::size_t N>
std::optional<std::string_view> stored(Enum value, const std::array<std::string_view, N>& names) {
  const auto at = static_cast<std::size_t>(value);
  if (at >= N) return std::nullopt;
  return names[at];
}
std::optional<std::string_view> stored(lifecycle_state value) {
  if (static_cast<std::size_t>(value) >= lifecycle_state_count) return std::nullopt;
  return name(value);
}
std::optional<std::int64_t> stored(job_id id) {
  return id.empty() ? std::nullopt : std::optional<std::int64_t>(id.value());
}

/// Reads one column after the other; remembers the first name that nobody knows.
class cursor {
 public:
  explicit cursor(const sqlite::statement& from) : from_(from) {}
  std::string text() { return from_.text(at_++); }
  std::int64_t number() { return from_.number(at_++); }
  bool flag() { return number() != 0; }
  job_id job() { return job_id(number()); }  // NULL reads as 0, which is none
  wall_time time() { return wall_time(milliseconds(number())); }
  std::optional<wall_time> maybe_time() {
    if (from_.is_null(at_)) return skip();
    return time();
  }
  std::optional<int> maybe_int() {
    if (from_.is_null(at_)) return skip();
    return static_cast<int>(number());
  }
  resource_id resource() {
    auto kind = text();
    return {std::move(kind), text()};
  }
  template <class Enum, std::size_t N>
  Enum one_of(const std::array<std::string_view, N>& names) {
    const auto found = text();
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == found) return static_cast<Enum>(i);
    }
    unknown_ = found;
    return {};
  }
  lifecycle_state state() {
    const auto found = text();
    if (auto known = parse_lifecycle_state(found)) return *known;
    unknown_ = found;
    return lifecycle_state::ignore;
  }
  template <class Row>
  result<Row> finish(Row row) const {
    if (!unknown_) return row;
    return fail(error_kind::permanent, "journal_corrupt", "the journal has a state that regent does not know: '{}'",
                *unknown_);
  }

 private:
  std::nullopt_t skip() {
    ++at_;
    return std::nullopt;
  }
  const sqlite::statement& from_;
  int at_ = 0;
  std::optional<std::string> unknown_;
};

std::string insert_into(const char* table, std::string_view columns, int values) {
  std::string marks;
  for (int i = 0; i < values; ++i) marks += i == 0 ? "?" : ", ?";
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, marks);
}

int count_of(std::string_view columns) { return 1 + static_cast<int>(std::count(columns.begin(), columns.end(), ',')); }

/// "a = ?3, b = ?4": the columns after `key`, which come first, by their places among all.
std::string set_all_but(std::string_view key, std::string_view columns, std::string_view value_form) {
  std::string sql;
  int at = count_of(key);
  std::string_view rest = columns.substr(key.size() + 2);
  while (!rest.empty()) {
    const auto end = rest.find(", ");
    const auto column = rest.substr(0, end);
    if (!sql.empty()) sql += ", ";
    sql += fmt::format(fmt::runtime(value_form), fmt::arg("column", column), fmt::arg("place", ++at));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 2);
  }
  return sql;
}

std::string upsert(const char* table, std::string_view columns, std::string_view key) {
  return insert_into(table, columns, count_of(columns)) +
         fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}", key,
                     set_all_but(key, columns, "{column} = excluded.{column}"));
}

std::string insert_if_new(const char* table, std::string_view columns, std::string_view key) {
  return insert_into(table, columns, count_of(columns)) + fmt::format(" ON CONFLICT ({}) DO NOTHING", key);
}

/// `condition` is over the columns of `key`, whose values are ?1, ?2, …
std::string update(const char* table, std::string_view columns, std::string_view key, const char* condition) {
  return fmt::format("UPDATE {} SET {} WHERE {}", table, set_all_but(key, columns, "{column} = ?{place}"), condition);
}

}  // namespace

std::string open_job_states() {
  std::string list;
  for (std::size_t i = 0; i < job_state_names.size(); ++i)
    if (is_open(static_cast<job_state>(i))) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", job_state_names[i]);
  return list;
}

std::string update_resource() { return update("resource", resource_columns, "kind, id", "kind = ?1 AND id = ?2"); }
std::string insert_resource() { return insert_into("resource", resource_columns, count_of(resource_columns)); }
std::string put_document() { return upsert("document", "kind, id, body", "kind, id"); }
std::string update_job() {
  return update("job", job_columns, "id, kind, resource, parent, root",
                "id = ?1 AND kind = ?2 AND resource = ?3 AND parent IS ?4 AND root = ?5");
}
std::string insert_job() { return insert_if_new("job", job_columns, "id"); }
std::string update_step() { return update("step", step_columns, "job, number", "job = ?1 AND number = ?2"); }
std::string insert_step() { return insert_if_new("step", step_columns, "job, number"); }
std::string put_lease() { return upsert("lease", lease_columns, "host, scope"); }
std::string put_host() { return upsert("host", host_columns, "host"); }
std::string put_cordon() { return upsert("cordon", cordon_columns, "host"); }
std::string put_sink() { return upsert("sink", sink_columns, "name"); }
std::string put_schedule() {
  return insert_into("schedule", schedule_columns, count_of(schedule_columns)) +
         " ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, dealt = excluded.dealt, fired = excluded.fired,"
         " job = CASE WHEN excluded.job IS NULL AND excluded.fired IS fired THEN job ELSE excluded.job END,"
         " paused = excluded.paused, paused_since = excluded.paused_since";
}
std::string put_hold() { return upsert("hold", hold_columns, "kind, id"); }
std::string put_letter() { return upsert("dead_letter", letter_columns, "kind, id"); }
std::string put_owed() {
  return insert_into("rebuild_owed", owed_columns, count_of(owed_columns)) + " ON CONFLICT DO NOTHING";
}
std::string put_tree() { return upsert("tree", tree_columns, "job"); }
std::string update_branch() { return update("branch", branch_columns, "root, number", "root = ?1 AND number = ?2"); }
std::string insert_branch() { return insert_into("branch", branch_columns, count_of(branch_columns)); }
std::string add_report() {
  const std::string_view columns = report_columns;
  return insert_into("report", columns.substr(columns.find(", ") + 2), count_of(columns) - 1);
}
std::string add_event() {
  const std::string_view columns = event_columns;
  return insert_into("event", columns.substr(columns.find(", ") + 2), count_of(columns) - 1);
}

void bind(sqlite::statement& to, const resource& from) {
  to.bind(from.id.kind, from.id.id, stored(from.state), from.name, from.project, from.updated, from.reason,
          from.degraded, from.changed, from.due, from.unconfirmed);
}
void bind_document(sqlite::statement& to, const resource& from) { to.bind(from.id.kind, from.id.id, from.document); }

void bind(sqlite::statement& to, const job& from) {
  to.bind(from.id.value(), from.resource.kind, from.resource.id, stored(from.parent), stored(from.root),
          stored(from.what, operation_names), stored(from.during), stored(from.state, job_state_names),
          stored(from.in, lane_names), from.cause, from.repair, from.only_host, from.attempt, from.not_before,
          from.cancel, from.waits_for, from.wait_deadline, from.created, from.started, from.ended, from.deadline,
          from.degraded, from.error_code, from.error_message, from.decided);
}

void bind(sqlite::statement& to, const step& from) {
  to.bind(from.job.value(), from.index, from.host.value(), from.primitive, from.verb, from.role, from.about,
          from.parameters, from.deadline, from.stall, stored(from.state, step_state_names), from.run.value(),
          from.attempt, from.exit_code, from.output, from.error, from.boot_id, from.undo, from.started, from.ended);
}

void bind(sqlite::statement& to, const lease& from) {
  to.bind(from.host.value(), from.scope, from.job.value(), static_cast<std::int64_t>(from.epoch), from.since);
}
void bind(sqlite::statement& to, const report& from) {
  to.bind(from.resource.kind, from.resource.id, stored(from.job), stored(from.state), from.created);
}
void bind(sqlite::statement& to, const event& from) {
  to.bind(from.at, from.topic, from.resource.kind, from.resource.id, stored(from.root), stored(from.job), from.text);
}
void bind(sqlite::statement& to, const host_seen& from) { to.bind(from.host.value(), from.boot_id, from.at); }
void bind(sqlite::statement& to, const host_cordoned& from) {
  to.bind(from.host.value(), from.why, from.since, stored(from.how, closure_names), from.last_job.value(),
          from.drained);
}
void bind(sqlite::statement& to, const sink_cursor& from) { to.bind(from.sink, from.after); }
void bind(sqlite::statement& to, const schedule_mark& from) {
  to.bind(from.schedule, from.rule, from.dealt, from.fired, stored(from.job), from.paused, from.paused_since);
}
void bind(sqlite::statement& to, const resource_held& from) {
  to.bind(from.resource.kind, from.resource.id, stored(from.what, hold_names), from.why, from.since);
}
void bind(sqlite::statement& to, const dead_letter& from) {
  to.bind(from.resource.kind, from.resource.id, from.job.value(), from.since, from.from_step, from.by);
}
void bind(sqlite::statement& to, const rebuild_owed& from) {
  to.bind(from.resource.kind, from.resource.id, from.host.value());
}

namespace {

/// Numbers or names as one text, with commas.
template <class Row, class Text>
std::string with_commas(const std::vector<Row>& from, Text text) {
  std::string all;
  for (const auto& one : from) all += (all.empty() ? "" : ",") + text(one);
  return all;
}

std::vector<std::string> without_commas(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

}  // namespace

// A statement keeps a view of its texts until its step: what is made here must live as long, until this thread's next one.
void bind(sqlite::statement& to, const tree& from) {
  thread_local std::string hold;
  hold = with_commas(from.hold, [](const host_id& host) { return host.value(); });
  to.bind(from.root.value(), from.name, from.at_once, from.stops, hold);
}
void bind(sqlite::statement& to, const branch& from) {
  thread_local std::string after;
  after = with_commas(from.after, [](int number) { return std::to_string(number); });
  to.bind(from.root.value(), from.number, from.name, stored(from.work, branch_work_names), from.subject, from.wanted,
          after, from.deadline, from.fails_late, stored(from.state, branch_state_names), stored(from.job), from.cursor,
          from.told, from.started, from.ended);
}

result<resource> read_resource(const sqlite::statement& from) {
  cursor in(from);
  resource row;
  row.id = in.resource();
  row.state = in.state();
  row.name = in.text();
  row.project = in.text();
  row.updated = in.text();
  row.reason = in.text();
  row.degraded = in.flag();
  row.changed = in.time();
  row.due = in.maybe_time();
  row.unconfirmed = in.flag();
  return in.finish(std::move(row));
}

result<job> read_job(const sqlite::statement& from) {
  cursor in(from);
  job row;
  row.id = in.job();
  row.resource = in.resource();
  row.parent = in.job();
  row.root = in.job();
  row.what = in.one_of<operation>(operation_names);
  row.during = in.state();
  row.state = in.one_of<job_state>(job_state_names);
  row.in = in.one_of<lane>(lane_names);
  row.cause = in.text();
  row.repair = in.flag();
  row.only_host = in.text();
  row.attempt = static_cast<int>(in.number());
  row.not_before = in.maybe_time();
  row.cancel = in.text();
  row.waits_for = in.text();
  row.wait_deadline = in.maybe_time();
  row.created = in.time();
  row.started = in.maybe_time();
  row.ended = in.maybe_time();
  row.deadline = milliseconds(in.number());
  row.degraded = in.flag();
  row.error_code = in.text();
  row.error_message = in.text();
  row.decided = in.text();
  return in.finish(std::move(row));
}

result<step> read_step(const sqlite::statement& from) {
  cursor in(from);
  step row;
  row.job = in.job();
  row.index = static_cast<int>(in.number());
  row.host = host_id(in.text());
  row.primitive = in.text();
  row.verb = in.text();
  row.role = in.text();
  row.about = in.text();
  row.parameters = in.text();
  row.deadline = milliseconds(in.number());
  row.stall = milliseconds(in.number());
  row.state = in.one_of<step_state>(step_state_names);
  row.run = run_id(in.text());
  row.attempt = static_cast<int>(in.number());
  row.exit_code = in.maybe_int();
  row.output = in.text();
  row.error = in.text();
  row.boot_id = in.text();
  row.undo = in.text();
  row.started = in.maybe_time();
  row.ended = in.maybe_time();
  return in.finish(std::move(row));
}

result<lease> read_lease(const sqlite::statement& from) {
  cursor in(from);
  lease row;
  row.host = host_id(in.text());
  row.scope = in.text();
  row.job = in.job();
  row.epoch = static_cast<epoch_number>(in.number());
  row.since = in.time();
  return in.finish(std::move(row));
}

result<report> read_report(const sqlite::statement& from) {
  cursor in(from);
  report row;
  row.sequence = in.number();
  row.resource = in.resource();
  row.job = in.job();
  row.state = in.state();
  row.created = in.time();
  return in.finish(std::move(row));
}

result<event> read_event(const sqlite::statement& from) {
  cursor in(from);
  event row;
  row.sequence = in.number();
  row.at = in.time();
  row.topic = in.text();
  row.resource = in.resource();
  row.root = in.job();
  row.job = in.job();
  row.text = in.text();
  return in.finish(std::move(row));
}

result<host_seen> read_host(const sqlite::statement& from) {
  cursor in(from);
  host_seen row;
  row.host = host_id(in.text());
  row.boot_id = in.text();
  row.at = in.time();
  return in.finish(std::move(row));
}

result<host_cordoned> read_cordon(const sqlite::statement& from) {
  cursor in(from);
  host_cordoned row;
  row.host = host_id(in.text());
  row.why = in.text();
  row.since = in.time();
  row.how = in.one_of<closure>(closure_names);
  row.last_job = in.job();
  row.drained = in.maybe_time();
  return in.finish(std::move(row));
}

result<resource_held> read_hold(const sqlite::statement& from) {
  cursor in(from);
  resource_held row;
  row.resource = in.resource();
  row.what = in.one_of<hold>(hold_names);
  row.why = in.text();
  row.since = in.time();
  return in.finish(std::move(row));
}

result<dead_letter> read_letter(const sqlite::statement& from) {
  cursor in(from);
  dead_letter row;
  row.resource = in.resource();
  row.job = in.job();
  row.since = in.time();
  row.from_step = static_cast<int>(in.number());
  row.by = in.text();
  return in.finish(std::move(row));
}

result<rebuild_owed> read_owed(const sqlite::statement& from) {
  cursor in(from);
  rebuild_owed row;
  row.resource = in.resource();
  row.host = host_id(in.text());
  return in.finish(std::move(row));
}

result<sink_cursor> read_sink(const sqlite::statement& from) {
  cursor in(from);
  sink_cursor row;
  row.sink = in.text();
  row.after = in.number();
  return in.finish(std::move(row));
}

result<schedule_mark> read_schedule(const sqlite::statement& from) {
  cursor in(from);
  schedule_mark row;
  row.schedule = in.text();
  row.rule = in.text();
  row.dealt = in.maybe_time();
  row.fired = in.maybe_time();
  row.job = in.job();
  row.paused = in.text();
  row.paused_since = in.maybe_time();
  return in.finish(std::move(row));
}

result<tree> read_tree(const sqlite::statement& from) {
  cursor in(from);
  tree row;
  row.root = in.job();
  row.name = in.text();
  row.at_once = static_cast<int>(in.number());
  row.stops = in.flag();
  for (auto& host : without_commas(in.text())) row.hold.emplace_back(std::move(host));
  return in.finish(std::move(row));
}

result<branch> read_branch(const sqlite::statement& from) {
  cursor in(from);
  branch row;
  row.root = in.job();
  row.number = static_cast<int>(in.number());
  row.name = in.text();
  row.work = in.one_of<branch_work>(branch_work_names);
  row.subject = in.text();
  row.wanted = in.text();
  for (const auto& number : without_commas(in.text())) row.after.push_back(std::stoi(number));
  row.deadline = milliseconds(in.number());
  row.fails_late = in.flag();
  row.state = in.one_of<branch_state>(branch_state_names);
  row.job = in.job();
  row.cursor = in.number();
  row.told = in.text();
  row.started = in.maybe_time();
  row.ended = in.maybe_time();
  return in.finish(std::move(row));
}

std::string describe(const mutation& row) {
  return std::visit(
      overloaded{
          [](const resource& r) { return "resource " + r.id.text(); },
          [](const job& j) { return fmt::format("job {}", j.id.value()); },
          [](const step& s) { return fmt::format("step {} of job {}", s.index, s.job.value()); },
          [](const lease& l) { return fmt::format("lease of {} on {}", l.scope, l.host.value()); },
          [](const report& r) { return "report of " + r.resource.text(); },
          [](const event& e) { return "event " + e.topic; },
          [](const end_lease& l) { return fmt::format("end of the lease of {} on {}", l.scope, l.host.value()); },
          [](const end_report& r) { return fmt::format("end of report {}", r.sequence); },
          [](const forget_resource& r) { return "forgetting of " + r.id.text(); },
          [](const host_seen& h) { return "host " + h.host.value(); },
          [](const host_cordoned& c) { return "cordon of " + c.host.value(); },
          [](const sink_cursor& s) { return "cursor of sink " + s.sink; },
          [](const schedule_mark& s) { return "schedule " + s.schedule; },
          [](const forget_schedule& s) { return "forgetting of schedule " + s.schedule; },
          [](const resource_held& h) { return "hold of " + h.resource.text(); },
          [](const dead_letter& l) { return "dead letter of " + l.resource.text(); },
          [](const rebuild_owed& o) { return "rebuild owed to " + o.resource.text(); },
          [](const tree& t) { return fmt::format("tree of job {}", t.root.value()); },
          [](const branch& b) { return fmt::format("branch {} of job {}", b.number, b.root.value()); }},
      row);
}

}  // namespace regent::rows
