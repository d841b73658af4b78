// The thin base of every actor: stamps each message's arrival, begin and end in a probe that other threads can read.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actors/interfaces.hpp"
#include "base/log.hpp"
#include "base/probe.hpp"

namespace regent {

/// CAF's settings for regent: the sharing scheduler has no idle wake-ups, and no mailbox may yield its worker for ever.
class actor_config : public caf::actor_system_config {
 public:
  explicit actor_config(probe_registry& registry) : probes(registry) {
    add_message_types<caf::id_block::regent>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    set("scheduler.max-throughput", std::size_t{100});
  }
  probe_registry& probes;
};

/// "regent::run_ended" for the element's first value; the name of a message as people see it.
std::string_view message_name(const caf::mailbox_element* element);

/// The text of whatever was thrown.
std::string exception_text(const std::exception_ptr& thrown);

template <class Interface>
class probed : public Interface::base {
 public:
  explicit probed(caf::actor_config& config)
      : Interface::base(config), probe_(dynamic_cast<const actor_config&>(this->system().config()).probes.add({}, {})) {
    this->set_exception_handler([this](std::exception_ptr& thrown) -> caf::error {
      log::error("actor {} failed: {}", this->name(), exception_text(thrown));
      return caf::sec::runtime_error;
    });
  }

  probe& seen_as() { return *probe_; }

  using Interface::base::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    probe_->enqueued(std::chrono::steady_clock::now());
    Interface::base::enqueue(std::move(element), unit);
  }

  /// One message at a time, so that each can be stamped. After a result other than resume_later this object may be gone
  /// or at work on another thread: only the local probe is touched then.
  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t most) override {
    const auto held = probe_;
    auto outcome = caf::resumable::resume_later;
    for (std::size_t count = 0; count < most && outcome == caf::resumable::resume_later; ++count) {
      held->begun(message_name(this->peek_at_next_mailbox_element()), std::chrono::steady_clock::now());
      outcome = Interface::base::resume(unit, 1);
      held->ended(std::chrono::steady_clock::now());
    }
    return outcome;
  }

 private:
  std::shared_ptr<probe> probe_;
};

/// The self pointer of an actor with this interface and state.
template <class Interface, class State>
using shell = caf::stateful_actor<State, probed<Interface>>;

}  // namespace regent
