// The seam to a cloud. Calls block, each with a deadline; an object belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "region/record.hpp"
#include "region/region_config.hpp"

namespace regent {

/// One record that could not be read: named, and in nobody's way.
struct bad_record {
  std::string id;     ///< "virtual_router/12"; "virtual_router/?" if even the id is missing; "lamp/*" for a whole kind
  std::string field;  ///< dot path
  std::string why;
};

struct cloud_listing {
  std::vector<record_head> heads;
  std::vector<bad_record> bad;
};

class cloud {
 public:
  virtual ~cloud() = default;
  /// Resources that may have work. A hint only: news can be missing, repeated or lost by the cloud itself.
  virtual result<std::vector<resource_id>> changes() = 0;
  /// Takes back the hint's project flags where the dialect has such a call. After the work was taken.
  virtual result<void> acknowledge_changes() = 0;
  /// Every resource of `kind` in one of `states`, complete: all pages, or an error; never a part of the truth.
  virtual result<cloud_listing> list(const std::string& kind, const std::vector<lifecycle_state>& states) = 0;
  /// One whole record. Errors: permanent `cloud_not_found`, permanent `record_malformed` naming id and field.
  virtual result<record> read(const resource_id& id) = 0;
  /// Tells the cloud the state, reads it back, and writes it again if the server lost it. Reaching a state that it
  /// already has is success. Errors: conflict `cloud_refused` with the cloud's own code and words; transient for
  /// anything else.
  virtual result<void> report(const resource_id& id, lifecycle_state state) = 0;
  /// Asks for it as a user of the cloud would. One that it has already, or that is being done, is success. Errors: conflict `cloud_refused`
  /// with the cloud's own code and words; permanent `cloud_no_user` if the region file names no account for it; transient for
  /// anything else.
  virtual result<void> ask(const resource_id& id, lifecycle_state wish) = 0;
};

/// The client for `config.dialect`. The seed is for jitter. Errors: permanent `dialect_unknown`.
/// Clients made with the same `session` share login, request rate and circuit breaker.
class cloud_session;
std::shared_ptr<cloud_session> make_cloud_session(const cloud_config& config, const clock& time);
result<std::unique_ptr<cloud>> make_cloud(const cloud_config& config, std::shared_ptr<cloud_session> session);
/// For shutdown, from any thread: calls that are under way and all later ones end at once with transient
/// `cloud_stopped`.
void stop_cloud_session(cloud_session& session);

}  // namespace regent
