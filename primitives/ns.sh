#!/usr/bin/env bash
# ---
# name: ns
# summary: A network namespace that forwards IPv4 and IPv6.
# parameters:
#   namespace: {type: namespace, required: true, about: its name}
#   owner: {type: mark, required: true, about: "whose it is; stands as the alias of its lo"}
#   adopt: {type: boolean, default: "false", verbs: [build], about: take over a namespace of that name that regent did not make}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

settings=(
  ipv4/ip_forward=1
  ipv6/conf/all/forwarding=1
  ipv6/conf/all/keep_addr_on_down=1   # quiescing sets links down, and must not lose addresses
  ipv4/conf/all/promote_secondaries=1 # removing one address must not take its neighbours along
  ipv4/conf/all/arp_notify=1          # neighbours learn at once which node of a pair holds an address
  ipv6/conf/all/ndisc_notify=1
)

build() {
  check namespace namespace
  check mark owner
  check boolean adopt
  if namespace_exists "$namespace"; then
    claim
  else
    make
  fi
  apply_settings
  see_link "$namespace" lo || fail "namespace $namespace has no lo"
  if ! $seen_up; then
    must ip -n "$namespace" link set dev lo up
    changed "lo up in $namespace"
  fi
  conclude
}

claim() {
  see_link "$namespace" lo || fail "namespace $namespace has no lo"
  if [[ $seen_alias == "$owner" ]]; then return 0; fi
  $adopt || fail "namespace $namespace is there and is not regent's (the alias of its lo is '$seen_alias', not '$owner'):" \
    "remove it, or set policies.adopt_existing to take it over"
  must ip -n "$namespace" link set dev lo alias "$owner"
  changed "adopted namespace $namespace"
}

# The namespace gets its mark first and its name last: if we die in between, it goes with the process that holds it.
make() {
  local word=''
  if [[ -f /run/netns/$namespace ]]; then must rm -f "/run/netns/$namespace"; fi
  # shellcheck disable=SC2016 # the inner shell expands
  coproc holder { exec unshare --net -- bash -c 'ip link set dev lo alias "$1" && echo ready && builtin read -r _' _ "$owner"; }
  # shellcheck disable=SC2154 # bash sets holder_PID
  local pid=$holder_PID
  builtin read -r word <&"${holder[0]}" || true
  [[ $word == ready ]] || fail "cannot make a network namespace"
  must ip netns attach "$namespace" "$pid"
  kill "$pid" 2>/dev/null || true
  changed "made namespace $namespace"
}

apply_settings() {
  local setting key value now
  for setting in "${settings[@]}"; do
    key=/proc/sys/net/${setting%=*} value=${setting#*=}
    now=$(in_namespace "$namespace" cat "$key") || fail "cannot read $key in namespace $namespace"
    if [[ $now == "$value" ]]; then continue; fi
    # shellcheck disable=SC2016 # the inner shell expands
    must in_namespace "$namespace" bash -c 'printf "%s\n" "$2" >"$1"' _ "$key" "$value"
    changed "$key = $value in $namespace"
  done
}

read() {
  check namespace namespace
  check mark owner
  if ! namespace_exists "$namespace"; then
    fact state absent
    return 0
  fi
  fact state present
  see_link "$namespace" lo || fail "namespace $namespace has no lo"
  fact owner "$seen_alias"
  fact ours "$(if [[ $seen_alias == "$owner" ]]; then echo true; else echo false; fi)"
  fact links "$(links_of "$namespace" | tr '\n' ' ')"
  fact ipv4_forwarding "$(in_namespace "$namespace" cat /proc/sys/net/ipv4/ip_forward)"
  fact ipv6_forwarding "$(in_namespace "$namespace" cat /proc/sys/net/ipv6/conf/all/forwarding)"
}

# Links go first: a process that somebody left in the namespace keeps it alive without its name, and must not keep it connected.
scrub() {
  local link links
  check namespace namespace
  check mark owner
  if ! namespace_exists "$namespace"; then
    unchanged
    return 0
  fi
  see_link "$namespace" lo || fail "namespace $namespace has no lo"
  if [[ $seen_alias != "$owner" ]]; then
    left_alone "namespace $namespace, which is not regent's (the alias of its lo is '$seen_alias', not '$owner')"
    unchanged
    return 0
  fi
  links=$(links_of "$namespace")
  for link in $links; do
    if ! see_link "$namespace" "$link"; then continue; fi # the other end of a pair may have taken it along
    must ip -n "$namespace" link delete dev "$link"
  done
  must ip netns delete "$namespace"
  changed "removed namespace $namespace"
  conclude
}
