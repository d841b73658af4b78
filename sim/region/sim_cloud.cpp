#include "sim/region/sim_cloud.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace regent::sim {

class sim_cloud_client final : public cloud {
 public:
  explicit sim_cloud_client(sim_cloud& all) : all_(all) {}

  result<std::vector<resource_id>> changes() override {
    if (auto down = weather()) return failure(*down);
    std::vector<resource_id> told;
    for (const auto& id : all_.news_)
      if (!all_.dice_.chance(all_.weather.loses_news)) told.push_back(id);
    all_.news_.clear();  // told once
    if (auto lost = reply()) return failure(*lost);
    return told;
  }
  result<void> acknowledge_changes() override {
    if (auto down = weather()) return failure(*down);
    return {};
  }
  result<cloud_listing> list(const std::string& kind, const std::vector<lifecycle_state>& states) override {
    if (auto down = weather()) return failure(*down);
    cloud_listing all;
    for (const auto& [id, one] : all_.records_) {
      if (id.kind != kind || std::find(states.begin(), states.end(), one.state) == states.end()) continue;
      if (one.malformed)
        all.bad.push_back({id.text(), "networks.0.vlan", "\"x\" is no number"});
      else
        all.heads.push_back(head(id, one));
    }
    return all;
  }
  result<record> read(const resource_id& id) override {
    if (auto down = weather()) return failure(*down);
    const auto found = all_.records_.find(id);
    if (found == all_.records_.end()) return fail(error_kind::permanent, "cloud_not_found", "{}", id.text());
    if (found->second.malformed)
      return fail(error_kind::permanent, "record_malformed", "{}: networks.0.vlan", id.text());
    record whole;
    whole.head = head(id, found->second);
    whole.name = id.text();
    whole.grace = std::chrono::minutes(20);
    whole.document = *parse_json(fmt::format(R"({{"v":{}}})", found->second.value));
    return whole;
  }
  result<void> ask(const resource_id& id, lifecycle_state wish) override {
    if (auto down = weather()) return failure(*down);
    const auto& at = all_.records_.at(id);
    if (at.state != wish && !all_.ask(id, wish))
      return fail(error_kind::conflict, "cloud_refused", "{} to {}", name(at.state), name(wish));
    if (auto lost = reply()) return failure(*lost);
    return {};
  }
  result<void> report(const resource_id& id, lifecycle_state state) override {
    if (auto down = weather()) return failure(*down);
    auto& at = all_.records_.at(id);
    if (state == scrubbing && all_.weather.refuses_scrubbing)
      return fail(error_kind::conflict, "cloud_refused", "its project still has others");
    if (!all_.accepts(at, id.kind, state))
      return fail(error_kind::conflict, "cloud_refused", "{} to {}", name(at.state), name(state));
    const auto before = at.state;
    at.state = state;
    at.updated = all_.time_.wall();
    if (before != state && all_.dice_.chance(all_.weather.loses_state)) lose(id, before, state);
    if (auto lost = reply()) return failure(*lost);
    return {};
  }

 private:
  /// A request that rewrote the whole row brings the old state back, after the state was read back.
  void lose(const resource_id& id, lifecycle_state before, lifecycle_state state) {
    all_.time_.after(all_.dice_.span(milliseconds(1), milliseconds(3000)), [&all = all_, id, before, state] {
      auto& at = all.records_.at(id);
      // A user has asked for something since: then there is nothing to lose.
      if (at.state == state && state != closed && state != scrubbing) at.state = before;
    });
  }
  std::optional<error> weather() {
    if (all_.weather.away || all_.dice_.chance(all_.weather.fails))
      return error{error_kind::transient, "cloud_unreachable", "it is away"};
    return std::nullopt;
  }
  std::optional<error> reply() {
    if (all_.dice_.chance(all_.weather.loses_reply))
      return error{error_kind::transient, "cloud_unreachable", "the reply was lost"};
    return std::nullopt;
  }
  static record_head head(const resource_id& id, const cloud_record& one) {
    return {id, one.state, iso_text(one.updated), "7"};
  }
  sim_cloud& all_;
};

std::unique_ptr<cloud> sim_cloud::open() { return std::make_unique<sim_cloud_client>(*this); }

/// The part of the lifecycle table that the cloud takes from an orchestrator.
bool sim_cloud::accepts(const cloud_record& at, const std::string& kind, lifecycle_state to) const {
  const auto from = at.state;
  if (from == to) return true;
  if (to == scrubbing) return from == scrub_queue || (from == scrub && kind == "disk");
  if (from == unresourced) return class_of(to) == state_class::wants_work;
  if (to == unresourced) return class_of(from) == state_class::in_progress || class_of(from) == state_class::wants_work;
  return row(from).forward == to;
}

void sim_cloud::changed(const resource_id& id) {
  records_.at(id).updated = time_.wall();
  news_.insert(id);
}

resource_id sim_cloud::create(const std::string& kind) {
  const resource_id id{kind, std::to_string(++last_)};
  records_[id];
  changed(id);
  return id;
}

bool sim_cloud::ask(const resource_id& id, lifecycle_state wish) {
  auto& at = records_.at(id);
  const bool may = (at.state == running && (wish == quiesce || wish == scrub)) ||
                   (at.state == quiesced && (wish == restart || wish == scrub)) ||
                   (at.state == scrub_queue && wish == restart);
  if (!may) return false;
  at.state = wish;
  changed(id);
  return true;
}

bool sim_cloud::edit(const resource_id& id) {
  auto& at = records_.at(id);
  if (at.state == closed || at.state == scrub || at.state == scrub_queue || at.state == scrub_prep ||
      at.state == scrubbing)
    return false;
  ++at.value;
  if (at.state == running) at.state = running_update;
  if (at.state == quiesced) at.state = quiesced_update;
  changed(id);
  return true;
}

}  // namespace regent::sim
