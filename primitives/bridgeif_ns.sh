#!/usr/bin/env bash
# ---
# name: bridgeif_ns
# summary: A link of a namespace into a bridge of the host. It is made down; links_ns sets it up.
# parameters:
#   bridge: {type: interface, required: true, verbs: [build, read], about: the bridge}
#   namespace: {type: namespace, required: true, verbs: [build, read]}
#   link: {type: interface, required: true, verbs: [build, read], about: its name in the namespace}
#   host_link: {type: interface, required: true, about: the name of its other end on the host}
#   owner: {type: mark, required: true, about: "whose it is; stands as the alias of the host's end"}
#   bridge_owner: {type: mark, default: "", verbs: [build], about: "makes the bridge anew under this mark, if it has gone meanwhile"}
#   mtu: {type: integer, min: 1280, max: 9216, default: "1500", verbs: [build]}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

build() {
  check interface bridge link host_link
  check namespace namespace
  check mark owner
  check integer mtu
  given mark bridge_owner
  need_namespace "$namespace" "$owner"
  with_lock "bridge-$bridge" build_locked
  conclude
}

is_bridge() { see_link '' "$bridge" && [[ $seen_kind == bridge ]]; }

build_locked() {
  if [[ -n $bridge_owner ]]; then
    ensure_bridge "$bridge" "$bridge_owner" "$mtu"
  else
    is_bridge || fail "there is no bridge $bridge on this host"
  fi
  veth_into_bridge "$host_link" "$link" "$namespace" "$bridge" "$owner" "$mtu"
}

read() {
  local state=present index
  check interface bridge link host_link
  check namespace namespace
  check mark owner
  if ! see_link '' "$host_link"; then
    fact state absent
    return 0
  fi
  fact owner "$seen_alias"
  fact ours "$(if [[ $seen_alias == "$owner" ]]; then echo true; else echo false; fi)"
  fact bridge "$seen_master"
  index=$seen_index
  if [[ $seen_master != "$bridge" || $seen_alias != "$owner" ]]; then state=differs; fi
  if our_namespace "$namespace" "$owner" && see_link "$namespace" "$link" && [[ $seen_peer == "$index" ]]; then
    fact up "$seen_up"
  else
    state=differs
  fi
  fact state "$state"
}

scrub() {
  check interface host_link
  check mark owner
  remove_veth "$host_link" "$owner"
  conclude
}
