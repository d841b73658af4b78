#include "edge/why.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "edge/http_face.hpp"
#include "region/job_execution.hpp"

namespace regent {

namespace {

/// An actor that handles one message for longer than this is worth a word.
constexpr milliseconds busy_notable{5000};
constexpr std::size_t reason_bytes = 300;

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, reason_bytes)) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  if (text.size() > reason_bytes) line += " …";
  return line;
}

namespace {

std::string colon_reason(std::string_view reason) { return reason.empty() ? "" : ": " + one_line(reason); }

std::string job_text(const job& what) { return fmt::format("job {} ({})", what.id.value(), name(what.what)); }

/// For the sentences of one resource: everything that is asked of the facts more than once.
class reasons {
 public:
  explicit reasons(const why_facts& facts) : facts_(facts) {}

  std::vector<cause> all() {
    if (const auto job = open_job())
      open(*job);
    else
      at_rest();
    held();
    dead();
    if (facts_.what.degraded) add("degraded", fmt::format("degraded{}", colon_reason(facts_.what.reason)));
    jobs_behind();
    reports();
    problem("journal");  // everything waits for it
    own_problems();
    busy_actors();
    return std::move(causes_);
  }

  std::vector<cause> of_unknown(std::optional<wall_time> listed) {
    at_work();
    own_problems();
    if (causes_.empty()) unnamed(listed);
    problem("journal");
    return std::move(causes_);
  }

 private:
  void add(std::string code, std::string text, host_id host = {}, job_id job = {}, std::optional<int> step = {},
           std::optional<wall_time> since = {}) {
    causes_.push_back({std::move(code), std::move(text), std::move(host), job, step, since});
  }
  std::string age(wall_time since) const { return span_text(std::max(milliseconds(0), facts_.now - since)); }
  std::string since_text(wall_time since) const {
    return fmt::format("since {} ({} ago)", iso_text(since), age(since));
  }

  std::optional<job> open_job() const {
    auto job = explained_job(facts_);
    return job && is_open(job->state) ? job : std::nullopt;
  }

  const host_picture* host(const host_id& id) const {
    const auto found =
        std::find_if(facts_.hosts.begin(), facts_.hosts.end(), [&](const auto& each) { return each.host == id; });
    return found == facts_.hosts.end() ? nullptr : &*found;
  }

  std::string step_text(const step& which) const {
    const auto& about = which.about.empty() ? fmt::format("{} {}", which.primitive, which.verb) : which.about;
    const auto undoing = std::count_if(facts_.steps.begin(), facts_.steps.end(), is_undo);
    const auto count = is_undo(which) ? facts_.steps.size() : facts_.steps.size() - static_cast<std::size_t>(undoing);
    return fmt::format("step {} of {} ({})", which.index + 1, count, one_line(about));
  }

  std::string down_text(const host_picture& status) const {
    const auto since = status.last_seen ? " " + since_text(*status.last_seen) : "";
    return fmt::format("{}{}{}", status.state, since, colon_reason(status.reason));
  }

  std::string until_text(const job& job) const {
    if (!job.wait_deadline) return "";
    const auto left = *job.wait_deadline - facts_.now;
    return left.count() > 0 ? fmt::format(", for at most {} more", span_text(left)) : ", its deadline has passed";
  }

  /// The first of: a run under way, a lease waited for, a host waited for, a retry, the job's own words, its place in
  /// the order.
  void open(const job& job) {
    if (!job.cancel.empty())
      add("cancelled", fmt::format("{} is being cancelled ({})", job_text(job), one_line(job.cancel)), {}, job.id);
    if (runs_under_way()) return;
    if (lease(job)) return;
    const auto next = std::find_if(facts_.steps.begin(), facts_.steps.end(),
                                   [](const auto& each) { return each.state == step_state::planned; });
    if (next != facts_.steps.end() && host_away(job, *next)) return;
    if (next != facts_.steps.end() && next->attempt > 0) return retry(job, *next);
    if (!job.waits_for.empty())
      return add("wait", fmt::format("{} waits for {}{}", job_text(job), one_line(job.waits_for), until_text(job)), {},
                 job.id);
    if (job.state == job_state::queued || facts_.steps.empty())
      queued(job);
    else
      between_steps(job);
    at_work();
  }

  void held() {
    if (!facts_.marks.held) return;
    const auto& [id, what, why, since] = *facts_.marks.held;
    const auto who = fmt::format("({}) {}", one_line(why), since_text(since));
    switch (what) {
      case hold::pause:
        return add("paused",
                   fmt::format("nothing begins on it, and what users ask for waits: it is paused {}; regent "
                               "resume {} ends that",
                               who, id.text()),
                   {}, {}, {}, since);
      case hold::release:
        return add("released",
                   fmt::format("regent does not look after it: it is released {}; regent adopt {} takes it back", who,
                               id.text()),
                   {}, {}, {}, since);
      case hold::adopt:
        return add("adopted", fmt::format("its next job takes over what stands on its hosts {}", who), {}, {}, {},
                   since);
    }
  }

  void dead() {
    const auto& letter = facts_.marks.letter;
    if (!letter) return;
    auto text = fmt::format("job {} has failed, and nothing begins by itself until somebody decides (regent dead) {}",
                            letter->job.value(), since_text(letter->since));
    if (!letter->by.empty()) text += fmt::format("; it is asked for again ({})", one_line(letter->by));
    add("dead_letter", text, {}, letter->job, {}, letter->since);
  }

  void queued(const job& job) {
    const auto cause = job.cause.empty() ? "" : fmt::format(" ({})", one_line(job.cause));
    add("queued",
        fmt::format("{} is {} {} in lane {}{}", job_text(job), name(job.state), since_text(job.created), name(job.in),
                    cause),
        {}, job.id, {}, job.created);
  }

  void between_steps(const job& job) {
    const auto done = std::count_if(facts_.steps.begin(), facts_.steps.end(), [](const auto& each) {
      return each.state == step_state::done || each.state == step_state::skipped;
    });
    add("between_steps",
        fmt::format("{} has {} of {} steps done and is about to go on", job_text(job), done, facts_.steps.size()), {},
        job.id);
  }

  bool runs_under_way() {
    const auto before = causes_.size();
    for (const auto& each : facts_.steps) {
      if (each.state == step_state::sent) running(each);
      if (each.state == step_state::unknown) unknown(each);
    }
    return causes_.size() > before;
  }

  void running(const step& which) {
    const auto* where = host(which.host);
    if (where != nullptr && where->state != "up") return away_with(which, *where);
    const auto spent = which.started ? fmt::format(" for {}", age(*which.started)) : "";
    const auto stall = which.stall.count() > 0 ? fmt::format(" ({} without progress)", span_text(which.stall)) : "";
    const auto attempt = which.attempt > 1 ? fmt::format(", attempt {}", which.attempt) : "";
    add("step_running",
        fmt::format("{} runs on {}{}, deadline {}{}{}{}", step_text(which), which.host.value(), spent,
                    span_text(which.deadline), stall, attempt, sign_text(which)),
        which.host, which.job, which.index, which.started);
  }

  /// How far it says that it is, or at least that its host says that it goes on.
  std::string sign_text(const step& which) const {
    const auto found = facts_.runs.find(which.run);
    if (found == facts_.runs.end()) return {};
    const auto& [progress, heard] = found->second;
    return progress ? "; " + one_line(progress_text(*progress))
                    : fmt::format("; its host said {} ago that it goes on", span_text(heard));
  }

  void unknown(const step& which) {
    const auto* where = host(which.host);
    if (where != nullptr && where->state != "up") return away_with(which, *where);
    const auto then = where == nullptr ? "the host is not in the region file" : "the host is asked what became of it";
    add("outcome_unknown",
        fmt::format("the outcome of {} on {} is not known: {}{}", step_text(which), which.host.value(), then,
                    colon_reason(which.error)),
        which.host, which.job, which.index, which.started);
  }

  /// A step that may have reached its host, which is away now.
  void away_with(const step& which, const host_picture& where) {
    const auto job = open_job();
    add("host_down",
        fmt::format("waits for {} to return: {}{}; what became of {} is asked then", where.host.value(),
                    down_text(where), job ? until_text(*job) : "", step_text(which)),
        where.host, which.job, which.index, where.last_seen);
  }

  bool lease(const job& job) {
    const auto before = causes_.size();
    for (const auto& where : facts_.hosts)
      for (std::size_t i = 0; i < where.queue.size(); ++i)
        if (where.queue[i].job == job.id) lease_on(where, i);
    return causes_.size() > before;
  }

  /// `place` is that in the host's queue.
  void lease_on(const host_picture& where, std::size_t place) {
    const auto& claim = where.queue[place];
    const auto holder = holder_of(where, claim.scope);
    if (!where.cordon.empty() && !holder) return add("cordoned", closed_text(where), where.host, {}, {}, claim.since);
    if (!where.declines.empty() && !holder)
      return add("declines", fmt::format("waits for {} {}", where.host.value(), acceptance_of(where)), where.host, {},
                 {}, claim.since);
    auto text = fmt::format("waits for the lease of {}", where.host.value());
    if (!claim.scope.empty()) text += fmt::format(" (scope {})", one_line(claim.scope));
    if (holder) text += fmt::format(" held by {} for {}", owner_text(holder->job), age(holder->since));
    text += fmt::format(", {} in the queue before it", place);
    if (!holder && place == 0) text += ": it is next";
    if (where.state != "up") text += fmt::format("; {} is {}", where.host.value(), down_text(where));
    add("lease", text, where.host, holder ? holder->job : job_id{}, {}, claim.since);
  }

  static std::string closed_text(const host_picture& where) {
    const auto name = where.host.value();
    const auto why = one_line(where.cordon);
    if (where.how == closure::cordon) return fmt::format("waits for {} to be uncordoned ({})", name, why);
    return fmt::format("waits for {}, which is {} ({}), to be uncordoned", name,
                       service_of(where) == "maintenance" ? "in maintenance" : service_of(where), why);
  }

  std::string owner_text(job_id id) const {
    const auto known = facts_.others.find(id);
    return known == facts_.others.end() ? fmt::format("job {}", id.value())
                                        : fmt::format("job {} ({})", id.value(), known->second.resource.text());
  }

  /// The holder of the same scope, else any on that host; what the host itself says goes before the journal.
  std::optional<lease_claim> holder_of(const host_picture& where, const std::string& scope) const {
    auto held = where.held;
    for (const auto& each : facts_.leases)
      if (held.empty() && each.host == where.host) held.push_back({each.job, each.scope, {}, each.since});
    if (held.empty()) return std::nullopt;
    const auto same = std::find_if(held.begin(), held.end(), [&](const auto& each) { return each.scope == scope; });
    return same == held.end() ? held.front() : *same;
  }

  bool host_away(const job& job, const step& next) {
    const auto* where = host(next.host);
    if (where == nullptr) {
      add("host_down", fmt::format("{} needs {}, which is not in the region file", step_text(next), next.host.value()),
          next.host, job.id, next.index);
      return true;
    }
    if (where->state == "up") return false;
    add("host_down",
        fmt::format("waits for {} to return: {}{}; then comes {}", next.host.value(), down_text(*where),
                    until_text(job), step_text(next)),
        next.host, job.id, next.index, where->last_seen);
    return true;
  }

  void retry(const job& job, const step& next) {
    const auto code = next.exit_code ? fmt::format(" with exit {}", *next.exit_code) : "";
    add("retry",
        fmt::format("{} on {} failed{} in attempt {}{} and is tried again", step_text(next), next.host.value(), code,
                    next.attempt, colon_reason(next.error)),
        next.host, job.id, next.index, next.ended);
  }

  void at_rest() {
    const auto& what = facts_.what;
    switch (class_of(what.state)) {
      case state_class::error: return unresourced();
      case state_class::wants_work:
      case state_class::in_progress: return no_job();
      case state_class::ignored:
        return add("ignored", fmt::format("the cloud wants it left alone {}", since_text(what.changed)), {}, {}, {},
                   what.changed);
      case state_class::end:
        return add("closed", fmt::format("nothing: it is closed {}", since_text(what.changed)), {}, {}, {},
                   what.changed);
      case state_class::stable: break;
    }
    if (what.state == scrub_queue) return grace();
    add("none", fmt::format("nothing: it is {} {}", name(what.state), since_text(what.changed)), {}, {}, {},
        what.changed);
  }

  void grace() {
    const auto& due = facts_.what.due;
    std::string text = "waits for its grace period to end";
    if (due && *due <= facts_.now)
      text = fmt::format("its grace period ended at {}: its scrub is about to start", iso_text(*due));
    else if (due)
      text += fmt::format(" at {}, in {}; until then the cloud can take it back", iso_text(*due),
                          span_text(*due - facts_.now));
    add("grace", text, {}, {}, {}, facts_.what.changed);
  }

  /// Has work and no job: either its actor is about to open one, or the next poll or listing does, unless something is
  /// in the way.
  void no_job() {
    if (at_work()) return;
    add("no_job",
        fmt::format("no job is open for it yet; the next poll or listing of the cloud starts one ({} {})",
                    name(facts_.what.state), since_text(facts_.what.changed)),
        {}, {}, {}, facts_.what.changed);
    problem("cloud");
  }

  /// What the resource's own actor says of itself, if there is one.
  bool at_work() {
    for (const auto& actor : facts_.actors) {
      if (actor.type != "lifecycle" || actor.state.empty()) continue;
      const auto wait = actor.waits_for.empty() ? "" : ", waiting for " + one_line(actor.waits_for);
      add("at_work", fmt::format("it is being worked on: {}{}", one_line(actor.state), wait));
      return true;
    }
    return false;
  }

  void problem(std::string_view about) {
    for (const auto& [key, text] : facts_.problems)
      if (key == about) add("problem", fmt::format("{}{}", key, colon_reason(text)));
  }

  /// Standing problems of this resource: "record virtual_router/3".
  void own_problems() {
    for (const auto& [key, text] : facts_.problems)
      if (key.ends_with(' ' + facts_.what.id.text())) problem(key);
  }

  /// Neither seen nor complained of. A record without a readable id may be it, or its whole kind may be none of the
  /// cloud's.
  void unnamed(std::optional<wall_time> listed) {
    add("unnamed", listed ? fmt::format("the cloud has not named it (its list was read {} ago)", age(*listed))
                          : "the first listing of the cloud is not read yet");
    for (const auto* whose : {"?", "*"}) problem(fmt::format("listed {}/{}", facts_.what.id.kind, whose));
    problem("cloud");
  }

  void unresourced() {
    const auto& what = facts_.what;
    auto text = fmt::format("unresourced {}", since_text(what.changed));
    cause why{"unresourced", {}, {}, {}, {}, what.changed};
    const auto broken = std::find_if(facts_.steps.begin(), facts_.steps.end(), [](const auto& each) {
      return each.state == step_state::failed || each.state == step_state::unknown;
    });
    if (broken != facts_.steps.end()) {
      const auto& reason = broken->error.empty() ? what.reason : broken->error;
      text += fmt::format(": {} on {}{}{}", step_text(*broken), broken->host.value(),
                          broken->exit_code ? fmt::format(" exit {}", *broken->exit_code) : "", colon_reason(reason));
      text += one_line(undone_text(facts_.steps));
      why.host = broken->host;
      why.step = broken->index;
    } else {
      text += colon_reason(!what.reason.empty() ? what.reason : facts_.last ? facts_.last->error_message : "");
    }
    if (facts_.last) why.job = facts_.last->id;
    why.text = std::move(text);
    causes_.push_back(std::move(why));
  }

  void jobs_behind() {
    const auto explained = open_job();
    for (const auto& each : facts_.open)
      if (explained && each.id != explained->id)
        add("job_behind",
            fmt::format("{} is {} as well{}", job_text(each), name(each.state),
                        each.waits_for.empty() ? "" : ", waits for " + one_line(each.waits_for)),
            {}, each.id, {}, each.created);
  }

  void reports() {
    if (facts_.reports.empty()) return;
    const auto& first = facts_.reports.front();
    auto text = fmt::format("the report of {} is not yet delivered to the cloud {}", name(first.state),
                            since_text(first.created));
    if (facts_.reports.size() > 1) text += fmt::format(", {} more behind it", facts_.reports.size() - 1);
    for (const auto& actor : facts_.actors)
      if (actor.type == "reporter" && !actor.last_error.empty())
        text += fmt::format("; the reporter's last error{}", colon_reason(actor.last_error));
    add("report", text, {}, first.job, {}, first.created);
  }

  void busy_actors() {
    for (const auto& actor : facts_.actors)
      if (actor.busy_now >= busy_notable)
        add("actor_busy",
            fmt::format("the {} actor{} has been handling {} for {}", actor.type,
                        actor.key.empty() ? "" : " of " + actor.key, one_line(actor.last_message),
                        span_text(actor.busy_now)),
            {}, {}, {}, facts_.now - actor.busy_now);
  }

  const why_facts& facts_;
  std::vector<cause> causes_;
};
}  // namespace

std::optional<job> explained_job(const why_facts& facts) {
  if (facts.open.empty()) return facts.last;
  // A later state has got further; of two alike the older one goes first.
  return *std::max_element(facts.open.begin(), facts.open.end(), [](const job& a, const job& b) {
    return a.state != b.state ? a.state < b.state : a.id > b.id;
  });
}

namespace {
std::string sentence(const why_facts& facts, std::string_view is, const std::vector<cause>& causes) {
  auto said = fmt::format("{} is {}: ", facts.what.id.text(), is);
  for (std::size_t i = 0; i < causes.size(); ++i) said += (i == 0 ? "" : "; ") + causes[i].text;
  return said + '.';
}
}  // namespace

explanation explain(const why_facts& facts) {
  auto causes = reasons(facts).all();
  return {sentence(facts, name(facts.what.state), causes), std::move(causes)};
}

std::string explain_unknown(const why_facts& facts, std::optional<wall_time> listed) {
  return sentence(facts, "not in the journal", reasons(facts).of_unknown(listed));
}

}  // namespace regent
