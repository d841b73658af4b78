// The CloudCIX dialect as a `cloud`.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "edge/cloud.hpp"
#include "edge/cloud_session.hpp"
#include "edge/cloudcix_pages.hpp"
#include "edge/cloudcix_records.hpp"
#include "edge/cloudcix_wire.hpp"

namespace regent {

/// Kinds that it does not know are a bug error `kind_unknown`, but their listing is empty and says so as a bad record:
/// an operator may have made kinds for which this cloud has no records, and they are in nobody's way.
///
/// Phantom routers: the router's record does not tell them apart, only run_robot does, by naming them in a group of
/// their own. So what changes() sees there is remembered in the session, for all clients, until the other group names
/// the router; and an extra key `phantom` of the record, if it has one, decides over that. After a start, a phantom
/// that is only found by listing is not known as one until it is hinted again.
class cloudcix_cloud final : public cloud {
 public:
  cloudcix_cloud(std::shared_ptr<cloud_session> session, http_address address,
                 std::size_t body_most = limits::cloud_body_bytes);

  result<std::vector<resource_id>> changes() override;
  result<void> acknowledge_changes() override;
  result<cloud_listing> list(const std::string& kind, const std::vector<lifecycle_state>& states) override;
  result<record> read(const resource_id& id) override;
  result<void> report(const resource_id& id, lifecycle_state state) override;
  result<void> ask(const resource_id& id, lifecycle_state wish) override;

 private:
  /// What a read-back found.
  struct found_state {
    bool gone = false;
    lifecycle_state state = ignore;
  };
  /// `rows` has all but how to get a page.
  result<void> read_pages(std::string_view path, const std::string& query, page_reader rows);
  void add_hints(const checked_field& content, const wire_kind& kind, std::vector<resource_id>& to);
  result<void> read_nat(router_facts& facts);
  result<found_state> read_state(const wire_kind& kind, const resource_id& id);
  result<void> report_once(const wire_kind& kind, const resource_id& id, lifecycle_state state, bool& lost);

  std::shared_ptr<cloud_session> session_;
  http_client line_;
  std::set<std::int64_t> hinted_projects_;  ///< since the last acknowledgement
  std::string last_hint_complaint_;         ///< of volumes, so that it is told once
};

}  // namespace regent
