// Trees of jobs, as the region sees them: it makes roots, and gives branches that want a job the resources' lifecycle actors.
#include "actors/lifecycle_rows.hpp"
#include "actors/region_work.hpp"
#include "persistence/bulk_expansion.hpp"

namespace regent {

bool region_work::knows(const resource_id& id) const {
  const auto found = self_->state.entries.find(id);
  return found != self_->state.entries.end() && !found->second.row.id.empty();
}

result<void> region_work::check(const branch& what) const {
  const auto missing = [&](const std::string& thing) -> failure {
    return fail(error_kind::permanent, "not_found", "branch {}: there is no {} here", what.name, thing);
  };
  switch (what.work) {
    case branch_work::retry:
    case branch_work::mend:
    case branch_work::scrub:
    case branch_work::restore:
    case branch_work::until_state: {
      const auto id = resource_id::parse(what.subject);
      return id && knows(*id) ? result<void>{} : missing(what.subject);
    }
    case branch_work::cancel:
    case branch_work::until_job: {
      const auto known = context_->job_of(job_id(std::stoll(what.subject)));
      if (!known) return failure(known.error());
      return *known ? result<void>{} : missing("job " + what.subject);
    }
    case branch_work::cordon:
    case branch_work::uncordon:
      return directory_->host(host_id(what.subject)) ? result<void>{} : missing("host " + what.subject);
    default: return {};
  }
}

result<void> region_work::check(const tree_order& order) const {
  for (const auto& host : order.settings.hold)
    if (!directory_->host(host))
      return fail(error_kind::permanent, "not_found", "hold: there is no host {} in the region file", host.value());
  for (const auto& one : order.branches)
    if (auto sound = check(one); !sound) return sound;
  return {};
}

void region_work::asked(const bulk_asked& message) {
  auto reader = context_->open_reader();
  if (!reader) return message.answer(tl::unexpected(reader.error()));
  auto order = expand(message.what, **reader, context_->kinds->needs());
  if (!order) return message.answer(tl::unexpected(order.error()));
  order->in = message.in;
  const auto cause = message.by.empty() ? message.cause : fmt::format("{} ({})", message.cause, message.by);
  asked(tree_asked{std::make_shared<const tree_order>(std::move(*order)), cause, message.with, message.answer});
}

/// The root, its tree and all its branches are one transaction: then the work begins.
void region_work::asked(const tree_asked& message) {
  if (at().stopping) return message.answer(fail(error_kind::conflict, "stopping", "the daemon is about to stop"));
  if (auto sound = check(*message.order); !sound) return message.answer(tl::unexpected(sound.error()));
  auto rows = std::make_shared<tree_rows>();
  auto& root = rows->root;
  root.id = root.root = context_->next_job();
  root.resource = {std::string(tree_kind), std::to_string(root.id.value())};
  root.state = job_state::waiting;  // for its branches: itself it does nothing
  root.in = message.order->in;
  root.cause = message.cause;
  root.created = context_->time.wall();
  root.started = root.created;
  root.deadline = message.order->deadline;
  root.waits_for = message.order->settings.hold.empty() ? "its first branches to begin" : "the hosts that it holds";
  root.wait_deadline = root.created + root.deadline;
  rows->settings = message.order->settings;
  rows->settings.root = root.id;
  rows->branches = message.order->branches;
  const auto sentence =
      fmt::format("job {}: {}, {} branches", root.id.value(), rows->settings.name, rows->branches.size());
  transaction change{root, rows->settings};
  for (auto& one : rows->branches) {
    one.root = root.id;
    change.push_back(one);
  }
  change.push_back(event_of(event_topic::job_started, root,
                            fmt::format("{}: {}, {} branches", root.cause, rows->settings.name, rows->branches.size()),
                            context_->time.wall()));
  for (auto one : message.with) {
    if (auto* mark = std::get_if<schedule_mark>(&one)) mark->job = root.id;
    change.push_back(std::move(one));
  }
  caf::anon_send(directory_->journal,
                 commit_wanted{std::make_shared<transaction>(std::move(change)),
                               0,
                               {},
                               [answer = message.answer, sentence, rows,
                                region = directory_->region](const std::optional<error>& no) {
                                 if (!no) caf::anon_send(region, tree_begun{rows});
                                 if (answer) answer(no ? result<std::string>(tl::unexpected(*no)) : sentence);
                               }});
}

void region_work::begin(const tree_begun& message) {
  if (!at().stopping) spawn_tree(message.rows);
}

void region_work::spawn_tree(std::shared_ptr<const tree_rows> rows) {
  const auto root = rows->root.id;
  at().trees[root] = self_->spawn<caf::monitored>(run_tree, context_, directory_, std::move(rows));
}

/// What an earlier reign left: roots go on, and resources know for which branch they are at work.
void region_work::start_trees(const journal_contents& open) {
  std::map<job_id, std::shared_ptr<tree_rows>> found;
  std::set<job_id> at_work;
  for (const auto& one : open.jobs) at_work.insert(one.id);
  for (const auto& one : open.jobs)
    if (is_tree(one)) found[one.id] = std::make_shared<tree_rows>(tree_rows{one, {}, {}});
  for (const auto& one : open.trees)
    if (const auto root = found.find(one.root); root != found.end()) root->second->settings = one;
  for (const auto& one : open.branches) {
    if (const auto root = found.find(one.root); root != found.end()) root->second->branches.push_back(one);
    if (one.state == branch_state::started && has_job(one.work) && at_work.contains(one.job))
      entry(*resource_id::parse(one.subject)).of = one;
  }
  for (auto& [root, rows] : found) spawn_tree(std::move(rows));
}

bool region_work::tree_died(const caf::actor_addr& who) {
  const auto found =
      std::find_if(at().trees.begin(), at().trees.end(), [&](const auto& one) { return one.second.address() == who; });
  if (found == at().trees.end()) return false;
  const auto root = found->first;
  at().trees.erase(found);
  if (at().stopping) return true;
  log::error("tree of job {}: its actor died; it is taken up again from the journal", root.value());
  at().dead_trees.emplace(context_->time.steady() + limits::tree_taken_up_after, root);
  return true;
}

/// Those whose actor died a while ago. What cannot be read now is looked at again.
void region_work::take_up_trees() {
  const auto now = context_->time.steady();
  while (!at().dead_trees.empty() && at().dead_trees.begin()->first <= now) {
    const auto root = at().dead_trees.extract(at().dead_trees.begin()).mapped();
    const auto known = context_->job_of(root);
    const auto rows = context_->tree_of(root);
    if (!known || !rows || !*known) {
      log::error("tree of job {}: it cannot be read; it is looked at again", root.value());
      at().dead_trees.emplace(now + limits::tree_taken_up_after, root);
    } else if (is_open((*known)->state)) {
      spawn_tree(std::make_shared<const tree_rows>(tree_rows{**known, rows->first, rows->second}));
    }
  }
}

void region_work::wanted(const branch_wanted& message) {
  const auto id = *resource_id::parse(message.what.subject);
  auto& one = entry(id);
  const auto is_it = [&](const branch& other) {
    return other.root == message.what.root && other.number == message.what.number;
  };
  if ((one.of && is_it(*one.of)) ||
      std::any_of(one.branches.begin(), one.branches.end(), [&](const auto& other) { return is_it(other.what); }))
    return;
  one.branches.push_back(message);
  next_branch(id);
}

/// The next branch that waits for this resource, if it is at rest.
void region_work::next_branch(const resource_id& id) {
  const auto& one = entry(id);
  if (at().stopping || one.of || one.branches.empty() || one.known.busy || one.unfinished ||
      one.known.reports_pending > 0)
    return;
  begin_branch(id);
}

void region_work::begin_branch(const resource_id& id) {
  auto& one = entry(id);
  const auto wanted = one.branches.front();
  one.branches.erase(one.branches.begin());
  one.of = wanted.what;
  const bool stands = one.known.state == running || one.known.state == quiesced;
  if (wanted.what.work == branch_work::mend) {
    if (!stands)
      return end_branch(id, branch_state::skipped,
                        fmt::format("{} is {}: there is nothing to mend", id.text(), name(one.known.state)));
    if (is_held(id))
      return end_branch(id, branch_state::skipped,
                        fmt::format("nothing begins on {}: {}", id.text(), at().holds.at(id).why));
    if (is_paused(id))
      return end_branch(id, branch_state::skipped, id.text() + " is paused; regent why " + id.text() + " says by whom");
    return wake(id, wanted.cause, wanted.in, {}, {}, {}, true);
  }
  if (is_wish(wanted.what.work)) return begin_wish(id, wanted);
  operator_command command;
  command.what = operator_verb::retry;
  command.resource = id;
  command.by = wanted.cause;
  asked(operator_asked{std::move(command), [region = directory_->region, wanted, id](const result<std::string>& said) {
                         caf::anon_send(region,
                                        branch_answered{id, wanted, said ? std::nullopt : std::optional(said.error()),
                                                        said ? *said : std::string()});
                       }});
}

namespace {

/// What a wish is for has come.
bool is_there(branch_work wish, lifecycle_state state) {
  return wish == branch_work::scrub ? state == scrub_queue || state == closed : state == running || state == quiesced;
}

/// From where the cloud lets a user ask for it.
bool may_be_asked(branch_work wish, lifecycle_state state) {
  return wish == branch_work::scrub ? state == running || state == quiesced : state == scrub_queue;
}

std::string went_another_way(const region_entry& one) {
  return fmt::format("{} is {}: the cloud has gone another way", one.row.id.text(), name(one.known.state));
}

}  // namespace

/// The cloud's word comes first: what follows is what follows of any user's wish, and its job is the branch's.
void region_work::begin_wish(const resource_id& id, const branch_wanted& wanted) {
  auto& one = entry(id);
  const auto what = wanted.what.work;
  // Its job has ended already, in an earlier reign, and what has come of it since is not asked for twice.
  if (!wanted.what.job.empty())
    return is_there(what, one.known.state)
               ? end_branch(id, branch_state::done, fmt::format("{} is {}", id.text(), name(one.known.state)),
                            wanted.what.job)
               : end_branch(id, branch_state::failed, went_another_way(one), wanted.what.job);
  if (is_there(what, one.known.state))
    return end_branch(id, branch_state::skipped,
                      fmt::format("{} is {}: there is nothing to {}", id.text(), name(one.known.state), name(what)));
  if (!may_be_asked(what, one.known.state))
    return end_branch(
        id, branch_state::failed,
        fmt::format("{} is {}: no {} of it can be asked for", id.text(), name(one.known.state), name(what)));
  if (is_held(id))
    return end_branch(id, branch_state::failed,
                      fmt::format("nothing begins on {}: {}", id.text(), at().holds.at(id).why));
  if (is_paused(id))
    return end_branch(id, branch_state::failed, id.text() + " is paused; regent why " + id.text() + " says by whom");
  one.asking = true;
  ask_cloud(id, wanted);
}

void region_work::ask_cloud(const resource_id& id, const branch_wanted& wanted) {
  caf::anon_send(
      directory_->reader,
      wish_wanted{
          id, wanted.what.work == branch_work::scrub ? scrub : restart,
          [region = directory_->region, wanted, id](const result<void>& said) {
            caf::anon_send(region, branch_answered{id, wanted, said ? std::nullopt : std::optional(said.error()), {}});
          }});
}

void region_work::wished(const branch_answered& message) {
  auto& one = entry(message.id);
  if (message.refused && message.refused->kind == error_kind::transient) {
    log::warn("{}: the cloud could not be asked to {} it, and is asked again: {}", message.id.text(),
              name(message.wanted.what.work), message.refused->text());
    at().wishes_put_off.emplace(context_->time.steady() + limits::wish_again, message.wanted);
    return;
  }
  one.asking = false;
  if (message.refused) return end_branch(message.id, branch_state::failed, message.refused->text());
  if (one.known.busy || one.known.reports_pending > 0)
    one.look_again = message.wanted.cause;
  else if (!wish_came(message.id))
    wake(message.id, message.wanted.cause, message.wanted.in);
}

/// Those whose branch is still under way.
void region_work::ask_again_for_wishes() {
  auto& later = at().wishes_put_off;
  while (!later.empty() && later.begin()->first <= context_->time.steady()) {
    const auto wanted = later.extract(later.begin()).mapped();
    const auto id = *resource_id::parse(wanted.what.subject);
    const auto& of = entry(id).of;
    if (of && of->root == wanted.what.root && of->number == wanted.what.number) ask_cloud(id, wanted);
  }
}

/// What the branch had asked the cloud for is there, and the cloud knows: what comes after it may count on that.
bool region_work::wish_came(const resource_id& id) {
  const auto& one = entry(id);
  if (!one.of || !is_wish(one.of->work) || one.asking || one.known.busy || one.known.reports_pending > 0 ||
      !is_there(one.of->work, one.known.state))
    return false;
  end_branch(id, branch_state::done, fmt::format("{} is {}", id.text(), name(one.known.state)), one.of->job);
  return true;
}

/// A lifecycle actor has rested, and this branch's wish is not there: its job has failed, or another came first.
void region_work::wish_rested(const resource_id& id, const settled& message) {
  auto& one = entry(id);
  const auto* job = message.ended && message.ended->root == one.of->root ? message.ended.get() : nullptr;
  if (job != nullptr) one.of->job = job->id;
  if (job != nullptr && job->state != job_state::succeeded)
    return end_branch(id, job->state == job_state::cancelled ? branch_state::cancelled : branch_state::failed,
                      job->error_message, job->id);
  if (one.asking || wish_came(id) || is_there(one.of->work, one.known.state)) return;  // the cloud is still to be told
  if (!message.row || message.again_in || one.known.reports_pending > 0 || !one.look_again.empty()) return;
  if (auto again = std::exchange(one.unasked, std::nullopt)) {
    again->resumed = false;
    one.of.reset();
    one.branches.insert(one.branches.begin(), std::move(*again));
    return;  // it is the next
  }
  end_branch(id, branch_state::failed, went_another_way(one));
}

/// A retry's job comes by itself, once the cloud has been asked; what is closed has none of its own.
void region_work::answered(const branch_answered& message) {
  const auto& one = entry(message.id);
  const auto& about = message.wanted.what;
  if (!one.of || one.of->root != about.root || one.of->number != about.number) return;
  if (is_wish(about.work)) return wished(message);
  if (message.refused)
    end_branch(message.id, message.refused->code == "nothing_to_retry" ? branch_state::skipped : branch_state::failed,
               message.refused->message);
  else if (one.known.state == closed)
    end_branch(message.id, branch_state::done, message.said);
}

void region_work::unwanted(const branch_unwanted& message) {
  const auto id = *resource_id::parse(message.what.subject);
  auto& one = entry(id);
  const auto is_it = [&](const branch& other) {
    return other.root == message.what.root && other.number == message.what.number;
  };
  const auto queued =
      std::find_if(one.branches.begin(), one.branches.end(), [&](const auto& other) { return is_it(other.what); });
  if (queued != one.branches.end()) {
    one.branches.erase(queued);
    if (const auto tree = at().trees.find(message.what.root); tree != at().trees.end())
      caf::anon_send(tree->second, branch_settled{message.what.number, branch_state::cancelled, message.by, {}});
    return;
  }
  if (!one.of || !is_it(*one.of)) return;
  auto open = context_->open_job_of(id);
  if (!open) return log::error("{}: {}", id.text(), open.error().text());
  const bool is_its = *open && (*open)->job.root == one.of->root;
  // Its job may be on its way into the journal, or not be made yet: whoever makes it decides, and comes to rest then.
  if (!*open && one.known.busy && one.actor) {
    one.unwanted = message.by;
    return caf::anon_send(one.actor, cancel_asked{{}, message.by, [](const result<std::string>&) {}});
  }
  if (!is_its)
    return end_branch(id, branch_state::cancelled,
                      message.by + (one.asking ? "; the cloud may have been asked for it all the same" : ""));
  operator_command command;
  command.what = operator_verb::cancel;
  command.job = (*open)->job.id;
  command.resource = id;
  command.by = message.by;
  asked(operator_asked{std::move(command), [id](const result<std::string>& said) {
                         if (!said) log::info("{}: {}", id.text(), said.error().text());
                       }});
}

/// A lifecycle actor has rested: with the branch's job done, or with nothing to do for it.
void region_work::branch_rested(const resource_id& id, const settled& message) {
  auto& one = entry(id);
  if (!one.of) return;
  if (!one.unwanted.empty() && !(message.ended && message.ended->root == one.of->root))
    return end_branch(id, branch_state::cancelled, std::string(one.unwanted));
  if (is_wish(one.of->work)) return wish_rested(id, message);
  if (message.ended && message.ended->root == one.of->root) {
    const auto& job = *message.ended;
    const auto how = job.state == job_state::succeeded   ? branch_state::done
                     : job.state == job_state::cancelled ? branch_state::cancelled
                                                         : branch_state::failed;
    return end_branch(
        id, how, job.degraded && job.error_message.empty() ? "degraded: " + one.row.reason : job.error_message, job.id);
  }
  if (!message.row || message.again_in || one.known.reports_pending > 0 || !one.look_again.empty()) return;
  end_branch(id, one.row.state == unresourced ? branch_state::failed : branch_state::skipped,
             fmt::format("nothing was done: {} is {}", id.text(), name(one.row.state)));
}

void region_work::end_branch(const resource_id& id, branch_state how, std::string told, job_id job) {
  auto& one = entry(id);
  const auto ended = *std::exchange(one.of, std::nullopt);
  one.asking = false;
  if (!is_wish(ended.work)) one.mends = false;  // with a wish it is somebody else's
  one.unwanted.clear();
  one.unasked.reset();
  if (const auto tree = at().trees.find(ended.root); tree != at().trees.end())
    caf::anon_send(tree->second, branch_settled{ended.number, how, std::move(told), job});
  next_branch(id);
}

}  // namespace regent
