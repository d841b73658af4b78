#include "test/support/journal_rows.hpp"

namespace regent::test {

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// What tries to leave its column, or to end its text early.
const std::string hostile = "x\"; touch /pwned; $(touch /pwned2)' OR 1=1; --\n\t\0after a NUL, \xff\xfe not UTF-8, 家"s;

wall_time at(int n) { return wall_time(milliseconds(1'700'000'000'123 + n)); }

std::string shown(const std::optional<wall_time>& time) {
  return time ? std::to_string(time->time_since_epoch().count()) : "none";
}

}  // namespace

resource full_resource(int n) {
  resource row;
  row.id = {"virtual_router", std::to_string(n)};
  row.state = lifecycle_state::scrub_queue;
  row.name = "router " + std::to_string(n) + hostile;
  row.project = "project-" + std::to_string(n % 3);
  row.updated = "2026-11-20T10:00:00.000000Z";
  row.document = "{\"name\":\"" + std::to_string(n) + "\"}" + hostile;
  row.reason = "because" + hostile;
  row.degraded = true;
  row.changed = at(n);
  row.due = at(n + 1);
  row.unconfirmed = true;
  return row;
}

job full_job(int n, job_state state) {
  job row;
  row.id = job_id(n);
  row.parent = job_id(n + 1000);
  row.root = job_id(n + 2000);
  row.resource = {"virtual_router", std::to_string(n)};
  row.what = operation::scrub_prep;
  row.during = lifecycle_state::scrub_prep;
  row.state = state;
  row.in = lane::audit;
  row.cause = "cloud: requested" + hostile;
  row.repair = true;
  row.only_host = "podnet-b";
  row.attempt = 3;
  row.not_before = at(n + 4);
  row.cancel = "operator: wrong router" + hostile;
  row.waits_for = "the lease of podnet-b" + hostile;
  row.wait_deadline = at(n);
  row.created = at(n + 1);
  row.started = at(n + 2);
  row.ended = at(n + 3);
  row.deadline = milliseconds(1'800'001);
  row.degraded = true;
  row.error_code = "step_failed";
  row.error_message = "it did not work" + hostile;
  return row;
}

step full_step(int n, int index) {
  step row;
  row.job = job_id(n);
  row.index = index;
  row.host = host_id("podnet-a");
  row.primitive = "net/address";
  row.verb = "build";
  row.role = "enabled";
  row.about = "the address of the router" + hostile;
  row.parameters = "{\"address\":\"192.0.2.1\"}" + hostile;
  row.deadline = milliseconds(61'001);
  row.stall = milliseconds(5'003);
  row.state = step_state::unknown;
  row.run = run_id("0badcafe-" + std::to_string(n) + "-" + std::to_string(index) + "-2");
  row.attempt = 2;
  row.exit_code = -7;
  row.output = std::string(70'000, 'o') + hostile;
  row.error = "stderr" + hostile;
  row.boot_id = "5d3c8a70-4a0c-4b5e-9f0e-1f2a3b4c5d6e";
  row.undo = "scrub";
  row.started = at(n + 4);
  row.ended = at(n + 5);
  return row;
}

lease full_lease(int n) { return {host_id("podnet-a"), "virtual_router/" + std::to_string(n), job_id(n), 17, at(n)}; }

report full_report(int n) {
  report row;
  row.resource = {"virtual_router", std::to_string(n)};
  row.job = job_id(n);
  row.state = lifecycle_state::running;
  row.created = at(n);
  return row;
}

event full_event(int n) {
  event row;
  row.at = at(n);
  row.topic = "resource.state";
  row.resource = {"virtual_router", std::to_string(n)};
  row.root = job_id(n + 1);
  row.job = job_id(n + 2);
  row.text = "number " + std::to_string(n) + hostile;
  return row;
}

tree full_tree(int n) {
  return {job_id(n), "tree " + std::to_string(n) + hostile, 3, true, {host_id("a"), host_id("b")}};
}

branch full_branch(int n, int number) {
  branch row;
  row.root = job_id(n);
  row.number = number;
  row.name = "branch " + std::to_string(number) + hostile;
  row.work = branch_work::until_event;
  row.subject = "host/podnet-a";
  row.wanted = "host.up,host.down";
  for (int before = 0; before < number; ++before) row.after.push_back(before);
  row.deadline = milliseconds(5000);
  row.fails_late = false;
  row.state = branch_state::started;
  row.job = job_id(n + 3);
  row.cursor = 812;
  row.told = "so far" + std::string(hostile);
  row.started = at(n);
  row.ended = at(n + 1);
  return row;
}

std::string text(const resource& row) {
  return fmt::format(
      "{} {} name={} project={} updated={} document={} reason={} degraded={} changed={} due={} unconfirmed={}",
      row.id.text(), name(row.state), row.name, row.project, row.updated, row.document, row.reason, row.degraded,
      shown(row.changed), shown(row.due), row.unconfirmed);
}

std::string text(const job& row) {
  return fmt::format(
      "job {} parent={} root={} {} {} {} {} {} cause={} repair={} only={} attempt={} before={} cancel={} waits={} "
      "until={} created={} started={} ended={} deadline={} "
      "degraded={} {} {} decided={}",
      row.id.value(), row.parent.value(), row.root.value(), row.resource.text(), name(row.what), name(row.during),
      name(row.state), name(row.in), row.cause, row.repair, row.only_host, row.attempt, shown(row.not_before),
      row.cancel, row.waits_for, shown(row.wait_deadline), shown(row.created), shown(row.started), shown(row.ended),
      row.deadline.count(), row.degraded, row.error_code, row.error_message, row.decided);
}

std::string text(const step& row) {
  return fmt::format(
      "step {}.{} on={} {} {} role={} about={} parameters={} deadline={} stall={} {} run={} attempt={} exit={} "
      "output={} "
      "error={} boot={} undo={} "
      "started={} ended={}",
      row.job.value(), row.index, row.host.value(), row.primitive, row.verb, row.role, row.about, row.parameters,
      row.deadline.count(), row.stall.count(), name(row.state), row.run.value(), row.attempt,
      row.exit_code ? std::to_string(*row.exit_code) : "none", row.output, row.error, row.boot_id, row.undo,
      shown(row.started), shown(row.ended));
}

std::string text(const lease& row) {
  return fmt::format("lease {} {} job={} epoch={} since={}", row.host.value(), row.scope, row.job.value(), row.epoch,
                     shown(row.since));
}

std::string text(const report& row) {
  return fmt::format("report {} {} job={} {} {}", row.sequence, row.resource.text(), row.job.value(), name(row.state),
                     shown(row.created));
}

std::string text(const event& row) {
  return fmt::format("event {} {} {} {} root={} job={} {}", row.sequence, shown(row.at), row.topic, row.resource.text(),
                     row.root.value(), row.job.value(), row.text);
}

std::string text(const host_seen& row) {
  return fmt::format("host {} {} {}", row.host.value(), row.boot_id, shown(row.at));
}

std::string text(const host_cordoned& row) {
  return fmt::format("cordon {} {} {} {} {} {}", row.host.value(), row.why, shown(row.since), name(row.how),
                     row.last_job.value(), shown(row.drained));
}

std::string text(const resource_held& row) {
  return fmt::format("hold {} {} {} {}", row.resource.text(), name(row.what), row.why, shown(row.since));
}

std::string text(const dead_letter& row) {
  return fmt::format("dead letter {} {} {} {} {}", row.resource.text(), row.job.value(), shown(row.since),
                     row.from_step, row.by);
}

std::string text(const rebuild_owed& row) {
  return fmt::format("rebuild owed {} {}", row.resource.text(), row.host.value());
}

std::string text(const tree& row) {
  std::string hold;
  for (const auto& host : row.hold) hold += " " + host.value();
  return fmt::format("tree {} {} at_once={} stops={} hold={}", row.root.value(), row.name, row.at_once, row.stops,
                     hold);
}

std::string text(const branch& row) {
  std::string after;
  for (const auto before : row.after) after += " " + std::to_string(before);
  return fmt::format("branch {} {} {} {} {} wanted={} after={} deadline={} late={} {} job={} cursor={} told={} {} {}",
                     row.root.value(), row.number, row.name, name(row.work), row.subject, row.wanted, after,
                     row.deadline.count(), row.fails_late, name(row.state), row.job.value(), row.cursor, row.told,
                     shown(row.started), shown(row.ended));
}

std::string text(const sink_cursor& row) { return fmt::format("sink {} {}", row.sink, row.after.value_or(-1)); }

std::string text(const schedule_mark& row) {
  return fmt::format("schedule {} {} dealt={} fired={} job={} paused {} {}", row.schedule, row.rule, shown(row.dealt),
                     shown(row.fired), row.job.value(), row.paused, shown(row.paused_since));
}

}  // namespace regent::test
