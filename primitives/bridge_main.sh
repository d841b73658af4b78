#!/usr/bin/env bash
# ---
# name: bridge_main
# summary: A bridge in the host's own namespace. One that regent did not make is used as it is, and never changed.
# parameters:
#   bridge: {type: interface, required: true, about: its name}
#   owner: {type: mark, required: true, about: "whose it is; stands as its alias"}
#   addresses: {type: list<prefix>, default: [], about: addresses of the host on it}
#   mtu: {type: integer, min: 1280, max: 9216, default: "1500"}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

check_parameters() {
  check interface bridge
  check mark owner
  check prefix addresses
  check integer mtu
}

build() {
  check_parameters
  with_lock "bridge-$bridge" build_locked
  conclude
}

build_locked() {
  local address present
  ensure_bridge "$bridge" "$owner" "$mtu"
  for address in "${addresses[@]}"; do
    present=$(addresses_on_bridge)
    # shellcheck disable=SC2086 # one word per address
    if contains "$address" $present; then continue; fi
    is_ours || fail "bridge $bridge lacks the address $address, and is not regent's to change (its alias is '$seen_alias')"
    must ip address add "$address" dev "$bridge"
    changed "address $address on $bridge"
  done
}

is_ours() { see_link '' "$bridge" && [[ $seen_alias == "$owner" ]]; }

addresses_on_bridge() {
  local lines address
  lines=$(ip -o address show dev "$bridge") || fail "cannot list the addresses of $bridge"
  while builtin read -r _ _ _ address _; do
    if [[ -n $address ]]; then printf '%s\n' "$address"; fi
  done <<<"$lines"
}

read() {
  local ports
  check_parameters
  if ! see_link '' "$bridge"; then
    fact state absent
    return 0
  fi
  if [[ $seen_kind == bridge ]]; then fact state present; else fact state differs; fi
  fact owner "$seen_alias"
  fact ours "$(if [[ $seen_alias == "$owner" ]]; then echo true; else echo false; fi)"
  fact up "$seen_up"
  fact mtu "$seen_mtu"
  ports=$(ip -o link show master "$bridge") || fail "cannot list the ports of bridge $bridge"
  fact ports "$(if [[ -n $ports ]]; then wc -l <<<"$ports"; else echo 0; fi)"
  fact addresses "$(addresses_on_bridge | tr '\n' ' ')"
}

scrub() {
  check_parameters
  with_lock "bridge-$bridge" release_bridge "$bridge" "$owner"
  conclude
}
