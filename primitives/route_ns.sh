#!/usr/bin/env bash
# ---
# name: route_ns
# summary: A route of a namespace. Ours carry the protocol number 201; `prune` removes those of ours that are not wanted.
# parameters:
#   namespace: {type: namespace, required: true}
#   owner: {type: mark, required: true, about: whose the namespace is}
#   destination: {type: network, required: true, verbs: [build, read, scrub], about: "0.0.0.0/0 and ::/0 are the default route"}
#   gateway: {type: address, required: true, verbs: [build, read, scrub]}
#   metric: {type: integer, min: 0, max: 2147483647, default: "100", verbs: [build, read, scrub]}
#   keep:
#     type: table
#     default: []
#     verbs: [prune]
#     columns: {destination: {type: network}, gateway: {type: address}, metric: {type: integer, min: 0, max: 2147483647, default: "100"}}
#     same_family: [[destination, gateway]]
#     about: what stays
# same_family: [[destination, gateway]]
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
#   prune: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

# How `ip route` writes a destination.
route_form() { # DESTINATION
  case $1 in
    0.0.0.0/0 | ::/0) echo default ;;
    *:*/128) echo "${1%/128}" ;;
    *:*) echo "$1" ;;
    */32) echo "${1%/32}" ;;
    *) echo "$1" ;;
  esac
}

# DESTINATION GATEWAY METRIC as `ip route` will show them: to IPv6, metric 0 means 1024.
route_line() { # DESTINATION GATEWAY METRIC
  local number=$3
  if [[ $1 == *:* && $3 == 0 ]]; then number=1024; fi
  echo "$(route_form "$1") $2 $number"
}

# DESTINATION GATEWAY METRIC of each of our routes, one per line, in the words of `ip route`.
our_routes() { # FAMILY
  local lines words word previous destination gateway number
  lines=$(ip -n "$namespace" -o "-$1" route show proto "$regent_route_protocol") ||
    fail "cannot list the routes of namespace $namespace"
  while builtin read -ra words; do
    if ((${#words[@]} == 0)); then continue; fi
    destination=${words[0]} gateway='' number=0 previous=''
    for word in "${words[@]}"; do
      case $previous in
        via) gateway=$word ;;
        metric) number=$word ;;
      esac
      previous=$word
    done
    printf '%s %s %s\n' "$destination" "$gateway" "$number"
  done <<<"$lines"
}

check_route() {
  check namespace namespace
  check mark owner
  check network destination
  check address gateway
  check integer metric
  same_family "$destination" "$gateway" || bad_parameter gateway "$gateway is not of the family of $destination"
}

has_route() {
  local lines wanted
  lines=$(our_routes "$(family_of "$destination")")
  wanted=$(route_line "$destination" "$gateway" "$metric")
  [[ $'\n'$lines$'\n' == *$'\n'"$wanted"$'\n'* ]]
}

build() {
  local foreign family
  check_route
  need_namespace "$namespace" "$owner"
  if has_route; then
    unchanged
    return 0
  fi
  family=$(family_of "$destination")
  foreign=$(ip -n "$namespace" -o "-$family" route show exact "$destination" metric "$metric") ||
    fail "cannot list the routes of namespace $namespace"
  [[ -z $foreign || $foreign == *" proto $regent_route_protocol "* ]] ||
    fail "namespace $namespace has a route to $destination with metric $metric that is not regent's: $foreign"
  must ip -n "$namespace" "-$family" route replace "$destination" via "$gateway" metric "$metric" proto "$regent_route_protocol"
  changed "route to $destination by $gateway, metric $metric, in $namespace"
  conclude
}

read() {
  check_route
  if our_namespace "$namespace" "$owner" && has_route; then fact state present; else fact state absent; fi
}

scrub() {
  local there by number
  check_route
  if our_namespace "$namespace" "$owner" && has_route; then
    builtin read -r there by number <<<"$(route_line "$destination" "$gateway" "$metric")"
    remove_route "$there" "$by" "$number"
  fi
  conclude
}

remove_route() { # DESTINATION GATEWAY METRIC
  must ip -n "$namespace" "-$(family_of "$2")" route delete "$1" via "$2" metric "$3" proto "$regent_route_protocol"
  changed "removed the route to $1 by $2, metric $3, from $namespace"
}

prune() {
  local family lines line row there gateway_there metric_there
  local -A wanted=()
  check namespace namespace
  check mark owner
  check_table keep destination gateway metric
  check network keep_destination
  check address keep_gateway
  check integer keep_metric
  if ! our_namespace "$namespace" "$owner"; then
    unchanged
    return 0
  fi
  for ((row = 0; row < keep_count; row++)); do
    line=$(route_line "${keep_destination[row]}" "${keep_gateway[row]}" "${keep_metric[row]}")
    wanted["$line"]=1
  done
  for family in 4 6; do
    lines=$(our_routes "$family")
    while builtin read -r there gateway_there metric_there; do
      if [[ -z $there || -n ${wanted["$there $gateway_there $metric_there"]-} ]]; then continue; fi
      remove_route "$there" "$gateway_there" "$metric_there"
    done <<<"$lines"
  done
  conclude
}
