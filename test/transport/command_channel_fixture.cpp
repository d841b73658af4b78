#include "test/transport/command_channel_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace regent::test {

const test_script& script() {
  static const test_script made = make_script(R"(
set -euo pipefail
say() { printf '%s' "$text"; printf '<%s>' "${list[@]}"; printf 'warn\n' >&2; }
leave() { exit "$code"; }
count() { printf 'x\n' >>"$file"; }
announce() { printf '%s\n' "$BASHPID" >"$file.new"; mv "$file.new" "$file"; }
wait_for() { announce; while [ ! -e "$gate" ]; do sleep 0.02; done; printf 'through\n'; }
stubborn() {
  trap '' TERM
  (trap '' TERM; announce; while :; do sleep 0.02; done) &
  while :; do sleep 0.02; done
}
flood() { while :; do printf '%01000d' 0; done; }
flood_a_little() { head -c 300000 /dev/zero | tr '\0' e >&2; printf end; }
leave_child() { sleep 600 & printf '%s\n' "$!" >"$file"; }
leave_daemon() {
  setsid sleep 600 &
  until read -r _ _ _ _ _ session _ <"/proc/$!/stat" && [ "$session" = "$!" ]; do sleep 0.01; done
  printf '%s\n' "$!" >"$file"
  printf 'started\n'
}
silent() { exec >&- 2>&-; sleep 0.3; exit 9; }
environment() { env; }
state() { pwd; umask; printf '%s\n' "$-" "${0}" "$#"; cat; }
)");
  return made;
}

const test_script& telling_script() {
  static const test_script made = make_script(file_text("primitives/library.sh") + R"(
announce() { printf '%s\n' "$BASHPID" >"$file.new"; mv "$file.new" "$file"; }
wait_for() { while [[ ! -e $1 ]]; do sleep 0.02; done; }
tell() {
  progress "$percent" "$words"
  announce
  wait_for "$gate"
  progress 80 'the second half'
  wait_for "$gate.2"
  printf 'through\n'
}
tell_and_hang() {
  progress "$percent" "$words"
  trap '' TERM
  announce
  wait_for "$gate"
}
keep_talking() {
  local i
  for ((i = 0; i < words; i++)); do
    progress - "$i"
    sleep 0.3
  done
}
flood() {
  local i
  for ((i = 0; ; i++)); do progress - "word $i"; done
}
raw() {
  printf %s "$text" >"$REGENT_STATE_DIR/runs/$REGENT_RUN.progress"
  announce
  wait_for "$gate"
}
fifo() {
  mkfifo "$REGENT_STATE_DIR/runs/$REGENT_RUN.progress"
  announce
  wait_for "$gate"
}
)");
  return made;
}

std::size_t lines_in(const std::string& path) {
  const std::string text = file_text(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

long announced_pid(const std::string& file) {
  REQUIRE(eventually([&] { return lines_in(file) == 1; }));
  return std::stol(file_text(file));
}

std::string runs_of(const channel_world& world) { return world.endpoint.state_directory + "/r1/runs/"; }

long supervisor_of(const channel_world& world, const std::string& id) {
  std::istringstream claim(file_text(runs_of(world) + id));
  std::string word, boot;
  long pid = 0;
  claim >> word >> boot >> pid;
  return pid;
}

long runner_of(const channel_world& world) {
  for (const auto& each : std::filesystem::directory_iterator(world.endpoint.state_directory + "/r1")) {
    const std::string name = each.path().filename();
    if (!name.starts_with("runner.host.")) continue;
    const long pid = std::stol(name.substr(name.rfind('.') + 1));
    if (process_alive(pid)) return pid;
  }
  return 0;
}

run_request on(const std::string& scope, run_request request) {
  request.scope = scope;
  return request;
}

}  // namespace regent::test
