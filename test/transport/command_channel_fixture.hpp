// What the parts of the suite for command channels share: the scripts that are run, a connection, and looks at what a host keeps.
#pragma once

#include <memory>
#include <string>

#include "test/contract/command_channel_suite.hpp"
#include "test/support/catch.hpp"

namespace regent::test {

inline constexpr epoch_number reign = 7;

const test_script& script();
/// With the library of primitives before it, as a real one has.
const test_script& telling_script();

/// A connected channel with its transport, in the order in which they must go.
struct connection {
  explicit connection(const channel_world& world, epoch_number epoch = reign, const std::string& region = "r1")
      : carrier(make_transport(1, region, epoch)), channel(carrier->open(world.endpoint, record.sink())) {}
  run_report run(run_request request) {
    channel->send(request);
    return record.await(request.run, run_status::finished);
  }
  channel_record record;
  std::unique_ptr<transport> carrier;
  std::unique_ptr<command_channel> channel;
};

std::size_t lines_in(const std::string& path);
/// Waits for the script's word that it runs.
long announced_pid(const std::string& file);

std::string runs_of(const channel_world& world);
/// The run's supervisor, from its claim: "claim BOOT PID START EPOCH ."
long supervisor_of(const channel_world& world, const std::string& id);
/// The living runner of the host named `host`, from its mark: "runner.HOST.BOOT.EPOCH.START.PID"
long runner_of(const channel_world& world);

/// As a run that acts on the resource.
run_request on(const std::string& scope, run_request request);

// Parts of check_command_channel: what a host remembers of runs, by test/transport/command_channel_memory.cpp.
void check_once(const channel_world& world, connection& up);
void check_scopes(const channel_world& world, connection& up);
void check_losses(const channel_world& world, connection& up);
void check_epochs(const channel_world& world, connection& up);
void check_refusals(const channel_world& world, connection& up);

}  // namespace regent::test
