#!/usr/bin/env bash
# ---
# name: network_ns
# summary: An address on a link of a namespace. `prune` removes every other address from the namespace's links.
# parameters:
#   namespace: {type: namespace, required: true}
#   owner: {type: mark, required: true, about: whose the namespace is}
#   device: {type: interface, required: true, verbs: [build, read, scrub]}
#   address: {type: prefix, required: true, verbs: [build, read, scrub], about: with its prefix length}
#   keep: {type: table, default: [], verbs: [prune], columns: {device: {type: interface}, address: {type: prefix}}, about: what stays}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
#   prune: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

# DEVICE ADDRESS, one pair per line; link-local addresses of IPv6 are the kernel's own.
addresses_in_namespace() {
  local lines device family address rest
  lines=$(ip -n "$namespace" -o address show) || fail "cannot list the addresses of namespace $namespace"
  while builtin read -r _ device family address rest; do
    if [[ $device == lo || $family != inet* ]]; then continue; fi
    if [[ $family == inet6 && $rest == 'scope link'* ]]; then continue; fi
    printf '%s %s\n' "$device" "$address"
  done <<<"$lines"
}

has_address() {
  local lines
  lines=$(addresses_in_namespace)
  [[ $'\n'$lines$'\n' == *$'\n'"$device $address"$'\n'* ]]
}

build() {
  check namespace namespace
  check mark owner
  check interface device
  check prefix address
  need_namespace "$namespace" "$owner"
  if ! has_address; then
    # Nobody else has the address (the cloud gives it out once), and waiting for duplicate detection would delay the router.
    if [[ $address == *:* ]]; then
      must ip -n "$namespace" address add "$address" dev "$device" nodad
    else
      must ip -n "$namespace" address add "$address" dev "$device"
    fi
    changed "address $address on $device in $namespace"
  fi
  conclude
}

read() {
  check namespace namespace
  check mark owner
  check interface device
  check prefix address
  if our_namespace "$namespace" "$owner" && has_address; then fact state present; else fact state absent; fi
}

scrub() {
  check namespace namespace
  check mark owner
  check interface device
  check prefix address
  if our_namespace "$namespace" "$owner" && has_address; then
    must ip -n "$namespace" address delete "$address" dev "$device"
    changed "removed $address from $device in $namespace"
  fi
  conclude
}

prune() {
  local present_device present_address lines row
  local -A wanted=()
  check namespace namespace
  check mark owner
  check_table keep device address
  check interface keep_device
  check prefix keep_address
  if ! our_namespace "$namespace" "$owner"; then
    unchanged
    return 0
  fi
  for ((row = 0; row < keep_count; row++)); do
    wanted["${keep_device[row]} ${keep_address[row]}"]=1
  done
  lines=$(addresses_in_namespace)
  while builtin read -r present_device present_address; do
    if [[ -z $present_device || -n ${wanted["$present_device $present_address"]-} ]]; then continue; fi
    must ip -n "$namespace" address delete "$present_address" dev "$present_device"
    changed "removed $present_address from $present_device in $namespace"
  done <<<"$lines"
  conclude
}
