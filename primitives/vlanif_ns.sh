#!/usr/bin/env bash
# ---
# name: vlanif_ns
# summary: A tenant network's link in a namespace, made down; links_ns sets it up. `prune` removes the links of networks that went.
# parameters:
#   namespace: {type: namespace, required: true}
#   device: {type: interface, required: true, verbs: [build, read, scrub], about: the link's name in the namespace}
#   type:
#     type: choice
#     of: [vlan, vxlan, none]
#     required: true
#     verbs: [build, read, scrub]
#     about: >-
#       vlan: 802.1Q on the parent; vxlan: a tunnel over the parent; none: a bridge on the host for each network, for machines
#       that are on the same host
#   vlan: {type: integer, min: 1, max: 16777215, required: true, verbs: [build, read, scrub], about: the network's number (vlan up to 4094)}
#   parent: {type: interface, default: "", verbs: [build], about: "the host's link under vlan and vxlan"}
#   group: {type: address, default: "", verbs: [build], about: "vxlan: multicast group, used if there are no peers"}
#   peers: {type: list<address>, default: [], verbs: [build], about: "vxlan: the other ends"}
#   port: {type: integer, min: 1, max: 65535, default: "4789", verbs: [build], about: "vxlan: UDP port"}
#   mtu: {type: integer, min: 1280, max: 9216, default: "1500", verbs: [build], about: "of the tenant network; vxlan takes less where its parent carries less"}
#   bridge: {type: interface, default: "", verbs: [build, read, scrub], about: "none: the network's bridge on the host"}
#   host_link: {type: interface, default: "", verbs: [build, read, scrub], about: "none: the other end of the device"}
#   owner: {type: mark, required: true, about: "whose the device is"}
#   bridge_owner: {type: mark, default: "", verbs: [build, scrub], about: "none: whose the bridge is"}
#   keep: {type: list<interface>, default: [], verbs: [prune], about: the devices that stay}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
#   prune: {deadline: 60s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

check_device() {
  check namespace namespace
  check interface device
  check integer vlan
  check mark owner
  is_one_of type vlan vxlan none
  if [[ $type == none ]]; then check interface bridge host_link; fi
}

build() {
  check_device
  check integer mtu port
  check address peers
  given address group
  given interface parent
  need_namespace "$namespace" "$owner"
  case $type in
    vlan) build_vlan ;;
    vxlan) build_vxlan ;;
    none)
      check mark bridge_owner
      with_lock "bridge-$bridge" build_none
      ;;
  esac
  conclude
}

# Whether the device is there and is what is wanted; one of that name that is something else is removed.
fits() { # KIND NUMBER FRAGMENT…: each fragment stands in the line of `ip -d`
  local fragment good=true
  see_link "$namespace" "$device" || return 1
  if [[ $seen_kind != "$1" || $seen_id != "$2" ]]; then good=false; fi
  for fragment in "${@:3}"; do
    if [[ $seen_line != *"$fragment"* ]]; then good=false; fi
  done
  if $good; then return 0; fi
  must ip -n "$namespace" link delete dev "$device"
  changed "removed $device from $namespace: it was another $seen_kind"
  return 1
}

see_parent() {
  see_link '' "$parent" || fail "there is no link $parent on this host for network $vlan"
  parent_index=$seen_index parent_mtu=$seen_mtu
}

build_vlan() {
  check interface parent
  ((vlan <= 4094)) || bad_parameter vlan "$vlan is not a vlan (1 to 4094)"
  see_parent
  if ! fits vlan "$vlan" ": $device@if$parent_index: "; then
    must ip link add link "$parent" name "$device" netns "$namespace" address "$(mac_of "$owner" "$device")" mtu "$mtu" type vlan id "$vlan"
    changed "made $device in $namespace: vlan $vlan on $parent"
    see_link "$namespace" "$device" || fail "$device went away while it was being made"
  fi
  set_mtu "$namespace" "$device" "$mtu"
}

# The tunnel's own packets stay in the host's namespace, where the device is made; the device itself appears in ours.
build_vxlan() {
  local inner options=() fragments=(" dstport $port ")
  parent_mtu=$mtu
  if ((${#peers[@]} == 0)); then
    [[ -n $group && -n $parent ]] || bad_parameter peers 'vxlan needs peers, or a group and a parent'
    options=(group "$group")
    fragments+=(" $group ")
  fi
  if [[ -n $parent ]]; then
    see_parent
    options+=(dev "$parent")
    fragments+=(" dev if$parent_index ")
  fi
  inner=$(inner_mtu)
  if ! fits vxlan "$vlan" "${fragments[@]}"; then
    must ip link add name "$device" netns "$namespace" address "$(mac_of "$owner" "$device")" mtu "$inner" \
      type vxlan id "$vlan" dstport "$port" "${options[@]}"
    changed "made $device in $namespace: vxlan $vlan"
    see_link "$namespace" "$device" || fail "$device went away while it was being made"
  fi
  set_mtu "$namespace" "$device" "$inner"
  if ((${#peers[@]} > 0)); then settle_peers; fi
}

# 50 bytes of outer Ethernet, IPv4, UDP and vxlan headers; IPv6 takes 20 more. Without a parent, what carries the tunnel is
# taken to carry the network's own size.
inner_mtu() {
  local address header=50
  if ((${#peers[@]} == 0)) && [[ $group == *:* ]]; then header=70; fi
  for address in "${peers[@]}"; do
    if [[ $address == *:* ]]; then header=70; fi
  done
  if ((parent_mtu - header < mtu)); then echo $((parent_mtu - header)); else echo "$mtu"; fi
}

settle_peers() {
  local lines words peer present=()
  lines=$(bridge -n "$namespace" fdb show dev "$device") || fail "cannot list the peers of $device"
  while builtin read -ra words; do
    if [[ ${words[0]-} == 00:00:00:00:00:00 && ${words[1]-} == dst ]]; then present+=("${words[2]}"); fi
  done <<<"$lines"
  for peer in "${peers[@]}"; do
    if contains "$peer" "${present[@]}"; then continue; fi
    must bridge -n "$namespace" fdb append 00:00:00:00:00:00 dst "$peer" dev "$device"
    changed "peer $peer of $device"
  done
  for peer in "${present[@]}"; do
    if contains "$peer" "${peers[@]}"; then continue; fi
    must bridge -n "$namespace" fdb delete 00:00:00:00:00:00 dst "$peer" dev "$device"
    changed "removed peer $peer of $device"
  done
}

build_none() {
  ensure_bridge "$bridge" "$bridge_owner" "$mtu"
  fits veth '' || true
  veth_into_bridge "$host_link" "$device" "$namespace" "$bridge" "$owner" "$mtu"
}

read() {
  local kind=$type
  check_device
  if [[ $type == none ]]; then kind=veth; fi
  if ! our_namespace "$namespace" "$owner" || ! see_link "$namespace" "$device"; then
    fact state absent
    return 0
  fi
  fact kind "$seen_kind"
  fact number "$seen_id"
  fact up "$seen_up"
  fact mtu "$seen_mtu"
  if [[ $seen_kind == "$kind" && ($kind == veth || $seen_id == "$vlan") ]]; then
    fact state present
  else
    fact state differs
  fi
}

scrub() {
  check_device
  if [[ $type == none ]]; then
    check mark bridge_owner
    with_lock "bridge-$bridge" scrub_none
  fi
  if our_namespace "$namespace" "$owner" && see_link "$namespace" "$device"; then
    must ip -n "$namespace" link delete dev "$device"
    changed "removed $device from $namespace"
  fi
  conclude
}

scrub_none() {
  remove_veth "$host_link" "$owner"
  release_bridge "$bridge" "$bridge_owner"
}

prune() {
  local link links
  check namespace namespace
  check mark owner
  check interface keep
  if our_namespace "$namespace" "$owner"; then
    links=$(links_of "$namespace")
    for link in $links; do
      if contains "$link" "${keep[@]}"; then continue; fi
      prune_link "$link"
    done
  fi
  conclude
}

# A network of type none takes its bridge along, if that is ours and nobody uses it any more.
prune_link() { # LINK
  local bridge_there=''
  see_link "$namespace" "$1" || return 0
  if [[ $seen_kind == veth ]]; then bridge_there=$(bridge_behind "$seen_index" "$seen_peer"); fi
  must ip -n "$namespace" link delete dev "$1"
  changed "removed $1 from $namespace"
  if [[ -z $bridge_there ]] || ! see_link '' "$bridge_there"; then return 0; fi
  if [[ $seen_alias == "${owner%:*}:network/"* ]]; then
    with_lock "bridge-$bridge_there" release_bridge "$bridge_there" "$seen_alias"
  fi
}

# The bridge in which the other end of a veth of ours is.
bridge_behind() { # INDEX PEER, as seen in the namespace
  local lines number name
  lines=$(ip -o link show type veth) || fail 'cannot list the links of this host'
  while builtin read -r number name _; do
    if [[ $number != "$2:" ]]; then continue; fi
    if see_link '' "${name%%@*}" && [[ $seen_peer == "$1" && $seen_alias == "$owner" ]]; then echo "$seen_master"; fi
  done <<<"$lines"
}
