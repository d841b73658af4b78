#!/usr/bin/env bash
# ---
# name: links_ns
# summary: Sets every link of a namespace (but lo) up or down. Down keeps all configuration but routes.
# parameters:
#   namespace: {type: namespace, required: true}
#   owner: {type: mark, required: true, about: whose the namespace is}
#   state: {type: choice, of: [up, down], required: true, verbs: [build, read]}
# verbs:
#   build: {deadline: 30s}
#   read: {deadline: 15s}
#   scrub: {deadline: 30s}
# ---
# shellcheck disable=SC2154 # parameters arrive as variables

set_links() { # up|down
  local link links
  links=$(links_of "$namespace")
  for link in $links; do
    if ! see_link "$namespace" "$link"; then continue; fi
    if [[ $1 == up && $seen_up == true || $1 == down && $seen_up == false ]]; then continue; fi
    must ip -n "$namespace" link set dev "$link" "$1"
    changed "$link $1 in $namespace"
  done
}

build() {
  check namespace namespace
  check mark owner
  is_one_of state up down
  if our_namespace "$namespace" "$owner"; then
    set_links "$state"
  elif [[ $state == up ]]; then
    need_namespace "$namespace" "$owner"
  fi
  conclude
}

read() {
  local link links wrong=''
  check namespace namespace
  check mark owner
  is_one_of state up down
  if ! our_namespace "$namespace" "$owner"; then
    fact state absent
    return 0
  fi
  links=$(links_of "$namespace")
  for link in $links; do
    if ! see_link "$namespace" "$link"; then continue; fi
    if [[ $state == up && $seen_up == false || $state == down && $seen_up == true ]]; then wrong+="$link "; fi
  done
  if [[ -n $wrong ]]; then fact state differs; else fact state present; fi
  fact "not_$state" "$wrong"
}

scrub() {
  check namespace namespace
  check mark owner
  if our_namespace "$namespace" "$owner"; then set_links down; fi
  conclude
}
