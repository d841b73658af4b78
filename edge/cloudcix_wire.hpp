// The CloudCIX dialect on the wire: state numbers, kinds and envelopes. Nothing outside the dialect knows these.
// Source: the CloudCIX IaaS API, v3.3.2 (github.com/CloudCIX/iaas), as it answers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "edge/http_client.hpp"
#include "region/json.hpp"
#include "region/lifecycle_table.hpp"

namespace regent {

struct wire_state {
  int number;
  lifecycle_state state;
};

inline constexpr std::array<wire_state, lifecycle_state_count> wire_states{{
    {0, ignore},           {1, requested},          {2, building},   {3, unresourced}, {4, running},
    {5, quiesce},          {6, quiesced},           {7, restart},    {8, scrub},       {9, scrub_queue},
    {10, running_update},  {11, running_updating},  {12, quiescing}, {13, restarting}, {14, scrub_prep},
    {15, quiesced_update}, {16, quiesced_updating}, {17, scrubbing}, {99, closed},
}};

/// The number that the cloud uses for a state. Never fails: the table has every state (a test checks it).
int wire_number(lifecycle_state state);
std::optional<lifecycle_state> state_of_wire(std::int64_t number);

/// `now` is where a user may have gone from `reported` since we reported it (4→5, 8, 10; 6→7, 8, 15; 9→7; 99→7 by
/// restoring the project; a volume also 4→6 by detaching it and 6→4 by attaching it): our report did arrive then.
bool is_users_move(std::string_view kind, lifecycle_state reported, lifecycle_state now);

/// One kind of resource of this cloud.
struct wire_kind {
  std::string_view kind;        ///< regent's name of it
  std::string_view path;        ///< relative to the base address, with its final '/'
  std::string_view list_query;  ///< what a listing needs besides filter and page, encoded; may be empty
  std::string_view hints;       ///< its group in run_robot's content
  std::string_view
      hints_ordered;  ///< its group in run_robot's content.resource: ordered by `updated`, without phantoms
  std::string_view hints_phantom;  ///< the same for phantoms; may be empty
};

inline constexpr std::string_view router_kind = "virtual_router";

inline constexpr std::string_view volume_kind = "ceph";

/// A router is read field by field (edge/cloudcix_records.hpp); a volume's document is what the cloud sends
/// (edge/cloudcix_plain.hpp), for a kind file of the operator's. Snapshots, backups and VMs are not here: the cloud refuses their
/// states by those of others, closes some with others, and wants more of them than a state.
inline constexpr std::array<wire_kind, 2> wire_kinds{{
    {router_kind, "virtual_router/", "", "virtual_routers", router_kind, "virtual_router_phantom"},
    {volume_kind, "ceph/", "", volume_kind, volume_kind, ""},
}};

const wire_kind* find_wire_kind(std::string_view kind);

/// A page of a list. The rows live as long as the document.
struct wire_page {
  json_document document;
  const rapidjson::Value* rows = nullptr;  ///< an array
  std::int64_t limit = 0;                  ///< as the cloud understood it
  std::int64_t total = 0;                  ///< records that match, on all pages
};

/// Reads an answer to `what` as page number `page`. Errors: as answer_error; transient `cloud_malformed` for anything
/// that is not such an envelope; permanent `cloud_filter_ignored` if the cloud warns: then this is the wrong list.
result<wire_page> parse_wire_page(const std::string& what, const http_reply& answer, int page);

/// The object in `content` of an answer with one record.
struct wire_record {
  json_document document;
  const rapidjson::Value* content = nullptr;  ///< an object
};

/// Errors: as answer_error; transient `cloud_malformed`.
result<wire_record> parse_wire_record(const std::string& what, const http_reply& answer);

}  // namespace regent
