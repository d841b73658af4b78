// One physical host: who may act on it, in what order, and what runs on it now.
#pragma once

#include <map>
#include <memory>

#include "actors/context.hpp"
#include "actors/directory.hpp"
#include "actors/host_runs.hpp"
#include "actors/probed.hpp"
#include "region/lease_queue.hpp"

namespace regent {

struct host_state {
  lease_queue leases{1};
  std::map<job_id, lease_asker> askers;  // of leases waited for
  host_runs runs;
  std::map<run_id, lifecycle_actor> owners;
  std::unique_ptr<command_channel> channel;  // destroyed with the state: no call from the I/O threads after that
  host_status status;
};
using host_shell = shell<host_actor, host_state>;

/// `held`: leases that the journal knows of, from earlier reigns. `closed`: how no new job may begin there, if so.
host_actor::behavior_type run_host(host_shell* self, context_ptr context, directory_ptr directory, host_config config,
                                   std::vector<lease> held, std::optional<host_cordoned> closed);

}  // namespace regent
