// The live system's contract: every actor, and every message that it takes, with a sentence for each.
#pragma once

#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include "actors/messages.hpp"

namespace regent {

using lifecycle_actor = caf::typed_actor<
    /// The cloud's record of the resource, or why it could not be read.
    caf::reacts_to<record_answer>,
    /// The cloud accepted the state that was claimed, or refused it.
    caf::reacts_to<claim_answer>,
    /// The transaction with this tag is durable, or is refused by the journal.
    caf::reacts_to<commit_answer>,
    /// The throttles have room for the job, or not yet.
    caf::reacts_to<permit_granted>, caf::reacts_to<permit_waits>,
    /// The lease on one more host is ours.
    caf::reacts_to<lease_granted>,
    /// Others come first: there will be a wait for it.
    caf::reacts_to<lease_queued>,
    /// The lease is not to be had: the host has left the region file.
    caf::reacts_to<lease_denied>,
    /// The run cannot be sent or asked about now, and why.
    caf::reacts_to<run_waits>,
    /// How far the run says that it is; told again with every heartbeat of its host.
    caf::reacts_to<run_goes_on>,
    /// The run has an outcome.
    caf::reacts_to<run_ended>,
    /// An operator wants the job ended.
    caf::reacts_to<cancel_asked>,
    /// An operator says what became of the step that the job is stuck at.
    caf::reacts_to<mark_asked>,
    /// What was waited for may have come: look again.
    caf::reacts_to<woken>,
    /// A delay that the actor set for itself is over.
    caf::reacts_to<timer>>;

/// Whoever wants a host's lease.
using lease_asker = caf::typed_actor<caf::reacts_to<lease_granted>, caf::reacts_to<lease_queued>,
                                     caf::reacts_to<lease_denied>, caf::reacts_to<woken>>;

using tree_actor = caf::typed_actor<
    /// The transaction with this tag is durable, or is refused by the journal.
    caf::reacts_to<commit_answer>,
    /// A branch has come to its end.
    caf::reacts_to<branch_settled>,
    /// An operator wants all of it ended.
    caf::reacts_to<cancel_asked>,
    /// A host that the root holds while its branches run is ours, or will be, or is not to be had, or is to be asked for anew.
    caf::reacts_to<lease_granted>, caf::reacts_to<lease_queued>, caf::reacts_to<lease_denied>, caf::reacts_to<woken>,
    /// Now and then: deadlines, and whether what is waited for has come.
    caf::reacts_to<tick>>;

struct lease_wanted {
  job_id job;
  job_id root;  ///< whoever holds the whole host for this root is not in its way
  std::string scope;
  lane in = lane::user;
  bool begun = false;  ///< it has done something already: a cordon does not stop it
  lease_asker asker;
};
struct run_wanted {
  std::shared_ptr<const run_request> request;
  bool resumed = false;      ///< sent before by somebody: ask the host first
  std::string boot_at_send;  ///< resumed only
  lifecycle_actor owner;
};
struct record_wanted {
  resource_id id;
  lane in = lane::user;
  lifecycle_actor asker;
};
struct claim_wanted {
  resource_id id;
  lifecycle_state state;
  lifecycle_actor asker;
};
/// Whoever waits for a commit.
using commit_asker = caf::typed_actor<caf::reacts_to<commit_answer>>;
struct commit_wanted {
  std::shared_ptr<transaction> what;
  std::uint64_t tag = 0;
  commit_asker asker;                                          ///< null: nobody waits for it
  std::function<void(const std::optional<error>&)> done = {};  ///< called on the journal's thread, once it is decided
};

using host_actor = caf::typed_actor<
    /// Queue for a lease; answered by lease_granted when it is held, or by lease_denied; if not at once, by lease_queued first.
    caf::reacts_to<lease_wanted>,
    /// The lease, or the wait for it, ends. Its end is committed already.
    caf::reacts_to<lease_end>,
    /// Carry out a run whose intent is committed; answered by run_ended, once.
    caf::reacts_to<run_wanted>,
    /// The owner gives up waiting: answered by run_ended with what is known.
    caf::reacts_to<run_withdrawn>,
    /// End the run on the host, if it can be reached; its owner hears of the end as of any.
    caf::reacts_to<run_cancelled>,
    /// No new job may begin here, or may again.
    caf::reacts_to<cordon_changed>,
    /// Nobody is known who may still begin here: if nothing is held, nobody is let in from now on. Then, once that is durable: it
    /// may be said that the host is drained.
    caf::reacts_to<drain_over>,
    /// The outcomes are committed: the host may forget these runs.
    caf::reacts_to<runs_committed>,
    /// From the I/O threads: the channel is up (again), is down, answered a heartbeat, tells of a run.
    caf::reacts_to<channel_up>, caf::reacts_to<channel_down>, caf::reacts_to<channel_alive>,
    caf::reacts_to<channel_report>,
    /// The region file has other words for this host, or none.
    caf::reacts_to<host_config_changed>,
    /// From itself: its leases have changed a while ago, and are to be told.
    caf::reacts_to<leases_due>,
    /// Once a second, while something runs or waits: overdue answers, ageing of the queue.
    caf::reacts_to<tick>>;

using journal_actor = caf::typed_actor<
    /// Commit this, all or nothing, with whatever else has queued; answered by commit_answer.
    caf::reacts_to<commit_wanted>,
    /// From itself: commit what has queued.
    caf::reacts_to<tick>>;

using reader_actor = caf::typed_actor<
    /// Read one whole record from the cloud; answered by record_answer.
    caf::reacts_to<record_wanted>,
    /// Set a state that decides between us and a user, before anything is done; answered by claim_answer.
    caf::reacts_to<claim_wanted>,
    /// Ask the cloud for something as a user would; answered through it.
    caf::reacts_to<wish_wanted>,
    /// From itself: read the next record, users' first.
    caf::reacts_to<tick>>;

using region_actor = caf::typed_actor<
    /// First of all: what the last reign left, to be taken up at once.
    caf::reacts_to<reign_begun>,
    /// A page of truth from a listing.
    caf::reacts_to<heads_seen>,
    /// The poll says that these may have work.
    caf::reacts_to<hinted>,
    /// A job asks whether the throttles let it begin; answered by permit_granted, once they do, and by permit_waits before.
    caf::reacts_to<permit_wanted>,
    /// It takes no room under them for a while, or does again.
    caf::reacts_to<permit_rests>,
    /// It gives it back; and what follows for others.
    caf::reacts_to<permit_returned>, caf::reacts_to<permits_freed>,
    /// A lifecycle actor has come to rest, with what it leaves.
    caf::reacts_to<settled>,
    /// States of a resource are on their way to the cloud.
    caf::reacts_to<reports_queued>,
    /// One of them has arrived, or was refused.
    caf::reacts_to<report_settled>,
    /// A job asks the cloud to accept a state; what others of its project come to may be what it waits for.
    caf::reacts_to<claim_begins>,
    /// A host became reachable, with this boot id.
    caf::reacts_to<host_reachable>,
    /// The region file was read again and is good.
    caf::reacts_to<config_changed>,
    /// An operator's word; answered through it.
    caf::reacts_to<operator_asked>,
    /// Somebody wants a tree of jobs, or the same of many resources, which is one; answered through it.
    caf::reacts_to<tree_asked>, caf::reacts_to<bulk_asked>,
    /// The tree is durable: its actor is spawned.
    caf::reacts_to<tree_begun>,
    /// A tree has come to its end.
    caf::reacts_to<tree_over>,
    /// A branch wants a job of its own, or no longer.
    caf::reacts_to<branch_wanted>, caf::reacts_to<branch_unwanted>,
    /// From itself: how that was answered.
    caf::reacts_to<branch_answered>,
    /// Once a second: grace periods, retries.
    caf::reacts_to<tick>,
    /// Put all to rest: what is open stays open in the journal.
    caf::reacts_to<stop>>;

using scheduler_actor = caf::typed_actor<
    /// The region file was read again and is good.
    caf::reacts_to<config_changed>,
    /// An operator's word about a schedule; answered through it.
    caf::reacts_to<operator_asked>,
    /// What was to be committed for a schedule is, or is refused.
    caf::reacts_to<schedule_settled>,
    /// From itself, once a second: is something due?
    caf::reacts_to<tick>>;

using poller_actor = caf::typed_actor<
    /// From itself: ask for changes, and list when a listing is due.
    caf::reacts_to<tick>>;

using reporter_actor = caf::typed_actor<
    /// These are durable: tell the cloud, in order per resource.
    caf::reacts_to<reports_committed>,
    /// From itself: deliver what is due.
    caf::reacts_to<timer>>;

using sink_actor = caf::typed_actor<
    /// The region file was read again: its words for this sink, or none.
    caf::reacts_to<sink_config_changed>,
    /// From itself: look for events, and send what is wanted.
    caf::reacts_to<tick>>;

}  // namespace regent

#define REGENT_MESSAGE(name) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(regent::name)
REGENT_MESSAGE(record_answer)
REGENT_MESSAGE(claim_answer)
REGENT_MESSAGE(commit_answer)
REGENT_MESSAGE(lease_granted)
REGENT_MESSAGE(permit_granted)
REGENT_MESSAGE(permit_waits)
REGENT_MESSAGE(permit_wanted)
REGENT_MESSAGE(permit_rests)
REGENT_MESSAGE(permit_returned)
REGENT_MESSAGE(permits_freed)
REGENT_MESSAGE(leases_due)
REGENT_MESSAGE(wish_wanted)
REGENT_MESSAGE(claim_begins)
REGENT_MESSAGE(lease_denied)
REGENT_MESSAGE(lease_queued)
REGENT_MESSAGE(run_waits)
REGENT_MESSAGE(run_goes_on)
REGENT_MESSAGE(run_ended)
REGENT_MESSAGE(woken)
REGENT_MESSAGE(cancel_asked)
REGENT_MESSAGE(mark_asked)
REGENT_MESSAGE(timer)
REGENT_MESSAGE(lease_wanted)
REGENT_MESSAGE(lease_end)
REGENT_MESSAGE(run_wanted)
REGENT_MESSAGE(run_withdrawn)
REGENT_MESSAGE(run_cancelled)
REGENT_MESSAGE(cordon_changed)
REGENT_MESSAGE(drain_over)
REGENT_MESSAGE(runs_committed)
REGENT_MESSAGE(channel_up)
REGENT_MESSAGE(channel_down)
REGENT_MESSAGE(channel_alive)
REGENT_MESSAGE(channel_report)
REGENT_MESSAGE(record_wanted)
REGENT_MESSAGE(claim_wanted)
REGENT_MESSAGE(commit_wanted)
REGENT_MESSAGE(reign_begun)
REGENT_MESSAGE(heads_seen)
REGENT_MESSAGE(hinted)
REGENT_MESSAGE(settled)
REGENT_MESSAGE(reports_queued)
REGENT_MESSAGE(report_settled)
REGENT_MESSAGE(host_reachable)
REGENT_MESSAGE(host_config_changed)
REGENT_MESSAGE(config_changed)
REGENT_MESSAGE(operator_asked)
REGENT_MESSAGE(schedule_settled)
REGENT_MESSAGE(tree_asked)
REGENT_MESSAGE(bulk_asked)
REGENT_MESSAGE(tree_begun)
REGENT_MESSAGE(tree_over)
REGENT_MESSAGE(branch_wanted)
REGENT_MESSAGE(branch_unwanted)
REGENT_MESSAGE(branch_answered)
REGENT_MESSAGE(branch_settled)
REGENT_MESSAGE(reports_committed)
REGENT_MESSAGE(sink_config_changed)
REGENT_MESSAGE(tick)
REGENT_MESSAGE(stop)
#undef REGENT_MESSAGE

CAF_BEGIN_TYPE_ID_BLOCK(regent, first_custom_type_id)
CAF_ADD_TYPE_ID(regent, (regent::record_answer))
CAF_ADD_TYPE_ID(regent, (regent::claim_answer))
CAF_ADD_TYPE_ID(regent, (regent::commit_answer))
CAF_ADD_TYPE_ID(regent, (regent::lease_granted))
CAF_ADD_TYPE_ID(regent, (regent::permit_granted))
CAF_ADD_TYPE_ID(regent, (regent::permit_waits))
CAF_ADD_TYPE_ID(regent, (regent::permit_wanted))
CAF_ADD_TYPE_ID(regent, (regent::permit_rests))
CAF_ADD_TYPE_ID(regent, (regent::permit_returned))
CAF_ADD_TYPE_ID(regent, (regent::permits_freed))
CAF_ADD_TYPE_ID(regent, (regent::leases_due))
CAF_ADD_TYPE_ID(regent, (regent::wish_wanted))
CAF_ADD_TYPE_ID(regent, (regent::claim_begins))
CAF_ADD_TYPE_ID(regent, (regent::lease_denied))
CAF_ADD_TYPE_ID(regent, (regent::lease_queued))
CAF_ADD_TYPE_ID(regent, (regent::run_waits))
CAF_ADD_TYPE_ID(regent, (regent::run_goes_on))
CAF_ADD_TYPE_ID(regent, (regent::run_ended))
CAF_ADD_TYPE_ID(regent, (regent::woken))
CAF_ADD_TYPE_ID(regent, (regent::cancel_asked))
CAF_ADD_TYPE_ID(regent, (regent::mark_asked))
CAF_ADD_TYPE_ID(regent, (regent::timer))
CAF_ADD_TYPE_ID(regent, (regent::lease_wanted))
CAF_ADD_TYPE_ID(regent, (regent::lease_end))
CAF_ADD_TYPE_ID(regent, (regent::run_wanted))
CAF_ADD_TYPE_ID(regent, (regent::run_withdrawn))
CAF_ADD_TYPE_ID(regent, (regent::run_cancelled))
CAF_ADD_TYPE_ID(regent, (regent::cordon_changed))
CAF_ADD_TYPE_ID(regent, (regent::drain_over))
CAF_ADD_TYPE_ID(regent, (regent::runs_committed))
CAF_ADD_TYPE_ID(regent, (regent::channel_up))
CAF_ADD_TYPE_ID(regent, (regent::channel_down))
CAF_ADD_TYPE_ID(regent, (regent::channel_alive))
CAF_ADD_TYPE_ID(regent, (regent::channel_report))
CAF_ADD_TYPE_ID(regent, (regent::record_wanted))
CAF_ADD_TYPE_ID(regent, (regent::claim_wanted))
CAF_ADD_TYPE_ID(regent, (regent::commit_wanted))
CAF_ADD_TYPE_ID(regent, (regent::heads_seen))
CAF_ADD_TYPE_ID(regent, (regent::hinted))
CAF_ADD_TYPE_ID(regent, (regent::settled))
CAF_ADD_TYPE_ID(regent, (regent::reports_queued))
CAF_ADD_TYPE_ID(regent, (regent::report_settled))
CAF_ADD_TYPE_ID(regent, (regent::host_reachable))
CAF_ADD_TYPE_ID(regent, (regent::config_changed))
CAF_ADD_TYPE_ID(regent, (regent::operator_asked))
CAF_ADD_TYPE_ID(regent, (regent::schedule_settled))
CAF_ADD_TYPE_ID(regent, (regent::tree_asked))
CAF_ADD_TYPE_ID(regent, (regent::bulk_asked))
CAF_ADD_TYPE_ID(regent, (regent::tree_begun))
CAF_ADD_TYPE_ID(regent, (regent::tree_over))
CAF_ADD_TYPE_ID(regent, (regent::branch_wanted))
CAF_ADD_TYPE_ID(regent, (regent::branch_unwanted))
CAF_ADD_TYPE_ID(regent, (regent::branch_answered))
CAF_ADD_TYPE_ID(regent, (regent::branch_settled))
CAF_ADD_TYPE_ID(regent, (regent::reports_committed))
CAF_ADD_TYPE_ID(regent, (regent::sink_config_changed))
CAF_ADD_TYPE_ID(regent, (regent::tick))
CAF_ADD_TYPE_ID(regent, (regent::stop))
CAF_END_TYPE_ID_BLOCK(regent)
